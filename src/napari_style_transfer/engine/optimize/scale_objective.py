"""The objective of a run at one scale: what its styles, regions and content ask for there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from napari_style_transfer.engine.cache import Identity
from napari_style_transfer.engine.colour import match_colours, match_luminance
from napari_style_transfer.engine.cpu.allocator import Allocate
from napari_style_transfer.engine.device import Precision
from napari_style_transfer.engine.guides import EFFECTIVE, guides, parts, too_small
from napari_style_transfer.engine.losses.base import Term
from napari_style_transfer.engine.losses.temporal import TemporalTerm
from napari_style_transfer.engine.objective import Objective
from napari_style_transfer.engine.state import RunState
from napari_style_transfer.engine.style_picture import transform_style
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.geometry import Shape, result_shape
from napari_style_transfer.settings import MIN_SIDE, strength_factor
from napari_style_transfer.spec import Region, Style, shares_of

#: Weight of the temporal term.
_TEMPORAL_WEIGHT = 300.0


class ScaleTargets:
    """Computes the targets for pictures of one shape, in one precision.

    Parameters
    ----------
    state
        What the run is asked for.
    shape
        (H, W) of the pictures.
    precision
        Of the network.
    allocate
        Makes the network's maps.
    """

    def __init__(
        self, state: RunState, shape: Shape, precision: Precision, allocate: Allocate
    ) -> None:
        settings = state.settings
        self._state, self._shape, self._precision = state, shape, precision
        self._allocate = allocate
        self._style_layers = [layer for layer, weight in settings.style_layers.items() if weight]
        content_layers = [layer for layer, weight in settings.content_layers.items() if weight]
        self._network = state.cache.network(
            settings.weights,
            {*content_layers, *self._style_layers},
            settings.pooling,
            precision,
            state.device,
            strict_locality=state.regions is not None and settings.borders == "strict",
        )

    def objective(self) -> tuple[Objective, str]:
        """Return the objective, and a sentence on what cannot be met, or ""."""
        state, notes = self._state, list[str]()
        objective = build_objective(
            self._network,
            state.settings,
            state.painted_content(self._shape).to(state.device),
            self._style_targets(notes),
            state.tile_size,
            self._allocate,
            further=self._temporal_terms(),
        )
        return objective, " ".join(notes)

    def _temporal_terms(self) -> list[Term]:
        held = self._state.held(self._shape)
        if held is None:
            return []
        target, weights = (each.to(self._state.device) for each in held)
        return [TemporalTerm(target, weights, _TEMPORAL_WEIGHT)]

    def _style_targets(self, notes: list[str]) -> Iterator[StyleTarget]:
        """Yield the target of each region, or of the whole picture; note what cannot be met."""
        state, shape = self._state, self._shape
        if state.regions is None:
            yield StyleTarget(self._mixed_grams(Region()))
            return
        for region, labels, mask in parts(state.regions, shape):
            if region.style is None:
                continue
            # On a coarse scale the band without a guide is no wider than on the result.
            field = 1.0 if state.settings.borders == "strict" else EFFECTIVE
            found = guides(mask, self._style_layers, field * max(shape) / max(state.shape))
            if shape == state.shape:
                notes.extend(too_small(labels, self._style_layers, found, state.regions.name))
            # By its area: then style and content are in the same balance in regions of any size.
            weight = strength_factor(region.strength) * float(mask.float().mean())
            yield StyleTarget(self._mixed_grams(region), weight, found)

    def _mixed_grams(self, region: Region) -> dict[str, Tensor]:
        """Return the Gram matrices that a region is to have: the styles' in their shares."""
        mixed: dict[str, Tensor] = {}
        for style, share in shares_of(region, self._state.styles):
            for layer, gram in self._grams(style).items():
                mixed[layer] = mixed.get(layer, 0) + gram * share
        return mixed

    def _grams(self, style: Style) -> dict[str, Tensor]:
        """Return the Gram matrices of one style, computed once for all runs where they can be."""
        state, settings = self._state, self._state.settings
        picture = state.cache.picture(style.picture, "style")
        longest = max(self._shape) * settings.style_scale * style.scale
        height, width = result_shape((picture.shape[2], picture.shape[3]), max(1, round(longest)))
        # A very narrow style is widened: the deep layers need a few positions to average over.
        style_shape = max(height, 2 * MIN_SIDE), max(width, 2 * MIN_SIDE)
        # What depends on the content is of no use to other runs, and would keep their contents alive.
        depends = settings.colours != "style"
        cache = state.own_cache if depends else state.cache
        return cache.get(
            (
                "grams", Identity(style.picture), Identity(style.mask), style.angle, style_shape,
                self._precision, state.device, settings.weights, settings.pooling,
                tuple(self._style_layers), settings.colours, depends and self._shape,
            ),
            lambda: self._computed_grams(style, picture, style_shape),
        )  # fmt: skip

    def _computed_grams(self, style: Style, picture: Tensor, shape: Shape) -> dict[str, Tensor]:
        state = self._state
        mask = None if style.mask is None else torch.from_numpy(np.asarray(style.mask) != 0)
        scaled, used = transform_style(picture, shape, style.angle, mask)
        if state.settings.colours == "match":
            scaled = match_colours(scaled, state.colours(self._shape))
        elif state.settings.colours == "luminance":
            scaled = match_luminance(scaled, state.colours(self._shape))
        # Where no position lies inside the part that is used, all are taken.
        found = {} if used is None else guides(used, self._style_layers)
        return gram_matrices(
            self._network,
            scaled.to(state.device),
            self._style_layers,
            tile_size=state.tile_size,
            guides=found,
            allocate=self._allocate,
        )
