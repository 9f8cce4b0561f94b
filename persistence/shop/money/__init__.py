"""Tables of money: on what terms an event sells, and the ledger."""
