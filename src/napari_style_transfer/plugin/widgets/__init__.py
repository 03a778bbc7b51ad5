"""Widgets: all that is seen."""
