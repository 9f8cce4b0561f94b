"""Operation: description of the API, health, demo, commands, processes."""
