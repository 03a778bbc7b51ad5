"""The objective: weighted terms over the network's features, and its gradient for a picture.

total = content_weight · L_content + style_weight · L_style + tv_weight · L_tv (Gatys et al. 2015, eq. 7),
the style's weight at the strength that was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_style_transfer.engine.losses import (
    ContentTerm,
    StyleTerm,
    Term,
    gram_matrix,
    positions_of,
    total_variation,
)
from napari_style_transfer.engine.maps import Empty, empty_map
from napari_style_transfer.engine.tiles import Tile, tiles_of
from napari_style_transfer.engine.vgg import VGG19, Pass, map_shape
from napari_style_transfer.settings import Settings

_TERM_NAMES = ("content", "style", "tv")


class Objective:
    """A sum of weighted terms; evaluating it gives a value and a gradient.

    Parameters
    ----------
    network
        Extracts at least the layers that `terms` name.
    terms
        The style and content terms.
    tiles
        The parts in which the picture is seen.
    tv_weight
        Weight of the total variation.
    empty
        Makes the network's maps.
    """

    def __init__(
        self,
        network: VGG19,
        terms: Sequence[Term],
        tiles: Sequence[Tile],
        tv_weight: float = 0.0,
        empty: Empty = empty_map,
    ) -> None:
        self.network, self.terms, self.tiles, self.tv_weight = network, terms, tiles, tv_weight
        self._empty = empty

    @torch.no_grad()
    def evaluate(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate once: one forward and one backward pass; in tiles, one forward pass more.

        Parameters
        ----------
        picture
            (1, 3, H, W) float32 in [0, 1].

        Returns
        -------
        terms, gradient
            Content, style and total variation, (3,), which stay on the device, and the gradient of
            their sum, shaped as `picture`.
        """
        if len(self.tiles) == 1:
            seen = self.network.look(picture, self._empty)
            terms, shares, gradient = self._total(self._measure(seen, self.tiles[0]), picture)
            gradient += self._pull_back(shares, seen, self.tiles[0])
            return terms, gradient
        measured = self._measure_tile(picture, self.tiles[0])
        for tile in self.tiles[1:]:
            for whole, part in zip(measured, self._measure_tile(picture, tile), strict=True):
                whole += part
        terms, shares, gradient = self._total(measured, picture)
        for tile in self.tiles:
            seen = self.network.look(tile.cut(picture), self._empty)
            tile.cut(gradient).add_(self._pull_back(shares, seen, tile))
        return terms, gradient

    def _measure_tile(self, picture: Tensor, tile: Tile) -> list[Tensor]:
        return self._measure(self.network.look(tile.cut(picture), self._empty), tile)

    def _measure(self, seen: Pass, tile: Tile) -> list[Tensor]:
        """Return each term's sum over what `tile` owns of what was seen of it."""
        return [
            term.measure(tile.own(seen.features[term.layer], term.layer), tile.window(term.layer))
            for term in self.terms
        ]

    def _pull_back(self, shares: Sequence[Tensor], seen: Pass, tile: Tile) -> Tensor:
        """Return the gradient for what was seen of `tile`, from that for each term's sum."""

        def add(layer: str, gradient: Tensor) -> None:
            for term, share in zip(self.terms, shares, strict=True):
                if term.layer == layer:
                    features, onto = (
                        tile.own(maps, layer) for maps in (seen.features[layer], gradient)
                    )
                    term.pull_back(share, features, tile.window(layer), onto)

        return seen.back(add)

    @torch.enable_grad()
    def _total(
        self, measured: Sequence[Tensor], picture: Tensor
    ) -> tuple[Tensor, Sequence[Tensor], Tensor]:
        """Return the weighted terms, summed by name, and the gradients of their sum.

        The gradients are those for what was measured and, of the total variation, for the picture.
        """
        picture = picture.detach().requires_grad_(True)
        for whole in measured:
            whole.requires_grad_(True)
        sums = dict.fromkeys(_TERM_NAMES, picture.new_zeros(()))
        for term, whole in zip(self.terms, measured, strict=True):
            sums[term.name] = sums[term.name] + term.weight * term.loss(whole)
        if self.tv_weight:
            sums["tv"] = self.tv_weight * total_variation(picture)
        by_name = torch.stack(list(sums.values()))
        *shares, gradient = torch.autograd.grad(
            by_name.sum(), [*measured, picture], allow_unused=True, materialize_grads=True
        )
        return by_name.detach(), shares, gradient


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
        Layer name to (h, w) bool, the region's positions; a layer without is left out and the others
        weigh more. None for the whole picture.
    """

    grams: Mapping[str, Tensor]
    weight: float = 1.0
    guides: Mapping[str, Tensor] | None = None


@torch.no_grad()
def build_objective(
    network: VGG19,
    settings: Settings,
    content: Tensor,
    targets: Iterable[StyleTarget],
    tile_size: int = 0,
    empty: Empty = empty_map,
) -> Objective:
    """Compute the content's target and return the objective for a picture of the content's shape.

    Parameters
    ----------
    network
        Extracts the layers of `settings`. The targets come from the same network, in the same
        precision, as the picture's features will.
    settings
        The layers, their weights and how they are balanced.
    content
        (1, 3, H, W) in [0, 1], on the network's device.
    targets
        Those of the styles.
    tile_size
        Longest side in pixels of the parts in which pictures are seen; 0 for whole pictures.
    empty
        Makes the network's maps.
    """
    shape = content.shape[2], content.shape[3]
    terms: list[Term] = []
    for target in targets if settings.effective_style_weight else ():
        layers = {
            layer: share
            for layer, share in settings.style_layers.items()
            if share and (target.guides is None or layer in target.guides)
        }
        weight = settings.effective_style_weight * target.weight
        if settings.weighting == "gatys":
            weight *= sum(settings.style_layers.values())
        for layer, share in layers.items():
            guide = None if target.guides is None else target.guides[layer]
            positions = math.prod(map_shape(shape, layer)) if guide is None else int(guide.sum())
            gram = target.grams[layer]
            # Of all that the layers are to weigh; what is left out thus goes to the others.
            own = weight * share / sum(layers.values())
            terms.append(StyleTerm(layer, gram, positions, own, settings.weighting, guide))
    tiles = tiles_of(shape, tile_size, network.layers)
    if settings.content_weight:
        layers = {layer: share for layer, share in settings.content_layers.items() if share}
        total = sum(layers.values()) if settings.weighting == "balanced" else 1.0
        maps = _maps(network, content, list(layers), tiles, empty)
        for layer, share in layers.items():
            weight = settings.content_weight * share / total
            terms.append(ContentTerm(layer, maps[layer], weight, settings.weighting))
    return Objective(network, terms, tiles, settings.tv_weight, empty)


@torch.no_grad()
def gram_matrices(
    network: VGG19,
    picture: Tensor,
    layers: Iterable[str],
    *,
    tile_size: int = 0,
    guides: Mapping[str, Tensor] | None = None,
    empty: Empty = empty_map,
) -> dict[str, Tensor]:
    """Return the Gram matrix of a picture per position, at each layer.

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
        Layer name to (h, w) bool: the positions that count at that layer; all if absent.
    empty
        Makes the network's maps.
    """
    shape = picture.shape[2], picture.shape[3]
    sums: dict[str, Tensor] = {}
    for tile in tiles_of(shape, tile_size, network.layers):
        features = network.look(tile.cut(picture), empty).features
        for layer in layers:
            guide = (guides or {}).get(layer)
            part = gram_matrix(
                tile.own(features[layer], layer),
                None if guide is None else positions_of(guide[tile.window(layer)]),
            )
            sums[layer] = sums[layer] + part if layer in sums else part
    return {
        layer: whole
        / (
            int(guides[layer].sum())
            if guides and layer in guides
            else math.prod(map_shape(shape, layer))
        )
        for layer, whole in sums.items()
    }


def _maps(
    network: VGG19, picture: Tensor, layers: Sequence[str], tiles: Sequence[Tile], empty: Empty
) -> dict[str, Tensor]:
    """Return the whole feature map of a picture at each layer, put together from its tiles."""
    maps: dict[str, Tensor] = {}
    for tile in tiles:
        features = network.look(tile.cut(picture), empty).features
        for layer in layers:
            part = tile.own(features[layer], layer)
            if layer not in maps:
                shape = map_shape((picture.shape[2], picture.shape[3]), layer)
                maps[layer] = torch.empty(
                    (1, part.shape[1], *shape),
                    dtype=part.dtype,
                    device=part.device,
                    memory_format=torch.channels_last,  # as the features that it is subtracted from
                )
            rows, columns = tile.window(layer)
            maps[layer][..., rows, columns] = part
    return maps
