"""Optimising the pixels of a picture: parameters, optimiser, schedule and loop."""
