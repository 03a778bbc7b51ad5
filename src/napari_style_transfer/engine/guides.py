"""Guides: which positions of a layer belong to a region (Gatys et al. 2017, spatial control).

With *inside guides* a position belongs to a region only if all it looks at lies inside. Then no style
moves a pixel of another region, but along every border a band as wide as half a receptive field is
painted by the shallow layers alone, and stays pale. What a position responds to is mostly the middle of
its field (Luo et al. 2016, "Understanding the effective receptive field"), so that by default it is
enough if that much lies inside.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.networks.vgg import receptive_field, stride
from napari_style_transfer.geometry import Shape
from napari_style_transfer.spec import Region, Regions

#: Share of a receptive field that a position mostly responds to.
EFFECTIVE = 0.25


def parts(regions: Regions, shape: Shape) -> Iterator[tuple[Region, list[int], Tensor]]:
    """Yield each way of painting that is there, its labels, and where they are: (H, W) bool at `shape`."""
    labels = resize_labels(torch.from_numpy(np.asarray(regions.labels).astype(np.int64)), shape)
    by_region: dict[Region, list[int]] = {}
    for label in map(int, np.unique(labels.numpy())):
        by_region.setdefault(regions.region(label), []).append(label)
    for region, members in by_region.items():
        yield region, members, torch.isin(labels, torch.tensor(members))


def inside_guide(mask: Tensor, layer: str, share: float = 1.0) -> Tensor:
    """Return the positions of `layer` whose receptive field lies inside a mask.

    Parameters
    ----------
    mask
        (H, W) bool over a picture. What lies beyond the picture's border counts as inside.
    layer
        Name of a layer, such as ``relu3_1``, a position of which looks at 24 px.
    share
        How much of the field, around its middle, has to lie inside; 1 for an inside guide proper.

    Returns
    -------
    Tensor
        (h, w) bool; see :func:`~napari_style_transfer.engine.networks.vgg.map_shape`.
    """
    step, beyond = stride(layer), round(receptive_field(layer) * share)
    outside = (~mask).float()[None, None]
    # To whole strides first: poolings round up, and see nothing but zeros past the border.
    outside = functional.pad(
        outside,
        (beyond, beyond + -mask.shape[1] % step, beyond, beyond + -mask.shape[0] % step),
    )
    field = step + 2 * beyond
    touched = functional.max_pool2d(outside, (field, 1), (step, 1))
    touched = functional.max_pool2d(touched, (1, field), (1, step))
    return touched[0, 0] == 0


def guides(mask: Tensor, layers: Iterable[str], share: float = 1.0) -> dict[str, Tensor]:
    """Return the inside guide of a mask at each layer where it has any position."""
    found = {layer: inside_guide(mask, layer, share) for layer in layers}
    return {layer: guide for layer, guide in found.items() if guide.any()}


def too_small(
    labels: Sequence[int], layers: Sequence[str], seen: Container[str], name: str = ""
) -> Iterator[str]:
    """Yield a sentence for regions that some layers have no position in.

    Parameters
    ----------
    labels
        The labels of the regions, which are painted alike.
    layers, seen
        The layers that look at the style, and those of them that have a position in the regions.
    name
        What the labels are called; nothing if empty.
    """
    missing = [layer for layer in layers if layer not in seen]
    which = f"Label{'s' if len(labels) > 1 else ''} {', '.join(map(str, labels))}"
    which += f" of '{name}'" if name else ""
    which += " are" if len(labels) > 1 else " is"
    if missing == list(layers):
        yield f"{which} too thin to be painted."
    elif missing:
        yield f"{which} too small for {', '.join(missing)}; the strokes there stay finer."


def resize_labels(labels: Tensor, shape: Shape) -> Tensor:
    """Return (H, W) labels at another shape, each pixel that of the nearest."""
    if (labels.shape[0], labels.shape[1]) == tuple(shape):
        return labels
    rows, columns = (
        ((torch.arange(new) + 0.5) * old / new).long().clamp(max=old - 1)
        for new, old in zip(shape, labels.shape, strict=True)
    )
    return labels[rows][:, columns]
