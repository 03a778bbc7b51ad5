"""The pictures of two domains: read, and refused where nothing can be learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from napari_style_transfer.cautions import cautions
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.micrographs import Micrograph, as_micrograph

#: Pictures of a domain that are read, at most: of a stack, slices at even distances.
MOST_PICTURES = 64
#: Pixels of a picture's short side, at least.
_SMALLEST = 48


@dataclass(frozen=True)
class Domains:
    """Pictures of two kinds, between which a translation can be learned.

    Attributes
    ----------
    source, target
        The pictures; of each, all have the same type and the same channels.
    cautions
        What may spoil what is learned, each a sentence.
    note
        What else is to be said, as a sentence, or "".
    """

    source: list[Micrograph]
    target: list[Micrograph]
    cautions: tuple[str, ...]
    note: str


def read_domains(
    source: Sequence[object], target: Sequence[object], names: tuple[str, str]
) -> Domains:
    """Read the pictures of two domains.

    Parameters
    ----------
    source, target
        As for :func:`~napari_style_transfer.iter_translation`.
    names
        What both are called.

    Raises
    ------
    InputError
        If a picture cannot be used, or nothing can be learned between the two.
    """
    one, two = _read(source, names[0]), _read(target, names[1])
    _check_pair(one, two, names)
    notes = []
    for pictures, name in zip((one, two), names, strict=True):
        count = len(pictures)
        pictures[:] = [each for each in pictures if np.ptp(each.planes) > 0]
        if not pictures:
            raise InputError(
                f"The pictures of {name!r} have one value only; there is nothing to learn."
            )
        if left_out := count - len(pictures):
            notes.append(
                f"{left_out} of the {count} pictures of {name!r} have one value only and are left out."
            )
    return Domains(one, two, cautions(one, two, names), " ".join(notes))


def _read(pictures: Sequence[object], name: str) -> list[Micrograph]:
    """Read the pictures of a domain."""
    count = len(pictures)
    if not count:
        raise InputError(f"There are no pictures in {name!r}.")
    places = np.linspace(0, count - 1, min(count, MOST_PICTURES)).round().astype(int)
    found = [as_micrograph(pictures[place], f"{name} {place + 1}") for place in places]
    if any(each.colour for each in found):
        found = [each.in_colour() for each in found]
    first = found[0]
    for place, each in zip(places, found, strict=True):
        if len(each.planes) != len(first.planes) or each.colour != first.colour:
            raise InputError(
                f"The pictures of {name!r} differ in their channels: number {place + 1} has "
                f"{len(each.planes)}, the first one {len(first.planes)}."
            )
        if each.planes.dtype != first.planes.dtype:
            raise InputError(
                f"The pictures of {name!r} differ in their type: number {place + 1} is "
                f"{each.planes.dtype}, the first one {first.planes.dtype}; give pictures of one type."
            )
        if min(each.shape) < _SMALLEST:
            raise InputError(
                f"Picture {place + 1} of {name!r} is {each.shape[1]} × {each.shape[0]} px; there is too "
                f"little to learn from below {_SMALLEST} px. Leave it out, or give larger ones."
            )
    return found


def _check_pair(source: list[Micrograph], target: list[Micrograph], names: tuple[str, str]) -> None:
    """Refuse domains between which nothing can be learned."""
    one, two = source[0], target[0]
    if len(one.planes) != len(two.planes) or one.colour != two.colour:
        counts = [
            "colours"
            if each.colour
            else f"{len(each.planes)} channel{'s' * (len(each.planes) > 1)}"
            for each in (one, two)
        ]
        raise InputError(
            f"{names[0]!r} has {counts[0]}, but {names[1]!r} has {counts[1]}; a translation is learned "
            "between pictures of the same channels."
        )
    contents = [
        {sha256(each.planes.tobytes()).digest() for each in pictures if np.ptp(each.planes) > 0}
        for pictures in (source, target)
    ]
    smaller, larger = sorted(contents, key=len)
    if smaller and smaller <= larger:
        raise InputError(
            f"{names[0]!r} and {names[1]!r} are the same pictures, or some of them; there is nothing to "
            "learn. Choose pictures of another kind."
        )
