"""What leaves us in the simulated worlds: notices, mails, webhooks of organisers.

Followers, rounds, senders and what asks the tables are what ships. The tables are made
here, and those at the other end, who say yes, no, later or nothing. A process dies
between any two steps of a sender.
"""
