"""The rules of one event's stock, a file for each kind of thing one may ask.

Each rule reads as one column of refusals in the contract's order of precedence, then
the change and the reply: after the last refusal the command must succeed. A rule
changes nothing.
"""
