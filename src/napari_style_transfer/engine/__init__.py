"""The method: settings and two pictures in, steps out. Knows neither napari nor Qt."""
