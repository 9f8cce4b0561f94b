"""The line of an event: waiting room before the sale, waitlist after it is sold out."""
