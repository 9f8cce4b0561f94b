"""The stock of one event, and the actor that owns it."""
