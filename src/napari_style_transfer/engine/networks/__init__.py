"""Networks: their architecture and their parameters."""
