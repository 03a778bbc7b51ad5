"""The objective: weighted terms over the network's features, and its gradient for a picture.

total = content_weight · L_content + style_weight · L_style + tv_weight · L_tv (Gatys et al. 2015, eq. 7),
the style's weight at the strength that was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.losses import (
    ContentTerm,
    StyleTerm,
    Term,
    gram_matrix,
    positions_of,
    total_variation,
)
from napari_style_transfer.engine.networks.vgg import VGG19, WayBack, map_shape
from napari_style_transfer.engine.tiles import Tile, tiles_of
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
        empty: Allocate = allocate_map,
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
        sums: dict[int, Tensor] = {}
        if len(self.tiles) == 1:
            tile = self.tiles[0]
            back = self.network.look(picture, partial(self._measure, sums, tile), self._empty)
            terms, shares, gradient = self._total(sums, picture)
            gradient += self._pull_back(shares, back, tile)
            return terms, gradient
        for tile in self.tiles:
            self.network.show(tile.cut(picture), partial(self._measure, sums, tile), self._empty)
        terms, shares, gradient = self._total(sums, picture)
        for tile in self.tiles:
            back = self.network.look(tile.cut(picture), empty=self._empty)
            tile.cut(gradient).add_(self._pull_back(shares, back, tile))
        return terms, gradient

    def _measure(self, sums: dict[int, Tensor], tile: Tile, layer: str, features: Tensor) -> None:
        """Add what `tile` owns of a layer to the sums of its terms, which are kept by their number."""
        for number, term in enumerate(self.terms):
            if term.layer == layer:
                part = term.measure(tile.own(features, layer), tile.window(layer))
                sums[number] = sums[number] + part if number in sums else part

    def _pull_back(self, shares: Sequence[Tensor], back: WayBack, tile: Tile) -> Tensor:
        """Return the gradient for what was seen of `tile`, from that for each term's sum."""

        def add(layer: str, features: Tensor, gradient: Tensor) -> None:
            for term, share in zip(self.terms, shares, strict=True):
                if term.layer == layer:
                    own, onto = (tile.own(maps, layer) for maps in (features, gradient))
                    term.pull_back(share, own, tile.window(layer), onto)

        return back(add)

    @torch.enable_grad()
    def _total(
        self, sums: Mapping[int, Tensor], picture: Tensor
    ) -> tuple[Tensor, Sequence[Tensor], Tensor]:
        """Return the weighted terms, summed by name, and the gradients of their sum.

        The gradients are those for the terms' sums and, of the total variation, for the picture.
        """
        measured = [sums[number] for number in range(len(self.terms))]
        picture = picture.detach().requires_grad_(True)
        for whole in measured:
            whole.requires_grad_(True)
        by_name = dict.fromkeys(_TERM_NAMES, picture.new_zeros(()))
        for term, whole in zip(self.terms, measured, strict=True):
            by_name[term.name] = by_name[term.name] + term.weight * term.loss(whole)
        if self.tv_weight:
            by_name["tv"] = self.tv_weight * total_variation(picture)
        weighted = torch.stack(list(by_name.values()))
        if not weighted.requires_grad:  # there is no term
            return weighted, [], torch.zeros_like(picture)
        *shares, gradient = torch.autograd.grad(
            weighted.sum(), [*measured, picture], allow_unused=True, materialize_grads=True
        )
        return weighted.detach(), shares, gradient


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
    empty: Allocate = allocate_map,
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
    layers: Collection[str],
    *,
    tile_size: int = 0,
    guides: Mapping[str, Tensor] | None = None,
    empty: Allocate = allocate_map,
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
    guides = guides or {}
    sums: dict[str, Tensor] = {}

    def see(tile: Tile, layer: str, features: Tensor) -> None:
        if layer in layers:
            guide = guides.get(layer)
            part = gram_matrix(
                tile.own(features, layer),
                None if guide is None else positions_of(guide[tile.window(layer)]),
            )
            sums[layer] = sums[layer] + part if layer in sums else part

    for tile in tiles_of(shape, tile_size, network.layers):
        network.show(tile.cut(picture), partial(see, tile), empty)
    return {
        layer: whole
        / (int(guides[layer].sum()) if layer in guides else math.prod(map_shape(shape, layer)))
        for layer, whole in sums.items()
    }


def _maps(
    network: VGG19, picture: Tensor, layers: Sequence[str], tiles: Sequence[Tile], empty: Allocate
) -> dict[str, Tensor]:
    """Return the whole feature map of a picture at each layer, put together from its tiles."""
    maps: dict[str, Tensor] = {}

    def see(tile: Tile, layer: str, features: Tensor) -> None:
        if layer not in layers:
            return
        part = tile.own(features, layer)
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

    for tile in tiles:
        network.show(tile.cut(picture), partial(see, tile), empty)
    return maps
