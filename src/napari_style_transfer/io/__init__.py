"""Pictures, labels, stacks and text: read from files and written to them. Loads no torch."""
