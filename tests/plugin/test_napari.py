"""The plugin in a whole napari, in which few tests are made, because each takes seconds.

The twenty points of a good napari plugin, and what checks each (in this folder unless said):

1. `npe2 validate --imports`: the packaging test, on the installed wheel; `test_manifest`.
2. No torch before Run: `test_the_widgets_module_leaves_torch_unloaded`, `test_in_a_process_of_its_own`.
3. Wheel metadata: the packaging test.
4. The engine without napari or Qt: the import rules in `pyproject.toml`.
5. Opens by name and from the menu: `test_opens_by_name_and_from_the_menu`.
6. Choices follow the layers, and a sentence says why Run is disabled: `test_widget`, "the choice of
   layers".
7. The main thread: `test_the_main_thread_is_never_blocked_for_long`.
8. Viewer writes on the main thread: `test_the_viewer_is_written_on_the_main_thread_only`.
9. One layer, bounded rate: `test_one_layer_is_painted_live_and_keeps_its_extent`,
   `test_messages_come_at_a_bounded_rate`, `test_no_preview_is_sent_until_the_last_one_is_drawn`.
10. Stop: `test_stop_keeps_the_picture`.
11. An engine error: `test_an_error_gives_one_message_and_a_usable_widget`.
12. Closing the viewer: `test_closing_the_viewer_mid_run_ends_the_thread`.
13. Deleting layers: the `test_deleting_…` tests.
14. No second Run: `test_a_second_run_while_one_is_on_is_impossible`.
15. World coordinates: `test_placement`.
16. Inputs: `test_layers`, `test_what_is_painted_is_what_is_on_screen`.
17. uint8 and `rgb=True` at 16 × 16: `test_a_tiny_picture_is_colour_not_a_stack`.
18. The recipe: `test_the_result_carries_every_parameter`, `test_the_recipe_gives_the_same_picture`.
19. Device memory and fallback: the engine's tests; that the plugin holds on to nothing after an error:
    `test_an_error_holds_on_to_nothing`.
20. Warnings are errors, under a virtual display: `pyproject.toml`; no test uses a network.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fake_method import FakeMethod
from napari.layers import Image
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea, QSlider, QWidget
from superqt import QCollapsible

from napari_style_transfer.plugin.inputs.snapshot import snapshot
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.style_transfer import StyleTransferWidget
from napari_style_transfer.recipe import Recipe

PLUGIN = "napari-style-transfer"
RESULT = "photo in the style of painting"
#: Of two kinds.
_SLIDERS = ("strength", "content_weight", "style_weight")

MakeViewer = Callable[..., Any]


def add_inputs(viewer: Any, side: int = 48) -> None:
    random = np.random.default_rng(0)
    for name in ("photo", "painting"):
        data = random.integers(0, 256, (side, side, 3), np.uint8)
        viewer.add_image(data, name=name, rgb=True, scale=(0.5, 0.25))


def dock(viewer: Any) -> StyleTransferWidget:
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Style Transfer")
    assert isinstance(widget, StyleTransferWidget)
    widget.size.value = 48
    widget.steps.value = 6
    return widget


def test_opens_by_name_and_from_the_menu(make_napari_viewer: MakeViewer) -> None:
    viewer = make_napari_viewer(strict_qt="raise")
    widget = dock(viewer)
    from napari._app_model import get_app_model
    from napari._app_model.constants import MenuId

    items = get_app_model().menus.get_menu(MenuId.LAYERS_FILTER)
    assert f"{PLUGIN}.widget" in {item.command.id for item in items}
    add_inputs(viewer)
    assert len(widget.content.choices) == 2
    viewer.layers[0].name = "renamed"
    assert widget.content.current_choice == "renamed"


def test_the_title_of_the_dock_fits(make_napari_viewer: MakeViewer) -> None:
    viewer = make_napari_viewer(show=True, strict_qt="raise")
    docked, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Style Transfer")
    QApplication.processEvents()
    for is_floating in (False, True, False):
        docked.setFloating(is_floating)
        QApplication.processEvents()
        title = docked.titleBarWidget().title
        assert title.text() == "Style Transfer"
        assert title.width() >= title.fontMetrics().horizontalAdvance(title.text())
    docked.destroyOnClose()
    again = dock(viewer)  # napari finds it by its whole name
    QApplication.processEvents()
    assert again is not widget
    assert again.native.isVisible()


@pytest.mark.engine
def test_a_run_with_the_real_engine(make_napari_viewer: MakeViewer, qtbot: QtBot) -> None:
    viewer = make_napari_viewer(strict_qt="raise")
    widget = dock(viewer)
    add_inputs(viewer)
    widget.device.value = "cpu"
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=120_000)
    result = viewer.layers[RESULT]
    assert widget._status.text().startswith("Painted in ")
    assert result.data.shape == (48, 48, 3)
    assert result.data.std() > 0
    np.testing.assert_allclose(
        result._extent_augmented.world, viewer.layers["photo"]._extent_augmented.world, atol=1e-4
    )


@pytest.mark.engine
def test_the_recipe_gives_the_same_picture(make_napari_viewer: MakeViewer, qtbot: QtBot) -> None:
    viewer = make_napari_viewer(strict_qt="raise")
    widget = dock(viewer)
    add_inputs(viewer)
    widget.device.value = "cpu"
    widget.steps.value = 60
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: RESULT in viewer.layers, timeout=120_000)
    widget.stop.changed.emit(True)
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=120_000)
    first = viewer.layers[RESULT]
    recipe = Recipe.parse(first.metadata)
    assert 0 < recipe.evaluations < 60
    widget.size.value = 99
    widget.load_recipe.changed.emit(True)
    assert widget.size.value == 48
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=120_000)
    second = viewer.layers[-1]
    assert second is not first
    np.testing.assert_array_equal(second.data, first.data)
    assert Recipe.parse(second.metadata).settings == recipe.settings


def test_closing_the_viewer_mid_run_ends_the_thread(
    make_napari_viewer: MakeViewer, qtbot: QtBot, engine: FakeMethod
) -> None:
    viewer = make_napari_viewer(strict_qt="raise")
    widget = dock(viewer)
    add_inputs(viewer)
    engine.hold = 3
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: RESULT in viewer.layers, timeout=20_000)
    viewer.close()
    # Nothing but the thread itself sees to this: the main thread is given no chance to help.
    assert engine.ended.wait(2)
    assert engine.evaluation == 3  # the one it was at


def test_closing_the_dock_mid_run_keeps_the_picture_with_its_recipe(
    make_napari_viewer: MakeViewer, qtbot: QtBot, engine: FakeMethod
) -> None:
    viewer = make_napari_viewer(strict_qt="raise")
    dock_widget, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Style Transfer")
    widget.size.value, widget.steps.value = 48, 6
    add_inputs(viewer)
    engine.hold = 3
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: RESULT in viewer.layers, timeout=20_000)
    lifetime = widget._lifetime
    del widget
    dock_widget.destroyOnClose()  # what its cross does
    qtbot.waitUntil(lambda: lifetime.run is None, timeout=20_000)
    result = viewer.layers[RESULT]
    assert (result.data == 3).all()
    assert Recipe.parse(result.metadata).settings.stop_after == 3


def test_the_viewer_is_written_on_the_main_thread_only(
    make_napari_viewer: MakeViewer, qtbot: QtBot, engine: FakeMethod
) -> None:
    viewer = make_napari_viewer(strict_qt="raise")
    widget = dock(viewer)
    add_inputs(viewer)
    threads: set[threading.Thread] = set()

    def note(*_: Any) -> None:
        threads.add(threading.current_thread())

    viewer.layers.events.connect(note)
    engine.hold = 3
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: RESULT in viewer.layers, timeout=20_000)
    viewer.layers[RESULT].events.connect(note)
    engine.gate.set()
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=20_000)
    assert threads == {threading.main_thread()}


def test_fits_a_narrow_dock_in_both_themes(
    make_napari_viewer: MakeViewer, qtbot: QtBot, engine: FakeMethod
) -> None:
    viewer = make_napari_viewer(show=True, strict_qt="raise")
    widget = dock(viewer)
    add_inputs(viewer)
    viewer.layers[0].name = "a very long name of a layer that nobody should ever have to read"
    viewer.layers[1].name = "a style with a name that is too long for any line of a narrow dock"
    engine.note = "There is much to say about this run, in more than one line of a narrow dock."
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=20_000)
    widget.styles.add_row(viewer.layers[0])
    labels = np.arange(48 * 48).reshape(48, 48) % 3 + 1000
    widget.regions.layer.value = viewer.add_labels(labels, name=f"labels of {viewer.layers[0]}")
    qtbot.waitUntil(lambda: len(widget.regions.rows) == 4, timeout=20_000)
    widget.regions.rows[1000].choice = widget.styles.rows[1]
    native = widget.native
    for theme, opened in itertools.product(("light", "dark"), range(5)):
        viewer.theme = theme
        for number, section in enumerate(native.findChildren(QCollapsible), start=1):
            section.expand(animate=False) if number == opened else section.collapse(animate=False)
        QApplication.processEvents()
        assert native.minimumSizeHint().width() <= 300
        native.window().resize(1100, 450)
        native.parentWidget().setFixedWidth(300)
        QApplication.processEvents()
        sliders = (getattr(widget, name).native.findChild(QSlider) for name in _SLIDERS)
        assert len({slider.width() for slider in sliders}) == 1
        for scroll in native.findChildren(QScrollArea):
            assert scroll.viewport().width() >= scroll.widget().minimumSizeHint().width()
        for button in native.findChildren(QPushButton):
            if button.isVisible():
                text = button.fontMetrics().horizontalAdvance(button.text())
                assert button.width() >= text + 8, button.text()
        for label in native.findChildren(QLabel):
            if label.isVisible() and not label.wordWrap():
                assert label.width() >= label.sizeHint().width(), label.text()
        for sentence in native.findChildren(Sentence):
            assert sentence.height() >= sentence.heightForWidth(sentence.width())
        for part in native.findChildren(QWidget):
            if part.isVisible() and part.parentWidget() is not None:
                right = part.mapTo(native, part.rect().topRight()).x()
                assert right <= native.width(), part


@pytest.mark.parametrize(
    ("width", "height"), [pytest.param(1280, 1024, marks=pytest.mark.slow), (1366, 768)]
)
def test_progress_and_regions_are_in_sight_while_it_paints(
    make_napari_viewer: MakeViewer, qtbot: QtBot, engine: FakeMethod, width: int, height: int
) -> None:
    viewer = make_napari_viewer(show=True, strict_qt="raise")
    widget = dock(viewer)
    add_inputs(viewer)
    window = widget.native.window()
    window.resize(width, height - 40)  # the screen's own bar takes the rest
    widget.regions.layer.value = viewer.add_labels(np.arange(48 * 48).reshape(48, 48) % 4)
    qtbot.waitUntil(lambda: len(widget.regions.rows) == 4, timeout=20_000)
    section = widget.native.findChildren(QCollapsible)[3]
    assert "Regions" in section.toggleButton().text()
    section.expand(animate=False)
    engine.hold = 3
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: RESULT in viewer.layers, timeout=20_000)
    qtbot.wait(400)  # until the section is scrolled to
    parts = [widget.stop.native, widget._progress, widget.strength.native]
    parts += [part for row in widget.regions.rows.values() for part in row.parts()]
    for part in parts:
        assert part.visibleRegion().boundingRect().size() == part.size(), part
    assert window.height() == height - 40
    engine.gate.set()
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=20_000)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (np.linspace(0, 1, 3600).reshape(60, 60), {"gamma": 0.5, "colormap": "viridis"}),
        (np.arange(3600).reshape(60, 60) * 18, {"contrast_limits": (9000, 40000)}),
        (np.arange(10800, dtype=np.int64).reshape(60, 60, 3), {"rgb": True}),
        (np.linspace(0.2, 0.7, 10800).reshape(60, 60, 3), {"rgb": True, "gamma": 1.5}),
        (np.linspace(0, 65535, 10800).reshape(60, 60, 3).astype(np.uint16), {"rgb": True}),
    ],
    ids=["gamma", "limits", "int64 colours", "float colours", "uint16 colours"],
)
def test_what_is_painted_is_what_is_on_screen(
    make_napari_viewer: MakeViewer, data: Any, options: dict[str, Any]
) -> None:
    viewer = make_napari_viewer(show=True, strict_qt="raise")
    layer = viewer.add_image(data, **options)
    assert isinstance(layer, Image)
    QApplication.processEvents()
    screen = viewer.export_figure(flash=False)[..., :3].astype(int)
    expected = snapshot(layer, 64).pixels().astype(int)
    height, width = screen.shape[:2]
    rows = (np.arange(height) + 0.5) * 60 // height
    columns = (np.arange(width) + 0.5) * 60 // width
    expected = expected[np.ix_(rows.astype(int), columns.astype(int))]
    # Napari's colormap textures are coarse; a pixel on the border of two may be either's.
    assert np.median(np.abs(screen - expected)) <= 2
    assert np.mean(np.abs(screen - expected) > 6) < 0.05


@pytest.mark.engine
@pytest.mark.window
@pytest.mark.slow
def test_in_a_process_of_its_own() -> None:
    """Torch comes late, into a process in which the window's OpenGL is already loaded.

    With OpenGL in software this has crashed: Mesa and triton each bring an LLVM.
    """
    code = """
import sys, time, numpy as np, napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer(show=True)
_, widget = viewer.window.add_plugin_dock_widget("napari-style-transfer", "Style Transfer")
viewer.add_image(np.zeros((48, 48, 3), np.uint8), name="photo", rgb=True)
widget.size.value, widget.steps.value, widget.device.value = 48, 2, "cpu"
assert "torch" not in sys.modules
widget.run.changed.emit(True)
end = time.monotonic() + 100
while not widget.run.enabled and time.monotonic() < end:
    QApplication.processEvents()
    time.sleep(0.01)
assert viewer.layers[-1].name == "photo in the style of photo", widget._status.text()
widget.steps.value = 1000
widget.run.changed.emit(True)
while len(viewer.layers) < 3:
    QApplication.processEvents()
viewer.close()  # in the midst of a run, and Python exits at once
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
