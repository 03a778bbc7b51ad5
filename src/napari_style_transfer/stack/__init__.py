"""Stacks: a loop around a method, and the places that results are kept in."""
