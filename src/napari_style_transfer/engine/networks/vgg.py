"""VGG-19's trunk: named activations of a picture, and the way back from them to its pixels.

The way back is written out, not left to autograd. The kernels are frozen, so all that is needed is what
each layer let through; gradients of the terms are added where they arise and everything else is done in
place, where autograd would make copies and sum them: that takes less memory and a little less time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.convolution import Convolution, WinogradConvolution, on_cpu
from napari_style_transfer.engine.cpu.int8 import Int8Backward
from napari_style_transfer.engine.cpu.pooling import average_pool, max_pool
from napari_style_transfer.engine.cpu.winograd import TILE, Winograd
from napari_style_transfer.engine.networks.weights import NetworkWeights
from napari_style_transfer.settings import LAYER_NAMES

#: Average pooling shrinks activations; Gatys et al. (2015) swap it in without rescaling, and so do we.
Pooling = Literal["max", "average"]

_CPU = torch.device("cpu")
_LAST_OF_BLOCK = frozenset(name for name, after in pairwise(LAYER_NAMES) if name[4] != after[4])
#: Channels in and out from which Winograd's products outweigh the way to their basis and back.
_WINOGRAD_CHANNELS = 128
#: A deeper layer convolved in Winograd's tiles would cost halo what it gains, since the tiles in which a
#: large picture is seen begin where Winograd's do: only then do both see the very same numbers.
_WINOGRAD_STRIDE = 8
TILE_GRAIN = _WINOGRAD_STRIDE * TILE


def stride(layer: str) -> int:
    """Return how many pixels of the picture one step in `layer`, such as ``relu4_2``, spans."""
    return 1 << (int(layer[4]) - 1)


def map_shape(shape: tuple[int, int], layer: str) -> tuple[int, int]:
    """Return the (height, width) of the map of `layer` of a picture of `shape`.

    Poolings round up (differs from the original, whose pictures were all 224 px): otherwise the last
    rows and columns of most pictures are not seen by the deep layers, and painted as a noisy border.
    """
    return -(-shape[0] // stride(layer)), -(-shape[1] // stride(layer))


def receptive_field(layer: str) -> int:
    """Return how far outside its own pixels a position of `layer` looks: 70 px for ``relu5_1``."""
    seen = LAYER_NAMES[: LAYER_NAMES.index(layer) + 1]
    return sum(stride(each) for each in seen)  # each convolution looks one step further


#: Is called with the name of a wanted layer and its activations.
See = Callable[[str, Tensor], None]
#: Is called with those and a gradient for them, and adds the layer's own to it, in place.
Add = Callable[[str, Tensor, Tensor], None]
#: Returns the gradient for the picture.
WayBack = Callable[[Add], Tensor]


class _Rectified(NamedTuple):
    """A turn of the way back, at the activations of a layer or what tells where they are not zero.

    Where they are `wanted`, the caller adds a gradient of its own.
    """

    layer: str
    wanted: bool
    features: Callable[[], Tensor]


_Turn = _Rectified | Callable[[Tensor], Tensor]


class VGG19(nn.Module):
    """The convolutions of VGG-19 (Simonyan & Zisserman 2015), frozen, up to the deepest layer asked for.

    Parameters
    ----------
    weights
        Parameters and normalisation, from `load_weights`.
    layers
        Names of the activations wanted, such as ``relu4_2``; the trunk is cut after the deepest.
    pooling
        ``"max"`` as trained, or ``"average"``.
    dtype
        Of the convolutions: float32 or bfloat16. Features come out in it.
    device
        Where it is to be.
    fast
        Whether float32 maps on a CPU may be convolved as in `cpu.winograd`,
        whose rounding does not stop at the border of what a position looks at.
    rounded
        Whether, on a CPU, the way back is as in :mod:`~napari_style_transfer.engine.cpu.int8`, and what
        Winograd's way keeps of kernels in float16.
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
        device: torch.device = _CPU,
        fast: bool = True,
        rounded: bool = False,
    ) -> None:
        super().__init__()
        self.layers = frozenset(layers)
        deepest = max(map(LAYER_NAMES.index, self.layers))
        self.stages = nn.ModuleDict()
        winograd = None
        if fast and (dtype, device.type) == (torch.float32, "cpu"):
            winograd = Winograd(torch.float16 if rounded else torch.float32)
        for name, (weight, bias) in zip(
            LAYER_NAMES[: deepest + 1], weights.convolutions(), strict=False
        ):
            pays = stride(name) <= _WINOGRAD_STRIDE and min(weight.shape[:2]) >= _WINOGRAD_CHANNELS
            layer = (
                WinogradConvolution(weight, bias, winograd)
                if winograd is not None and pays
                else Convolution(weight, bias)
            )
            self.stages[name] = Int8Backward(layer, weight) if rounded else layer
        self._before_max_pool = _LAST_OF_BLOCK if pooling == "max" else frozenset()
        self._pool = max_pool if pooling == "max" else average_pool
        for name, numbers in (("mean", weights.mean), ("std", weights.std)):
            self.register_buffer(name, torch.tensor(numbers).view(1, 3, 1, 1))
        self.stages.to(dtype).to(memory_format=torch.channels_last)
        self.dtype = dtype
        self.eval().requires_grad_(False).to(device)

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        """Return the wanted activations of a picture, as :meth:`look` shows them."""
        features: dict[str, Tensor] = {}
        self.show(picture, features.__setitem__)
        return features

    def show(self, picture: Tensor, see: See, empty: Allocate = allocate_map) -> None:
        """Pass a picture through the network, without a way back; as :meth:`look`."""
        self._pass(picture, see, empty, deque(maxlen=0))

    def look(
        self, picture: Tensor, see: See | None = None, empty: Allocate = allocate_map
    ) -> WayBack:
        """Pass a picture through the network, and return the way back.

        Parameters
        ----------
        picture
            (1, 3, H, W), red, green, blue in [0, 1], float32.
        see
            Called with each wanted layer's name and (1, C, h, w) activations, after the rectification,
            in the network's precision; shallowest first. For h and w see :func:`map_shape`. The way
            back may spoil them.
        empty
            Makes the maps.

        Returns
        -------
        callable
            Returns the gradient for the picture, (1, 3, H, W) float32; possible once. It calls its
            argument at each wanted layer, deepest first, with the activations and the gradient for
            them that comes from deeper ones.
        """
        turns: deque[_Turn] = deque()
        self._pass(picture, see, empty, turns)
        return partial(_back, turns, empty)

    @torch.no_grad()
    def _pass(self, picture: Tensor, see: See | None, empty: Allocate, turns: deque[_Turn]) -> None:
        entry = ((picture - self.mean) / self.std).to(self.dtype, memory_format=torch.channels_last)
        turns.append(lambda gradient: gradient.to(self.mean).contiguous() / self.std)
        x, block, masked = entry, "1", True
        convolution: Convolution | WinogradConvolution | Int8Backward
        for name, convolution in self.stages.items():  # type: ignore[assignment]
            if name[4] != block:
                x, turn = self._pool(x, empty)
                turns.append(turn)
                block = name[4]
            if not masked:
                turns.append(partial(_unrectify, _passed(x, empty), empty))
            turns.append(partial(convolution.back, empty=empty))
            x = convolution.rectified(x, empty)
            wanted = name in self.layers
            # What max pooling passes on was rectified: its gradient is masked there, on a quarter.
            masked = wanted or name not in self._before_max_pool
            if wanted and see:
                see(name, x)
            if name == LAYER_NAMES[0]:  # its map is the largest, and soon made: it is not kept
                again = partial(convolution.rectified, entry, empty)
                turns.append(_Rectified(name, wanted, again))
            elif masked:
                turns.append(_Rectified(name, wanted, _kept(x if wanted else _passed(x, empty))))


def _kept(features: Tensor) -> Callable[[], Tensor]:
    return lambda: features


@torch.no_grad()
def _back(turns: deque[_Turn], empty: Allocate, add: Add) -> Tensor:
    gradient: Tensor | None = None
    while turns:
        gradient = _turn_back(turns.pop(), gradient, empty, add)
    assert gradient is not None
    return gradient


def _turn_back(turn: _Turn, gradient: Tensor | None, empty: Allocate, add: Add) -> Tensor:
    if not isinstance(turn, _Rectified):
        assert gradient is not None  # the trunk ends at a wanted layer
        return turn(gradient)
    features = turn.features()
    if gradient is None:
        gradient = torch.zeros_like(features)
    if turn.wanted:
        add(turn.layer, features, gradient)
    return _unrectify(features, empty, gradient)


def _passed(rectified: Tensor, empty: Allocate) -> Tensor:
    """Return what tells where something was let through, in two bytes a number where that is safe."""
    if rectified.dtype is not torch.float32 or rectified.device.type == "mps":
        return rectified  # older systems have no bfloat16 on MPS
    return empty(rectified, rectified.shape, torch.bfloat16).copy_(rectified)


def _unrectify(rectified: Tensor, empty: Allocate, gradient: Tensor) -> Tensor:
    """Return `gradient`, changed in place, where something was let through; spoils `rectified`."""
    if rectified.dtype is not gradient.dtype:
        rectified = empty(gradient, gradient.shape).copy_(rectified)
    if on_cpu(gradient, torch.bfloat16):
        # Of a number above zero, minus its bits has the sign bit set. A third of the time.
        mask = rectified.view(torch.int16).neg_().bitwise_right_shift_(15)
        gradient.view(torch.int16).bitwise_and_(mask)
        return gradient
    result: Tensor = torch.ops.aten.threshold_backward.grad_input(
        gradient, rectified, 0, grad_input=gradient
    )
    return result
