"""Networks made of numbers that were stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy.typing as npt
import torch
from torch import nn

from napari_style_transfer.engine.networks.transformer import Transformer
from napari_style_transfer.errors import InputError

Network = TypeVar("Network", bound=nn.Module)


def load_transformer(
    architecture: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]
) -> Transformer:
    """Return the network of a fast style, as :func:`load_network` does."""
    if architecture.get("blocks", 0) > len(tensors):
        raise InputError(
            f"its {len(tensors)} tensors are too few for {architecture['blocks']} blocks."
        )
    return load_network(Transformer, architecture, tensors)


def load_network(
    kind: type[Network], architecture: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]
) -> Network:
    """Return a network with the state that is given.

    Parameters
    ----------
    kind
        Of the network.
    architecture
        Its arguments, by name.
    tensors
        Name to float32 numbers, for each entry of its ``state_dict()``.

    Raises
    ------
    InputError
        If they are not this network's; nothing large is made then.
    """
    try:
        with torch.device("meta"):
            expected = kind(**architecture).state_dict()
    except (TypeError, ValueError, RuntimeError):
        raise InputError("its network is of a kind that is not known here.") from None
    for name in {**expected, **tensors}:
        want = tuple(expected[name].shape) if name in expected else "nothing"
        have = tuple(tensors[name].shape) if name in tensors else "nothing"
        if want != have:
            raise InputError(f"of {name} there should be {want}, but there is {have}.")
    with torch.random.fork_rng(devices=[]):  # what it begins with is drawn at random
        network = kind(**architecture)
    state = {
        name: torch.from_numpy(values).to(expected[name].dtype) for name, values in tensors.items()
    }
    network.load_state_dict(state)
    return network.requires_grad_(False).eval()
