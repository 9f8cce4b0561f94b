"""Lets the followers of the journal go on where something was committed."""
