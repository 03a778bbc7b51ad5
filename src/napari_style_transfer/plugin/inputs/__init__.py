"""Layers become arrays: frozen on the main thread, computed in the thread of the run."""
