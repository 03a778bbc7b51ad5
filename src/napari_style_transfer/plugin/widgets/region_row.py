"""One row of the table of regions: which style a label is painted in, and how strongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Union

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QColor, QPainter, QPixmap
from qtpy.QtWidgets import QLabel, QWidget

from napari_style_transfer.plugin.widgets.calm import lock, make_calm
from napari_style_transfer.plugin.widgets.combo import Combo
from napari_style_transfer.plugin.widgets.number_box import NumberBox, NumberRange
from napari_style_transfer.spec import Region

if TYPE_CHECKING:
    from napari_style_transfer.plugin.widgets.styles_section import StyleRow

#: What a region can be painted in: all styles by their shares, one of them, or nothing at all.
Choice = Union[Literal["mix"], "StyleRow", None]

_MIX, _UNTOUCHED = "all styles", "left as it is"
_SWATCH = 14
_STRENGTH_WIDTH = 78
_LOCKED = "This region is left as it is; choose a style for it first."


class RegionRow:
    """The fields of one label.

    Parameters
    ----------
    label
        The label.
    names
        What each style is called.
    choice, strength
        What to begin with.
    on_changed
        Called when the user has changed something.
    on_refused
        Called with a sentence when what was typed cannot be taken; with "" when what is typed next can.

    Attributes
    ----------
    number, swatch, style, strength
        The label's number and colour, and its fields.
    """

    def __init__(
        self,
        label: int,
        names: Mapping[StyleRow, str],
        choice: Choice,
        strength: float,
        on_changed: Callable[[], None],
        on_refused: Callable[[str], None],
    ) -> None:
        self.label = label
        self.swatch = Swatch()
        self.number = QLabel(str(label))
        self.style = Combo()
        self.style.setToolTip(
            f"In which style this region is painted: {_MIX} by their shares, one of them, or none."
        )
        numbers = NumberRange(f"Strength here of region {label}", 0, 1, step=0.05, page=0.2)
        self.strength = NumberBox(numbers, strength)
        self.strength.setToolTip(
            "Adjusts the Strength at the top for this region: 0.5 leaves it as it is, each tenth more "
            "doubles the style weight here, each tenth less halves it."
        )
        make_calm(self.style)
        make_calm(self.strength)
        width = f"min-width: {_STRENGTH_WIDTH}px; max-width: {_STRENGTH_WIDTH}px"
        self.strength.setStyleSheet(f"QAbstractSpinBox {{ padding: 1px 0; {width}; }}")
        self._choices: list[Choice] = []
        self.offer(names)
        self.style.setCurrentIndex(self._index(choice))
        self._show_strength()
        self.style.currentIndexChanged.connect(self._show_strength)
        self.style.currentIndexChanged.connect(lambda _: on_changed())
        self.strength.changed.connect(lambda _: on_changed())
        self.strength.refused.connect(lambda sentence: on_refused(sentence))

    @property
    def choice(self) -> Choice:
        """What the region is painted in."""
        return self._choices[self.style.currentIndex()]

    @choice.setter
    def choice(self, choice: Choice) -> None:
        self.style.setCurrentIndex(self._index(choice))

    def offer(self, names: Mapping[StyleRow, str]) -> None:
        """Offer these styles; the choice stays, or becomes all of them where it is gone."""
        before = self.choice if self._choices else "mix"
        self._choices = ["mix", *names, None]
        with QSignalBlocker(self.style):
            self.style.clear()
            self.style.addItems([_MIX, *names.values(), _UNTOUCHED])
            self.style.setCurrentIndex(self._index(before))

    def region(self, positions: Mapping[StyleRow, int]) -> Region:
        """Return what the engine takes, where `positions` says which style is which."""
        return region_of(self.choice, self.strength.value(), positions)

    def parts(self) -> tuple[QWidget, ...]:
        """Return the widgets, from left to right."""
        return self.swatch, self.number, self.style, self.strength

    def discard(self) -> None:
        """Take the widgets away for good."""
        for part in self.parts():
            part.hide()
            part.deleteLater()

    def _index(self, choice: Choice) -> int:
        return self._choices.index(choice) if choice in self._choices else 0

    def _show_strength(self, *_: int) -> None:
        lock(self.strength, "" if self.choice is not None else _LOCKED)


def region_of(choice: Choice, strength: float, positions: Mapping[StyleRow, int]) -> Region:
    """Return what the engine takes, where `positions` says which style is which."""
    if choice is None or choice == "mix":
        return Region(choice, strength)
    return Region(positions.get(choice, "mix"), strength)


class Swatch(QLabel):
    """A label's colour."""

    def paint(self, colour: npt.ArrayLike | None) -> None:
        """Show an RGBA colour in [0, 1], or that there is none."""
        square = QPixmap(_SWATCH, _SWATCH)
        square.fill(Qt.GlobalColor.transparent)
        painter = QPainter(square)
        painter.setPen(QColor("#808080"))
        if colour is not None:
            red, green, blue = (float(part) for part in np.asarray(colour, float)[:3])
            painter.setBrush(QColor.fromRgbF(red, green, blue))
        painter.drawRect(0, 0, _SWATCH - 1, _SWATCH - 1)
        painter.end()
        self.setPixmap(square)
