"""The pictures that a command names, read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from napari_style_transfer import samples
from napari_style_transfer.cli.names import SAMPLE
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.labels import read_labels
from napari_style_transfer.io.pictures import Colours, ValueRange, read_picture
from napari_style_transfer.io.windows import PictureWindows, open_picture
from napari_style_transfer.recipe import RegionsEntry, StyleEntry
from napari_style_transfer.spec import Region, Regions, Style, styles_of

if TYPE_CHECKING:
    from napari_style_transfer.cli.job import Job
    from napari_style_transfer.methods.fast import Fast


def load(source: str, value_range: ValueRange | None = None) -> Colours:
    """Return the picture of a file or a sample, as :func:`~napari_style_transfer.read_picture` does."""
    if source.startswith(SAMPLE):
        return read_picture(samples.load(source.removeprefix(SAMPLE)), value_range=value_range)
    return read_picture(source, value_range=value_range)


def open_content(source: str, value_range: ValueRange | None = None) -> PictureWindows:
    """Open the picture of a file or a sample to read its parts, without a float copy of it."""
    picture = samples.load(source.removeprefix(SAMPLE)) if source.startswith(SAMPLE) else source
    return open_picture(picture, value_range=value_range)


def load_fast(job: Job) -> Fast | None:
    """Return the method of the fast style that a job names, if it does."""
    if job.fast is None:
        return None
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.methods.fast import Fast

    fast_style = FastStyle.load(job.styles[0].picture)
    return Fast(fast_style, shares=job.fast.shares or None, own_size=job.fast.own_size)


def load_styles(notes: Iterable[StyleEntry]) -> tuple[Style, ...]:
    """Return the styles that are noted, their pictures read; one of them has a share."""
    return styles_of(
        [
            Style(
                load(note.picture),
                note.share,
                note.scale,
                note.angle,
                None if note.mask is None else read_labels(note.mask),
            )
            for note in notes
        ]
    )


def load_regions(note: RegionsEntry | None) -> Regions | None:
    """Return the regions that are noted, their labels read from the file."""
    if note is None:
        return None
    table = {label: Region(each.style, each.strength) for label, each in note.table.items()}
    regions = Regions(read_labels(note.labels), table, note.labels)
    present = set(np.unique(regions.labels).tolist())
    for label in table:
        if label not in present:
            raise InputError(
                f"There is no label {label} in {note.labels}; its labels are "
                f"{', '.join(map(str, sorted(present)[:20]))}."
            )
    if all(regions.region(label).style is None for label in present):
        raise InputError(f"By the labels in {note.labels} nothing would be painted.")
    return regions
