"""From layers to arrays: frozen on the main thread, read off it."""
