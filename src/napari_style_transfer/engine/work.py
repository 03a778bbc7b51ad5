"""The work in hand: what is wanted of a run, and the objective that says so at each scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from napari_style_transfer.engine.cache import Cache, Identity
from napari_style_transfer.engine.colour import (
    luminance,
    match_colours,
    match_luminance,
    with_chrominance_of,
)
from napari_style_transfer.engine.cpu.allocator import Allocate, MapAllocator, allocate_map
from napari_style_transfer.engine.device import (
    Precision,
    choose_precision,
    free_memory,
    release_memory,
    too_little_memory,
)
from napari_style_transfer.engine.guides import EFFECTIVE, guides, parts, too_small
from napari_style_transfer.engine.networks.vgg import VGG19
from napari_style_transfer.engine.objective import (
    Objective,
    StyleTarget,
    build_objective,
    gram_matrices,
)
from napari_style_transfer.engine.start import in_colours_of, noise, with_strokes
from napari_style_transfer.engine.style_picture import ready
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.errors import InputError, OutOfMemoryError
from napari_style_transfer.geometry import Shape, result_shape
from napari_style_transfer.memory import map_bytes, plan_memory
from napari_style_transfer.settings import MIN_SIDE, Settings, strength_factor, with_live
from napari_style_transfer.spec import (
    Region,
    Regions,
    Style,
    check_cover,
    check_regions,
    largest_scale,
    shares_of,
)
from napari_style_transfer.steering import KEEP, Update

#: Tiles are made no smaller than this: by then the halo is most of what is seen.
_SMALLEST_TILE = 128


class Work:
    """What one run paints, and with what.

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
    init
        A picture to start from, like `content`, or None for what `settings.start` says.
    cache
        Network and targets of earlier runs.
    device
        Where to compute.
    init_mask
        (1, 1, h, w) in [0, 1] on the CPU: how much of the start is `init`; all of it if None. The rest
        takes over its fine strokes only.
    """

    def __init__(
        self,
        settings: Settings,
        content: Tensor,
        styles: tuple[Style, ...],
        regions: Regions | None,
        init: Tensor | None,
        cache: Cache,
        device: torch.device,
        init_mask: Tensor | None = None,
    ) -> None:
        self.settings, self.styles, self.regions = settings, styles, regions
        self.device, self.steered = device, False
        self._content, self._init, self._cache, self._own = content, init, cache, Cache()
        self._init_mask = init_mask
        self.content_shape = content.shape[2], content.shape[3]
        self.result = result_shape(self.content_shape, settings.size)
        self.precision = choose_precision(settings.precision, device)
        self.tile_size = plan_memory(
            self.result,
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
        regions = self.regions if update.regions is KEEP else update.regions
        try:
            for style in styles:
                self._cache.picture(style.picture, "style")
            if regions is not None:
                check_regions(regions, len(styles))
                check_cover(regions, self.content_shape)
            self.settings = with_live(self.settings, settings)
        except InputError as error:
            return str(error)
        self.styles, self.regions, self.steered = styles, regions, True
        return ""

    def content(self, shape: Shape) -> Tensor:
        """Return the content at `shape`, (1, 3, H, W) on the device."""
        return resize(self._content, shape).to(self.device)

    def start(self, shape: Shape) -> Tensor:
        """Return the picture to start from, (1, 3, H, W) at `shape`, on the device."""
        if self._init is None:
            return self._own_start(shape)
        init = resize(self._init, shape).to(self.device)
        if self._init_mask is None:
            return init
        mask = resize(self._init_mask, shape).to(self.device)
        return with_strokes(self._own_start(shape), init, 1 - mask).lerp_(init, mask)

    def _own_start(self, shape: Shape) -> Tensor:
        """Return the picture that `settings.start` says, (1, 3, H, W) at `shape`, on the device."""
        if self.settings.start == "content":
            return self._coloured(resize(self._content, shape)).to(self.device)
        return noise(shape, self.settings.seed).to(self.device)

    def carry(self, picture: Tensor, shape: Shape) -> Tensor:
        """Return a picture painted at one scale as the next one starts from it, at `shape`.

        That is what was painted, with the detail of its own start that only the next scale can show.
        """
        picture, before = resize(picture, shape), (picture.shape[2], picture.shape[3])
        if self._init is None and self.settings.start == "noise":
            return picture
        detail = self.start(shape) - resize(self.start(before), shape)
        return detail.add_(picture).clamp_(0, 1)

    def _coloured(self, content: Tensor) -> Tensor:
        """Return the content, (1, 3, H, W) on the CPU, as painting starts: in its styles' colours."""
        if self.settings.colours != "style":
            return self._seen(content)
        if self.regions is None:
            return self._in_colours_of(Region(), content)
        picture = content
        for region, _, mask in parts(self.regions, (content.shape[2], content.shape[3])):
            picture = torch.where(mask, self._in_colours_of(region, content), picture)
        return picture

    def _in_colours_of(self, region: Region, content: Tensor) -> Tensor:
        styles = shares_of(region, self.styles)
        weight = self.settings.effective_style_weight * strength_factor(region.strength)
        if not (styles and weight):
            return content
        shape = content.shape[2], content.shape[3]
        references = ((self._colours(style, shape), share) for style, share in styles)
        return in_colours_of(content, references, weight, self.settings.content_weight)

    def _colours(self, style: Style, shape: Shape) -> Tensor:
        """Return the pixels of a style picture that serve, (1, 3, H, W) or (1, 3, N)."""
        mask = None if style.mask is None else torch.from_numpy(np.asarray(style.mask) != 0)
        picture, serves = ready(self._cache.picture(style.picture, "style"), shape, mask=mask)
        return picture if serves is None or not serves.any() else picture[:, :, serves]

    def untouched(self, shape: Shape) -> Tensor | None:
        """Return (H, W) bool, true where the content is left as it is; None where it nowhere is."""
        if self.regions is None:
            return None
        left = [mask for region, _, mask in parts(self.regions, shape) if region.style is None]
        return torch.stack(left).any(0).to(self.device) if left else None

    def shown(self, picture: Tensor) -> Tensor:
        """Return a (1, 3, H, W) picture as the user is to see it: in the colours that are kept."""
        shape = picture.shape[2], picture.shape[3]
        if self.settings.colours != "luminance":
            return picture
        content = self.content(shape)
        picture = with_chrominance_of(picture, content)
        left = self.untouched(shape)
        return picture if left is None else torch.where(left, content, picture)

    def map_allocator(self, shape: Shape, precision: Precision) -> Allocate:
        """Return what makes the network's maps of pictures of `shape`, in `precision`."""
        if self.device.type != "cpu":
            return allocate_map
        return MapAllocator(map_bytes(shape, precision.dtype.itemsize, self.tile_size))

    def objective(
        self, shape: Shape, precision: Precision, empty: Allocate
    ) -> tuple[Objective, str]:
        """Return the objective of a picture of `shape`, in `precision`, and a sentence or "".

        `empty` makes the network's maps.
        """
        notes: list[str] = []
        objective = build_objective(
            self._network(precision),
            self.settings,
            self._seen(self.content(shape)),
            self._targets(shape, precision, notes, empty),
            self.tile_size,
            empty,
        )
        return objective, " ".join(notes)

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

    def _network(self, precision: Precision) -> VGG19:
        settings = self.settings
        layers = [
            layer
            for weights in (settings.content_layers, settings.style_layers)
            for layer, weight in weights.items()
            if weight
        ]
        return self._cache.network(
            settings.weights,
            layers,
            settings.pooling,
            precision,
            self.device,
            fast=self.regions is None or settings.borders != "strict",
        )

    def _seen(self, content: Tensor) -> Tensor:
        """Return the content as it is painted: without its colours, where these are laid over later."""
        return luminance(content) if self.settings.colours == "luminance" else content

    # ---- the styles' targets ---------------------------------------------------------------------

    def _targets(
        self, shape: Shape, precision: Precision, notes: list[str], empty: Allocate
    ) -> Iterator[StyleTarget]:
        """Yield the target of each region, or of the whole picture; note what cannot be met."""
        if self.regions is None:
            yield StyleTarget(self._mix(Region(), shape, precision, empty))
            return
        layers = [name for name, weight in self.settings.style_layers.items() if weight]
        for region, labels, mask in parts(self.regions, shape):
            if region.style is None:
                continue
            found = guides(
                mask,
                layers,
                # On a coarse scale the band without a guide is no wider than on the result.
                (1.0 if self.settings.borders == "strict" else EFFECTIVE)
                * max(shape)
                / max(self.result),
            )
            if shape == self.result:
                notes.extend(too_small(labels, layers, found))
            # By its area: then style and content are in the same balance in regions of any size.
            weight = strength_factor(region.strength) * float(mask.float().mean())
            at = {layer: guide.to(self.device) for layer, guide in found.items()}
            yield StyleTarget(self._mix(region, shape, precision, empty), weight, at)

    def _mix(
        self, region: Region, shape: Shape, precision: Precision, empty: Allocate
    ) -> dict[str, Tensor]:
        """Return the Gram matrices that a region is to have: the styles' in their shares."""
        mixed: dict[str, Tensor] = {}
        for style, share in shares_of(region, self.styles):
            for layer, gram in self._grams(style, shape, precision, empty).items():
                mixed[layer] = mixed.get(layer, 0) + gram * share
        return mixed

    def _grams(
        self, style: Style, shape: Shape, precision: Precision, empty: Allocate
    ) -> dict[str, Tensor]:
        """Return the Gram matrices of one style for a picture of `shape`."""
        settings = self.settings
        picture = self._cache.picture(style.picture, "style")
        longest = max(shape) * settings.style_scale * style.scale
        height, width = result_shape((picture.shape[2], picture.shape[3]), max(1, round(longest)))
        # A very narrow style is widened: the deep layers need a few positions to average over.
        style_shape = max(height, 2 * MIN_SIDE), max(width, 2 * MIN_SIDE)
        network = self._network(precision)
        layers = [name for name, weight in settings.style_layers.items() if weight]

        def compute() -> dict[str, Tensor]:
            mask = None if style.mask is None else torch.from_numpy(np.asarray(style.mask) != 0)
            seen, serves = ready(picture, style_shape, style.angle, mask)
            if settings.colours == "match":
                seen = match_colours(seen, resize(self._content, shape))
            elif settings.colours == "luminance":
                seen = match_luminance(seen, resize(self._content, shape))
            # Where no position lies inside the part that serves, all are taken.
            found = {} if serves is None else guides(serves, layers)
            return gram_matrices(
                network,
                seen.to(self.device),
                layers,
                tile_size=self.tile_size,
                guides={layer: guide.to(self.device) for layer, guide in found.items()},
                empty=empty,
            )

        # What depends on the content is of no use to other runs, and would keep their contents alive.
        keeper = self._cache if settings.colours == "style" else self._own
        return keeper.keep(
            (
                "grams", Identity(style.picture), Identity(style.mask), style.angle, style_shape,
                precision, self.device, settings.weights, settings.pooling,
                tuple(layers), settings.colours, settings.colours != "style" and shape,
            ),
            compute,
        )  # fmt: skip
