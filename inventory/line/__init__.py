"""The line in front of a sale, and the waitlist behind it, which are one thing."""
