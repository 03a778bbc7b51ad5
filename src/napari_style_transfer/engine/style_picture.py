"""A style picture scaled and rotated, and the part of it that is used."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.guides import resize_labels
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.geometry import Shape


def transform_style(
    picture: Tensor, shape: Shape, angle: float = 0.0, mask: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Scale a style picture, then rotate it.

    Parameters
    ----------
    picture
        (1, 3, h, w) in [0, 1].
    shape
        (H, W) to scale it to.
    angle
        Degrees to rotate it by, counter-clockwise; the picture grows so that no corner is lost.
    mask
        (h', w') bool of any size: the part that is used; all if None.

    Returns
    -------
    picture, mask
        (1, 3, H', W') and (H', W') bool, or None where all of it is used: what a rotation has
        brought in from beyond the corners is not.
    """
    picture = resize(picture, shape)
    if mask is not None:
        mask = resize_labels(mask, shape)
    quarters, rest = divmod(angle % 360, 90)
    if quarters:
        picture = picture.rot90(int(quarters), (2, 3))
        mask = None if mask is None else mask.rot90(int(quarters), (0, 1))
    if not rest:
        return picture, mask
    height, width = picture.shape[2:]
    used = torch.ones(height, width) if mask is None else mask.float()
    grid = _rotated_grid((height, width), math.radians(rest)).to(picture)
    rotated = functional.grid_sample(
        picture, grid, mode="bicubic", padding_mode="border", align_corners=False
    )
    inside = functional.grid_sample(
        used[None, None].to(picture), grid, padding_mode="zeros", align_corners=False
    )
    return rotated.clamp_(0, 1), inside[0, 0] > 0.999


def _rotated_grid(shape: Shape, angle: float) -> Tensor:
    """Return where in a picture of `shape` each pixel of the rotated one comes from, in [-1, 1]."""
    height, width = shape
    cosine, sine = math.cos(angle), math.sin(angle)
    rows = math.ceil(height * cosine + width * sine)
    columns = math.ceil(width * cosine + height * sine)
    y, x = torch.meshgrid(
        torch.arange(rows) + 0.5 - rows / 2,
        torch.arange(columns) + 0.5 - columns / 2,
        indexing="ij",
    )
    source_x, source_y = cosine * x - sine * y, sine * x + cosine * y
    return torch.stack((2 * source_x / width, 2 * source_y / height), dim=-1)[None]
