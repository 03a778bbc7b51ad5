"""The method: VGG-19 features, losses, L-BFGS and the schedule. Knows nothing of napari or Qt."""
