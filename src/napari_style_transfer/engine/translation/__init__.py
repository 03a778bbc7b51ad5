"""Learning to translate pictures between two domains without pairs."""
