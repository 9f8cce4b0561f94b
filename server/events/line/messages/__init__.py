"""What those who manage an event tell those who wait in its line."""
