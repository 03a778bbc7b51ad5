"""A slider with a box for its number."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QKeyEvent, QWheelEvent
from qtpy.QtWidgets import QAbstractSpinBox, QHBoxLayout, QSlider, QWidget

from napari_style_transfer.plugin.widgets.number_box import NumberBox, NumberRange

#: Width of the number.
_NUMBER_WIDTH = 58
#: Positions of a slider that acts by ratio.
_POSITIONS = 1000
#: Eighths of a degree that the wheel turns by one notch.
_NOTCH = 120

_KEYS: dict[int, int] = {
    Qt.Key.Key_Up: 1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: -1,
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_PageUp: 10,
    Qt.Key.Key_PageDown: -10,
}


class SliderBox(QWidget):
    """A number that is moved by a slider or typed into the box beside it.

    The box takes every number that is accepted; beyond the slider's bounds the handle rests at its end.

    Attributes
    ----------
    slider, box
        The two; the value is the box's.

    Parameters
    ----------
    numbers
        Which numbers are accepted, and the slider's bounds.
    value
        Initial value.
    """

    def __init__(self, numbers: NumberRange, value: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = NumberBox(numbers, value)
        self.box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        width = f"{_NUMBER_WIDTH - 4}px"  # without the padding
        self.box.setStyleSheet(
            f"QAbstractSpinBox {{ padding: 0 2px; min-width: {width}; max-width: {width}; }}"
        )
        self.slider = _Slider(self.box)
        self.changed, self.refused = self.box.changed, self.box.refused
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.slider, 1)
        row.addWidget(self.box)

    @property
    def numbers(self) -> NumberRange:
        """Which numbers are accepted."""
        return self.box.numbers

    def value(self) -> Any:
        """Return the value."""
        return self.box.value()

    def setValue(self, value: float) -> None:
        """Set the value; one out of range raises ValueError."""
        self.box.setValue(value)


class _Slider(QSlider):
    """Shows and moves the value of a box."""

    def __init__(self, box: NumberBox) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._box, self._turned = box, 0
        numbers = box.numbers
        self._low, self._high = numbers.span
        if numbers.by_ratio:
            page = math.log(numbers.page) / math.log(self._high / self._low) * _POSITIONS
            self.setRange(0, _POSITIONS)
        else:
            # A fifth of a step, but whole numbers where the steps are whole.
            self._unit = numbers.step / 5 if numbers.step < 1 else numbers.step
            page = numbers.page / self._unit
            self.setRange(0, round((self._high - self._low) / self._unit))
        self.setPageStep(round(page))
        self._follow(box.value())
        box.changed.connect(self._follow)
        self.valueChanged.connect(self._on_moved)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move as the box does."""
        steps = None if event is None else _KEYS.get(event.key())
        if steps is None:
            super().keyPressEvent(event)
        else:
            self._box.stepBy(steps)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Move by a step a notch."""
        assert event is not None
        self._turned += event.angleDelta().y() or event.angleDelta().x()
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        if notches:
            self._box.stepBy(notches)
        event.accept()

    def _follow(self, value: float) -> None:
        """Put the handle where the value is, or at the end that is nearer."""
        value = min(max(value, self._low), self._high)
        if self._box.numbers.by_ratio:
            share = math.log(value / self._low) / math.log(self._high / self._low)
            position = share * _POSITIONS
        else:
            position = (value - self._low) / self._unit
        with QSignalBlocker(self):
            self.setValue(round(position))

    def _on_moved(self, position: int) -> None:
        if self._box.numbers.by_ratio:
            ratio = (self._high / self._low) ** (position / _POSITIONS)
            self._box.setValue(float(f"{self._low * ratio:.3g}"))
        else:
            self._box.setValue(round(self._low + position * self._unit, 10))
