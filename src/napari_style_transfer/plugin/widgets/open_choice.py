"""Lists of usual values that others may join."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QComboBox, QLineEdit

from napari_style_transfer.engine.libraries import load_libraries, no_collections
from napari_style_transfer.plugin.widgets.calm import make_calm

_log = logging.getLogger(__name__)

_LOOKING = "looking for others…"
_ABSENT = "not on this computer"


class OpenChoice(ComboBox):
    """A list of usual values; another one joins them when it is set.

    Parameters
    ----------
    value
        Initial value.
    usual
        The usual values.
    **kwargs
        As magicgui takes them.
    """

    def __init__(self, value: str, usual: Sequence[str], **kwargs: Any) -> None:
        super().__init__(choices=tuple(usual), **kwargs)
        self.value = value
        make_calm(self.native)

    @property
    def value(self) -> Any:
        """The value chosen."""
        return self.get_value()

    @value.setter
    def value(self, value: str) -> None:
        if value not in self.choices:
            self._offer(value)
        self.set_value(value)

    def _offer(self, value: str) -> None:
        """Let a value join the list."""
        self._default_choices = (*self.choices, value)
        self.reset_choices()


class TypedChoice(OpenChoice):
    """A list of usual values; another one can be typed."""

    def __init__(self, value: str, usual: Sequence[str], **kwargs: Any) -> None:
        super().__init__(value, usual, **kwargs)
        line = QLineEdit()
        self.native.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.native.setLineEdit(line)  # which makes it editable
        line.editingFinished.connect(self.commit)

    def commit(self) -> bool:
        """Take what was typed, and return True."""
        text = self.native.lineEdit().text().strip()
        if text:
            self.value = text
        else:
            self.native.lineEdit().setText(self.value)
        return True


class DeviceChoice(OpenChoice):
    """The devices that are there: auto and cpu, and what a thread finds once the list is opened.

    Only torch knows, and it is not loaded before it is needed. A device that is not there but is set,
    by a recipe or a preference, stays in the list with a remark.
    """

    def __init__(self, value: str, **kwargs: Any) -> None:
        self._found: tuple[str, ...] | None = None
        self._worker: Any = None
        super().__init__(value, ("auto", "cpu"), **kwargs)
        self._is_closed = False
        self.native.destroyed.connect(self._on_closed)
        self._opening = _Opening(self)
        self.native.view().installEventFilter(self._opening)

    def look(self) -> None:
        """Ask in a thread which devices there are, the first time."""
        from napari.qt.threading import create_worker

        if self._worker is not None:
            return
        self._show([*self._devices(), _LOOKING])
        items = self.native.model()
        assert isinstance(items, QStandardItemModel)
        last = items.item(items.rowCount() - 1)
        assert last is not None
        last.setEnabled(False)
        self._worker = create_worker(find_devices, _start_thread=False)
        self._worker.returned.connect(self._on_found)
        self._worker.start()

    def _on_closed(self) -> None:
        self._is_closed = True

    def _on_found(self, found: tuple[str, ...]) -> None:
        if self._is_closed:
            return
        self._found = found
        self._show(self._devices())
        if self.native.view().isVisible():  # as high as the list is now
            self.native.hidePopup()
            self.native.showPopup()

    def _offer(self, value: str) -> None:
        self._show([*self._devices(), value])

    def _devices(self) -> list[str]:
        """Return those that are there, as far as is known, and the one that is set."""
        known = ["auto", *(self._found or ("cpu",))]
        return known if self.value in (None, *known) else [*known, self.value]

    def _show(self, devices: Sequence[str]) -> None:
        """Offer devices; the one that is set stays."""
        value = self.value
        absent = () if self._found is None else set(devices) - {"auto", *self._found}
        self._default_choices = [
            (f"{device} ({_ABSENT})" if device in absent else device, device) for device in devices
        ]
        with self.changed.blocked():
            self.reset_choices()
            if value is not None:
                self.set_value(value)


class _Opening(QObject):
    """Hears that a list is opened."""

    def __init__(self, choice: DeviceChoice) -> None:
        super().__init__(choice.native)
        self._choice = choice

    def eventFilter(self, _: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Show:
            self._choice.look()
        return False


def find_devices() -> tuple[str, ...]:
    """Return the names of the devices that are there; runs in a thread, because it loads torch."""
    try:
        load_libraries()
        with no_collections():
            from napari_style_transfer.engine.device import available_devices
        return available_devices()
    except Exception:
        _log.exception("Which devices there are could not be found out")
        return ("cpu",)
