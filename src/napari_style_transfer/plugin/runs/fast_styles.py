"""Paints by fast styles, in the thread: one pass a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_style_transfer.methods.base import Method
from napari_style_transfer.plugin.runs.loaded import Loaded

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.plugin.inputs.fast_job import FastChoice


class FastStyles:
    """Paints by fast styles, each read once; in the thread."""

    def __init__(self) -> None:
        self._loaded = Loaded(_load)
        self._mixed: tuple[object, FastStyle] | None = None

    def method(self, choice: FastChoice) -> Method:
        """Return what paints in the styles of a choice; the request says all else.

        Raises
        ------
        InputError
            If a style cannot be read, or the two cannot be mixed.
        """
        from napari_style_transfer.methods.fast import Fast

        fast, shares = self._mix(choice)
        return Fast(fast, shares=shares, own_size=False)

    def _mix(self, choice: FastChoice) -> tuple[FastStyle, list[float]]:
        """Return the fast style of a choice, and the shares of the styles in it."""
        (first, share), *others = choice.shared()
        fast = self._loaded.get(first.source)
        shares = [0.0] * len(fast.names)
        shares[first.index] = share
        for second, other_share in others:
            other = self._loaded.get(second.source)
            if other is fast:
                shares[second.index] += other_share
            else:
                places = first.index, second.index
                fast, shares = self._between((fast, other), places, other_share), [1.0]
        return fast, shares

    def _between(
        self, both: tuple[FastStyle, FastStyle], places: tuple[int, int], share: float
    ) -> FastStyle:
        """Return the mix of a style of each of two, kept until another is asked for."""
        given = both, places, share
        if self._mixed is None or self._mixed[0] != given:
            one, other = (fast.only(place) for fast, place in zip(both, places, strict=True))
            self._mixed = given, one.mixed(other, share)
        return self._mixed[1]


def _load(path: str) -> FastStyle:
    from napari_style_transfer.fast_style import FastStyle

    return FastStyle.load(path)
