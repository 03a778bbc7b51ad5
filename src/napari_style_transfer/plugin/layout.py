"""Where the widget's parts go: a calm column that scrolls where the window is low."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

_BUTTON_HEIGHT = 34
_LABEL_PADDING = 20


def lay_out(
    root: QWidget,
    *,
    form: QWidget,
    buttons: Sequence[QPushButton],
    panels: Sequence[QWidget],
    advanced: QWidget,
) -> None:
    """Lay the parts out in `root`, whose layout is emptied first.

    Parameters
    ----------
    root
        The widget's native.
    form
        The choices that everyone makes.
    buttons
        Run and Stop.
    panels
        What comes below them.
    advanced
        The form in the section to open.
    """
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(4, 4, 4, 4)
    layout.setSpacing(8)

    _flush(form)
    layout.addWidget(form)
    row = QHBoxLayout()
    for button, stretch in zip(buttons, (2, 1), strict=True):
        button.setMinimumHeight(_BUTTON_HEIGHT)
        row.addWidget(button, stretch)
    layout.addLayout(row)
    for panel in panels:
        layout.addWidget(panel)
    layout.addWidget(_section("Advanced", advanced))
    layout.addStretch(1)

    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(column)
    _layout(root).setContentsMargins(0, 0, 0, 0)
    _layout(root).addWidget(scroll)


def paint_run_button(button: QPushButton, colour: str) -> None:
    """Make Run, while it can be pressed, stand out in the theme's accent `colour`."""
    button.setStyleSheet(
        f"QPushButton {{ font-weight: bold; }} QPushButton:enabled {{ background: {colour}; }}"
    )


def _section(title: str, form: QWidget) -> QCollapsible:
    """Return a closed section, whose arrow is text so that it follows the theme."""
    section = QCollapsible("", expandedIcon=QIcon(), collapsedIcon=QIcon())
    button = section.toggleButton()
    button.setStyleSheet("text-align: left; border: none; background: transparent;")

    def show_state(is_open: bool) -> None:
        section.setText(f"{'▾' if is_open else '▸'}  {title}")

    show_state(False)
    section.toggled.connect(show_state)
    section.setDuration(120)
    _flush(form)
    for widget in (section, section.content()):
        _layout(widget).setContentsMargins(0, 0, 0, 0)
    section.addWidget(form)
    return section


def _flush(form: QWidget) -> None:
    """Take away the margins that magicgui puts around a form, and line its fields up."""
    _layout(form).setContentsMargins(0, 0, 0, 0)
    _layout(form).setSpacing(5)
    labels = [
        label for row in form.children() for label in row.children() if isinstance(label, QLabel)
    ]
    # magicgui leaves no room for the padding that napari's themes add.
    width = max(label.fontMetrics().horizontalAdvance(label.text()) for label in labels)
    for label in labels:
        label.setMinimumWidth(width + _LABEL_PADDING)


def _layout(widget: QWidget) -> QLayout:
    layout = widget.layout()
    assert layout is not None
    return layout
