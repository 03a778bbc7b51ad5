"""Dense optical flow between two frames, and where it can be trusted.

Found by OpenCV's DIS (Kroeger et al. 2016), or by scikit-image's iterative Lucas-Kanade where OpenCV is not
installed. Ruder, Dosovitskiy & Brox (2016, section 4.2) say where it cannot be trusted: where forward and
backward flow contradict each other, and at the borders of what moves.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_style_transfer.engine.colour import luminance
from napari_style_transfer.engine.motion.warp import places_of, warp

#: Darkest and brightest share of the pixels, in per cent, that are clipped before a flow is sought: of dim
#: pictures, too, all grey levels are used.
_CLIPPED = 0.5
#: Least range of intensities that is stretched to all grey levels.
_LEAST_RANGE = 8 / 255
#: Short side in pixels below which no flow is sought.
_SMALLEST = 16

#: (H, W).
Grey = npt.NDArray[np.uint8]


def find_flows(frame: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """Return the flow from a frame back to the one before, and the flow from there to the frame.

    Parameters
    ----------
    frame, before
        (1, 3, H, W) in [0, 1] on the CPU. Both are stretched to the same range of intensities.

    Returns
    -------
    backward, forward
        (1, 2, H, W), displacements in pixels to the right and down: what `frame` shows at x,
        `before` shows at x + backward(x).
    """
    lights = [luminance(each)[0, 0].numpy() for each in (frame, before)]
    if min(lights[0].shape) < _SMALLEST:
        none = torch.zeros(1, 2, *frame.shape[-2:])
        return none, none.clone()
    low, high = np.percentile(np.stack(lights), (_CLIPPED, 100 - _CLIPPED))
    spread = max(float(high - low), _LEAST_RANGE)
    one, two = ((np.clip((each - low) / spread, 0, 1) * 255).astype(np.uint8) for each in lights)
    find = _finder()
    return find(one, two), find(two, one)


def _finder() -> Callable[[Grey, Grey], Tensor]:
    """Return what finds a flow between two pictures."""
    try:
        cv2 = import_module("cv2")
    except ImportError:
        return _lucas_kanade
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def find(first: Grey, second: Grey) -> Tensor:
        return torch.from_numpy(dis.calc(first, second, None)).permute(2, 0, 1)[None].contiguous()

    return find


def _lucas_kanade(first: Grey, second: Grey) -> Tensor:
    registration = import_module("skimage.registration")
    down, right = registration.optical_flow_ilk(first / 255, second / 255, radius=7, prefilter=True)
    return torch.from_numpy(np.stack([right, down])).float()[None]


def trusted(backward: Tensor, forward: Tensor) -> Tensor:
    """Return where a backward flow can be trusted, (1, 1, H, W) of 0 and 1.

    Not where it and the forward flow contradict each other, as where something comes into sight, nor at
    the borders of what moves (Ruder et al. 2016, equations 5 and 6).

    Parameters
    ----------
    backward, forward
        (1, 2, H, W), from :func:`find_flows`.
    """
    there_from_here = warp(forward, backward, "bilinear")
    squares = (there_from_here + backward, there_from_here, backward)
    error, there, back = (each.square().sum(1, keepdim=True) for each in squares)
    contradicted = error > 0.01 * (there + back) + 0.5
    steps = sum(step.square().sum(1, keepdim=True) for step in torch.gradient(backward, dim=(2, 3)))
    border = steps > 0.01 * back + 0.002
    return (~(contradicted | border | _beyond(backward))).float()


def _beyond(flow: Tensor) -> Tensor:
    """Return where a flow leads out of the picture, (1, 1, H, W) bool."""
    height, width = flow.shape[-2:]
    right, down = places_of(flow)
    beyond = (right < 0) | (right > width - 1) | (down < 0) | (down > height - 1)
    return beyond[:, None]
