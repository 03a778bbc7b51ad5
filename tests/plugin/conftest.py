"""A viewer without a window and an engine that paints nothing, so that the widget is tested fast."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QSettings

from napari_style_transfer.plugin.outputs import unfinished
from napari_style_transfer.plugin.widgets import remembered
from napari_style_transfer.plugin.widgets.style_transfer import StyleTransferWidget


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeMethod:
    fake = FakeMethod()
    monkeypatch.setattr("napari_style_transfer.methods.create", lambda: fake)
    return fake


@pytest.fixture(autouse=True)
def _no_preferences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the preferences of whoever runs the tests out of them."""
    monkeypatch.setattr("napari_style_transfer.plugin.widgets.choices.preferred", dict)


@pytest.fixture(autouse=True)
def _nothing_remembered(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Begin without what another napari has left, and leave nothing."""
    path = tmp_path_factory.mktemp("user")
    monkeypatch.setattr(unfinished, "folder", lambda: path / "unfinished")
    user, ini = QSettings.Scope.UserScope, QSettings.Format.IniFormat
    QSettings.setPath(ini, user, str(path / "settings"))
    remembered._store.cache_clear()
    yield
    remembered._store.cache_clear()


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages that napari was asked to show."""
    shown: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_error", shown.append)
    return shown


@pytest.fixture
def driver(viewer: ViewerModel, qtbot: QtBot, engine: FakeMethod) -> Iterator[Driver]:
    """A widget of 32 px and 6 steps over two layers, `photo` and `painting`."""
    widget = StyleTransferWidget(viewer)
    qtbot.addWidget(widget.native)
    random = np.random.default_rng(0)
    viewer.add_image(random.integers(0, 256, (40, 60, 3), np.uint8), name="photo", rgb=True)
    viewer.add_image(random.integers(0, 256, (50, 50, 3), np.uint8), name="painting", rgb=True)
    widget.size.value = 32
    widget.steps.value = 6
    driver = Driver(widget, qtbot)
    yield driver
    engine.gate.set()
    widget.stop.changed.emit(True)
    driver.until(lambda: widget._lifetime.run is None)
