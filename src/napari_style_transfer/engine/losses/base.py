"""What a term of the objective is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

Weighting = Literal["balanced", "gatys"]
#: Rows and columns of a feature map, or of a picture.
Window = tuple[slice, slice]
#: Layer to (N, C, h, w) activations of a part of the maps.
Features = Mapping[str, Tensor]
#: Layer to the part of the map.
Windows = Mapping[str, Window]

#: Key of the pictures themselves, for terms without layers.
PICTURE = "picture"


class Term(ABC):
    """One weighted loss over the features of some layers, or over the pictures themselves.

    A picture too large for memory is seen in tiles, and nothing is lost by it: `measure` makes a
    statistic of each tile's own part, `merge` makes one of two, and `loss` a number of the whole. The
    gradient goes the same way back. All take batches of N pictures and keep them apart.

    Attributes
    ----------
    name
        What its loss is called; the losses of terms of one name are added.
    layers
        The layers that it looks at; none for a term of the pictures themselves, which it gets whole
        under the key ``"picture"``.
    weight
        Its weight in the objective.
    """

    name: str
    layers: tuple[str, ...]
    weight: float

    @abstractmethod
    def measure(self, features: Features, windows: Windows) -> Tensor:
        """Return the statistic of a part of the maps.

        Parameters
        ----------
        features
            Its layers' activations there, in the network's precision.
        windows
            Where in each whole map they are.
        """

    def merge(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the statistic of two parts; their sum, unless a term says otherwise."""
        return first + second

    @abstractmethod
    def loss(self, statistic: Tensor) -> Tensor:
        """Return the loss of each picture, (N,), not yet times `weight`, of the whole's statistic."""

    def add_gradient(
        self, gradient: Tensor, features: Features, windows: Windows, into: Mapping[str, Tensor]
    ) -> None:
        """Add the gradient for a part of the maps to `into`, in place; by autograd of `measure`.

        Parameters
        ----------
        gradient
            That for the part's statistic.
        features, windows
            As for :meth:`measure`.
        into
            Layer to the gradient for `features`, in the same shape.
        """
        leaves = {layer: maps.detach().requires_grad_(True) for layer, maps in features.items()}
        with torch.enable_grad():
            statistic = self.measure(leaves, windows)
        found = torch.autograd.grad(statistic, list(leaves.values()), gradient)
        for layer, part in zip(leaves, found, strict=True):
            into[layer].add_(part)


def at_least_float32(values: Tensor) -> Tensor:
    """Return values in float32 where they are in less."""
    return values.float() if values.dtype is torch.bfloat16 else values
