"""A list to choose from, whose names may be longer than it is wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magicgui.backends._qtpy import widgets as backend
from magicgui.widgets.bases import CategoricalWidget
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QHelpEvent, QPaintEvent, QPalette
from qtpy.QtWidgets import (
    QComboBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
    QWidget,
)

#: Pixels that the style draws beside a name, within its field.
_PADDING = 2


class Combo(QComboBox):
    """Cuts a long name in its middle, and shows the whole of it in the tooltip.

    The placeholder is shown while nothing is chosen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        view = self.view()
        assert view is not None
        view.setTextElideMode(Qt.TextElideMode.ElideMiddle)

    def shown(self) -> tuple[str, str]:
        """Return the name as it is shown, and the whole of it."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = self.style()
        assert style is not None
        field = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            option,
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        name = self.currentText() if self.currentIndex() >= 0 else self.placeholderText()
        room = field.width() - _PADDING
        return self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, room), name

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw the name as it is shown."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown()[0]
        if self.currentIndex() < 0:
            faint = option.palette.brush(QPalette.ColorRole.PlaceholderText)
            option.palette.setBrush(QPalette.ColorRole.ButtonText, faint)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def event(self, event: QEvent | None) -> bool:
        """Put the whole name before the tooltip, where it is cut."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            shown, name = self.shown()
            if shown != name:
                QToolTip.showText(event.globalPos(), f"{name}\n\n{self.toolTip()}".strip(), self)
                return True
        return bool(super().event(event))


def told_apart(names: Sequence[str]) -> list[str]:
    """Return names with a number where one has occurred before.

    >>> told_apart(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    numbers = [names[: place + 1].count(name) for place, name in enumerate(names)]
    pairs = zip(names, numbers, strict=True)
    return [name if number == 1 else f"{name} ({number})" for name, number in pairs]


class ComboField(CategoricalWidget[Any]):
    """magicgui's choice, in a :class:`Combo`.

    Parameters
    ----------
    **kwargs
        As magicgui takes them.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget_type=_Backend, **kwargs)


class _Backend(backend.ComboBox):
    def __init__(self, **kwargs: Any) -> None:
        backend.QBaseValueWidget.__init__(self, Combo, "isChecked", "setCurrentIndex", "", **kwargs)
        self._qwidget.currentIndexChanged.connect(self._emit_data)
