"""What the scales of a run share: device, networks, pictures, and the size of the tiles."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from napari_style_transfer.engine.device import convolution_dtype, describe, free_memory
from napari_style_transfer.engine.images import Shape, resize, result_shape
from napari_style_transfer.engine.objective import Objective, build_objective
from napari_style_transfer.engine.vgg import VGG19
from napari_style_transfer.engine.weights import load_weights
from napari_style_transfer.errors import OutOfMemoryError
from napari_style_transfer.memory import plan_memory
from napari_style_transfer.settings import MIN_SIDE, Settings

#: Tiles are made no smaller than this: by then the halo is most of what is seen.
_SMALLEST_TILE = 128


class Studio:
    """The means of one run.

    Parameters
    ----------
    settings
        The parameters.
    pictures
        ``"content"``, ``"style"`` and perhaps ``"init"``, each (1, 3, H, W) in [0, 1] on the CPU.
    device
        Where to compute.
    """

    def __init__(
        self, settings: Settings, pictures: dict[str, Tensor], device: torch.device
    ) -> None:
        self.settings, self.device, self._pictures = settings, device, pictures
        content = pictures["content"]
        self.content_shape = content.shape[2], content.shape[3]
        self.result = result_shape(self.content_shape, settings.size)
        self.dtype = convolution_dtype(settings.precision, device)
        plan = plan_memory(
            self.result,
            settings,
            value_bytes=self.dtype.itemsize,
            free=free_memory(device),
            cpu=device.type == "cpu",
        )
        self.tile_size = plan.tile_size

    def network(self, dtype: torch.dtype) -> VGG19:
        """Return the network in float32 or in the precision of the run."""
        return self._network if dtype is self.dtype else self._exact_network

    @cached_property
    def _network(self) -> VGG19:
        return self._build_network(self.dtype)

    @cached_property
    def _exact_network(self) -> VGG19:
        return self._build_network(torch.float32)

    def _build_network(self, dtype: torch.dtype) -> VGG19:
        settings = self.settings
        layers = [
            layer
            for weights in (settings.content_layers, settings.style_layers)
            for layer, weight in weights.items()
            if weight
        ]
        weights = load_weights(settings.weights)
        return VGG19(weights, layers, pooling=settings.pooling, dtype=dtype).to(self.device)

    def start(self, shape: Shape) -> Tensor:
        """Return the picture to start from, (1, 3, H, W) at `shape`, on the device."""
        if "init" in self._pictures:
            start = resize(self._pictures["init"], shape)
        elif self.settings.start == "content":
            start = resize(self._pictures["content"], shape)
        else:
            generator = torch.Generator().manual_seed(self.settings.seed)
            start = torch.randn(1, 3, *shape, generator=generator).mul_(0.15).add_(0.5).clamp_(0, 1)
        return start.to(self.device)

    def objective(self, shape: Shape, dtype: torch.dtype) -> Objective:
        """Return the objective of a picture of `shape`, with convolutions in `dtype`."""
        style = self._pictures["style"]
        longest = max(shape) * self.settings.style_scale
        height, width = result_shape((style.shape[2], style.shape[3]), max(1, round(longest)))
        # A very narrow style is widened: the deep layers need a few positions to average over.
        style_shape = max(height, 2 * MIN_SIDE), max(width, 2 * MIN_SIDE)
        return build_objective(
            self.network(dtype),
            self.settings,
            resize(self._pictures["content"], shape).to(self.device),
            resize(style, style_shape).to(self.device),
            self.tile_size,
        )

    def shrink_tiles(self, shape: Shape) -> str:
        """Halve the tiles, because a picture of `shape` did not fit, and return a sentence on it.

        Raises
        ------
        OutOfMemoryError
            If the tiles are as small as can be.
        """
        smaller = min(self.tile_size or max(shape), max(shape)) // 32 * 16
        if smaller < _SMALLEST_TILE:
            raise OutOfMemoryError(too_little_memory(self.device, self.settings))
        self.tile_size = smaller
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return f"The memory was too small; going on in tiles of {smaller} px."


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether an error of torch's is about memory, on any device."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def too_little_memory(device: torch.device, settings: Settings) -> str:
    """Return the sentence for a picture that cannot be painted on `device`."""
    return (
        f"There is too little memory on {describe(device)} for {settings.size} px; choose a "
        "smaller size, or another device."
    )
