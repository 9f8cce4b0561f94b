"""The contract over real sockets, each way in, on servers that these tests share."""
