"""The objective: weighted terms over the network's features, and its gradient for pictures.

total = content_weight · L_content + style_weight · L_style + tv_weight · L_tv (Gatys et al. 2015, eq. 7),
with the style's weight at the strength chosen. Any other :class:`Term` may be among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.losses.base import PICTURE, Features, Term
from napari_style_transfer.engine.networks.vgg import VGG19, Backward
from napari_style_transfer.engine.tiles import Tile


class Evaluation(NamedTuple):
    """What one evaluation finds of N pictures.

    Attributes
    ----------
    losses
        Name of the terms to their weighted losses, (N,), which stay on the device.
    gradient
        That of each picture's total for it, (N, 3, H, W).
    """

    losses: Mapping[str, Tensor]
    gradient: Tensor


class Objective:
    """A sum of weighted terms; evaluating it gives values and gradients.

    An optimiser moves pictures by the gradient; a network that makes the pictures is trained by passing
    it on: ``pictures.backward(gradient)``.

    Parameters
    ----------
    network
        Extracts at least the layers that `terms` name.
    terms
        What is added up.
    tiles
        The parts in which pictures are seen.
    allocate
        Makes the network's maps.
    """

    def __init__(
        self,
        network: VGG19,
        terms: Sequence[Term],
        tiles: Sequence[Tile],
        allocate: Allocate = allocate_map,
    ) -> None:
        self.network, self.terms, self.tiles = network, terms, tiles
        self._allocate = allocate

    @torch.no_grad()
    def evaluate(self, pictures: Tensor) -> Evaluation:
        """Evaluate once: one forward and one backward pass; in tiles, one forward pass more.

        Parameters
        ----------
        pictures
            (N, 3, H, W) float32 in [0, 1], each evaluated on its own.
        """
        network, allocate = self.network, self._allocate
        passes = [_TilePass(tile, self.terms) for tile in self.tiles]
        if len(passes) == 1:
            (only,) = passes
            backward = network.record(pictures, only.measure, allocate)
            losses, gradient = self._differentiate(passes, pictures)
            gradient += only.gradient(backward)
            return Evaluation(losses, gradient)
        for each in passes:
            network.extract(each.tile.cut(pictures), each.measure, allocate)
            each.forget_features()
        losses, gradient = self._differentiate(passes, pictures)
        for each in passes:
            backward = network.record(each.tile.cut(pictures), each.gather, allocate)
            each.tile.cut(gradient).add_(each.gradient(backward))
        return Evaluation(losses, gradient)

    @torch.enable_grad()
    def _differentiate(
        self, passes: Sequence[_TilePass], pictures: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses, and the gradient that terms without layers have for the pictures.

        Each pass gets the gradients for its statistics.
        """
        pictures = pictures.detach().requires_grad_(True)
        leaves: list[Tensor] = [pictures]
        losses: dict[str, Tensor] = {}
        for number, term in enumerate(self.terms):
            if term.layers:
                parts = [each.statistics[number].requires_grad_(True) for each in passes]
                leaves += parts
                statistic = reduce(term.merge, parts)
            else:
                statistic = term.measure({PICTURE: pictures}, {})
            loss = term.weight * term.loss(statistic)
            losses[term.name] = losses[term.name] + loss if term.name in losses else loss
        if not losses:
            return {}, torch.zeros_like(pictures)
        total = torch.stack(list(losses.values())).sum()
        gradient, *others = torch.autograd.grad(
            total, leaves, allow_unused=True, materialize_grads=True
        )
        found = iter(others)
        for number, term in enumerate(self.terms):
            if term.layers:
                for each in passes:
                    each.gradients[number] = next(found)
        return {name: loss.detach() for name, loss in losses.items()}, gradient


class _TilePass:
    """One tile's way through an evaluation: its statistics forward, their gradients backward.

    Terms of one layer are measured, and differentiated, while the network passes that layer. Those of
    several layers wait until they have all.
    """

    def __init__(self, tile: Tile, terms: Sequence[Term]) -> None:
        self.tile, self._terms = tile, terms
        self.statistics: dict[int, Tensor] = {}
        self.gradients: dict[int, Tensor] = {}
        self._shared = {layer for term in terms if len(term.layers) > 1 for layer in term.layers}
        self._features: dict[str, Tensor] = {}

    def measure(self, layer: str, features: Tensor) -> None:
        """Take what the tile owns of a layer into the statistics of its terms."""
        own = self.tile.own(features, layer)
        self.gather(layer, features)
        for number, term in enumerate(self._terms):
            if term.layers == (layer,):
                self.statistics[number] = self._measured(term, {layer: own})
            elif layer in term.layers and self._features.keys() >= set(term.layers):
                gathered = {each: self._features[each] for each in term.layers}
                self.statistics[number] = self._measured(term, gathered)

    def _measured(self, term: Term, features: Features) -> Tensor:
        return term.measure(features, {layer: self.tile.window(layer) for layer in features})

    def gather(self, layer: str, features: Tensor) -> None:
        """Keep what the tile owns of a layer, if a term of several layers needs it."""
        if layer in self._shared:
            self._features[layer] = self.tile.own(features, layer)

    def forget_features(self) -> None:
        """Let go what was gathered."""
        self._features.clear()

    def gradient(self, backward: Backward) -> Tensor:
        """Return the gradient for the pixels that the network saw of the tile."""
        waiting = {layer: torch.zeros_like(maps) for layer, maps in self._features.items()}
        for number, term in enumerate(self._terms):
            if len(term.layers) > 1:
                features = {layer: self._features[layer] for layer in term.layers}
                self._add(number, term, features, waiting)
        self._features.clear()

        def add(layer: str, features: Tensor, gradient: Tensor) -> None:
            own, into = (self.tile.own(maps, layer) for maps in (features, gradient))
            if layer in waiting:
                into += waiting.pop(layer).to(into.dtype)
            for number, term in enumerate(self._terms):
                if term.layers == (layer,):
                    self._add(number, term, {layer: own}, {layer: into})

        return backward(add)

    def _add(self, number: int, term: Term, features: Features, into: Features) -> None:
        windows = {layer: self.tile.window(layer) for layer in features}
        term.add_gradient(self.gradients[number], features, windows, into)
