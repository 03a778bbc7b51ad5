"""How a TIFF has its planes: which axis has the channels, and how another one like it is written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_style_transfer.errors import InputError

#: Planes of a TIFF that does not say what they are: up to so many are channels.
_MOST_CHANNELS = 5


@dataclass(frozen=True)
class Layout:
    """How a TIFF has its planes.

    Attributes
    ----------
    shape
        Of the whole array.
    channels
        Which axis has the channels; None if there is one plane.
    rgb
        Whether the channels are red, green and blue, perhaps with opacity.
    options
        For :func:`tifffile.imwrite`.
    """

    shape: tuple[int, ...]
    channels: int | None
    rgb: bool
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        height, width = (length for axis, length in enumerate(self.shape) if axis in self._plane)
        return height, width

    @property
    def _plane(self) -> tuple[int, int]:
        """The axes of rows and columns."""
        rest = [axis for axis in range(len(self.shape)) if axis != self.channels]
        return rest[-2], rest[-1]

    def pages(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the array as (N, C, H, W); of one picture N is 1."""
        array = array[None] if self.channels is None else np.moveaxis(array, self.channels, 0)
        return array.reshape(len(array), -1, *self.size).swapaxes(0, 1)

    def array(self, pages: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return (N, C, H, W) pages as the file has them."""
        planes = pages.swapaxes(0, 1)
        if self.channels is None:
            return planes.reshape(self.shape)
        first = list(self.shape)
        first.insert(0, first.pop(self.channels))
        return np.ascontiguousarray(np.moveaxis(planes.reshape(first), 0, self.channels))


def layout_of(
    file: tifffile.TiffFile, path: str | os.PathLike[str], stacks: bool = False
) -> Layout:
    """Return how a TIFF has its planes, by its tags and its axes; of a stack only where asked for."""
    name = os.fspath(path)
    series, page = file.series[0], file.pages.first
    if len(file.series) > 1:
        raise InputError(f"The file {name} holds several pictures; save each as its own file.")
    photometric = int(page.photometric)
    if photometric not in (0, 1, 2):
        raise InputError(
            f"The picture {name} has colours of a kind that is not kept; save it as grey or RGB."
        )
    shape, axes = series.shape, series.axes
    long = [axis for axis, length in enumerate(shape) if length > 1]
    channels = None
    if len(long) > 2 or "S" in axes:
        named = [axis for axis in range(len(shape)) if axes[axis] in "SC" and shape[axis] > 1]
        unknown = [axis for axis in long if axes[axis] not in "SCZTYX"]
        candidates = named or [axis for axis in unknown if shape[axis] <= _MOST_CHANNELS]
        if not candidates and unknown and shape[long[-1]] <= _MOST_CHANNELS:
            candidates = [long[-1]]  # (H, W, C), taken for H pages
        channels = candidates[0] if candidates else None
    rest = [axis for axis in long if axis != channels]
    if (len(rest) > 2 and not stacks) or len(shape) - (channels is not None) < 2:
        raise InputError(
            f"The picture {name} is a stack of the shape {' × '.join(map(str, shape))}; save its slices "
            "as single pictures."
        )
    rgb = photometric == 2 and channels is not None and shape[channels] in (3, 4)
    return Layout(shape, channels, rgb, _options(file, series))


def _options(file: tifffile.TiffFile, series: Any) -> dict[str, Any]:
    """Return how another TIFF like this one is written."""
    page = file.pages.first
    options: dict[str, Any] = {
        "photometric": int(page.photometric),
        "compression": None if int(page.compression) == 1 else "zlib",
    }
    if "S" in series.axes:
        options["planarconfig"] = int(page.planarconfig)
        options["extrasamples"] = tuple(map(int, page.extrasamples)) or None
    if {"XResolution", "YResolution"} <= {tag.name for tag in page.tags}:
        options["resolution"] = page.get_resolution()
        options["resolutionunit"] = int(page.resolutionunit)
    if file.is_imagej:
        known = file.imagej_metadata or {}
        metadata: dict[str, Any] = {
            name: known[name] for name in ("unit", "spacing") if name in known
        }
        metadata["axes"] = series.axes
        options |= {"imagej": True, "metadata": metadata, "compression": None}
    elif file.is_ome:
        options |= {"ome": True, "metadata": {"axes": series.axes}}
    return options
