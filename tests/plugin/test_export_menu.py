"""The button *Export…*: what it offers, asks, writes and says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fast_styles import fast_style
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog
from superqt import QCollapsible

from napari_style_transfer import FastStyle
from napari_style_transfer.export.page import RUNTIME_FILES
from napari_style_transfer.plugin.inputs import export_job
from napari_style_transfer.plugin.inputs.export_job import KINDS, PAGE, ExportKind
from napari_style_transfer.plugin.inputs.library import FastEntry, entries_of
from napari_style_transfer.plugin.runs.lifetime import Lifetime
from napari_style_transfer.plugin.widgets.export_menu import ExportMenu

pytest.importorskip("onnx")

ONNX, HALF, INT8 = KINDS[:3]


class Driver:
    """The button over two styles, of which the second is chosen."""

    def __init__(self, qtbot: QtBot) -> None:
        both = fast_style("night", "day")
        self.entry: FastEntry | None = entries_of(both, both.info)[1]
        self.lifetime, self.said = Lifetime(), list[tuple[str, bool]]()
        self.menu = ExportMenu(lambda: self.entry, lambda: 32, self.lifetime)
        self.button = self.menu.button.native
        self.menu.said.connect(lambda *what: self.said.append(what))
        self._qtbot = qtbot
        qtbot.addWidget(self.button)
        self.button.show()

    def click(self, kind: ExportKind) -> None:
        """Click on the button, and on an entry of its menu."""
        self._qtbot.mouseClick(self.button, Qt.MouseButton.LeftButton)
        assert self.menu.menu.isVisible()
        titles = [action.text() for action in self.menu.menu.actions()]
        place = titles.index(f"{kind.title}…")
        where = self.menu.menu.actionGeometry(self.menu.menu.actions()[place]).center()
        self._qtbot.mouseClick(self.menu.menu, Qt.MouseButton.LeftButton, pos=where)

    def done(self) -> None:
        self._qtbot.waitUntil(lambda: not self.menu.busy, timeout=20_000)


@pytest.fixture
def driver(qtbot: QtBot) -> Iterator[Driver]:
    driver = Driver(qtbot)
    yield driver
    driver.done()
    driver.lifetime.end()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the dialogs answer, one after another."""
    given = list[str]()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (given.pop(0), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: given.pop(0))
    return given


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads that exported."""
    found, only = list[int](), FastStyle.only

    def watched(self: FastStyle, index: int) -> FastStyle:
        found.append(threading.get_ident())
        return only(self, index)

    monkeypatch.setattr(FastStyle, "only", watched)
    return found


@pytest.mark.parametrize("kind", [ONNX, HALF, INT8])
def test_a_model_of_the_chosen_style_is_written_by_a_thread(
    driver: Driver, answers: list[str], threads: list[int], tmp_path: Path, kind: ExportKind
) -> None:
    answers.append(str(tmp_path / "mine"))  # without a suffix
    driver.click(kind)
    assert not driver.button.isEnabled()
    assert "being exported" in driver.button.toolTip()
    driver.done()
    path = tmp_path / "mine.onnx"
    assert FastStyle.load(path).names == ("day",)
    assert driver.said[0] == ("Exporting 'day'…", False)
    assert driver.said[1:] == [
        (f"Exported 'day' as {path} ({path.stat().st_size / 1e6:.2f} MB).", False)
    ]
    assert threading.get_ident() not in threads
    assert driver.button.isEnabled()


def test_the_kinds_differ_in_size(driver: Driver, tmp_path: Path) -> None:
    sizes = []
    for kind in (ONNX, HALF, INT8):
        driver.menu.export_to(kind, tmp_path / "a.onnx")
        driver.done()
        sizes.append((tmp_path / "a.onnx").stat().st_size)
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


@pytest.mark.parametrize("found", [True, False])
def test_a_page_is_written_with_what_npm_installed(
    driver: Driver,
    answers: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    found: bool,
) -> None:
    web, page = tmp_path / "web", tmp_path / "page"
    dist = web / "node_modules" / "onnxruntime-web" / "dist"
    dist.mkdir(parents=True)
    page.mkdir()
    for name in RUNTIME_FILES:
        (dist / name).touch()
    monkeypatch.chdir(web if found else tmp_path)
    answers.extend([str(page)] if found else [str(page), str(web)])
    driver.click(PAGE)
    driver.done()
    (model,) = (page / "models").iterdir()
    assert FastStyle.load(model).names == ("day",)
    assert f"python -m http.server --directory {page}" in driver.said[-1][0]
    assert not answers


def test_a_dialog_that_is_cancelled_does_nothing(
    driver: Driver, answers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers += ["", "", str(tmp_path / "page"), ""]
    for kind in (ONNX, PAGE, PAGE):
        driver.click(kind)
    assert not driver.said
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (ONNX, "missing/a.onnx", "there is no folder"),
        (ONNX, "a.txt", "ends in .onnx"),
        (PAGE, "page", "npm install onnxruntime-web"),
    ],
)
def test_what_cannot_be_written_is_said_at_once(
    driver: Driver, tmp_path: Path, kind: ExportKind, name: str, words: str
) -> None:
    driver.menu.export_to(kind, tmp_path / name, tmp_path)
    ((sentence, is_wrong),) = driver.said
    assert is_wrong
    assert words in sentence
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (RuntimeError("odd"), "The export broke off (RuntimeError: odd)."),
    ],
)
def test_what_goes_wrong_in_the_thread_is_said(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: Any) -> None:
        raise error

    where = "io.atomic.os.replace" if isinstance(error, OSError) else "fast_style.FastStyle.only"
    monkeypatch.setattr(f"napari_style_transfer.{where}", fail)
    driver.menu.export_to(ONNX, tmp_path / "a.onnx")
    driver.done()
    sentence, is_wrong = driver.said[-1]
    assert is_wrong
    assert words in sentence
    assert not any(tmp_path.iterdir())


def test_a_widget_that_is_closed_meanwhile_hears_nothing_and_the_file_is_whole(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, only = threading.Event(), FastStyle.only

    def slowly(self: FastStyle, index: int) -> FastStyle:
        assert gate.wait(20)
        return only(self, index)

    monkeypatch.setattr(FastStyle, "only", slowly)
    driver.menu.export_to(ONNX, tmp_path / "a.onnx")
    driver.lifetime.end()
    gate.set()
    driver.done()
    assert driver.said == [("Exporting 'day'…", False)]
    assert FastStyle.load(tmp_path / "a.onnx").names == ("day",)


def test_without_a_style_the_button_says_why(driver: Driver) -> None:
    driver.entry = None
    driver.menu.show_state()
    assert not driver.button.isEnabled()
    assert "Choose a style" in driver.button.toolTip()


@pytest.mark.parametrize("installed", [True, False])
def test_executorch_is_offered_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, installed: bool
) -> None:
    monkeypatch.setattr(
        export_job.importlib.util, "find_spec", lambda name: object() if installed else None
    )
    driver = Driver(qtbot)
    driver.menu.button.changed.emit(True)
    titles = [action.text() for action in driver.menu.menu.actions()]
    driver.menu.menu.close()
    assert ("ExecuTorch program for 32 × 32 px…" in titles) == installed
    assert len(titles) == len(KINDS) - (not installed)
    driver.lifetime.end()


@pytest.mark.slow
def test_by_clicks_in_the_whole_napari(
    make_napari_viewer: Callable[..., Any], qtbot: QtBot, answers: list[str], tmp_path: Path
) -> None:
    import numpy as np

    from napari_style_transfer import samples

    onnxruntime = pytest.importorskip("onnxruntime")
    viewer = make_napari_viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget("napari-style-transfer", "Fast Style")
    widget.choices.choose("night#0")
    section = widget.styles
    while not isinstance(section, QCollapsible):
        section = section.parentWidget()
    section.expand(animate=False)
    button, menu = widget.styles.export.native, widget.styles.exports.menu
    qtbot.waitUntil(lambda: button.isVisible() and button.height() > 0)
    answers.append(str(tmp_path / "night.onnx"))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(menu.isVisible)
    qtbot.keyClick(menu, Qt.Key.Key_Down)
    qtbot.keyClick(menu, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Exported 'night'" in widget._status.text(), timeout=30_000)
    content = np.ascontiguousarray(samples.load("chelsea")[100:164, 100:180])
    session = onnxruntime.InferenceSession(tmp_path / "night.onnx")
    numbers = {
        name: np.array([value], np.float32)
        for name, value in (("strength", 0.5), ("stroke_size", 1), ("shares", 1))
    }
    (painted,) = session.run(None, {"picture": content[None], **numbers})
    expected = FastStyle.load("night")(content, device="cpu", precision="float32")
    assert np.abs(painted[0].astype(int) - expected).max() <= 1
