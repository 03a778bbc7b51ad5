"""Where two neighbouring slices show the same, so that one may start from the other's result.

Ruder, Dosovitskiy & Brox (2016, section 4.1) warp the result of the frame before by the optical flow and
start from it where the flow can be trusted. Here nothing is warped: the result is taken over where it may
stay as it is, because the two contents agree.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.geometry import result_shape

#: Long side in pixels at which contents are compared, at most; finer differences are left to the strokes.
_LONG_SIDE = 512
#: Standard deviation of the low-pass, relative to the long side, and in pixels at least.
_BLUR, _LEAST_BLUR = 1 / 100, 1.0
#: Difference from which on contents do not agree at all: six grey levels, or so many standard deviations
#: of what the low-pass leaves of the noise. Up to half of it they agree fully.
_LEAST_DIFFERENCE, _DEVIATIONS = 6 / 255, 8.0
#: Standard deviation of the window in which the noise is measured, in those of the low-pass.
_NOISE_WINDOW = 8.0


def agreement(content: Tensor, before: Tensor, size: int) -> Tensor:
    """Return how far two contents agree at each pixel.

    Their difference is low-passed and compared with the noise around it, which is measured from what the
    low-pass takes away; so it does not matter how noisy the contents are, nor whether bright parts are
    noisier than dark ones. Around what differs, a margin counts as different too, because strokes reach
    beyond what they paint.

    Parameters
    ----------
    content, before
        (1, 3, H, W) in [0, 1] on the CPU, of the slice and of its neighbour.
    size
        Long side of the result in pixels.

    Returns
    -------
    Tensor
        (1, 1, h, w) in [0, 1], of any size: 1 where they agree, 0 where they do not.
    """
    height, width = content.shape[-2:]
    shape = result_shape((height, width), min(size, _LONG_SIDE))
    difference = resize(content, shape) - resize(before, shape)
    sigma = max(_LEAST_BLUR, _BLUR * max(shape))
    smooth = gaussian_blur(difference, sigma)
    # In a window so wide, a quarter of the size tells the same.
    quarter = max(1, shape[0] // 4), max(1, shape[1] // 4)
    squares = resize((difference - smooth).square(), quarter)
    noise = resize(gaussian_blur(squares, _NOISE_WINDOW * sigma / 4), shape).clamp_min(0).sqrt()
    # The low-pass leaves 1 / (2 sigma sqrt(pi)) of white noise's standard deviation.
    limit = (_DEVIATIONS * noise / (2 * sigma * math.sqrt(math.pi))).clamp_min(_LEAST_DIFFERENCE)
    differs = (2 * smooth.abs() / limit - 1).clamp_(0, 1).amax(1, keepdim=True)
    margin = 2 * math.ceil(sigma)
    for sides in ((2 * margin + 1, 1), (1, 2 * margin + 1)):
        padding = sides[0] // 2, sides[1] // 2
        differs = functional.max_pool2d(differs, sides, stride=1, padding=padding)
    return 1 - gaussian_blur(differs, sigma)


def gaussian_blur(picture: Tensor, sigma: float) -> Tensor:
    """Return a (1, C, H, W) picture under a Gaussian of standard deviation `sigma` in pixels."""
    for _ in range(2):
        # No wider than the picture, beyond which there is nothing to mirror.
        radius = min(math.ceil(3 * sigma), picture.shape[-1] - 1)
        places = torch.arange(-radius, radius + 1, dtype=picture.dtype)
        weights = torch.exp(-0.5 * (places / sigma) ** 2)
        weights = (weights / weights.sum()).view(1, 1, 1, -1)
        rows = functional.pad(
            picture.flatten(0, 1)[:, None], (radius, radius, 0, 0), mode="reflect"
        )
        blurred = functional.conv2d(rows, weights).view_as(picture)
        picture = blurred.transpose(-1, -2).contiguous()
    return picture
