"""VGG-19 on a CPU: the forward and the backward pass written out over the kernels of this folder.

The parameters are frozen, so all that the backward pass needs is which values each rectification let
through. Gradients of the terms are added where they arise, and everything else is done in place, where
autograd would make copies and sum them: less time and less memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.convolution import FusedConvolution, WinogradConvolution
from napari_style_transfer.engine.cpu.int8 import Int8Backward
from napari_style_transfer.engine.cpu.pooling import average_pool, max_pool
from napari_style_transfer.engine.cpu.rectification import nonzero, unrectify
from napari_style_transfer.engine.cpu.winograd import TILE, Winograd
from napari_style_transfer.engine.cpu.winograd import works as winograd_works
from napari_style_transfer.engine.networks.vgg import (
    VGG19,
    AddGradient,
    Backward,
    Pooling,
    Receive,
    stride,
)
from napari_style_transfer.engine.networks.weights import NetworkWeights
from napari_style_transfer.settings import LAYER_NAMES

_LAST_OF_BLOCK = frozenset(name for name, after in pairwise(LAYER_NAMES) if name[4] != after[4])
#: Channels in and out from which Winograd's products outweigh the transforms around them.
_WINOGRAD_CHANNELS = 128
#: The deepest stride of a layer with Winograd's tiles. Tiles of a large picture begin where Winograd's
#: do, so that both see the same numbers; deeper layers would make their halo wider than is gained.
_WINOGRAD_STRIDE = 8


class _Rectified(NamedTuple):
    """A step of the backward pass, at a rectification.

    Attributes
    ----------
    layer
        Its name.
    wanted
        Whether the caller adds a gradient of its own.
    features
        Returns the activations, or what tells where they are not zero.
    """

    layer: str
    wanted: bool
    features: Callable[[], Tensor]


_Step = _Rectified | Callable[[Tensor], Tensor]


class CpuVGG19(VGG19):
    """:class:`~napari_style_transfer.engine.networks.vgg.VGG19` by kernels for a CPU.

    Parameters
    ----------
    weights, layers, pooling, dtype
        As there.
    winograd
        Whether wide float32 layers are convolved by Winograd's algorithm, whose rounding does not stop
        at the border of a receptive field.
    int8_backward
        Whether the backward pass is in 8-bit integers, and Winograd's kernels in float16.
    """

    def __init__(
        self,
        weights: NetworkWeights,
        layers: Iterable[str],
        *,
        pooling: Pooling = "max",
        dtype: torch.dtype = torch.float32,
        winograd: bool = True,
        int8_backward: bool = False,
    ) -> None:
        self._int8_backward = int8_backward
        self._winograd = None
        if winograd and dtype is torch.float32 and winograd_works():
            self._winograd = Winograd(torch.float16 if int8_backward else torch.float32)
        super().__init__(weights, layers, pooling=pooling, dtype=dtype)
        self.alignment = max(_WINOGRAD_STRIDE * TILE, self.alignment)
        self._before_max_pool = _LAST_OF_BLOCK if pooling == "max" else frozenset()
        self._pool = max_pool if pooling == "max" else average_pool

    def _stage(self, name: str, weight: Tensor, bias: Tensor) -> nn.Module:
        pays = stride(name) <= _WINOGRAD_STRIDE and min(weight.shape[:2]) >= _WINOGRAD_CHANNELS
        layer: FusedConvolution | WinogradConvolution
        if self._winograd is not None and pays:
            layer = WinogradConvolution(weight, bias, self._winograd)
        else:
            layer = FusedConvolution(weight, bias)
        return Int8Backward(layer, weight) if self._int8_backward else layer

    def extract(
        self, pictures: Tensor, receive: Receive, allocate: Allocate = allocate_map
    ) -> None:
        """Pass pictures through without a backward pass; otherwise as :meth:`record`."""
        self._pass(pictures, receive, allocate, deque(maxlen=0))

    def record(
        self,
        pictures: Tensor,
        receive: Receive | None = None,
        allocate: Allocate = allocate_map,
    ) -> Backward:
        """Pass pictures through, and return the backward pass; see :meth:`VGG19.record`."""
        steps: deque[_Step] = deque()
        self._pass(pictures, receive, allocate, steps)
        return partial(_backward, steps, allocate)

    @torch.no_grad()
    def _pass(
        self,
        pictures: Tensor,
        receive: Receive | None,
        allocate: Allocate,
        steps: deque[_Step],
    ) -> None:
        entry = self.normalized(pictures)
        steps.append(lambda gradient: gradient.to(self.mean).contiguous() / self.std)
        x, block, masked = entry, "1", True
        stage: FusedConvolution | WinogradConvolution | Int8Backward
        for name, stage in self.stages.items():  # type: ignore[assignment]
            if name[4] != block:
                x, unpool = self._pool(x, allocate)
                steps.append(unpool)
                block = name[4]
            if not masked:
                steps.append(partial(unrectify, nonzero(x, allocate), allocate))
            steps.append(partial(stage.backward, allocate=allocate))
            x = stage.rectified(x, allocate)
            wanted = name in self.layers
            # What max pooling passes on was rectified: its gradient is masked there, on a quarter.
            masked = wanted or name not in self._before_max_pool
            if wanted and receive:
                receive(name, x)
            if name == LAYER_NAMES[0]:  # its map is the largest, and soon made: it is not kept
                again = partial(stage.rectified, entry, allocate)
                steps.append(_Rectified(name, wanted, again))
            elif masked:
                kept = x if wanted else nonzero(x, allocate)
                steps.append(_Rectified(name, wanted, _constant(kept)))


def _constant(features: Tensor) -> Callable[[], Tensor]:
    return lambda: features


@torch.no_grad()
def _backward(steps: deque[_Step], allocate: Allocate, add: AddGradient) -> Tensor:
    gradient: Tensor | None = None
    while steps:
        gradient = _step_back(steps.pop(), gradient, allocate, add)
    assert gradient is not None
    return gradient


def _step_back(
    step: _Step, gradient: Tensor | None, allocate: Allocate, add: AddGradient
) -> Tensor:
    if not isinstance(step, _Rectified):
        assert gradient is not None  # the trunk ends at a wanted layer
        return step(gradient)
    features = step.features()
    if gradient is None:
        gradient = torch.zeros_like(features)
    if step.wanted:
        add(step.layer, features, gradient)
    return unrectify(features, allocate, gradient)
