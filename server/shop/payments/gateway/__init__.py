"""The test gateway: a process of its own that takes money which nobody has.

Purpose: the other side of a payment, as bad as one can be, for the demo, for trying
things out, and for tests. Sessions have a page where a buyer pays, declines, or pays
too late; webhooks are signed, and may come twice, in another order, late or never.
"""
