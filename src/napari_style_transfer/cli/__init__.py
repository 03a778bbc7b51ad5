"""The command ``napari-style-transfer``."""
