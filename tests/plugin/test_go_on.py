"""Continue: a run that begins with the picture of an earlier one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel

from napari_style_transfer.progress import Status
from napari_style_transfer.recipe import RECIPE_KEY, Recipe

RESULT = "photo in the style of painting"


def stop_at(driver: Driver, engine: FakeMethod, viewer: ViewerModel, evaluation: int) -> Any:
    engine.hold = evaluation
    driver.start()
    driver.until(lambda: RESULT in viewer.layers and engine.evaluation == evaluation)
    driver.stop()
    engine.hold = 0
    result = viewer.layers[RESULT]
    viewer.layers.selection.active = result
    return result


def go_on(driver: Driver) -> None:
    driver.widget.go_on.changed.emit(True)
    driver.wait()


def test_continue_needs_a_result_that_is_selected(driver: Driver, viewer: ViewerModel) -> None:
    assert not driver.widget.go_on.enabled
    driver.run()
    viewer.layers.selection.active = viewer.layers["photo"]
    assert not driver.widget.go_on.enabled
    driver.widget.go_on.changed.emit(True)
    assert len(viewer.layers) == 3
    viewer.layers.selection.active = viewer.layers[RESULT]
    assert driver.widget.go_on.enabled


def test_a_stopped_run_goes_on_from_its_pixels_in_its_layer(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    result = stop_at(driver, engine, viewer, 4)
    stopped = result.data.copy()
    driver.widget.strength.value = 0.8
    go_on(driver)
    call = engine.calls[1]
    np.testing.assert_array_equal(call["init"], stopped)
    np.testing.assert_array_equal(call["content"], viewer.layers["photo"].data)
    settings = call["settings"]
    assert settings.steps == 2  # of 6, 4 were done
    assert settings.coarsest_size == settings.size == 32
    assert settings.strength == 0.8
    assert settings.stop_after == 0
    assert list(viewer.layers)[2:] == [result]
    assert (result.data == 2).all()
    recipe = Recipe.parse(result.metadata)
    assert (recipe.status, recipe.init) == (Status.FINISHED, RESULT)


def test_a_run_stopped_twice_does_what_is_left(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    driver.widget.steps.value = 9
    stop_at(driver, engine, viewer, 3)
    engine.hold = 2
    driver.widget.go_on.changed.emit(True)
    driver.until(lambda: engine.evaluation == 2)
    driver.stop()
    engine.hold = 0
    go_on(driver)
    assert [call["settings"].steps for call in engine.calls] == [9, 6, 4]


def test_a_run_stopped_at_its_last_evaluation_but_one_goes_on(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    stop_at(driver, engine, viewer, 5)
    go_on(driver)
    assert engine.calls[1]["settings"].steps == 1


def test_a_finished_run_goes_on_for_as_many_steps_as_are_set(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    driver.run()
    viewer.layers.selection.active = viewer.layers[RESULT]
    driver.widget.steps.value = 4
    go_on(driver)
    assert engine.calls[1]["settings"].steps == 4
    assert len(viewer.layers) == 3


def test_a_result_of_another_size_is_a_layer_of_its_own(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    result = stop_at(driver, engine, viewer, 4)
    driver.widget.size.value = 48
    go_on(driver)
    assert viewer.layers[-1] is not result
    assert viewer.layers[-1].data.shape == (32, 48, 3)
    assert (result.data == 4).all()
    assert RECIPE_KEY in result.metadata


def test_a_layer_that_was_moved_is_painted_where_it_is(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_style_transfer.plugin.runs.worker._PREVIEW_SIDE", 10)
    result = stop_at(driver, engine, viewer, 4)
    result.translate = (100, 7)
    extent = result._extent_augmented.world
    go_on(driver)
    assert result.data.shape == (21, 32, 3)
    np.testing.assert_allclose(result._extent_augmented.world, extent, atol=1e-4)


def test_see_through_pixels_are_no_white_to_begin_with(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    content = np.full((40, 60, 4), 255, np.uint8)
    content[:20, :, 3] = 0
    viewer.add_image(content, name="hole", rgb=True)
    driver.widget.content.value = viewer.layers["hole"]
    driver.run()
    viewer.layers.selection.active = viewer.layers[-1]
    go_on(driver)
    np.testing.assert_array_equal(engine.calls[1]["init"], np.full((21, 32, 3), 6))
    assert viewer.layers[-1].data.shape == (21, 32, 4)


def test_a_slice_of_a_stack_goes_on(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod
) -> None:
    stack = viewer.add_image(np.random.default_rng(0).random((4, 40, 60)), name="stack")
    driver.widget.content.value = stack
    viewer.dims.set_current_step(0, 2)
    driver.run()
    result = viewer.layers[-1]
    viewer.layers.selection.active = result
    go_on(driver)
    assert viewer.layers[-1] is result
    assert result.data.shape == (1, 21, 32, 3)


def test_the_layer_deleted_meanwhile_ends_the_run(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, errors: list[str]
) -> None:
    result = stop_at(driver, engine, viewer, 3)
    engine.hold = 2
    driver.widget.go_on.changed.emit(True)
    driver.until(lambda: engine.evaluation == 2 and Recipe.parse(result.metadata).init == RESULT)
    viewer.layers.remove(result)
    driver.wait()
    assert len(viewer.layers) == 2
    assert driver.widget._status.text() == "Stopped, because the picture was deleted."
    assert errors == []
