"""What runs share: the network, the pictures read, and the styles' targets."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor

from napari_style_transfer.engine.device import Precision
from napari_style_transfer.engine.networks.build import build_network
from napari_style_transfer.engine.networks.vgg import VGG19, Pooling
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.tensors import to_tensor

#: How many things are kept; the one that was not asked for longest is forgotten first.
_KEPT = 64

T = TypeVar("T")


class Cache:
    """Keeps what is expensive to make. A run makes one of its own unless it is given one.

    Give several runs the same, as those over the slices of a stack, and the network is read once and
    each style's targets are computed once.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is kept under `key`, made the first time."""
        value: T = self._kept.pop(key) if key in self._kept else make()
        self._kept[key] = value  # now the youngest
        while len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return value

    def network(
        self,
        weights: str,
        layers: Iterable[str],
        pooling: Pooling,
        precision: Precision,
        device: torch.device,
        strict_locality: bool = False,
    ) -> VGG19:
        """Return a network by the source of its weights; see :func:`build_network`."""
        names = tuple(sorted(layers))
        return self.get(
            ("network", weights, names, pooling, precision, device, strict_locality),
            lambda: build_network(
                load_weights(weights),
                names,
                pooling=pooling,
                precision=precision,
                device=device,
                strict_locality=strict_locality,
            ),
        )

    def picture(self, source: Any, what: str) -> Tensor:
        """Return a picture as :func:`~napari_style_transfer.engine.tensors.to_tensor` does."""
        return self.get(("picture", Identity(source)), lambda: to_tensor(source, what))


class Identity:
    """Makes a key of anything: equal to that of the very same object, or of the same path."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing
        self._key = os.fspath(thing) if isinstance(thing, str | os.PathLike) else id(thing)

    def __eq__(self, other: object) -> bool:
        """Compare identities."""
        return isinstance(other, Identity) and self._key == other._key

    def __hash__(self) -> int:
        """Hash the identity."""
        return hash(self._key)
