"""What the user changes while a run is on reaches the engine, and nothing else does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel
from napari.layers import Labels

from napari_style_transfer.plugin.widgets.fields import is_live
from napari_style_transfer.recipe import Recipe, RegionEntry, StyleEntry
from napari_style_transfer.settings import parameters
from napari_style_transfer.spec import Region
from napari_style_transfer.steering import KEEP

RESULT = "photo in the style of painting"


@pytest.fixture
def running(driver: Driver, engine: FakeMethod) -> Driver:
    """A run that waits at its third evaluation."""
    engine.hold = 3
    driver.start()
    driver.until(lambda: engine.evaluation == 3)
    return driver


def add_labels(viewer: ViewerModel, **options: Any) -> Labels:
    return viewer.add_labels(np.zeros((40, 60), np.uint8), name="parts", **options)


# ---- fields --------------------------------------------------------------------------------------


def test_many_changes_of_fields_reach_the_engine_as_one(
    running: Driver, engine: FakeMethod
) -> None:
    for strength in np.linspace(0.1, 0.9, 9):
        running.widget.strength.value = strength
    running.widget.tv_weight.value = 0.25
    running.until(lambda: bool(engine.updates))
    running.wait_a_little()
    (update,) = engine.updates
    assert update.settings == running.widget.settings()
    assert (update.settings.strength, update.settings.tv_weight) == (0.9, 0.25)
    assert update.styles is None
    assert update.regions is KEEP


def test_changes_that_keep_coming_are_sent_all_the_same(
    running: Driver, engine: FakeMethod
) -> None:
    value = iter(np.tile(np.linspace(0.1, 0.9, 81), 1000))

    def reached() -> bool:
        running.widget.strength.value = next(value)
        return bool(engine.updates)

    running.until(reached)  # asks every few milliseconds


def test_without_a_run_nothing_is_sent(driver: Driver, engine: FakeMethod) -> None:
    driver.widget.strength.value = 0.7
    driver.wait_a_little()
    driver.run()
    assert engine.updates == []
    assert engine.calls[0]["settings"].strength == 0.7


def test_what_cannot_follow_is_disabled_while_a_run_is_on(
    running: Driver, engine: FakeMethod
) -> None:
    widget = running.widget
    for name in parameters():
        assert widget[name].enabled is is_live(name), name
    assert is_live("strength")
    assert not is_live("size")
    assert not widget.content.enabled
    assert widget.style.enabled
    assert not widget.load_recipe.enabled
    engine.gate.set()
    running.wait()
    assert all(widget[name].enabled for name in (*parameters(), "content"))


def test_a_script_cannot_change_what_cannot_follow(running: Driver, engine: FakeMethod) -> None:
    running.widget.size.value = 99
    running.widget.strength.value = 0.6
    running.until(lambda: bool(engine.updates))
    assert engine.updates[0].settings.size == 32


def test_an_impossible_value_is_said_and_not_sent(
    running: Driver, engine: FakeMethod, errors: list[str]
) -> None:
    running.widget.style_layers.value = "relu9_9=1"
    running.until(lambda: running.widget._status.text().startswith("style_layers"))
    assert engine.updates == []
    running.widget.style_layers.value = "relu3_1=1"
    running.until(lambda: bool(engine.updates))
    assert engine.updates[0].settings.style_layers == {"relu3_1": 1}
    running.until(lambda: running.widget._status.text() == "")
    assert errors == []


# ---- styles --------------------------------------------------------------------------------------


def test_the_mix_reaches_the_engine_with_the_very_same_pictures(
    running: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    running.widget.styles.rows[0].share.value = 0.25
    running.until(lambda: len(engine.updates) == 1)
    second = running.widget.styles.add_row(viewer.layers["photo"])
    second.angle.value = 45
    second.scale.value = 2
    running.until(lambda: len(engine.updates) == 2)
    assert engine.updates[0].settings is None
    first, added = engine.updates[1].styles
    assert (first.share, first.scale, first.angle) == (0.25, 1, 0)
    assert (added.share, added.scale, added.angle) == (1, 2, 45)
    assert first.picture is engine.calls[0]["style"][0].picture  # so that no target is made twice
    np.testing.assert_array_equal(added.picture, viewer.layers["photo"].data)


def test_no_share_at_all_is_said_and_not_sent(running: Driver, engine: FakeMethod) -> None:
    running.widget.styles.rows[0].share.value = 0
    running.until(lambda: "share" in running.widget._status.text())
    assert engine.updates == []


def test_painting_the_part_of_a_style_reaches_the_engine(
    running: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    part = viewer.add_labels(np.zeros((50, 50), np.uint8), name="part")
    running.widget.styles.rows[0].part.value = part
    running.until(lambda: "marks nothing in 'painting'" in running.widget._status.text())
    assert engine.updates == []
    part.data_setitem((np.arange(10), np.arange(10)), 1)
    running.until(lambda: bool(engine.updates))
    np.testing.assert_array_equal(engine.updates[0].styles[0].mask, part.data)


def test_the_loss_of_a_layer_is_not_a_wish(
    running: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    viewer.layers.remove("painting")
    running.wait_a_little()
    assert engine.updates == []


# ---- regions -------------------------------------------------------------------------------------


def test_painting_labels_reaches_the_engine(
    driver: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    parts = add_labels(viewer)
    driver.widget.regions.layer.value = parts
    engine.hold = 3
    driver.start()
    driver.until(lambda: engine.evaluation == 3)
    before = engine.calls[0]["regions"]
    assert not before.labels.any()
    for row in range(10):  # as a brush does, in many strokes
        parts.data_setitem((np.full(20, row), np.arange(20)), 2)
    driver.until(lambda: bool(engine.updates))
    driver.wait_a_little()
    (update,) = engine.updates
    np.testing.assert_array_equal(update.regions.labels, parts.data)
    assert update.regions.labels is not parts.data
    assert not before.labels.any()  # what the engine has is its own
    assert update.regions.table[0] == Region(None)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 2])


def test_an_undo_reaches_the_engine_too(
    running: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    parts = add_labels(viewer)
    running.widget.regions.layer.value = parts
    parts.data_setitem((np.arange(9), np.arange(9)), 2)
    running.until(lambda: len(engine.updates) == 1)
    parts.undo()
    running.until(lambda: len(engine.updates) == 2)
    assert not engine.updates[1].regions.labels.any()


def test_a_row_of_the_table_reaches_the_engine(
    driver: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    parts = add_labels(viewer)
    parts.data[:, 30:] = 7
    regions = driver.widget.regions
    regions.layer.value = parts
    driver.until(lambda: 7 in regions.rows)
    second = driver.widget.styles.add_row(viewer.layers["photo"])
    engine.hold = 3
    driver.start()
    driver.until(lambda: engine.evaluation == 3)
    assert engine.calls[0]["regions"].table == {0: Region(None), 7: Region("mix")}
    regions.rows[7].choice = second
    regions.rows[7].strength.setValue(0.8)
    driver.until(lambda: bool(engine.updates))
    assert engine.updates[0].regions.table[7] == Region(1, 0.8)
    assert engine.updates[0].styles is None
    driver.widget.styles.remove_row(second)  # and its region goes back to the mix
    driver.until(lambda: len(engine.updates) == 2)
    assert len(engine.updates[1].styles) == 1
    assert engine.updates[1].regions.table[7] == Region("mix", 0.8)


def test_what_is_said_of_regions_goes_with_them(
    driver: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    labels = add_labels(viewer)
    driver.widget.regions.layer.value = labels
    engine.note, engine.hold = "Label 3 of 'parts' is too thin to be painted.", 3
    driver.start()
    driver.until(lambda: engine.note in driver.widget._status.text())
    assert engine.calls[0]["regions"].name == "parts"
    driver.widget.regions.layer.value = None
    driver.until(lambda: bool(engine.updates))
    engine.gate.set()
    driver.wait()
    assert "Label 3" not in driver.widget._status.text()


def test_the_table_follows_the_slice_shown(driver: Driver, viewer: ViewerModel) -> None:
    cells = np.repeat(np.arange(1, 5), 24 * 32).reshape(4, 24, 32)
    driver.widget.content.value = viewer.add_image(cells * 9, name="cells")
    driver.widget.regions.layer.value = viewer.add_labels(cells, name="parts")
    viewer.dims.set_current_step(0, 0)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 1])
    viewer.dims.set_current_step(0, 2)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 3])
    viewer.dims.order = (1, 0, 2)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 1, 2, 3, 4])


def test_regions_can_be_taken_away(driver: Driver, engine: FakeMethod, viewer: ViewerModel) -> None:
    driver.widget.regions.layer.value = add_labels(viewer)
    engine.hold = 3
    driver.start()
    driver.until(lambda: engine.evaluation == 3)
    driver.widget.regions.layer.value = None
    driver.until(lambda: bool(engine.updates))
    assert engine.updates[0].regions is None


def test_a_change_of_the_content_s_slice_does_not_move_the_regions(
    driver: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    stack = viewer.add_image(np.random.default_rng(0).random((4, 40, 60)), name="stack")
    parts = viewer.add_labels(np.zeros((4, 40, 60), np.uint8), name="parts")
    parts.data[2] = 5
    viewer.dims.set_current_step(0, 2)
    driver.widget.content.value = stack
    driver.widget.regions.layer.value = parts
    engine.hold = 3
    driver.start()
    driver.until(lambda: engine.evaluation == 3)
    assert (engine.calls[0]["regions"].labels == 5).all()
    viewer.dims.set_current_step(0, 0)
    parts.data_setitem((np.full(9, 2), np.arange(9), np.arange(9)), 6)
    driver.until(lambda: bool(engine.updates))
    assert (engine.updates[-1].regions.labels == parts.data[2]).all()


# ---- the recipe of a steered run -----------------------------------------------------------------


def test_the_recipe_says_what_was_in_force_in_the_end(
    driver: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    parts = add_labels(viewer)
    driver.widget.regions.layer.value = parts
    engine.hold = 3
    driver.start()
    driver.until(lambda: engine.evaluation == 3)
    driver.widget.styles.add_row(viewer.layers["photo"]).share.value = 0.5
    driver.widget.regions.rows[0].choice = "mix"
    driver.until(lambda: len(engine.updates) == 1)
    engine.gate.set()
    driver.wait()
    recipe = Recipe.parse(viewer.layers[RESULT].metadata)
    assert recipe.steered
    assert recipe.styles == (StyleEntry(picture="painting"), StyleEntry(picture="photo", share=0.5))
    assert recipe.regions is not None
    assert recipe.regions.labels == "parts"
    assert recipe.regions.table == {0: RegionEntry(style="mix")}


# ---- pausing -------------------------------------------------------------------------------------


def test_pause_and_resume(running: Driver, engine: FakeMethod) -> None:
    widget = running.widget
    assert widget.pause.enabled
    widget.pause.changed.emit(True)
    assert (widget.pause.text, widget.run.text) == ("Resume", "Paused")
    engine.gate.set()
    running.wait_a_little()
    assert engine.evaluation == 3
    assert "Paused" in widget._progress._text.text()
    widget.pause.changed.emit(True)
    assert (widget.pause.text, widget.run.text) == ("Pause", "Painting…")
    running.wait()
    assert engine.evaluation == 6
    assert not widget.pause.enabled
    assert widget._status.text().startswith("Painted in ")


def test_a_paused_run_can_be_steered_and_stopped(
    running: Driver, engine: FakeMethod, viewer: ViewerModel
) -> None:
    running.widget.pause.changed.emit(True)
    running.widget.strength.value = 0.75
    running.wait_a_little()
    running.stop()
    assert engine.evaluation == 3
    assert running.widget.pause.text == "Pause"
    assert RESULT in viewer.layers
    engine.hold = 0
    running.run()  # and the next run is not paused
    assert engine.evaluation == 6


def test_pause_without_a_run_does_nothing(driver: Driver) -> None:
    assert not driver.widget.pause.enabled
    driver.widget.pause.changed.emit(True)
    driver.run()
    assert driver.widget._status.text().startswith("Painted in ")


# ---- the thread boundary -------------------------------------------------------------------------


def test_no_error_leaves_the_thread_that_sends_a_change(
    running: Driver, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr("napari_style_transfer.steering.Steering.change", broken)
    running.widget.strength.value = 0.6
    sentence = "The change could not be made (RuntimeError: no memory)."
    running.until(lambda: running.widget._status.text() == sentence)
    monkeypatch.undo()
    running.widget.strength.value = 0.7
    running.until(lambda: bool(engine.updates))
    running.until(lambda: running.widget._status.text() == "")
