"""Events as they are made, edited, listed and found."""
