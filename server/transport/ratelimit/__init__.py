"""Limits on requests: token buckets and sliding windows."""
