"""The method: settings and two pictures in, steps out. Knows neither napari nor Qt."""

import os

# Asks torch for large pages on Linux: a fifth of an evaluation went into the system's small ones. It
# must be said before torch allocates for the first time, and does no harm where it comes late.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
