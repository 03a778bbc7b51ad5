"""Runs: threads, what steers them, and what they say."""
