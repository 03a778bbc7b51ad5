"""The objective: weighted terms over the network's features, and its gradient for a picture.

total = content_weight · L_content + style_weight · L_style + tv_weight · L_tv (Gatys et al. 2015, eq. 7).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from napari_style_transfer.engine.images import Shape
from napari_style_transfer.engine.losses import (
    ContentTerm,
    StyleTerm,
    Term,
    all_of,
    gram_matrix,
    total_variation,
)
from napari_style_transfer.engine.step import Losses
from napari_style_transfer.engine.vgg import VGG19, map_shape
from napari_style_transfer.settings import LayerName, Settings

_TERM_NAMES = ("content", "style", "tv")


class Objective:
    """A sum of weighted terms; evaluating it gives a value and a gradient.

    Parameters
    ----------
    network
        Extracts at least the layers that `terms` name.
    terms
        The style and content terms.
    tv_weight
        Weight of the total variation.
    """

    def __init__(self, network: VGG19, terms: Sequence[Term], tv_weight: float = 0.0) -> None:
        self.network, self.terms, self.tv_weight = network, terms, tv_weight
        self._by_name = torch.zeros(len(_TERM_NAMES))

    def evaluate(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate once: one forward and one backward pass.

        Parameters
        ----------
        picture
            (1, 3, H, W) float32 in [0, 1].

        Returns
        -------
        value, gradient
            The total, a scalar that stays on the device, and its gradient, shaped as `picture`.
        """
        leaf = picture.detach().requires_grad_(True)
        features = self.network(leaf)
        sums = dict.fromkeys(_TERM_NAMES, leaf.new_zeros(()))
        for term in self.terms:
            part = features[term.layer]
            sums[term.name] = sums[term.name] + term.weight * term.loss(
                term.measure(part, all_of(part))
            )
        if self.tv_weight:
            sums["tv"] = self.tv_weight * total_variation(leaf)
        by_name = torch.stack(list(sums.values()))
        total = by_name.sum()
        (gradient,) = torch.autograd.grad(total, leaf)
        self._by_name = by_name.detach()
        return total.detach(), gradient

    @property
    def losses(self) -> Losses:
        """The terms at the last evaluation, brought to the host."""
        return Losses(*self._by_name.tolist())


def build_objective(
    network: VGG19, settings: Settings, content: Tensor, style: Tensor, shape: Shape
) -> Objective:
    """Compute the targets, once, and return the objective for a picture of `shape`.

    Parameters
    ----------
    network
        Extracts the layers of `settings`. The targets come from the same network, in the same
        precision, as the picture's features will.
    content
        (1, 3, H, W) at `shape`, in [0, 1], on the network's device.
    style
        (1, 3, h, w) of any size, in [0, 1], on the network's device.
    shape
        (H, W) of the picture.
    """
    with torch.no_grad():
        terms: list[Term] = []
        if settings.style_weight:
            features = network(style)
            for layer, weight in _shares(settings.style_layers, settings.style_weight, settings):
                target = gram_matrix(features[layer]) / _positions(features[layer])
                positions = math.prod(map_shape(shape, layer))
                terms.append(StyleTerm(layer, target, positions, weight, settings.weighting))
            del features
        if settings.content_weight:
            features = network(content)
            for layer, weight in _shares(
                settings.content_layers, settings.content_weight, settings
            ):
                terms.append(ContentTerm(layer, features[layer], weight, settings.weighting))
    return Objective(network, terms, settings.tv_weight)


def _shares(
    layers: Mapping[LayerName, float], weight: float, settings: Settings
) -> Iterable[tuple[str, float]]:
    """Yield each layer that counts with its weight; balanced ones share `weight` between them."""
    total = sum(layers.values()) if settings.weighting == "balanced" else 1.0
    for layer, share in layers.items():
        if share:
            yield layer, weight * share / total


def _positions(features: Tensor) -> int:
    return features.shape[-2] * features.shape[-1]
