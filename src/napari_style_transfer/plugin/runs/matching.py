"""The thread of a match: colours or stains of one layer, given to another in its own type."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

from napari_style_transfer.engine.libraries import load_libraries, no_collections
from napari_style_transfer.errors import ContentError
from napari_style_transfer.io.micrographs import Micrograph, micrograph_of
from napari_style_transfer.plugin.inputs.match_job import MatchJob
from napari_style_transfer.plugin.inputs.slicing import read
from napari_style_transfer.plugin.inputs.snapshot import Snapshot
from napari_style_transfer.plugin.runs.messages import Matched
from napari_style_transfer.steering import Steering


def match_picture(
    job: MatchJob, _: Callable[[], bool], __: threading.Event, ___: Steering
) -> Generator[Matched, None, Matched]:
    """Match a picture; see :func:`~napari_style_transfer.plugin.runs.worker.paint`."""
    load_libraries()
    with no_collections():
        from napari_style_transfer.augment.ways import match

    image, style = _micrograph(job.content), _micrograph(job.style)
    try:
        planes = match(image, style, job.way, job.strength)
    except ContentError as error:
        raise ContentError(f"Layer '{job.content.name}': {error}") from None
    return Matched(image.array(planes))
    yield  # it has one message only, its outcome


def _micrograph(frozen: Snapshot) -> Micrograph:
    values = read(frozen.values, frozen.name)
    return micrograph_of(values, frozen.rgb, f"Layer '{frozen.name}'")
