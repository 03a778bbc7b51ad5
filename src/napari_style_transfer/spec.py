"""What is to be painted: styles and where each goes. Plain, immutable values; loads no torch."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError

#: A picture: an array (H, W), (H, W, 1 | 3 | 4), or the path of a file.
ImageSource = npt.ArrayLike | str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Style:
    """A picture in whose manner to paint.

    Attributes
    ----------
    picture
        An array (H, W) or (H, W, 1 | 3 | 4), bool, integer or float in [0, 1], or the path of a file.
    share
        Its share of the mix, relative to those of the other styles; 0 or more.
    scale
        Stroke size: its long side relative to what `Settings.style_scale` says; 0.05 to 8.
    angle
        Stroke angle: degrees by which the picture is turned, counter-clockwise.
    mask
        (h, w) of any size: where it is not zero the picture serves as the style; everywhere if None.

    Raises
    ------
    InputError
        If a number cannot be used.
    """

    picture: ImageSource
    share: float = 1.0
    scale: float = 1.0
    angle: float = 0.0
    mask: npt.NDArray[Any] | None = None

    def __post_init__(self) -> None:  # noqa: D105
        if not 0 <= self.share < np.inf:
            raise InputError(f"The share of a style should be 0 or more, got {self.share!r}.")
        if not 0.05 <= self.scale <= 8:
            raise InputError(f"The scale of a style should be 0.05 to 8, got {self.scale!r}.")
        if not np.isfinite(self.angle):
            raise InputError(f"The angle of a style should be in degrees, got {self.angle!r}.")
        if self.mask is not None:
            if np.ndim(self.mask) != 2:
                raise InputError("The mask of a style should have two dimensions.")
            if not np.any(self.mask):
                raise InputError("The mask of a style is empty; mark the part that is to serve.")


@dataclass(frozen=True)
class Region:
    """How one region is painted.

    Attributes
    ----------
    style
        Index of a style, ``"mix"`` for all of them by their shares, or None to leave the content as
        it is, to the bit.
    strength
        From 0, a hint, to 1, all style; 0.5 is as strong as the settings say.
    """

    style: int | Literal["mix"] | None = "mix"
    strength: float = 0.5

    def __post_init__(self) -> None:  # noqa: D105
        if not (self.style is None or self.style == "mix" or isinstance(self.style, int)):
            raise InputError(
                f"The style of a region should be a number, 'mix' or None, got {self.style!r}."
            )
        if not 0 <= self.strength <= 1:
            raise InputError(f"The strength of a region should be 0 to 1, got {self.strength!r}.")


@dataclass(frozen=True, eq=False)
class Regions:
    """Where each style goes.

    Attributes
    ----------
    labels
        (H, W) integers over the content; another size is resampled (nearest).
    table
        Label to :class:`Region`. A label that is absent is painted in the mix, but 0 left untouched.
    name
        What the labels are called in messages, such as the name of their file; "" for nothing.

    Raises
    ------
    InputError
        If the labels are no integers in two dimensions.
    """

    labels: npt.NDArray[Any]
    table: Mapping[int, Region]
    name: str = ""

    def __post_init__(self) -> None:  # noqa: D105
        labels = np.asarray(self.labels)
        if labels.ndim != 2 or not labels.size or labels.dtype.kind not in "bui":
            raise InputError("The labels of regions should be integers in two dimensions.")

    def region(self, label: int) -> Region:
        """Return how `label` is painted."""
        return self.table.get(label, Region("mix" if label else None))


#: Regions that move: asked for those of a slice of a stack, by its index; None for everywhere alike. In
#: the thread of the run; raises InputError where the slice has none that can be used.
SliceRegions = Callable[[tuple[int, ...]], Regions | None]


def styles_of(style: ImageSource | Style | Sequence[ImageSource | Style]) -> tuple[Style, ...]:
    """Return one or several styles as a tuple of :class:`Style`.

    A list or tuple holds several, unless it is an array written as nested lists of numbers.

    Raises
    ------
    InputError
        If there is none, or none has a share.
    """
    several = isinstance(style, list | tuple) and all(
        isinstance(each, Style | str | os.PathLike) or np.ndim(each) > 1 for each in style
    )
    sources: Sequence[Any] = style if several else (style,)  # type: ignore[assignment]
    styles = tuple(each if isinstance(each, Style) else Style(each) for each in sources)
    if not any(each.share for each in styles):
        raise InputError("At least one style needs a share; give one of them a share above 0.")
    return styles


def shares_of(region: Region, styles: Sequence[Style]) -> list[tuple[Style, float]]:
    """Return the styles of a region, each with its share of 1; none where it is left as it is."""
    if region.style is None:
        return []
    if isinstance(region.style, int):
        return [(styles[region.style], 1.0)]
    total = sum(style.share for style in styles)
    return [(style, style.share / total) for style in styles if style.share]


def largest_scale(styles: Sequence[Style], regions: Regions | None) -> float:
    """Return the largest `scale` of the styles that a run may look at."""
    return max(style.scale for style in styles if style.share or regions is not None)


def check_regions(regions: Any, styles: int) -> Regions:
    """Return `regions`; raise :class:`InputError` if they are none, or one asks for a missing style."""
    if not isinstance(regions, Regions):
        raise InputError(
            f"Give regions as Regions(labels, table), not as {type(regions).__name__}."
        )
    for label, region in regions.table.items():
        if isinstance(region.style, int) and not 0 <= region.style < styles:
            raise InputError(
                f"Region {label} asks for style {region.style}, but there are {styles} (0 is the first)."
            )
    return regions


def check_cover(regions: Regions, content: tuple[int, int]) -> None:
    """Raise :class:`InputError` if labels lie over a content of that (H, W) only when distorted.

    They may have any size; their sides may be out of proportion by a pixel and a hundredth.
    """
    height, width = np.shape(regions.labels)
    stretched = height * content[1] / (width * content[0])
    if abs(math.log(stretched)) > 0.01 + 1 / min(height, width):
        raise InputError(
            f"The labels of regions are {width} x {height} pixels, which is another form than the "
            f"content's {content[1]} x {content[0]}; give labels that lie over all of it."
        )
