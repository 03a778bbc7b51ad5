"""Where the widget's parts go: a calm column that scrolls where the window is low."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
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
    buttons: Sequence[Sequence[QPushButton]],
    panels: Sequence[QWidget],
    sections: Mapping[str, QWidget],
) -> dict[str, QCollapsible]:
    """Lay the parts out in `root`, whose layout is emptied first, and return the sections.

    Parameters
    ----------
    root
        The widget's native.
    form
        The choices that everyone makes.
    buttons
        Rows of them; the first is the one that matters.
    panels
        What comes below them.
    sections
        What is shown when its title is clicked.
    """
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(4, 4, 4, 4)
    layout.setSpacing(8)

    layout.addWidget(form)
    for number, row in enumerate(buttons):
        line = QHBoxLayout()
        line.setSpacing(6)
        for button in row:
            if number == 0:
                button.setMinimumHeight(_BUTTON_HEIGHT)
            # As wide as the others of its row, whatever its text: it does not jump when that changes.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            line.addWidget(button, 1)
        layout.addLayout(line)
    for panel in panels:
        layout.addWidget(panel)
    folded = {title: _section(title, content) for title, content in sections.items()}
    for section in folded.values():
        layout.addWidget(section)
    layout.addStretch(1)

    _layout(root).setContentsMargins(0, 0, 0, 0)
    _layout(root).addWidget(_Scroll(column))
    return folded


class _Scroll(QScrollArea):
    """Scrolls a column up and down only, and is never narrower than it and the scroll bar."""

    def __init__(self, column: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(column)

    def minimumSizeHint(self) -> QSize:
        """Ask for the column's width, whether or not the scroll bar is there."""
        column, bar = self.widget(), self.verticalScrollBar()
        assert column is not None
        assert bar is not None
        width = column.minimumSizeHint().width() + bar.sizeHint().width()
        return QSize(width, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Pass on that the column's width may have changed, as when a section is opened."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))


def paint_run_button(button: QPushButton, colour: str) -> None:
    """Make Run, while it can be pressed, stand out in the theme's accent `colour`."""
    button.setStyleSheet(
        f"QPushButton {{ font-weight: bold; }} QPushButton:enabled {{ background: {colour}; }}"
    )


def _section(title: str, content: QWidget) -> QCollapsible:
    """Return a closed section, whose arrow is text so that it follows the theme."""
    section = QCollapsible("", expandedIcon=QIcon(), collapsedIcon=QIcon())
    button = section.toggleButton()
    button.setStyleSheet("text-align: left; border: none; background: transparent;")

    def show_state(is_open: bool) -> None:
        section.setText(f"{'▾' if is_open else '▸'}  {title}")

    show_state(False)
    section.toggled.connect(show_state)
    section.setDuration(120)
    for widget in (section, section.content()):
        _layout(widget).setContentsMargins(0, 0, 0, 0)
        _layout(widget).setSpacing(0)
    section.addWidget(content)
    return section


def flush(form: QWidget) -> None:
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
