"""What a run is asked for now, and how it is computed; steering changes it on the way."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.colour import luminance, with_chrominance_of
from napari_style_transfer.engine.cpu.allocator import Allocate, MapAllocator, allocate_map
from napari_style_transfer.engine.device import (
    Precision,
    choose_precision,
    free_memory,
    release_memory,
    too_little_memory,
)
from napari_style_transfer.engine.guides import parts
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.errors import InputError, OutOfMemoryError
from napari_style_transfer.geometry import Shape, result_shape
from napari_style_transfer.memory import map_bytes, plan_memory
from napari_style_transfer.settings import Settings, with_live
from napari_style_transfer.spec import Regions, Style, check_cover, check_regions, largest_scale
from napari_style_transfer.steering import KEEP, Update

#: Tiles are made no smaller than this: by then the halo is most of what is seen.
_SMALLEST_TILE = 128


class RunState:
    """The request of one run as it stands, and the resources that it is computed with.

    Parameters
    ----------
    settings
        The parameters.
    content
        (1, 3, H, W) in [0, 1] on the CPU.
    styles
        The styles; their pictures are known to be readable.
    regions
        Where each style goes, or None for everywhere.
    cache
        Network, pictures and targets of earlier runs.
    device
        Where to compute.
    reference
        The picture whose colours stand for the content's, (1, 3, h, w); the content if None.
    held
        What the result is held to, (1, 3, h, w), and how firmly at each pixel, (1, 1, h, w), both on the
        CPU; None for nothing.

    Attributes
    ----------
    own_cache
        For what depends on the content.
    shape
        (H, W) of the result.
    precision
        Of the network.
    tile_size
        Side in pixels of the parts in which pictures are seen; 0 for whole pictures.
    steered
        Whether anything was changed since the run began.
    """

    def __init__(
        self,
        settings: Settings,
        content: Tensor,
        styles: tuple[Style, ...],
        regions: Regions | None,
        cache: Cache,
        device: torch.device,
        reference: Tensor | None = None,
        held: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self._reference, self._held = reference, held
        self.settings, self.styles, self.regions = settings, styles, regions
        self.cache, self.own_cache = cache, Cache()
        self.device, self.steered = device, False
        self._content = content
        self.content_shape = content.shape[2], content.shape[3]
        self.shape = result_shape(self.content_shape, settings.size)
        self.precision = choose_precision(settings.precision, device)
        self.tile_size = plan_memory(
            self.shape,
            settings,
            value_bytes=self.precision.dtype.itemsize,
            free=free_memory(device),
            cpu=device.type == "cpu",
            largest_style=largest_scale(styles, regions),
        ).tile_size

    def change(self, update: Update) -> str:
        """Take an update; return a sentence if it cannot be met, and everything stays as it was."""
        settings = self.settings if update.settings is None else update.settings
        styles = self.styles if update.styles is None else update.styles
        wanted = self.regions if update.regions is KEEP else update.regions
        try:
            for style in styles:
                self.cache.picture(style.picture, "style")
            regions = None if wanted is None else check_regions(wanted, len(styles))
            if regions is not None:
                check_cover(regions, self.content_shape)
            self.settings = with_live(self.settings, settings)
        except InputError as error:
            return str(error)
        self.styles, self.regions, self.steered = styles, regions, True
        return ""

    def content(self, shape: Shape) -> Tensor:
        """Return the content at `shape`, (1, 3, H, W) on the CPU."""
        return resize(self._content, shape)

    def painted_content(self, shape: Shape) -> Tensor:
        """Return the content as it is painted: without its colours, where these are laid over later."""
        content = self.content(shape)
        return luminance(content) if self.settings.colours == "luminance" else content

    def colours(self, shape: Shape) -> Tensor:
        """Return the picture whose colours stand for the content's, at about `shape`, on the CPU."""
        return resize(self._content if self._reference is None else self._reference, shape)

    def held(self, shape: Shape) -> tuple[Tensor, Tensor] | None:
        """Return what the result is held to at `shape`, and how firmly; None for nothing."""
        if self._held is None:
            return None
        target, weights = (resize(each, shape) for each in self._held)
        if self.settings.colours == "luminance":
            target = luminance(target)
        return target, weights

    def release(self) -> None:
        """Hold the result to nothing any more, so that it can become what is asked for now."""
        self._held = None

    def untouched(self, shape: Shape) -> Tensor | None:
        """Return (H, W) bool on the CPU, true where the content is left as it is; None for nowhere."""
        if self.regions is None:
            return None
        left = [mask for region, _, mask in parts(self.regions, shape) if region.style is None]
        return torch.stack(left).any(0) if left else None

    def shown(self, picture: Tensor) -> Tensor:
        """Return a (1, 3, H, W) picture as the user is to see it: in the colours that are kept."""
        shape = picture.shape[2], picture.shape[3]
        if self.settings.colours != "luminance":
            return picture
        content = self.content(shape).to(picture.device)
        picture = with_chrominance_of(picture, content)
        left = self.untouched(shape)
        return picture if left is None else torch.where(left.to(picture.device), content, picture)

    def allocator(self, shape: Shape, precision: Precision) -> Allocate:
        """Return what makes the network's maps of pictures of `shape`, in `precision`."""
        if self.device.type != "cpu":
            return allocate_map
        return MapAllocator(map_bytes(shape, precision.dtype.itemsize, self.tile_size))

    def shrink_tiles(self, shape: Shape) -> str:
        """Halve the tiles, because a picture of `shape` did not fit, and return a sentence on it.

        Raises
        ------
        OutOfMemoryError
            If the tiles are as small as can be.
        """
        smaller = min(self.tile_size or max(shape), max(shape)) // 32 * 16
        if smaller < _SMALLEST_TILE:
            raise OutOfMemoryError(too_little_memory(self.device, self.settings.size))
        self.tile_size = smaller
        release_memory(self.device)
        return f"The memory was too small; going on in tiles of {smaller} px."
