"""Where the widget's parts go: form, buttons and progress stay in sight, the sections scroll below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from qtpy.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, QTimer
from qtpy.QtGui import QIcon, QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
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
#: Milliseconds that a section takes to open.
_DURATION = 120
#: Least height of the sections; where the window is too low even for that, everything scrolls.
_SECTIONS_HEIGHT = 120


def lay_out(
    root: QWidget,
    *,
    form: QWidget,
    buttons: Sequence[Sequence[QPushButton]],
    panels: Sequence[QWidget],
    sections: Mapping[str, QWidget],
    plot: QWidget | None = None,
) -> dict[str, QCollapsible]:
    """Lay the parts out in `root`, and return the sections.

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
    plot
        What comes below them, and scrolls with them.
    """
    column = _Column()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(4, 4, 4, 4)
    layout.setSpacing(8)

    layout.addWidget(form)
    for number, row in enumerate(buttons):
        for button in row if number == 0 else ():
            button.setMinimumHeight(_BUTTON_HEIGHT)
        layout.addLayout(_row(row))
    for panel in panels:
        layout.addWidget(panel)

    below = QWidget()
    scrolled = QVBoxLayout(below)
    scrolled.setContentsMargins(0, 0, 0, 0)
    scrolled.setSpacing(8)
    folded = {title: _section(title, content) for title, content in sections.items()}
    inner = _Scroll(below, _SECTIONS_HEIGHT)
    for section in folded.values():
        scrolled.addWidget(section)
        section.toggled.connect(partial(inner.on_toggled, section))
    if plot is not None:
        scrolled.addWidget(plot)
    scrolled.addStretch(1)
    layout.addWidget(inner, 1)

    _layout(root).setContentsMargins(0, 0, 0, 0)
    _layout(root).addWidget(_Scroll(column))
    return folded


def fill(widget: QWidget, *parts: QWidget | Sequence[QWidget], spacing: int = 6) -> None:
    """Put parts into an empty widget, one below the other; some buttons together are a row."""
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(_row(part))


def _row(buttons: Sequence[QWidget]) -> QHBoxLayout:
    """Return buttons beside each other, all as wide whatever their texts, or they jump as these change."""
    row = QHBoxLayout()
    row.setSpacing(6)
    for button in buttons:
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row.addWidget(button, 1)
    return row


class _Column(QWidget):
    """Shortens the title of the dock that it comes into."""

    def showEvent(self, event: QShowEvent | None) -> None:
        """Write the title again, whenever napari has."""
        super().showEvent(event)
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QDockWidget):
            parent = parent.parentWidget()
        if parent is not None and parent is not self._dock:
            self._dock = parent
            shorten = partial(_shorten_title, parent)
            shorten()
            parent.topLevelChanged.connect(shorten)
            parent.dockLocationChanged.connect(shorten)

    _dock: QDockWidget | None = None


def _shorten_title(dock: QDockWidget, *_: object) -> None:
    """Leave the plugin's name out of a dock's title, which napari adds and then has no room for."""
    bar = dock.titleBarWidget()
    for label in [] if bar is None else bar.findChildren(QLabel):
        label.setText(label.text().partition(" (")[0])


class _Scroll(QScrollArea):
    """Scrolls a column up and down only, and is never narrower than it and the scroll bar.

    Parameters
    ----------
    column
        What is scrolled.
    height
        Least height.
    """

    def __init__(self, column: QWidget, height: int = 0) -> None:
        super().__init__()
        self.setMinimumHeight(height)
        self._opened: QWidget | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(2 * _DURATION)
        self._timer.timeout.connect(self._scroll_to_opened)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(column)

    def on_toggled(self, section: QWidget, is_open: bool) -> None:
        """Scroll to a section that was opened, once it has its height."""
        if is_open:
            self._opened = section
            self._timer.start()

    def _scroll_to_opened(self) -> None:
        """Put the section at the top, if its end is not in sight."""
        bar, viewport = self.verticalScrollBar(), self.viewport()
        assert bar is not None
        assert viewport is not None
        assert self._opened is not None
        if self._opened.geometry().bottom() > bar.value() + viewport.height():
            bar.setValue(self._opened.y())

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


class _Section(QCollapsible):
    """Makes room when what is in it asks for another height, such as a gallery for one more row."""

    def __init__(self) -> None:
        super().__init__("", expandedIcon=QIcon(), collapsedIcon=QIcon())
        self._layout_requests = _LayoutRequests(self._make_room)
        self.content().installEventFilter(self._layout_requests)

    def _make_room(self) -> None:
        """Take the height that is asked for; superqt does so only where something was resized."""
        if self.isExpanded():
            with QSignalBlocker(self):
                self.expand(animate=False)


class _LayoutRequests(QObject):
    """Calls a function when a widget's layout has to be made anew."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Call it."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._call()
        return bool(super().eventFilter(watched, event))


def _section(title: str, content: QWidget) -> QCollapsible:
    """Return a closed section, whose arrow is text so that it follows the theme."""
    section = _Section()
    button = section.toggleButton()
    button.setStyleSheet("text-align: left; border: none; background: transparent;")

    def show_state(is_open: bool) -> None:
        section.setText(f"{'▾' if is_open else '▸'}  {title}")

    show_state(False)
    section.toggled.connect(show_state)
    section.setDuration(_DURATION)
    for widget in (section, section.content()):
        _layout(widget).setContentsMargins(0, 0, 0, 0)
        _layout(widget).setSpacing(0)
    section.addWidget(content)
    return section


def flush(*forms: QWidget) -> None:
    """Take away the margins that magicgui puts around forms, and line all their fields up."""
    for form in forms:
        _layout(form).setContentsMargins(0, 0, 0, 0)
        _layout(form).setSpacing(5)
    rows = [row for form in forms for row in form.children()]
    labels = [label for row in rows for label in row.children() if isinstance(label, QLabel)]
    # magicgui leaves no room for the padding that napari's themes add.
    width = max(label.fontMetrics().horizontalAdvance(label.text()) for label in labels)
    for label in labels:
        label.setMinimumWidth(width + _LABEL_PADDING)


def _layout(widget: QWidget) -> QLayout:
    layout = widget.layout()
    assert layout is not None
    return layout
