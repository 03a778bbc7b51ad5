"""A driver that does with a widget what a user does."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from napari_style_transfer.plugin.widgets.style_transfer import StyleTransferWidget

_TIMEOUT = 120_000  # ms; generous, because the machines that run tests are often busy


class Driver:
    """Does with a widget what a user does, and waits for what follows."""

    def __init__(self, widget: StyleTransferWidget, qtbot: QtBot) -> None:
        self.widget = widget
        self._qtbot = qtbot

    def run(self) -> None:
        """Run to the end."""
        self.start()
        self.wait()

    def start(self) -> None:
        self.widget.run.changed.emit(True)

    def stop(self) -> None:
        self.widget.stop.changed.emit(True)
        self.wait()

    def wait(self) -> None:
        self.until(lambda: self.widget.run.enabled)

    def wait_a_little(self) -> None:
        """Wait for longer than it takes until a change is sent."""
        self._qtbot.wait(400)

    def until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=_TIMEOUT)
