"""Pictures as the tensors that the engine works on."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.geometry import Shape
from napari_style_transfer.io.pictures import over_white, read_picture, unit_range
from napari_style_transfer.progress import Picture
from napari_style_transfer.spec import ImageSource


def to_tensor(image: ImageSource, what: str) -> Tensor:
    """Return a picture as the engine takes it.

    Parameters
    ----------
    image
        What :func:`~napari_style_transfer.read_picture` takes. Transparency is laid over white.
    what
        What to call it in messages, such as ``"content"``.

    Returns
    -------
    Tensor
        (1, 3, H, W) float32 in [0, 1] on the CPU.

    Raises
    ------
    InputError
        If it cannot be read as a picture.
    """
    colours = over_white(read_picture(image, name=f"The {what} picture"))
    return torch.from_numpy(colours.transpose(2, 0, 1).copy())[None]


def to_array(picture: Tensor, bits: Literal[8, 16] = 8) -> Picture:
    """Return the (1, 3, H, W) picture as (H, W, 3) uint8, or uint16 for 16 bits, rounded, on the CPU."""
    values = picture.detach()[0].clamp(0, 1).mul_(2**bits - 1).round_()
    # Not every device has 16-bit unsigned integers.
    whole = values.to(torch.uint8) if bits == 8 else values.to(torch.int32)
    array = whole.permute(1, 2, 0).cpu().contiguous().numpy()
    return array if bits == 8 else array.astype(np.uint16)


def resize(picture: Tensor, shape: Shape) -> Tensor:
    """Return the (1, 3, H, W) picture at another (H, W): bicubic, antialiased, within [0, 1]."""
    if tuple(picture.shape[-2:]) == shape:
        return picture
    resized = functional.interpolate(picture, size=shape, mode="bicubic", antialias=True)
    return resized.clamp_(0, 1)


def with_alpha(picture: Picture, alpha: npt.NDArray[Any]) -> Picture:
    """Return an (H, W, 3) picture with an opacity of any size and real type, resized to it."""
    plane = torch.from_numpy(unit_range(np.asarray(alpha), "The transparency"))[None, None]
    resized = resize(plane.expand(1, 3, -1, -1), (picture.shape[0], picture.shape[1]))
    bits: Literal[8, 16] = 16 if picture.dtype == np.uint16 else 8
    return np.concatenate([picture, to_array(resized, bits)[..., :1]], axis=2)
