"""The widget of translation over a viewer without a window: learning, preview, all slices, files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
from fake_translation import BAD, FakeTranslation, FakeTranslator, info, load, read_info
from napari.components import ViewerModel
from napari.layers import Image
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs import translators
from napari_style_transfer.plugin.inputs.translation_job import TRANSLATION_KEY
from napari_style_transfer.plugin.widgets.translate import TranslateWidget
from napari_style_transfer.translator import Translator

_TIMEOUT = 60_000
RESULT = "confocal as widefield (synthetic)"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    mine = tmp_path / "translators"
    monkeypatch.setattr(translators, "folder", lambda: mine)
    monkeypatch.setattr("napari_style_transfer.io.translator_file.read_translator_info", read_info)
    monkeypatch.setattr(Translator, "load", load)
    return mine


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch) -> FakeTranslation:
    fake = FakeTranslation()
    monkeypatch.setattr("napari_style_transfer.methods.translate.iter_translation", fake)
    return fake


class Driver:
    """Does with the widget what a user does, and waits for what follows."""

    def __init__(self, viewer: ViewerModel, qtbot: QtBot) -> None:
        self.viewer, self._qtbot = viewer, qtbot
        self.widget = TranslateWidget(viewer)
        qtbot.addWidget(self.widget.native)

    def until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=_TIMEOUT)

    def press(self, button: Any) -> None:
        button.changed.emit(True)

    def settle(self) -> None:
        """Wait until nothing is learned or applied, and the picture is as it is asked for."""
        translation = self.widget.translation
        self.until(lambda: self.widget._lifetime.run is None and translation._run is None)
        self.until(lambda: not translation.picture.busy)

    def learn(self) -> None:
        self.press(self.widget.learn)
        self.settle()

    def apply(self) -> Image:
        before = list(self.viewer.layers)
        self.press(self.widget.translation.apply)
        self.settle()
        (new,) = (layer for layer in self.viewer.layers if layer not in before)
        return new

    @property
    def said(self) -> str:
        return self.widget._status.text()


def stack(*values: int) -> np.ndarray:
    return np.stack([np.full((24, 32), value, np.uint16) for value in values])


@pytest.fixture
def driver(
    viewer: ViewerModel, qtbot: QtBot, folder: Path, learning: FakeTranslation
) -> Iterator[Driver]:
    driver = Driver(viewer, qtbot)
    scale = (2, 0.5, 0.5)
    viewer.add_image(stack(1000, 1100, 1200), name="confocal", scale=scale)
    target = stack(7, 8).astype(np.uint8)
    viewer.add_image(target, name="widefield", scale=scale, contrast_limits=(3, 77))
    viewer.dims.set_current_step(0, 0)
    yield driver
    learning.gate.set()
    driver.press(driver.widget.stop)
    driver.settle()


# ---- learning ------------------------------------------------------------------------------------


def test_it_learns_from_all_slices_in_their_own_values(
    driver: Driver, learning: FakeTranslation, folder: Path
) -> None:
    driver.viewer.layers["confocal"].contrast_limits = (0, 1)
    driver.widget.minutes.value = 3
    driver.learn()
    (call,) = learning.calls
    source, target = call["pictures"]
    assert [(each.dtype, each.max()) for each in source] == [
        (np.uint16, value) for value in (1000, 1100, 1200)
    ]
    assert [(each.dtype, each.max()) for each in target] == [(np.uint8, 7), (np.uint8, 8)]
    assert (call["names"], call["start"]) == (("confocal", "widefield"), None)
    assert (call["settings"].minutes, call["settings"].kind) == (3, "contrastive")
    assert driver.said.startswith(
        "Learned 'confocal' as 'widefield' in about 3 min: structure 0.90,"
    )
    (file,) = folder.iterdir()
    assert file.name == "confocal as widefield.safetensors"
    entry = driver.widget.translation.entry
    assert entry is not None
    assert entry.path == file


def test_the_slice_on_screen_is_translated_anew_by_whatever_is_better(
    driver: Driver, learning: FakeTranslation
) -> None:
    learning.hold = 2
    driver.press(driver.widget.learn)
    driver.until(lambda: RESULT in driver.viewer.layers)
    layer = driver.viewer.layers[RESULT]
    assert int(layer.data.max()) == (1000 + 1) % 256
    assert (layer.data.shape, layer.data.dtype) == ((1, 24, 32), np.uint8)
    assert layer.contrast_limits == [3, 77]
    assert layer.metadata[TRANSLATION_KEY]["synthetic"] is True
    driver.viewer.dims.set_current_step(0, 2)
    driver.until(lambda: int(layer.data.max()) == (1200 + 1) % 256)
    learning.gate.set()
    driver.settle()
    assert int(layer.data.max()) == (1200 + 6) % 256
    assert [each.name for each in driver.viewer.layers].count(RESULT) == 1
    assert layer not in driver.widget.source.choices


def test_a_paused_preview_stays_as_it_is(driver: Driver, learning: FakeTranslation) -> None:
    learning.hold = 2
    driver.press(driver.widget.learn)
    driver.until(lambda: RESULT in driver.viewer.layers)
    layer = driver.viewer.layers[RESULT]
    driver.until(lambda: not driver.widget.translation.picture.busy)
    driver.press(driver.widget.translation.preview)
    before = layer.data.copy()
    learning.gate.set()
    driver.settle()
    assert np.array_equal(layer.data, before)
    driver.press(driver.widget.translation.preview)
    driver.settle()
    assert int(layer.data.max()) == (1000 + 6) % 256


def test_stop_keeps_the_best_and_continue_goes_on_from_it(
    driver: Driver, learning: FakeTranslation, folder: Path
) -> None:
    assert not driver.widget.stop.enabled
    assert not driver.widget.go_on.enabled
    learning.hold = 3
    driver.press(driver.widget.learn)
    driver.until(lambda: driver.widget.translation.entry is not None)
    assert not driver.widget.source.enabled
    assert not driver.widget.learn.enabled
    driver.press(driver.widget.stop)
    driver.settle()
    (file,) = folder.iterdir()
    assert load(file).plus == 3
    learning.hold = 0
    driver.press(driver.widget.go_on)
    driver.settle()
    assert learning.calls[1]["start"].plus == 3
    assert list(folder.iterdir()) == [file]
    assert load(file).plus == 3 + 6


def test_going_on_between_other_layers_leaves_the_file(
    driver: Driver, learning: FakeTranslation, folder: Path
) -> None:
    driver.learn()
    other = driver.viewer.add_image(stack(9).astype(np.uint8), name="other")
    driver.widget.target.value = other
    driver.press(driver.widget.go_on)
    driver.settle()
    plus = {file.stem: load(file).plus for file in folder.iterdir()}
    assert plus == {"confocal as widefield": 6, "confocal as other": 12}


def test_warnings_are_said_while_it_learns_at_its_end_and_with_the_results(
    driver: Driver, learning: FakeTranslation
) -> None:
    learning.agreement, learning.hold = BAD, 2
    driver.press(driver.widget.learn)
    driver.until(lambda: driver.said.startswith("So far: Light and dark have changed places"))
    learning.gate.set()
    driver.settle()
    assert all(each in driver.said for each in BAD.warnings)
    assert len(BAD.warnings) == 2
    note = driver.viewer.layers[RESULT].metadata[TRANSLATION_KEY]
    assert note["warnings"] == list(BAD.warnings)
    driver.widget._status.say("")
    assert driver.apply().metadata[TRANSLATION_KEY]["warnings"] == list(BAD.warnings)
    assert all(each in driver.said for each in BAD.warnings)


def test_a_warning_is_said_with_a_preview_of_what_is_loaded(driver: Driver, folder: Path) -> None:
    folder.mkdir()
    for name, agreement in (("a", BAD), ("b", info("a", "b").agreement)):
        FakeTranslator(info(name, "widefield", agreement=agreement)).save(
            folder / f"{name}.safetensors"
        )
    translation = driver.widget.translation
    translation.read_library()
    translation.choose(str(folder / "a.safetensors"))
    driver.press(translation.preview)
    driver.settle()
    assert driver.said == " ".join(BAD.warnings)
    translation.choose(str(folder / "b.safetensors"))
    driver.settle()
    assert driver.said == ""


def test_a_warning_goes_when_something_better_is_learned(driver: Driver) -> None:
    for agreement, said in ((BAD, True), (info("a", "b").agreement, False)):
        fake = FakeTranslator(info("a", "b", agreement=agreement))
        driver.widget._warn(fake)  # type: ignore[arg-type]
        assert driver.said.startswith("So far:") is said


def test_layers_may_be_closed_while_it_learns(
    driver: Driver, learning: FakeTranslation, folder: Path, errors: list[str]
) -> None:
    learning.hold = 2
    driver.press(driver.widget.learn)
    driver.until(lambda: RESULT in driver.viewer.layers)
    for name in ("confocal", "widefield"):
        driver.viewer.layers.remove(name)
    learning.gate.set()
    driver.settle()
    assert load(next(folder.iterdir())).plus == 6
    assert driver.said.startswith("Learned 'confocal' as 'widefield'")
    assert not driver.widget.learn.enabled
    assert errors == []


def test_an_error_is_said_once_and_what_was_learned_stays(
    driver: Driver, learning: FakeTranslation, folder: Path, errors: list[str]
) -> None:
    learning.error = RuntimeError("no more")
    driver.learn()
    assert errors == ["The learning broke off (RuntimeError: no more)."]
    assert load(next(folder.iterdir())).plus == 2
    assert driver.widget.learn.enabled


def test_what_is_worse_is_not_saved(
    driver: Driver, learning: FakeTranslation, folder: Path, errors: list[str]
) -> None:
    driver.learn()
    learning.best, learning.error = 1.0, RuntimeError("no more")
    driver.press(driver.widget.go_on)
    driver.settle()
    assert len(errors) == 1
    assert load(next(folder.iterdir())).plus == 6


def test_what_cannot_be_saved_is_kept_and_said(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, errors: list[str], tmp_path: Path
) -> None:
    def fails(self: FakeTranslator, path: Path) -> None:
        raise InputError("The disk is full.")

    save = FakeTranslator.save
    monkeypatch.setattr(FakeTranslator, "save", fails)
    driver.learn()
    assert errors[0].endswith("The disk is full. Save it under My translators.")
    monkeypatch.setattr(FakeTranslator, "save", save)
    driver.widget.library.save_to(tmp_path / "mine.safetensors")
    assert load(tmp_path / "mine.safetensors").plus == 6
    assert int(driver.apply().data[0].max().compute()) == (1000 + 6) % 256


# ---- all slices ----------------------------------------------------------------------------------


def test_apply_translates_the_slice_on_screen_and_others_when_they_are_read(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = FakeTranslator(info("confocal", "widefield", dtype="float32"))
    monkeypatch.setattr(Translator, "load", lambda _: translator)
    confocal = driver.viewer.layers["confocal"]
    confocal.units, confocal.axis_labels = ("um",) * 3, ("z", "y", "x")
    confocal.translate, confocal.rotate = (1, 2, 3), np.eye(3)
    driver.viewer.dims.set_current_step(0, 1)
    driver.learn()
    driver.press(driver.widget.translation.preview)
    translator.calls.clear()
    layer = driver.apply()
    assert len(translator.calls) == 1
    assert translator.threads.isdisjoint({threading.get_ident()})
    assert isinstance(layer.data, dask.array.Array)
    assert (layer.data.shape, layer.data.dtype) == ((3, 24, 32), np.float32)
    for name in ("scale", "translate", "rotate", "units", "axis_labels"):
        assert np.array_equal(getattr(layer, name), getattr(confocal, name)), name
    assert layer.contrast_limits == [3, 77]
    assert layer.name.startswith(RESULT)
    assert layer.metadata[TRANSLATION_KEY]["target"] == "widefield"
    assert not driver.viewer.layers[RESULT].visible
    driver.viewer.dims.set_current_step(0, 2)
    assert len(translator.calls) == 2
    assert np.array_equal(np.asarray(layer.data), confocal.data + np.float32(1))


def test_apply_follows_the_order_of_the_axes_and_takes_another_layer(driver: Driver) -> None:
    driver.learn()
    other = np.arange(24 * 20 * 2).reshape(24, 20, 2).astype(np.int16)
    driver.widget.translation.content.value = driver.viewer.add_image(other, name="other")
    driver.viewer.dims.order = (2, 1, 0)
    driver.viewer.dims.set_current_step(2, 0)
    layer = driver.apply()
    assert layer.name == "other as widefield (synthetic)"
    assert np.array_equal(np.asarray(layer.data), (other + 6).astype(np.uint8))


def test_colours_are_translated_as_colours(driver: Driver) -> None:
    random = np.random.default_rng(0)
    for name in ("slide", "stain"):
        data = random.integers(0, 200, (2, 24, 20, 4), np.uint8)
        driver.viewer.add_image(data, name=name, rgb=True)
    driver.widget.source.value = driver.viewer.layers["slide"]
    driver.widget.target.value = driver.viewer.layers["stain"]
    driver.learn()
    layer = driver.apply()
    assert layer.rgb
    slide = driver.viewer.layers["slide"].data[..., :3]
    assert np.array_equal(np.asarray(layer.data), slide + 6)
    assert driver.viewer.layers["slide as stain (synthetic)"].data.shape == (1, 24, 20, 3)


def test_apply_says_what_is_wrong(driver: Driver, errors: list[str]) -> None:
    driver.learn()
    driver.press(driver.widget.translation.preview)
    broken = np.full((24, 32), np.nan)
    driver.widget.translation.content.value = driver.viewer.add_image(broken, name="broken")
    driver.press(driver.widget.translation.apply)
    driver.settle()
    assert errors == [
        "Layer 'broken' has pixels that are not finite (NaN or infinite); replace them first."
    ]


def test_the_range_of_the_target_is_shown_where_its_layer_is_closed(driver: Driver) -> None:
    driver.learn()
    driver.viewer.layers.remove("widefield")
    assert driver.apply().contrast_limits == [10, 90]


# ---- what is refused -----------------------------------------------------------------------------


def test_the_same_layer_twice_is_refused(driver: Driver) -> None:
    widget = driver.widget
    assert widget.learn.enabled
    widget.target.value = widget.source.value
    assert not widget.learn.enabled
    assert driver.said == "Source and target are the same layer; choose two."
    widget.target.value = driver.viewer.layers["widefield"]
    assert (widget.learn.enabled, driver.said) == (True, "")


def test_it_says_that_two_images_are_needed_and_labels_are_none(
    viewer: ViewerModel, qtbot: QtBot, folder: Path
) -> None:
    widget = Driver(viewer, qtbot).widget
    viewer.add_labels(np.ones((30, 30), int))
    viewer.add_image(np.zeros((30, 30)))
    assert len(widget.source.choices) == 1
    assert not widget.learn.enabled
    assert widget._status.text().startswith("Open two image layers")


def test_pictures_that_cannot_be_used_are_named(driver: Driver, errors: list[str]) -> None:
    odd = np.full((60, 60), np.nan)
    driver.widget.target.value = driver.viewer.add_image(odd, name="odd", contrast_limits=(0, 1))
    driver.learn()
    assert errors == ["odd 1 has pixels that are not finite (NaN or infinite); replace them first."]
    driver.viewer.dims.ndisplay = 3
    driver.press(driver.widget.learn)
    assert errors[1] == "Layer 'confocal' is shown in 3-D; switch the viewer to 2-D."
    assert driver.widget.learn.enabled


# ---- files ---------------------------------------------------------------------------------------


def test_translators_are_loaded_chosen_and_removed(
    driver: Driver, folder: Path, tmp_path: Path, errors: list[str]
) -> None:
    widget = driver.widget
    mine = tmp_path / "mine.safetensors"
    FakeTranslator(info("a", "b"), 40).save(mine)
    widget.library.load_from(mine)
    assert widget.translation.translator.current_choice == "a as b"
    layer = driver.apply()
    assert layer.name == "confocal as b (synthetic)"
    assert int(layer.data[0].max().compute()) == (1000 + 40) % 256
    driver.press(widget.translation.preview)
    driver.settle()
    widget.library.remove_chosen()
    driver.settle()
    assert not widget.translation.picture.on
    assert list(folder.iterdir()) == []
    assert widget.translation.entry is None
    assert not widget.translation.apply.enabled
    widget.library.load_from(tmp_path / "missing.safetensors")
    assert "holds no translator" in errors[0]


def test_a_damaged_file_is_named_and_the_others_are_there(
    viewer: ViewerModel, qtbot: QtBot, folder: Path
) -> None:
    folder.mkdir()
    (folder / "damaged.safetensors").write_text("nothing")
    FakeTranslator(info("a", "b")).save(folder / "good.safetensors")
    driver = Driver(viewer, qtbot)
    assert "damaged.safetensors holds no translator" in driver.said
    assert driver.widget.translation.translator.current_choice == "a as b"


def test_the_choices_are_there_again_when_the_widget_is_opened_again(
    driver: Driver, qtbot: QtBot
) -> None:
    layers, widget = driver.viewer.layers, driver.widget
    widget.source.value, widget.target.value = layers["widefield"], layers["confocal"]
    widget.minutes.value, widget.kind.value = 7, "cycle"
    again = Driver(driver.viewer, qtbot).widget
    assert (again.source.value, again.target.value) == (layers["widefield"], layers["confocal"])
    assert (again.minutes.value, again.kind.value) == (7, "cycle")


# ---- the whole napari ----------------------------------------------------------------------------


def nuclei(seed: int, slices: int) -> np.ndarray:
    """Bright discs on a dark ground, (slices, 64, 64) in [0, 1]."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64]
    pictures = np.zeros((slices, 64, 64))
    for picture in pictures:
        for row, column, radius in zip(
            *random.uniform((6, 6, 3), (58, 58, 6), (8, 3)).T, strict=True
        ):
            picture[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = 1
    return pictures


@pytest.mark.slow
@pytest.mark.engine
def test_real_learning_by_a_click_in_the_window(
    make_napari_viewer: Callable[..., Any],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(translators, "folder", lambda: tmp_path)
    viewer = make_napari_viewer(show=True, strict_qt="raise")
    _, widget = viewer.window.add_plugin_dock_widget("napari-style-transfer", "Translate")
    assert isinstance(widget, TranslateWidget)
    source = (300 + 5000 * nuclei(0, 3)).astype(np.uint16)
    noise = np.random.default_rng(1).normal(0, 6, (2, 64, 64))
    target = (40 + 120 * nuclei(2, 2) + noise).astype(np.uint8)
    viewer.add_image(source, name="confocal", scale=(3, 1, 1))
    viewer.add_image(target, name="widefield", scale=(3, 1, 1))
    viewer.dims.set_current_step(0, 0)
    for name, value in (("width", 8), ("patch", 32), ("device", "cpu")):
        widget.choices.fields[name].value = value
    box = widget.minutes.native.box
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box.lineEdit(), "0.2")
    qtbot.mouseClick(widget.learn.native, Qt.MouseButton.LeftButton)
    assert widget.minutes.value == 0.2
    qtbot.waitUntil(lambda: widget._lifetime.run is None, timeout=240_000)
    picture = widget.translation.picture
    qtbot.waitUntil(lambda: not picture.busy, timeout=60_000)
    assert widget._status.text().startswith("Learned 'confocal' as 'widefield' in ")
    live = np.asarray(viewer.layers[RESULT].data)[0]
    assert live.dtype == np.uint8
    # The discs are still the brightest, in the values of the target.
    discs = source[0] > 1000
    assert live[discs].mean() > live[~discs].mean() + 30
    (file,) = tmp_path.iterdir()
    qtbot.mouseClick(widget.translation.apply.native, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: widget.translation._run is None, timeout=60_000)
    applied = viewer.layers[-1]
    expected = [Translator.load(file)(each, device="cpu") for each in source]
    assert np.array_equal(np.asarray(applied.data), expected)
    assert np.abs(live.astype(int) - expected[0]).max() <= 2  # the preview may use bfloat16
