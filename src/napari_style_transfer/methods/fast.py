"""Painting by a fast style: one pass, no evaluations of the objective."""
