"""The widget's behaviour, on a viewer without a window and an engine that paints nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel
from npe2 import PluginManifest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QProgressBar

from napari_style_transfer.plugin.outputs.files import write_picture
from napari_style_transfer.plugin.widgets.preferences import preferred
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.style_transfer import StyleTransferWidget
from napari_style_transfer.progress import Status
from napari_style_transfer.recipe import RECIPE_KEY, Recipe
from napari_style_transfer.settings import Settings, parameters

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
    assert plot._curves["tv"].getOriginalDataset()[0] is None  # a term that is 0 is not drawn
    assert len(plot._marks) == 1  # where the second scale begins
    driver.run()
    assert len(plot._curves["style"].getOriginalDataset()[0]) == 6


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
