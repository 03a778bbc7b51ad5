"""Learning a network that paints in one pass: its crops, its targets and its steps."""
