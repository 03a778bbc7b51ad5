"""Stacks: a loop around the engine, and the files and stores that stacks are read from and kept in."""
