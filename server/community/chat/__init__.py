"""Chat: rooms of events and of orders, live on the websocket."""
