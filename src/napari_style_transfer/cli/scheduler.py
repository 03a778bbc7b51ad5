"""The scheduler that a command names, connected while it runs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from napari_style_transfer.cli.report import complain
from napari_style_transfer.settings import Settings


@contextlib.contextmanager
def client_of(scheduler: str | None, settings: Settings) -> Iterator[Any]:
    """Connect to a scheduler, and give a client of it; None where none is named.

    Parameters
    ----------
    scheduler
        As :func:`~napari_style_transfer.cluster.connect.connected` takes it.
    settings
        What will be painted.

    Raises
    ------
    InputError
        If there is no such scheduler, or its workers cannot do it.
    """
    if scheduler is None:
        yield None
        return
    from napari_style_transfer.cluster.connect import connected

    logging.getLogger("distributed").setLevel(
        logging.CRITICAL
    )  # what matters is said in a sentence
    with connected(scheduler, settings) as client:
        if not client.nthreads():
            complain(f"The scheduler {scheduler} has no workers yet; waiting for them.")
        yield client
