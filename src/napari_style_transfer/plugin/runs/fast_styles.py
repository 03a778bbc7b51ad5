"""Paints by fast styles, in the thread: one pass a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_style_transfer.methods.base import Method

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.plugin.inputs.fast_job import FastChoice


class FastStyles:
    """Fast styles by their sources, each read once and again when its file has changed; in the thread."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[int, FastStyle]] = {}
        self._mixed: tuple[object, FastStyle] | None = None

    def load(self, source: str | FastStyle) -> FastStyle:
        """Return a fast style.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        if not isinstance(source, str):
            return source
        from napari_style_transfer.fast_style import FastStyle

        path = Path(source)
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        if source not in self._read or self._read[source][0] != changed:
            self._read[source] = changed, FastStyle.load(source)
        return self._read[source][1]

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
        fast = self.load(first.source)
        shares = [0.0] * len(fast.names)
        shares[first.index] = share
        for second, other_share in others:
            other = self.load(second.source)
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
