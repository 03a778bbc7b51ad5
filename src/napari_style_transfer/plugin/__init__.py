"""Everything that touches napari, magicgui or Qt."""
