"""What providers of payment tell by themselves."""
