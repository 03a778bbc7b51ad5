"""Defaults that the user keeps in napari's Preferences."""

from __future__ import annotations

#: Name of the distribution, under which napari keeps a plugin's preferences.
PLUGIN = "napari-style-transfer"


def preferred() -> dict[str, str]:
    """Return the preferred values of parameters, by name; empty where napari keeps none.

    napari has such preferences since 0.9, and only for a plugin that is installed.
    """
    try:
        from napari.settings import get_plugin_settings

        preferences = get_plugin_settings(PLUGIN)
    except (ImportError, KeyError):
        return {}
    computing = preferences.computing
    return {"device": computing.device, "weights": computing.weights.strip() or "oxford"}
