"""VGG-19's trunk as a feature extractor: named activations of a picture."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_style_transfer.engine.architecture import cfgs, make_layers
from napari_style_transfer.engine.weights import NetworkWeights
from napari_style_transfer.settings import LAYER_NAMES

#: Average pooling shrinks activations; Gatys et al. (2015) swap it in without rescaling, and so do we.
Pooling = Literal["max", "average"]

_LAST_OF_BLOCK = frozenset(name for name, after in pairwise(LAYER_NAMES) if name[4] != after[4])


def stride(layer: str) -> int:
    """Return how many pixels of the picture one step in `layer`, such as ``relu4_2``, spans."""
    return 1 << (int(layer[4]) - 1)


def map_shape(shape: tuple[int, int], layer: str) -> tuple[int, int]:
    """Return the (height, width) of the map of `layer` of a picture of `shape`.

    Poolings round up (differs from the original, whose pictures were all 224 px): otherwise the last
    rows and columns of most pictures are not seen by the deep layers, and painted as a noisy border.
    """
    return -(-shape[0] // stride(layer)), -(-shape[1] // stride(layer))


def reach(layer: str) -> int:
    """Return how far outside its own pixels a position of `layer` looks: 70 px for ``relu5_1``."""
    seen = LAYER_NAMES[: LAYER_NAMES.index(layer) + 1]
    return sum(stride(each) for each in seen)  # each convolution looks one step further


class VGG19(nn.Module):
    """The convolutions of VGG-19 (Simonyan & Zisserman 2015), frozen, up to the deepest layer asked for.

    Parameters
    ----------
    weights
        Parameters and normalisation, from :func:`~napari_style_transfer.engine.weights.load_weights`.
    layers
        Names of the activations wanted, such as ``relu4_2``; the trunk is cut after the deepest.
    pooling
        ``"max"`` as trained, or ``"average"``.
    dtype
        Of the convolutions: float32 or bfloat16. Features come out in it.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        weights: NetworkWeights,
        layers: Iterable[str],
        *,
        pooling: Pooling = "max",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.layers = frozenset(layers)
        deepest = max(map(LAYER_NAMES.index, self.layers))
        with torch.device("meta"):  # no time spent on random parameters that are replaced at once
            trunk = make_layers(cfgs["E"])
        trunk.load_state_dict(weights.state, assign=True)
        names = iter(LAYER_NAMES)
        self.stages = nn.ModuleDict()
        convolution: nn.Conv2d
        for module in trunk:
            if isinstance(module, nn.Conv2d):
                convolution = module
            elif isinstance(module, nn.ReLU):
                name = next(names)
                self.stages[name] = convolution
                if name == LAYER_NAMES[deepest]:
                    break
        self._before_max_pool = _LAST_OF_BLOCK if pooling == "max" else frozenset()
        self.pool = functional.max_pool2d if pooling == "max" else functional.avg_pool2d
        for name, numbers in (("mean", weights.mean), ("std", weights.std)):
            self.register_buffer(name, torch.tensor(numbers).view(1, 3, 1, 1))
        self.stages.to(dtype).to(memory_format=torch.channels_last)
        self.dtype = dtype
        self.eval().requires_grad_(False)

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        """Return the wanted activations of a picture.

        Parameters
        ----------
        picture
            (1, 3, H, W), red, green, blue in [0, 1], float32.

        Returns
        -------
        dict
            Layer name to (1, C, h, w) in `dtype`, after the rectification; for h and w see
            :func:`map_shape`.
        """
        x = ((picture - self.mean) / self.std).to(self.dtype, memory_format=torch.channels_last)
        features = {}
        block = "1"
        waiting = False  # for its rectification, which may come after the pooling
        for name, convolution in self.stages.items():
            if name[4] != block:
                x = self.pool(x, kernel_size=2, stride=2, ceil_mode=True)
                block = name[4]
            if waiting:
                x = functional.relu_(x)
            x = convolution(x)
            # Rectification and max pooling commute; after it there is a quarter of the work.
            waiting = name in self._before_max_pool and name not in self.layers
            if not waiting:
                x = functional.relu_(x)
            if name in self.layers:
                features[name] = x
        return features
