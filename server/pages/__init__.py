"""The pages that browsers load: `serve.py` says which, and hands them out."""
