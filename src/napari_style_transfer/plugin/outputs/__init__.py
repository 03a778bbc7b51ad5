"""From arrays to layers and files."""
