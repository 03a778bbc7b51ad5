"""Judge the frames of painted movies by networks: does each show its own content, in the style?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.judge import gram_per_position, style_loss
from benchmarks.movie_flow import Mask
from benchmarks.movie_measures import levels, sharpness
from benchmarks.second_network import SecondNetwork, distance
from benchmarks.shared_objective import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS
from napari_style_transfer.engine.networks.build import build_network
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.spec import ImageSource


@dataclass(frozen=True)
class FrameVerdict:
    """What one frame is worth.

    Attributes
    ----------
    content, style
        As in :class:`benchmarks.judge.Verdict`.
    moving
        The content loss over the places that have changed; not a number where there are none.
    gram
        Relative distance of the second network's Gram matrices from the painting's.
    gradient, laplacian
        As in :class:`benchmarks.movie_measures.Sharpness`.
    """

    content: float
    moving: float
    style: float
    gram: float
    gradient: float
    laplacian: float


class MovieJudge:
    """Judges frames painted in one style.

    Parameters
    ----------
    style
        The painting, at the size at which the frames are painted in its manner.
    device
        Where it computes.
    second
        The second network; its own if None.
    """

    def __init__(
        self, style: ImageSource, device: str = "cpu", second: SecondNetwork | None = None
    ) -> None:
        torch.backends.cudnn.allow_tf32 = False  # float32 is to mean float32 here
        self._device = torch.device(device)
        layers = {*STYLE_LAYERS, CONTENT_LAYER}
        self._network = build_network(
            load_weights(), layers, device=self._device, strict_locality=True
        )
        self._second = second or SecondNetwork(self._device)
        painting = to_tensor(style, "style").to(self._device)
        with torch.no_grad():
            features = self._network(painting)
            self._grams = {layer: gram_per_position(features[layer]) for layer in STYLE_LAYERS}
        self._second_grams = self._second.grams(painting)

    def __call__(
        self, content: npt.NDArray[Any], picture: npt.NDArray[Any], moved: Mask
    ) -> FrameVerdict:
        """Judge a painted frame beside its content; `moved` tells, (h, w), what has changed in it."""
        painted = self._tensor(picture)
        with torch.no_grad():
            wanted = self._network(self._tensor(content))[CONTENT_LAYER]
            features = self._network(painted)
            squares = (features[CONTENT_LAYER] - wanted).square().mean(1, keepdim=True)
            style = sum(
                float(style_loss(features[layer], self._grams[layer])) for layer in STYLE_LAYERS
            )
            share = torch.from_numpy(moved.astype(np.float32))[None, None].to(self._device)
            share = functional.adaptive_avg_pool2d(share, squares.shape[-2:])
            moving = float((squares * share).sum() / share.sum())
        detail = sharpness(picture)
        return FrameVerdict(
            content=CONTENT_WEIGHT * float(squares.mean()),
            moving=CONTENT_WEIGHT * moving,
            style=style,
            gram=distance(self._second.grams(painted), self._second_grams),
            gradient=detail.gradient,
            laplacian=detail.laplacian,
        )

    def _tensor(self, frame: npt.NDArray[Any]) -> Tensor:
        colours = torch.from_numpy(levels(frame) / 255).permute(2, 0, 1)[None]
        return colours.contiguous().to(self._device)
