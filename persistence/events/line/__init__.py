"""The line of an event in the database: its opening, and who joined, left or waits."""
