"""The widget's behaviour, on a viewer without a window and an engine that paints nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import napari.settings
import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel
from napari.layers import Image
from napari.layers._source import Source
from npe2 import PluginManifest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QFontMetrics
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit, QProgressBar

from napari_style_transfer.plugin.inputs.styles import StyleInput
from napari_style_transfer.plugin.outputs.files import write_picture
from napari_style_transfer.plugin.widgets.preferences import preferred
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.style_transfer import StyleTransferWidget
from napari_style_transfer.progress import Status
from napari_style_transfer.recipe import RECIPE_KEY, Recipe
from napari_style_transfer.settings import Settings, parameters
from napari_style_transfer.spec import Region

RESULT = "photo in the style of painting"


def picture(number: int, shape: tuple[int, int] = (21, 32)) -> Any:
    return np.full((*shape, 3), number, np.uint8)


@pytest.fixture
def empty(viewer: ViewerModel, qtbot: QtBot) -> StyleTransferWidget:
    widget = StyleTransferWidget(viewer)
    qtbot.addWidget(widget.native)
    return widget


# ---- the fields ----------------------------------------------------------------------------------


def test_every_parameter_is_reachable_by_its_name(empty: StyleTransferWidget) -> None:
    for name in parameters():
        assert getattr(empty, name).name == name
        assert empty[name] is getattr(empty, name)
    assert empty.settings() == Settings()
    with pytest.raises(AttributeError, match="colour"):
        _ = empty.colour


def test_assigning_to_a_field_says_how_to_set_its_value(empty: StyleTransferWidget) -> None:
    with pytest.raises(AttributeError, match=r"widget\.size\.value = 256"):
        empty.size = 256


def test_defaults_come_from_the_preferences(
    viewer: ViewerModel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_style_transfer.plugin.widgets.choices.preferred",
        lambda: {"device": "cpu", "weights": "torchvision"},
    )
    widget = StyleTransferWidget(viewer)
    qtbot.addWidget(widget.native)
    assert widget.device.value == "cpu"
    assert widget.weights.value == "torchvision"


@pytest.mark.skipif(
    not hasattr(napari.settings, "get_plugin_settings"), reason="napari 0.9 brought preferences"
)
def test_preferences_are_napari_s_own(plugin_settings: None, npe2pm: Any) -> None:
    assert preferred() == {}  # as where the plugin is not installed
    npe2pm.register(PluginManifest.from_distribution("napari-style-transfer"))
    assert preferred() == {"device": "auto", "weights": "oxford"}
    from napari.settings import get_plugin_settings

    computing: Any = get_plugin_settings("napari-style-transfer")
    computing.computing.device = "cpu"
    computing.computing.weights = " "
    assert preferred() == {"device": "cpu", "weights": "oxford"}


def test_a_napari_without_plugin_preferences_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("napari.settings.get_plugin_settings", raising=False)
    assert preferred() == {}


# ---- the choice of layers ------------------------------------------------------------------------


def test_without_layers_the_widget_says_why_it_cannot_run(empty: StyleTransferWidget) -> None:
    assert not empty.run.enabled
    assert not empty.stop.enabled
    assert empty._status.text().startswith("Open a photograph and a painting as image layers")
    empty.run.changed.emit(True)
    assert not empty.stop.enabled


def test_one_layer_is_enough_but_a_second_is_asked_for(
    empty: StyleTransferWidget, viewer: ViewerModel
) -> None:
    viewer.add_image(np.zeros((20, 20)), name="photo")
    assert empty.run.enabled
    assert "second image layer" in empty._status.text()
    assert empty.content.value is empty.style.value is viewer.layers["photo"]


def test_the_second_layer_becomes_the_style(driver: Driver, viewer: ViewerModel) -> None:
    assert driver.widget.content.value is viewer.layers["photo"]
    assert driver.widget.style.value is viewer.layers["painting"]
    assert driver.widget._status.text() == ""


def test_only_images_are_offered(driver: Driver, viewer: ViewerModel) -> None:
    viewer.add_points(np.zeros((3, 2)))
    viewer.add_labels(np.zeros((20, 20), int))
    assert len(driver.widget.content.choices) == 2


def test_a_choice_stays_with_its_layer(driver: Driver, viewer: ViewerModel) -> None:
    photo, painting = viewer.layers
    painting.name = "a painting"
    assert driver.widget.style.value is painting
    assert driver.widget.style.current_choice == "a painting"
    photo.name, painting.name = "x", "photo"
    assert (driver.widget.content.value, driver.widget.style.value) == (photo, painting)
    viewer.layers.move(0, 2)
    assert (driver.widget.content.value, driver.widget.style.value) == (photo, painting)
    viewer.add_image(np.zeros((20, 20)), name="third")
    assert (driver.widget.content.value, driver.widget.style.value) == (photo, painting)
    viewer.layers.remove(photo)
    assert driver.widget.content.value in viewer.layers
    viewer.layers.clear()
    assert driver.widget.content.value is None
    assert not driver.widget.run.enabled


# ---- what is typed -------------------------------------------------------------------------------


def write(field: Any, text: str) -> None:
    """Type into a field, and do not end it."""
    line = field.native.findChild(QLineEdit)
    line.selectAll()
    QTest.keyClicks(line, text)


def test_what_is_typed_last_counts_when_run_is_pressed(driver: Driver, engine: FakeMethod) -> None:
    write(driver.widget.size, "48")
    write(driver.widget.strength, "0,7")
    driver.run()
    settings = engine.calls[0]["settings"]
    assert (settings.size, settings.strength) == (48, 0.7)


def test_run_does_not_start_from_what_cannot_be_taken(driver: Driver, engine: FakeMethod) -> None:
    write(driver.widget.size, "5")
    driver.start()
    assert engine.calls == []
    assert driver.widget._status.text() == (
        "Size stays 32: '5' is not a whole number from 16 to 16384."
    )
    driver.widget.size.native.stepBy(1)
    assert driver.widget._status.text() == ""


def test_what_was_refused_is_still_said_when_the_run_begins(
    driver: Driver, engine: FakeMethod
) -> None:
    engine.hold = 1
    write(driver.widget.size, "much")
    QTest.keyClick(driver.widget.size.native, Qt.Key.Key_Return)
    driver.start()
    assert driver.widget._status.text().startswith("Size stays 32: 'much' is not")


# ---- grey buttons and fields ---------------------------------------------------------------------


def reasons(widget: StyleTransferWidget) -> list[str]:
    """Return what each button says first; it has to be a reason exactly where it is disabled."""
    buttons = (widget.run, widget.pause, widget.stop, widget.go_on, widget.load_recipe)
    said = [button.tooltip.partition("\n\n") for button in buttons]
    assert [bool(rest) for _, _, rest in said] == [not button.enabled for button in buttons]
    return [first if rest else "" for first, _, rest in said]


def test_every_grey_button_says_why(
    empty: StyleTransferWidget, viewer: ViewerModel, engine: FakeMethod, qtbot: QtBot
) -> None:
    idle, select = "Nothing is being painted.", "Select a result of style transfer"
    run, pause, stop, go_on, load = reasons(empty)
    assert run == empty._status.text()
    assert pause == stop == idle
    assert go_on.startswith(select)
    assert load.startswith(select)
    driver = Driver(empty, qtbot)
    viewer.add_image(np.zeros((20, 20)), name="photo")
    empty.size.value, empty.steps.value = 32, 6
    assert reasons(empty)[0] == ""
    engine.hold = 2
    driver.start()
    run, pause, stop, go_on, load = reasons(empty)
    assert (
        run
        == go_on
        == load
        == ("A picture is being painted; stop it first, or wait until it is done.")
    )
    assert pause == stop == ""
    empty.stop.changed.emit(True)
    assert reasons(empty)[1] == "It stops after this evaluation."
    driver.wait()
    viewer.layers.selection.active = viewer.layers[-1]
    assert reasons(empty) == ["", idle, idle, "", ""]


def test_fields_that_a_run_does_not_follow_say_so(driver: Driver, engine: FakeMethod) -> None:
    widget = driver.widget
    engine.hold = 2
    driver.start()
    locked = [widget.content, *(field for field in widget._fields.values() if not field.enabled)]
    assert {"content", "size", "steps", "device", "seed"} <= {field.name for field in locked}
    for field in locked:
        assert field.tooltip.startswith("This cannot be changed while a picture is painted")
    engine.gate.set()
    driver.wait()
    for name, info in parameters().items():
        assert widget[name].enabled
        assert widget[name].tooltip == info.description


# ---- a run ---------------------------------------------------------------------------------------


def test_a_run_gives_one_layer(driver: Driver, viewer: ViewerModel, errors: list[str]) -> None:
    driver.run()
    assert [layer.name for layer in viewer.layers] == ["photo", "painting", RESULT]
    result = viewer.layers[RESULT]
    assert result.rgb
    np.testing.assert_array_equal(result.data, picture(6))
    assert driver.widget._status.text().startswith("Painted in ")
    assert errors == []


def test_the_engine_gets_what_is_on_screen(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    driver.run()
    np.testing.assert_array_equal(engine.calls[0]["content"], viewer.layers["photo"].data)
    (style,) = engine.calls[0]["style"]
    np.testing.assert_array_equal(style.picture, viewer.layers["painting"].data)
    assert (style.share, style.scale, style.angle, style.mask) == (1, 1, 0, None)
    assert engine.calls[0]["init"] is engine.calls[0]["regions"] is None
    assert engine.calls[0]["settings"] == driver.widget.settings()


def test_input_is_frozen_when_run_is_pressed(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    before = viewer.layers["photo"].data.copy()
    driver.start()
    viewer.layers["photo"].data[:] = 0
    driver.widget.steps.value = 99
    driver.wait()
    np.testing.assert_array_equal(engine.calls[0]["content"], before)
    assert engine.calls[0]["settings"].steps == 6


def test_buttons_while_running(driver: Driver, engine: FakeMethod) -> None:
    engine.hold = 2
    driver.start()
    assert not driver.widget.run.enabled
    assert driver.widget.stop.enabled
    engine.gate.set()
    driver.wait()
    assert not driver.widget.stop.enabled


def test_a_second_run_while_one_is_on_is_impossible(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    engine.hold = 2
    driver.start()
    driver.start()
    viewer.add_image(np.zeros((20, 20)), name="third")  # must not enable Run either
    assert not driver.widget.run.enabled
    driver.start()
    engine.gate.set()
    driver.wait()
    assert len(engine.calls) == 1


def test_a_run_again_keeps_the_earlier_result(driver: Driver, viewer: ViewerModel) -> None:
    driver.run()
    driver.widget.steps.value = 8
    driver.run()
    first, second = viewer.layers[2:]
    assert first.name == RESULT
    assert second.name == f"{RESULT} [1]"
    np.testing.assert_array_equal(first.data, picture(6))
    np.testing.assert_array_equal(second.data, picture(8))


def test_one_layer_is_painted_live_and_keeps_its_extent(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    viewer.layers["photo"].scale = (0.5, 3)
    content = viewer.layers["photo"]._extent_augmented.world
    engine.hold = 2
    driver.start()
    driver.until(lambda: RESULT in viewer.layers)
    result = viewer.layers[RESULT]
    np.testing.assert_array_equal(result.data, picture(1))  # upscaled from the coarse scale
    np.testing.assert_allclose(result._extent_augmented.world, content, atol=1e-4)
    engine.gate.set()
    driver.wait()
    assert viewer.layers[RESULT] is result
    assert len(viewer.layers) == 3
    np.testing.assert_allclose(result._extent_augmented.world, content, atol=1e-4)


def test_a_preview_smaller_than_the_result_keeps_its_extent(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_style_transfer.plugin.runs.worker._PREVIEW_SIDE", 10)
    viewer.layers["photo"].rotate = 20
    content = viewer.layers["photo"]._extent_augmented.world
    engine.hold = 2
    driver.start()
    driver.until(lambda: RESULT in viewer.layers)
    result = viewer.layers[RESULT]
    assert result.data.shape == (7, 10, 3)
    np.testing.assert_allclose(result._extent_augmented.world, content, atol=1e-3)
    engine.gate.set()
    driver.wait()
    assert result.data.shape == (21, 32, 3)
    np.testing.assert_allclose(result._extent_augmented.world, content, atol=1e-3)


def test_progress_counts_evaluations_and_names_scale_and_device(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_style_transfer.plugin.runs.worker._INTERVAL", 0)
    engine.hold = 5
    bar = driver.widget._progress.findChild(QProgressBar)
    text = driver.widget._progress.findChild(Sentence)
    driver.start()
    assert (bar.minimum(), bar.maximum()) == (0, 0)  # busy, until the first evaluation
    driver.until(lambda: bar.value() == 4)
    assert bar.maximum() == 6
    assert text.text().startswith("Scale 2 of 2, 32 × 21 px, on cpu")
    assert "left" in text.text()
    assert not driver.widget._progress.isHidden()
    engine.gate.set()
    driver.wait()
    assert driver.widget._progress.isHidden()


def test_the_plot_has_a_point_for_every_evaluation_and_term(driver: Driver) -> None:
    plot = driver.widget._plot
    assert plot.isHidden()
    driver.run()
    assert not plot.isHidden()
    evaluations, style = plot._curves["style"].getOriginalDataset()
    np.testing.assert_array_equal(evaluations, range(1, 7))
    np.testing.assert_allclose(style, [2 / n for n in range(1, 7)])
    assert "tv" not in plot._curves  # a term that is 0 is not drawn
    assert len(plot._marks) == 1  # where the second scale begins
    driver.run()
    assert len(plot._curves["style"].getOriginalDataset()[0]) == 6


def test_the_axes_of_the_plot_have_names_and_room(driver: Driver, viewer: ViewerModel) -> None:
    driver.run()
    for theme in ("light", "dark"):
        viewer.theme = theme
        ink = driver.widget._plot._plot
        for side, name in (("left", "loss, log scale"), ("bottom", "evaluation")):
            axis = ink.getAxis(side)
            assert axis.label.toPlainText().strip() == name
            assert axis.textPen().color().name() in axis.label.toHtml()
    left, bottom = ink.getAxis("left"), ink.getAxis("bottom")
    numbers = QFontMetrics(left.style["tickFont"])
    assert left.width() >= numbers.horizontalAdvance("1e-05") + left.label.boundingRect().height()
    assert bottom.height() >= numbers.height() + bottom.label.boundingRect().height() - 4


def test_a_plot_with_nothing_in_it_goes_with_the_run(driver: Driver, engine: FakeMethod) -> None:
    engine.error = RuntimeError("nothing was painted")
    driver.run()
    assert driver.widget._plot.isHidden()
    engine.error = None
    driver.run()
    assert not driver.widget._plot.isHidden()


def test_a_download_to_come_is_told(driver: Driver, engine: FakeMethod) -> None:
    engine.hold = 1
    driver.widget.weights.value = "torchvision"
    driver.widget.run.changed.emit(True)
    assert "548 MB" in driver.widget._status.text()
    engine.gate.set()
    driver.until(lambda: driver.widget.run.enabled)
    assert "548 MB" not in driver.widget._status.text()


def test_the_style_is_guessed_where_both_layers_are_there_before(
    viewer: ViewerModel, qtbot: QtBot
) -> None:
    for name in ("photo", "painting"):
        viewer.add_image(np.zeros((20, 20, 3), np.uint8), name=name, rgb=True)
    widget = StyleTransferWidget(viewer)
    qtbot.addWidget(widget.native)
    assert (widget.content.value.name, widget.style.value.name) == ("photo", "painting")
    widget.style.value = widget.content.value
    assert "the same layer" in widget._status.text()
    widget.style.value = viewer.layers["painting"]
    assert widget._status.text() == ""


def test_the_memory_a_run_may_need_is_told(driver: Driver) -> None:
    driver.widget.size.value = 512
    small = driver.widget._memory.text()
    driver.widget.size.value = 2048
    assert small.startswith("Needs at most ")
    assert driver.widget._memory.text() != small


def test_a_note_of_the_engine_is_shown(driver: Driver, engine: FakeMethod) -> None:
    engine.note = "There is no CUDA device, so the CPU paints."
    driver.run()
    assert driver.widget._status.text().startswith("Painted in ")
    assert driver.widget._status.text().endswith(engine.note)


def test_the_main_loop_goes_on_turning_while_the_thread_paints(
    driver: Driver, engine: FakeMethod
) -> None:
    # How long it is held up at most depends on the machine: benchmarks/main_thread.py prints that.
    driver.widget.steps.value = 60
    engine.delay = 0.02
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    heart = QTimer()
    heart.timeout.connect(beat)
    heart.start(1)
    driver.run()
    heart.stop()
    assert beats > 60


def test_the_result_is_on_top_and_seen(driver: Driver, viewer: ViewerModel) -> None:
    driver.run()
    result = viewer.layers[RESULT]
    viewer.layers.move(2, 0)
    result.visible = False
    viewer.layers.selection.active = result
    driver.widget.go_on.changed.emit(True)
    driver.wait()
    assert [layer.name for layer in viewer.layers] == ["photo", "painting", RESULT]
    assert all(layer.visible for layer in viewer.layers)


def test_the_camera_moves_only_to_a_result_that_is_out_of_view(
    driver: Driver, viewer: ViewerModel
) -> None:
    camera = viewer.scene.camera
    camera.center, camera.zoom = (0, 20, 30), 200  # a part of the content fills the window
    driver.run()
    assert (camera.center[1:], camera.zoom) == ((20, 30), 200)
    camera.center = (0, 500, 700)
    driver.run()
    np.testing.assert_allclose(camera.center[1:], (19.5, 29.5), atol=0.7)
    assert 5 < camera.zoom < 20  # 600 px for 60 px of the content, and some more


# ---- saved while it is painted -------------------------------------------------------------------


def test_a_picture_in_the_making_has_the_recipe_so_far(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("napari_style_transfer.plugin.runs.worker._INTERVAL", 0)
    engine.hold = 4
    engine.delay = 0.05
    driver.start()
    driver.until(lambda: engine.evaluation == 4)
    driver.wait_a_little()
    result = viewer.layers[RESULT]
    recipe = Recipe.parse(result.metadata)
    assert recipe.status is Status.STOPPED
    assert 1 <= recipe.evaluations == recipe.settings.stop_after < 4
    np.testing.assert_array_equal(result.data, picture(recipe.evaluations))
    path = tmp_path / "so far.png"
    data, attributes, _ = result.as_layer_data_tuple()
    assert write_picture(str(path), data, attributes) == [str(path), str(path)[:-3] + "json"]
    assert Recipe.parse(path.with_suffix(".json")) == recipe
    engine.gate.set()
    driver.wait()
    assert Recipe.parse(result.metadata).status is Status.FINISHED


# ---- stopping and failing ------------------------------------------------------------------------


def test_stop_keeps_the_picture(driver: Driver, viewer: ViewerModel, engine: FakeMethod) -> None:
    engine.hold = 4
    driver.start()
    driver.until(lambda: RESULT in viewer.layers and engine.evaluation == 4)
    driver.stop()
    assert engine.evaluation == 4  # no further evaluation was begun
    result = viewer.layers[RESULT]
    np.testing.assert_array_equal(result.data, picture(4))
    recipe = Recipe.parse(result.metadata)
    assert recipe.status is Status.STOPPED
    assert recipe.settings.stop_after == 4
    assert "the picture so far is kept" in driver.widget._status.text()


def test_stop_before_the_first_preview_keeps_the_picture_too(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    engine.hold = 1
    driver.start()
    driver.stop()
    np.testing.assert_array_equal(viewer.layers[RESULT].data, picture(1))


@pytest.mark.parametrize("error_at", [1, 4])
def test_an_error_gives_one_message_and_a_usable_widget(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, errors: list[str], error_at: int
) -> None:
    engine.error, engine.error_at = RuntimeError("CUDA out of memory"), error_at
    driver.run()
    assert errors == ["The style transfer broke off (RuntimeError: CUDA out of memory)."]
    assert driver.widget._status.text() == errors[0]
    assert driver.widget._progress.isHidden()
    assert not driver.widget.stop.enabled
    if error_at == 1:
        assert RESULT not in viewer.layers
    else:  # nothing that was painted is lost
        painted = viewer.layers[RESULT]
        recipe = Recipe.parse(painted.metadata)
        assert recipe.status is Status.STOPPED
        np.testing.assert_array_equal(painted.data, picture(recipe.evaluations))
    engine.error = None
    driver.run()
    assert len(errors) == 1
    assert RECIPE_KEY in viewer.layers[-1].metadata


def test_unusable_input_gives_one_message_and_starts_nothing(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, errors: list[str]
) -> None:
    driver.widget.style_layers.value = "relu9_9=1"
    driver.start()
    driver.widget.style_layers.value = "relu1_1=1"
    viewer.add_image(np.zeros((4, 20, 20)), name="cells")
    driver.widget.content.value = viewer.layers["cells"]
    viewer.dims.ndisplay = 3
    driver.start()
    assert len(errors) == 2
    assert errors[0].startswith("style_layers")
    assert errors[1].startswith("Layer 'cells' is shown in 3-D")
    assert engine.calls == []
    assert driver.widget.run.enabled


def test_a_layer_of_nan_gives_one_message(
    driver: Driver, viewer: ViewerModel, errors: list[str]
) -> None:
    viewer.add_image(np.full((20, 20), np.nan), name="hole")
    driver.widget.content.value = viewer.layers["hole"]
    driver.run()
    assert errors == ["Layer 'hole' shows no finite pixel; choose another slice."]


@pytest.mark.parametrize("name", ["photo", "painting"])
def test_deleting_an_input_mid_run_changes_nothing(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, errors: list[str], name: str
) -> None:
    engine.hold = 3
    driver.start()
    driver.until(lambda: RESULT in viewer.layers)
    viewer.layers.remove(name)
    engine.gate.set()
    driver.wait()
    np.testing.assert_array_equal(viewer.layers[RESULT].data, picture(6))
    assert errors == []


def test_deleting_the_picture_mid_run_ends_the_run(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, errors: list[str]
) -> None:
    engine.hold = 3
    driver.start()
    driver.until(lambda: RESULT in viewer.layers)
    viewer.layers.remove(RESULT)
    driver.wait()
    assert [layer.name for layer in viewer.layers] == ["photo", "painting"]
    assert driver.widget._status.text() == "Stopped, because the picture was deleted."
    assert errors == []
    engine.gate.set()
    driver.run()
    assert RESULT in viewer.layers


def test_deleting_everything_mid_run(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, errors: list[str]
) -> None:
    engine.hold = 3
    driver.start()
    driver.until(lambda: RESULT in viewer.layers)
    viewer.layers.clear()
    driver.until(lambda: not driver.widget.stop.enabled and engine.ended.is_set())
    driver.until(lambda: driver.widget._status.text().startswith("Open a photograph"))
    assert len(viewer.layers) == 0
    assert errors == []


def test_closing_the_widget_mid_run_ends_the_thread(
    viewer: ViewerModel, engine: FakeMethod, qtbot: QtBot
) -> None:
    viewer.add_image(np.zeros((20, 20)), name="photo")
    widget = StyleTransferWidget(viewer)  # not added to qtbot, which would close it again
    engine.hold = 3
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=20_000)
    closed = time.monotonic()
    widget.native.deleteLater()
    qtbot.waitUntil(engine.ended.is_set, timeout=20_000)
    assert time.monotonic() - closed < 2
    assert engine.evaluation == 3
    qtbot.waitUntil(lambda: widget._lifetime.run is None, timeout=20_000)
    # What was painted is kept as if it had been stopped.
    result = viewer.layers[-1]
    np.testing.assert_array_equal(result.data, picture(3, result.data.shape[:2]))
    recipe = Recipe.parse(result.metadata)
    assert (recipe.status, recipe.settings.stop_after) == (Status.STOPPED, 3)
    viewer.add_image(np.zeros((20, 20)))  # what is left of the widget hears this, and is silent


# ---- the recipe ----------------------------------------------------------------------------------


def test_the_result_carries_every_parameter(driver: Driver, viewer: ViewerModel) -> None:
    driver.widget.seed.value = 7
    driver.run()
    stored = viewer.layers[RESULT].metadata["napari_style_transfer"]
    assert stored["settings"] == driver.widget.settings().model_dump(mode="json")
    assert stored["settings"]["seed"] == 7
    assert (stored["content"], stored["style"]) == ("photo", "painting")
    assert stored["device"] == "cpu"
    assert {"python", "torch", "napari-style-transfer"} <= set(stored["versions"])


def test_load_recipe_puts_everything_back(driver: Driver, viewer: ViewerModel) -> None:
    driver.widget.content_weight.value = 0
    driver.widget.style_layers.value = "relu3_1=0.3, relu4_1"
    driver.widget.tv_weight.value = 1e-7
    driver.run()
    painted = driver.widget.settings()
    for name, value in Settings().model_dump().items():
        if name not in ("content_layers", "style_layers"):
            getattr(driver.widget, name).value = value
    driver.widget.style_layers.value = "relu1_1"
    driver.widget.content.value, driver.widget.style.value = viewer.layers[1], viewer.layers[0]
    viewer.layers.selection.active = viewer.layers[RESULT]
    driver.widget.load_recipe.changed.emit(True)
    assert driver.widget.settings() == painted
    assert driver.widget.content.value is viewer.layers["photo"]
    assert driver.widget.style.value is viewer.layers["painting"]
    assert driver.widget._status.text() == f"Loaded the recipe of '{RESULT}'."


def test_load_recipe_names_what_is_missing_and_chooses_nothing_instead(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    driver.run()
    widget, photo, result = driver.widget, viewer.layers["photo"], viewer.layers[RESULT]
    for name in ("photo", "painting"):
        viewer.layers.remove(name)
    viewer.add_image(np.zeros((20, 20)), name="another")
    viewer.layers.selection.active = result
    widget.load_recipe.changed.emit(True)
    sentence = "Open 'photo' and 'painting' first; the recipe was made from them."
    assert widget._status.text() == sentence
    assert widget.content.value is widget.style.value is None
    assert not widget.run.enabled
    assert widget.run.tooltip.startswith(sentence)
    assert not widget.go_on.enabled
    driver.start()
    assert len(engine.calls) == 1
    viewer.layers.append(photo)  # opened again, it is chosen
    assert widget.content.value is photo
    assert widget.style.value is None
    assert widget._status.text() == "Open 'painting' first; the recipe was made from it."
    widget.style.value = viewer.layers["another"]
    assert widget._status.text() == ""
    assert widget.run.enabled
    viewer.layers.remove("another")
    assert widget.style.value in viewer.layers  # what the user chose is gone, not missing


def test_a_missing_layer_is_found_by_its_file_too(driver: Driver, viewer: ViewerModel) -> None:
    driver.run()
    result = viewer.layers[RESULT]
    result.metadata[RECIPE_KEY]["content"] = "/pictures/cat.jpg"
    viewer.layers.selection.active = result
    driver.widget.load_recipe.changed.emit(True)
    assert driver.widget.content.value is None
    cat = Image(np.zeros((20, 20)), name="cat")
    cat._source = Source(path="/pictures/cat.jpg")
    viewer.layers.append(cat)
    assert driver.widget.content.value is cat


def test_load_recipe_of_a_stopped_run_says_where_it_stops(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    engine.hold = 4
    driver.start()
    driver.until(lambda: RESULT in viewer.layers and engine.evaluation == 4)
    driver.stop()
    viewer.layers.selection.active = viewer.layers[RESULT]
    driver.widget.load_recipe.changed.emit(True)
    assert driver.widget.stop_after.value == 4
    assert "stops after 4 evaluations" in driver.widget._status.text()


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({}, "Layer 'photo' has no recipe"),
        ({RECIPE_KEY: 3}, "Layer 'photo' has no recipe"),
        ({RECIPE_KEY: {"settings": {}}}, "There is no style-transfer recipe in this"),
    ],
)
def test_a_layer_without_a_sound_recipe_gives_a_sentence(
    driver: Driver, viewer: ViewerModel, metadata: dict[str, Any], sentence: str
) -> None:
    before = driver.widget.settings()
    viewer.layers["photo"].metadata.update(metadata)
    viewer.layers.selection.active = viewer.layers["photo"]
    driver.widget.load_recipe.changed.emit(True)
    assert driver.widget._status.text().startswith(sentence)
    assert driver.widget.settings() == before


def test_no_layer_selected_gives_a_sentence(driver: Driver, viewer: ViewerModel) -> None:
    viewer.layers.selection.clear()
    driver.widget.load_recipe.changed.emit(True)
    assert driver.widget._status.text().startswith("Select a layer made by style transfer")


# ---- the session ---------------------------------------------------------------------------------


def close(widget: StyleTransferWidget, qtbot: QtBot) -> None:
    with qtbot.waitSignal(widget.native.destroyed):
        widget.native.deleteLater()


def test_a_widget_opened_again_is_as_it_was(viewer: ViewerModel, qtbot: QtBot) -> None:
    for name in ("photo", "painting", "third"):
        viewer.add_image(np.zeros((4, 20, 20)), name=name)
    labels = viewer.add_labels(np.full((20, 20), 2), name="parts")
    first = StyleTransferWidget(viewer)
    first.size.value, first.strength.value, first.device.value = 300, 0.7, "cuda:1"
    first.style_layers.value = "relu3_1=2"
    first.content.value, first.style.value = viewer.layers["third"], viewer.layers["photo"]
    row = first.styles.add_row(viewer.layers["painting"])
    row.share.value, row.angle.value, row.part.value = 0.3, 12.5, labels
    first.regions.layer.value = labels
    first.regions.set_row(2, row, 0.9)
    first.stack.slices.value, first.stack.first.value = "a range", 2
    settings = first.settings()
    close(first, qtbot)
    viewer.layers["photo"].name = "renamed"

    again = StyleTransferWidget(viewer)
    qtbot.addWidget(again.native)
    assert again.settings() == settings
    assert again.content.value is viewer.layers["third"]
    assert again.style.value is viewer.layers["renamed"]
    _, second = again.styles.rows
    assert second.selection() == StyleInput(viewer.layers["painting"], 0.3, 1, 12.5, labels)
    assert again.regions.layer.value is labels
    qtbot.waitUntil(lambda: 2 in again.regions.rows, timeout=20_000)
    assert again.regions.rows[2].region(again.styles.positions()) == Region(1, 0.9)
    stack = again.stack
    assert (stack.slices.value, stack.first.value, stack.last.value) == ("a range", 2, 3)


def test_layers_that_went_meanwhile_are_not_asked_for(viewer: ViewerModel, qtbot: QtBot) -> None:
    for name in ("photo", "painting", "third"):
        viewer.add_image(np.zeros((20, 20)), name=name)
    first = StyleTransferWidget(viewer)
    first.style.value = viewer.layers["painting"]
    close(first, qtbot)
    viewer.layers.remove("painting")
    again = StyleTransferWidget(viewer)
    qtbot.addWidget(again.native)
    assert again.style.value in viewer.layers
    assert again.run.enabled
