"""What pictures are to look like: Gram matrices of styles, features of contents, and their terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.losses.base import Term
from napari_style_transfer.engine.losses.content import ContentTerm
from napari_style_transfer.engine.losses.gram import GramTerm, gram_matrix, positions_of
from napari_style_transfer.engine.losses.tv import TotalVariationTerm
from napari_style_transfer.engine.networks.vgg import VGG19, map_shape
from napari_style_transfer.engine.objective import Objective
from napari_style_transfer.engine.tiles import Tile, tiles_of
from napari_style_transfer.settings import Settings


@dataclass(frozen=True)
class StyleTarget:
    """What a region of the picture, or all of it, is to look like.

    Attributes
    ----------
    grams
        Layer name to (C, C), a Gram matrix per position.
    weight
        Of the style loss, relative to what the settings say.
    guides
        Layer name to (h, w) bool on the CPU, the region's positions; a layer without is left out and
        the others weigh more. None for the whole picture.
    """

    grams: Mapping[str, Tensor]
    weight: float = 1.0
    guides: Mapping[str, Tensor] | None = None


@torch.no_grad()
def build_objective(
    network: VGG19,
    settings: Settings,
    contents: Tensor,
    targets: Iterable[StyleTarget],
    tile_size: int = 0,
    allocate: Allocate = allocate_map,
    pooled: bool = False,
    further: Sequence[Term] = (),
) -> Objective:
    """Compute the contents' targets and return the objective for pictures of their shape.

    Parameters
    ----------
    network
        Extracts the layers of `settings`. The targets come from the same network, in the same
        precision, as the pictures' features will.
    settings
        The layers, their weights and how they are balanced.
    contents
        (N, 3, H, W) in [0, 1], on the network's device: one for each picture, or one for all.
    targets
        Those of the styles.
    tile_size
        Longest side in pixels of the parts in which pictures are seen; 0 for whole pictures.
    allocate
        Makes the network's maps.
    pooled
        Whether the pictures are parts that have one Gram matrix together.
    further
        Terms beside those of the settings.
    """
    shape = contents.shape[2], contents.shape[3]
    tiles = tiles_of(shape, tile_size, network.layers, network.alignment)
    terms: list[Term] = []
    if settings.content_weight:
        terms += _content_terms(network, settings, contents, tiles, allocate)
    for target in targets if settings.effective_style_weight else ():
        terms += _style_terms(settings, target, shape, pooled)
    if settings.tv_weight:
        terms.append(TotalVariationTerm(settings.tv_weight))
    return Objective(network, [*terms, *further], tiles, allocate)


def _content_terms(
    network: VGG19,
    settings: Settings,
    contents: Tensor,
    tiles: Sequence[Tile],
    allocate: Allocate,
) -> list[Term]:
    layers = {layer: weight for layer, weight in settings.content_layers.items() if weight}
    total = sum(layers.values()) if settings.weighting == "balanced" else 1.0
    maps = _feature_maps(network, contents, list(layers), tiles, allocate)
    return [
        ContentTerm(
            layer, maps[layer], settings.content_weight * weight / total, settings.weighting
        )
        for layer, weight in layers.items()
    ]


def _style_terms(
    settings: Settings, target: StyleTarget, shape: tuple[int, int], pooled: bool
) -> list[Term]:
    layers = {
        layer: weight
        for layer, weight in settings.style_layers.items()
        if weight and (target.guides is None or layer in target.guides)
    }
    total = settings.effective_style_weight * target.weight
    if settings.weighting == "gatys":
        total *= sum(settings.style_layers.values())
    terms: list[Term] = []
    for layer, weight in layers.items():
        guide = None if target.guides is None else target.guides[layer]
        positions = math.prod(map_shape(shape, layer)) if guide is None else int(guide.sum())
        # Of all that the layers are to weigh; what is left out thus goes to the others.
        own = total * weight / sum(layers.values())
        terms.append(
            GramTerm(layer, target.grams[layer], positions, own, settings.weighting, guide, pooled)
        )
    return terms


@torch.no_grad()
def gram_matrices(
    network: VGG19,
    picture: Tensor,
    layers: Collection[str],
    *,
    tile_size: int = 0,
    guides: Mapping[str, Tensor] | None = None,
    allocate: Allocate = allocate_map,
) -> dict[str, Tensor]:
    """Return the Gram matrix of a picture per position, (C, C), at each layer.

    Parameters
    ----------
    network
        Extracts at least `layers`.
    picture
        (1, 3, h, w) of any size, in [0, 1], on the network's device.
    layers
        Which layers.
    tile_size
        Longest side in pixels of the parts in which it is seen; 0 for the whole.
    guides
        Layer name to (h, w) bool on the CPU: the positions that count at that layer; all if absent.
    allocate
        Makes the network's maps.
    """
    shape = picture.shape[2], picture.shape[3]
    guides = guides or {}
    sums: dict[str, Tensor] = {}

    def measure(tile: Tile, layer: str, features: Tensor) -> None:
        if layer in layers:
            guide = guides.get(layer)
            positions = None
            if guide is not None:
                positions = positions_of(guide[tile.window(layer)], features.device)
            (part,) = gram_matrix(tile.own(features, layer), positions)
            sums[layer] = sums[layer] + part if layer in sums else part

    _see(network, picture, tiles_of(shape, tile_size, network.layers, network.alignment),
         measure, allocate)  # fmt: skip
    return {
        layer: whole
        / (int(guides[layer].sum()) if layer in guides else math.prod(map_shape(shape, layer)))
        for layer, whole in sums.items()
    }


def _feature_maps(
    network: VGG19,
    pictures: Tensor,
    layers: Sequence[str],
    tiles: Sequence[Tile],
    allocate: Allocate,
) -> dict[str, Tensor]:
    """Return the whole feature maps of pictures at each layer, put together from their tiles."""
    maps: dict[str, Tensor] = {}

    def put(tile: Tile, layer: str, features: Tensor) -> None:
        if layer not in layers:
            return
        part = tile.own(features, layer)
        if layer not in maps:
            shape = map_shape((pictures.shape[2], pictures.shape[3]), layer)
            maps[layer] = torch.empty(
                (*part.shape[:2], *shape),
                dtype=part.dtype,
                device=part.device,
                memory_format=torch.channels_last,  # as the features that it is subtracted from
            )
        rows, columns = tile.window(layer)
        maps[layer][..., rows, columns] = part

    _see(network, pictures, tiles, put, allocate)
    return maps


def _see(
    network: VGG19,
    pictures: Tensor,
    tiles: Sequence[Tile],
    receive: Callable[[Tile, str, Tensor], None],
    allocate: Allocate,
) -> None:
    """Pass pictures through the network tile by tile."""
    for tile in tiles:
        network.extract(tile.cut(pictures), partial(receive, tile), allocate)
