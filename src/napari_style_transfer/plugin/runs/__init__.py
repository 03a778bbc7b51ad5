"""Runs: threads, their messages, and how the user steers them."""
