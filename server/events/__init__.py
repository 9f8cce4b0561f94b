"""The catalogue of events: what is told of them beside their sale."""
