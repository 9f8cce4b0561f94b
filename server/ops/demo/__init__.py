"""`onsale demo`: a server, an arena, a sale and simulated buyers, to watch.

Purpose: show the whole thing working and prove it at the end. The server runs as a
child process exactly as `onsale serve` starts it; the buyers are real websocket clients
in another process and know nothing but the contract; the command in the terminal only
starts, shows and compares.

Lifecycle: both children end with the demo, on Linux even after `kill -9`.

Invariants: whatever the buyers were told is compared with the receipt of the audit.

Imports: aiohttp, msgspec, rich; the arena of inventory; the data directory and the
receipt of persistence; how receipts are checked, and no other part of the server.
"""
