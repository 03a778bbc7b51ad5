"""Pictures as the tensors that the engine works on."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.errors import InputError
from napari_style_transfer.geometry import Shape
from napari_style_transfer.io.pictures import load_image, split_alpha, unit_range
from napari_style_transfer.progress import Picture


def to_tensor(image: npt.ArrayLike | str | os.PathLike[str], what: str) -> Tensor:
    """Return a picture as the engine takes it.

    Parameters
    ----------
    image
        A path, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): bool, unsigned or signed
        integers in 0..255 or 0..65535, or floats in [0, 1]. Transparency is laid over white.
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
    what = f"The {what} picture"
    array = load_image(image) if isinstance(image, (str, os.PathLike)) else np.asarray(image)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise InputError(
            f"{what} has the shape {array.shape[: 2 if array.shape[-1:] == (1,) else None]}; "
            "it must be (height, width), or (height, width, channels) with 1, 3 or 4 channels."
        )
    if array.size == 0:
        raise InputError(f"{what} is empty: its shape is {array.shape}.")
    values = unit_range(array, what)
    colours, alpha = split_alpha(values)
    if alpha is not None:
        colours = colours * alpha[..., None] + (1 - alpha[..., None])
    colours = np.broadcast_to(colours, (*colours.shape[:2], 3))
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
