"""VGG-19's trunk: named activations of pictures, and the backward pass from them to the pixels.

Written with torch's own modules and autograd, for every device. On a CPU,
:mod:`napari_style_transfer.engine.cpu.vgg` computes the same faster and in less memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.networks.weights import NetworkWeights
from napari_style_transfer.settings import LAYER_NAMES

#: Average pooling shrinks activations; Gatys et al. (2015) swap it in without rescaling, and so do we.
Pooling = Literal["max", "average"]

#: Called with the name of a wanted layer and its (N, C, h, w) activations.
Receive = Callable[[str, Tensor], None]
#: Called with the name of a wanted layer, its activations and a gradient for them, to which it adds the
#: gradient of what uses this layer, in place.
AddGradient = Callable[[str, Tensor, Tensor], None]
#: Returns the gradient for the pictures; callable once.
Backward = Callable[[AddGradient], Tensor]

CPU = torch.device("cpu")


def stride(layer: str) -> int:
    """Return how many pixels of the picture one step in `layer`, such as ``relu4_2``, spans."""
    return 1 << (int(layer[4]) - 1)


def map_shape(shape: tuple[int, int], layer: str) -> tuple[int, int]:
    """Return the (height, width) of the map of `layer` of a picture of `shape`.

    Poolings round up (differs from the original, whose pictures were all 224 px): otherwise the deep
    layers do not see the last rows and columns of most pictures, and these end as a noisy border.
    """
    return -(-shape[0] // stride(layer)), -(-shape[1] // stride(layer))


def receptive_field(layer: str) -> int:
    """Return how far the receptive field of `layer` reaches beyond a position's own pixels, in pixels.

    That is 70 px for ``relu5_1``.
    """
    path = LAYER_NAMES[: LAYER_NAMES.index(layer) + 1]
    return sum(stride(each) for each in path)  # each convolution looks one step further


def trunk(layers: Iterable[str]) -> tuple[str, ...]:
    """Return the layers that a network needs for `layers`: all up to the deepest."""
    return LAYER_NAMES[: 1 + max(map(LAYER_NAMES.index, layers))]


class VGG19(nn.Module):
    """The convolutions of VGG-19 (Simonyan & Zisserman 2015), frozen, up to the deepest layer wanted.

    Parameters
    ----------
    weights
        Parameters and normalisation, from `load_weights`.
    layers
        Names of the activations wanted, such as ``relu4_2``.
    pooling
        ``"max"`` as trained, or ``"average"``.
    dtype
        Of the convolutions: float32 or bfloat16. Activations have it, too.
    device
        Where to compute.

    Attributes
    ----------
    layers
        The activations wanted.
    alignment
        Tiles that begin at multiples of so many pixels see what the whole picture shows.
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
        device: torch.device = CPU,
    ) -> None:
        super().__init__()
        self.layers = frozenset(layers)
        self.pooling, self.dtype = pooling, dtype
        names = trunk(self.layers)
        self.alignment = stride(names[-1])
        self.stages = nn.ModuleDict()
        for name, (weight, bias) in zip(names, weights.convolutions(), strict=False):
            self.stages[name] = self._stage(name, weight, bias)
        for name, numbers in (("mean", weights.mean), ("std", weights.std)):
            self.register_buffer(name, torch.tensor(numbers).view(1, 3, 1, 1))
        self.stages.to(dtype).to(memory_format=torch.channels_last)
        self.eval().requires_grad_(False).to(device)

    def _stage(self, name: str, weight: Tensor, bias: Tensor) -> nn.Module:  # noqa: ARG002
        """Return the convolution of a layer, (O, I, 3, 3) and (O,)."""
        convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, device="meta")
        convolution.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        return convolution

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the wanted activations of (N, 3, H, W) pictures, as :meth:`record` gives them."""
        features: dict[str, Tensor] = {}
        self.extract(pictures, features.__setitem__)
        return features

    @torch.no_grad()
    def extract(
        self, pictures: Tensor, receive: Receive, allocate: Allocate = allocate_map
    ) -> None:
        """Pass pictures through without a backward pass; otherwise as :meth:`record`."""
        del allocate  # torch has its own
        for layer, features in self._activations(pictures):
            receive(layer, features)

    def record(
        self,
        pictures: Tensor,
        receive: Receive | None = None,
        allocate: Allocate = allocate_map,
    ) -> Backward:
        """Pass pictures through, and return the backward pass.

        Parameters
        ----------
        pictures
            (N, 3, H, W), red, green, blue in [0, 1], float32.
        receive
            Gets each wanted layer's name and (N, C, h, w) activations after the rectification, in the
            network's precision, shallowest first. For h and w see :func:`map_shape`. The backward
            pass may change them.
        allocate
            Makes the maps, where the network does not leave that to torch.

        Returns
        -------
        callable
            Returns the gradient for the pictures, (N, 3, H, W) float32; callable once. It calls its
            argument at each wanted layer, deepest first, with the activations and the gradient for
            them that comes from deeper layers.
        """
        del allocate
        leaf = pictures.detach().requires_grad_(True)
        with torch.enable_grad():
            recorded = dict(self._activations(leaf))
        if receive is not None:
            for layer, features in recorded.items():
                receive(layer, features.detach())

        def backward(add: AddGradient) -> Tensor:
            def pass_on(layer: str, gradient: Tensor) -> None:
                add(layer, recorded.pop(layer).detach(), gradient)

            # Each gradient on the way belongs to this pass alone, and may be added to in place.
            *_, deepest = recorded.values()
            for layer, features in recorded.items():
                features.register_hook(partial(pass_on, layer))  # type: ignore[no-untyped-call]
            (gradient,) = torch.autograd.grad(deepest, leaf, torch.zeros_like(deepest))
            return gradient

        return backward

    def _activations(self, pictures: Tensor) -> Iterator[tuple[str, Tensor]]:
        pool = nn.functional.max_pool2d if self.pooling == "max" else nn.functional.avg_pool2d
        x = self.normalized(pictures)
        block = "1"
        for name, convolution in self.stages.items():
            if name[4] != block:
                x, block = pool(x, 2, ceil_mode=True), name[4]
            x = torch.relu(convolution(x))
            if name in self.layers:
                yield name, x

    def normalized(self, pictures: Tensor) -> Tensor:
        """Return (N, 3, H, W) pictures in [0, 1] as the first convolution takes them."""
        centred = (pictures - self.mean) / self.std
        return centred.to(self.dtype, memory_format=torch.channels_last)
