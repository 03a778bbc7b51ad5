"""Numbers as people type them, and a box to type them in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QLocale, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractSpinBox, QWidget

#: Steps of a box per key: PageUp and PageDown come as so many at once.
_PAGE = 10
#: Characters of a typed text that a sentence repeats.
_SHOWN = 24
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def parse_number(text: str) -> float:
    """Read a number as people type it.

    Parameters
    ----------
    text
        Digits with a comma, a point, or what the locale has as the decimal separator, in any locale.
        Where both comma and point occur, the last one is the decimal separator and the others group
        digits by three. Spaces and apostrophes group digits, too.

    Returns
    -------
    float
        The number; infinite where it is too large for a float.

    Raises
    ------
    ValueError
        If `text` is not a number.

    Examples
    --------
    >>> parse_number("0,5"), parse_number("0.5"), parse_number("1e3"), parse_number("1.024,5")
    (0.5, 0.5, 1000.0, 1024.5)
    """
    plain = re.sub(r"[\s'’]", "", text).replace("−", "-")
    plain = plain.replace(QLocale().decimalPoint(), ".") if "." not in plain else plain
    groups = re.fullmatch(r"([+-]?\d{1,3}(?:([.,])\d{3})(?:\2\d{3})*)([.,])(\d*)", plain)
    if groups is not None and groups[2] != groups[3]:
        plain = f"{groups[1].replace(groups[2], '')}.{groups[4]}"
    plain = plain.replace(",", ".")
    if not _NUMBER.fullmatch(plain):
        raise ValueError(f"{text!r} is not a number")
    return float(plain)


def format_number(value: float) -> str:
    """Write a number as short as possible without losing any of it, as the locale has it."""
    return repr(float(value)).removesuffix(".0").replace(".", QLocale().decimalPoint())


@dataclass(frozen=True)
class NumberRange:
    """Which numbers a field takes, and how far its keys go.

    Attributes
    ----------
    title
        What the number is called in a sentence.
    low, high
        Least and greatest value that is accepted.
    step, page
        How far an arrow key or a notch of the wheel goes, and PageUp or PageDown: added, or
        multiplied by where the value acts `by_ratio`.
    by_ratio
        Whether the value acts by its ratio.
    bounds
        Between which values the keys and a slider go; from `low` to `high` if None. By ratio, 0 comes
        below the lower one where `low` is 0.
    whole
        Whether only whole numbers are accepted.
    multiple
        Of a whole number: what it has to be a multiple of.
    """

    title: str
    low: float
    high: float
    step: float = 1
    page: float = 10
    by_ratio: bool = False
    bounds: tuple[float, float] | None = None
    whole: bool = False
    multiple: int = 1

    @property
    def span(self) -> tuple[float, float]:
        """Between which values the keys and a slider go."""
        return self.bounds or (self.low, self.high)

    def read(self, text: str) -> float:
        """Return the number that was typed.

        Raises
        ------
        ValueError
            If it is not one that is accepted.
        """
        value = parse_number(text)
        if self.whole and value % self.multiple:
            raise ValueError(f"{text!r} is not {self.allowed()}")
        return self.check(value)

    def check(self, value: float) -> float:
        """Return `value`, a whole number as int.

        Raises
        ------
        ValueError
            If it is out of range.
        """
        if not self.low <= value <= self.high:
            low, high = format_number(self.low), format_number(self.high)
            raise ValueError(
                f"{self.title} {format_number(value)} is outside the range {low} to {high}."
            )
        return int(value) if self.whole else float(value)

    def allowed(self) -> str:
        """Say which numbers are accepted."""
        kind = "a whole number" if self.whole else "a number"
        if self.multiple > 1:
            kind = f"a multiple of {self.multiple}"
        return f"{kind} from {format_number(self.low)} to {format_number(self.high)}"

    def moved(self, value: float, steps: int) -> float:
        """Return the value that is so many steps further; ten steps at once are a page.

        It stays within the bounds, or no farther beyond them than `value` is.
        """
        pages, single = divmod(abs(steps), _PAGE)
        sign = 1 if steps > 0 else -1
        low, high = self.span
        if self.by_ratio:
            if sign > 0 and value < low:
                return low
            moved = value * (self.page**pages * self.step**single) ** sign
            if moved < low and self.low == 0:
                return 0.0 if value <= low else low
            moved = float(f"{moved:.3g}")
        else:
            moved = round(value + sign * (pages * self.page + single * self.step), 10)
            moved -= moved % self.multiple if self.multiple > 1 else 0
        return min(max(moved, min(low, value)), max(high, value))


class NumberBox(QAbstractSpinBox):
    """A box for a number: what is typed counts on Enter, or when the box is left.

    Until then nothing is changed or corrected, so that every number can be typed. What cannot be taken
    is said in a sentence, and the box shows the old value again; so it does on Escape.

    Signals
    -------
    changed
        The user or the program has changed the value (the argument).
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    numbers
        Which numbers it takes.
    value
        Initial value.
    """

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self, numbers: NumberRange, value: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers = numbers
        self._value = numbers.check(value)
        self._has_refused = False
        self.editingFinished.connect(self.commit)
        self._show()

    @property
    def numbers(self) -> NumberRange:
        """Which numbers it takes."""
        return self._numbers

    def value(self) -> Any:
        """Return the value: int for whole numbers, else float, exactly as it was set."""
        return self._value

    def setValue(self, value: float) -> None:
        """Set the value.

        Raises
        ------
        ValueError
            If it is out of range.
        """
        value = self._numbers.check(value)
        is_new = value != self._value
        self._value = value
        self._show()
        if is_new:
            self.changed.emit(value)

    def set_limits(self, low: float, high: float) -> None:
        """Accept other numbers, and bring the value among them."""
        self._numbers = replace(self._numbers, low=low, high=high)
        self.setValue(min(max(self._value, low), high))

    def commit(self) -> bool:
        """Take what was typed and return True, or say why that cannot be and return False."""
        text = self._text().strip()
        if text == self._shown:
            self._show()
            return True
        try:
            value = self._numbers.read(text)
        except ValueError:
            self._show()
            self._has_refused = True
            typed = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            self.refused.emit(
                f"{self._numbers.title} stays {self._shown}: '{typed}' is not "
                f"{self._numbers.allowed()}."
            )
            return False
        self._forgive()
        self.setValue(value)
        return True

    def stepBy(self, steps: int) -> None:
        """Take what was typed, and go so many steps further."""
        self.commit()
        self._forgive()
        self.setValue(self._numbers.moved(self._value, steps))
        if self.hasFocus():
            self.selectAll()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Say which of the arrows can be pressed."""
        enabled = QAbstractSpinBox.StepEnabledFlag.StepNone
        if self._numbers.moved(self._value, 1) != self._value:
            enabled |= QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
        if self._numbers.moved(self._value, -1) != self._value:
            enabled |= QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        return enabled

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Show the value again on Escape, where something else was typed."""
        is_typed = self._text() != self._shown
        if event is not None and event.key() == Qt.Key.Key_Escape and is_typed:
            self._show()
            self.selectAll()
            return
        super().keyPressEvent(event)

    def _text(self) -> str:
        line = self.lineEdit()
        assert line is not None
        return line.text()

    def _show(self) -> None:
        self._shown = format_number(self._value)
        line = self.lineEdit()
        assert line is not None
        if line.text() != self._shown:
            line.setText(self._shown)

    def _forgive(self) -> None:
        if self._has_refused:
            self._has_refused = False
            self.refused.emit("")
