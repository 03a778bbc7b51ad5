"""PyAV, which reads and writes movies; it comes with the extra ``movie``, and is loaded when asked for."""

from __future__ import annotations

import importlib.util
from typing import Any

from napari_style_transfer.errors import InputError


def check_av() -> None:
    """Raise :class:`InputError` if PyAV is not installed; it is not loaded."""
    if importlib.util.find_spec("av") is None:
        raise InputError(
            'Movies need PyAV; install it with: pip install "napari-style-transfer[movie]".'
        )


def load_av() -> Any:
    """Return PyAV; raises :class:`InputError` where it is not installed."""
    check_av()
    import av

    return av
