"""Results as TIFFs that other programs understand: OME metadata say what the axes are and how large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_style_transfer.io.atomic import replacing
from napari_style_transfer.progress import Picture
from napari_style_transfer.stack.folder import BIG_TIFF

#: What OME calls an axis, by the first letters of a layer's label.
_NAMES = {"t": "T", "frame": "T", "z": "Z", "depth": "Z", "slice": "Z", "plane": "Z", "c": "C"}
#: In which order axes get a name whose label and unit say nothing, from the innermost.
_DEFAULTS = "ZTC"


def write_tiff(
    path: Path,
    pictures: Iterable[Picture],
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    metadata: Mapping[str, Any],
) -> None:
    """Write one picture or a stack, one page at a time, as a whole or not at all.

    Parameters
    ----------
    path
        The file.
    pictures
        (H, W, C) each, in the order of `shape`.
    shape
        (..., H, W, C) with 3 or 4 colours.
    dtype
        Of the values: uint8 or uint16.
    metadata
        What :func:`describe_axes` returns.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    metadata = dict(metadata)
    options: dict[str, Any] = {}
    if "PhysicalSizeX" in metadata:  # in micrometres; programs that know no OME read these tags
        sizes = metadata["PhysicalSizeX"], metadata["PhysicalSizeY"]
        options = {"resolution": [1e4 / size for size in sizes], "resolutionunit": "CENTIMETER"}
    big = math.prod(shape) * np.dtype(dtype).itemsize > BIG_TIFF
    with replacing(path) as part, tifffile.TiffWriter(part, ome=True, bigtiff=big) as writer:
        writer.write(
            iter(pictures),
            shape=shape,
            dtype=dtype,
            photometric="rgb",
            compression="zlib",
            extrasamples=["unassalpha"] if shape[-1] == 4 else [],
            metadata=metadata,
            **options,
        )


def describe_axes(attributes: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
    """Return OME's words on the axes of a layer: their names, and the size of a pixel and of a step.

    Parameters
    ----------
    attributes
        The layer's, of which `scale`, `units` and `axis_labels` are used where they are there.
    order
        Its axes in the order in which they are written, those down and across the pictures last.

    Returns
    -------
    dict
        As :class:`tifffile.TiffWriter` takes it; lengths in micrometres, times in seconds.
    """
    ndim = len(order)
    scale = attributes.get("scale")
    scale = np.ones(ndim) if scale is None else np.abs(np.asarray(scale, float))
    units = attributes.get("units") or ("pixel",) * ndim
    labels = attributes.get("axis_labels") or ("",) * ndim
    lengths = [_amount(scale[axis], units[axis], "micrometer") for axis in order]
    times = [_amount(scale[axis], units[axis], "second") for axis in order]
    names = _name_axes([labels[axis] for axis in order[:-2]], lengths, times)
    found: dict[str, Any] = {"axes": f"{names}YXS"}
    sizes = dict(zip([*names, "Y", "X"], lengths, strict=True))
    if sizes["X"] and sizes["Y"]:
        for name in "XYZ":
            if size := sizes.get(name):
                found |= {f"PhysicalSize{name}": size, f"PhysicalSize{name}Unit": "µm"}
    step = dict(zip(names, times, strict=False)).get("T")
    if step:
        found |= {"TimeIncrement": step, "TimeIncrementUnit": "s"}
    return found


def _name_axes(
    labels: Sequence[str], lengths: Sequence[float | None], times: Sequence[float | None]
) -> str:
    """Return OME's name of each axis before those of the pictures, each name once."""
    free = list(_DEFAULTS)
    names: list[str | None] = []
    for label, length, time in zip(labels, lengths, times, strict=False):
        said = next((_NAMES[word] for word in _NAMES if label.lower().startswith(word)), None)
        name = said or ("T" if time else "Z" if length else None)
        names.append(name if name in free else None)
        if name in free:
            free.remove(name)
    for place in reversed(range(len(names))):
        names[place] = names[place] or free.pop(0)
    return "".join(map(str, names))


def _amount(value: float, unit: Any, wanted: str) -> float | None:
    """Return a length or a time in another unit, or None if it is something else."""
    import pint

    try:
        amount = float(pint.Quantity(value, str(unit)).to(wanted).magnitude)
    except (pint.PintError, ValueError):
        return None
    return amount if amount > 0 and math.isfinite(amount) else None
