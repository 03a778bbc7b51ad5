"""The pictures that a command names, read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.cli.names import SAMPLE
from napari_style_transfer.errors import InputError
from napari_style_transfer.recipe import RegionsEntry, StyleEntry
from napari_style_transfer.spec import Region, Regions, Style, styles_of


def load(source: str) -> Any:
    """Return the picture of a file or a sample, (H, W, 3 or 4)."""
    if source.startswith(SAMPLE):
        from napari_style_transfer.samples import load

        return load(source.removeprefix(SAMPLE))
    from napari_style_transfer.io.pictures import load_image

    return load_image(Path(source))


def load_styles(notes: Iterable[StyleEntry]) -> tuple[Style, ...]:
    """Return the styles that are noted, their pictures read; one of them has a share."""
    return styles_of(
        [
            Style(
                load(note.picture),
                note.share,
                note.scale,
                note.angle,
                None if note.mask is None else load_labels(note.mask),
            )
            for note in notes
        ]
    )


def load_regions(note: RegionsEntry | None) -> Regions | None:
    """Return the regions that are noted, their labels read from the file."""
    if note is None:
        return None
    table = {label: Region(each.style, each.strength) for label, each in note.table.items()}
    regions = Regions(load_labels(note.labels), table)
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


def load_labels(path: str) -> npt.NDArray[Any]:
    """Read a picture of labels: grey levels or palette indices.

    Returns
    -------
    ndarray
        (H, W) integers.

    Raises
    ------
    InputError
        If the file cannot be read or has colours.
    """
    from PIL import Image

    try:
        if Path(path).suffix.lower() in (".tif", ".tiff"):
            import tifffile

            labels = tifffile.imread(path)
        else:
            with Image.open(path) as file:
                labels = np.asarray(file.convert("L") if file.mode == "LA" else file)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (OSError, ValueError):
        raise InputError(f"The labels in {path} cannot be read.") from None
    if labels.ndim != 2 or labels.dtype.kind not in "bui":
        raise InputError(
            f"The labels in {path} should be grey levels, one for each region, without colours."
        )
    return labels
