"""Pictures moved along a flow."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def warp(picture: Tensor, flow: Tensor, mode: str = "bicubic") -> Tensor:
    """Return a picture with each pixel taken from where a flow leads.

    Parameters
    ----------
    picture
        (1, C, H, W). Beyond its borders it is as at them.
    flow
        (1, 2, H, W), displacements in pixels to the right and down.
    mode
        ``bicubic``, which keeps strokes sharp but may leave the range of the values a little, or
        ``bilinear``.
    """
    height, width = flow.shape[-2:]
    right, down = places_of(flow)
    # From pixels to the -1..1 between the outermost pixels' centres.
    places = (2 * right / max(1, width - 1) - 1, 2 * down / max(1, height - 1) - 1)
    return functional.grid_sample(
        picture, torch.stack(places, -1), mode, padding_mode="border", align_corners=True
    )


def places_of(flow: Tensor) -> tuple[Tensor, Tensor]:
    """Return where a (1, 2, H, W) flow leads: columns and rows in pixels, each (1, H, W)."""
    height, width = flow.shape[-2:]
    return torch.arange(width) + flow[:, 0], torch.arange(height)[:, None] + flow[:, 1]


def resize_flow(flow: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return a (1, 2, h, w) flow for pictures of another shape (H, W): displacements grow with it."""
    height, width = flow.shape[-2:]
    scale = torch.tensor([shape[1] / width, shape[0] / height]).view(1, 2, 1, 1)
    return functional.interpolate(flow, shape, mode="bilinear", align_corners=False) * scale
