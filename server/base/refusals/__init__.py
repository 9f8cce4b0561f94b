"""What services refuse, whoever asks them."""
