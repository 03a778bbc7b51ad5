"""Stacks in the widget: several slices of a layer become one layer, slice after slice."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel
from napari.layers import Image
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit, QProgressBar

from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.plugin.inputs.snapshot import snapshot
from napari_style_transfer.plugin.inputs.stack_job import STACK_KEY
from napari_style_transfer.plugin.outputs.files import write_picture
from napari_style_transfer.plugin.outputs.reader import get_reader
from napari_style_transfer.plugin.runs.stack_worker import paint_stack
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.style_transfer import StyleTransferWidget
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.output import Record, StackResult, identity
from napari_style_transfer.steering import Steering

RESULT = "cells in the style of painting"


@dataclass
class StackMethod(FakeMethod):
    """A method whose picture follows content, start and evaluation, and that can stop at a slice.

    Attributes
    ----------
    hold_slice, hold_at
        The run, counted from 1, and its evaluation before which it waits.
    fail_slice
        The run that raises `error`.
    """

    hold_slice: int = 0
    hold_at: int = 2
    fail_slice: int = 0

    def run(self, request: Request, controls: Controls) -> Iterator[Step]:
        number = len(self.calls) + 1
        self.hold = self.hold_at if number == self.hold_slice else 0
        self.error_at = 2 if number == self.fail_slice else 0
        init = request.init
        value = int(request.content.mean()) % 100 + (0 if init is None else int(init.mean()) // 2)
        self.paint = lambda _, evaluation: value + 10 + evaluation
        return super().run(request, controls)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> StackMethod:
    fake = StackMethod()
    monkeypatch.setattr("napari_style_transfer.methods.create", lambda: fake)
    return fake


def cells(shape: tuple[int, ...] = (4, 40, 60)) -> Any:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


@pytest.fixture
def content(driver: Driver, viewer: ViewerModel) -> Image:
    """A stack of 4 slices, chosen as the content; all are to be painted, with 9 steps, then 3 each."""
    driver.widget.steps.value = 9
    layer = viewer.add_image(cells(), name="cells", scale=(2, 0.5, 0.25))
    driver.widget.content.value = layer
    driver.widget.stack.slices.value = "all"
    return layer


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory into which no stack fits."""
    for module in ("plugin.widgets.stack_section", "stack.output"):
        name = f"napari_style_transfer.{module}.fits_in_memory"
        monkeypatch.setattr(name, lambda shape: False)


def hold(driver: Driver, engine: StackMethod, slice_: int, evaluation: int = 2) -> None:
    """Run until evaluation 2 of a slice, counted from 1, which then waits."""
    engine.hold_slice, engine.hold_at = slice_, evaluation
    driver.start()
    driver.until(lambda: len(engine.calls) == slice_ and engine.evaluation == evaluation)


def painted(result: Image) -> list[bool]:
    """Return for each slice along the first axis whether there is a picture."""
    return [bool(np.asarray(part)[..., 3].any()) for part in result.data]


def select(viewer: ViewerModel, layer: Image) -> None:
    viewer.layers.selection.active = layer


def go_on(driver: Driver) -> None:
    driver.widget.go_on.changed.emit(True)
    driver.wait()


def done(layer: Image) -> list[int]:
    record = Record.from_json(layer.metadata)
    assert record is not None
    return record.done


# ---- what is offered -----------------------------------------------------------------------------


def test_the_section_is_there_only_for_a_stack(driver: Driver, viewer: ViewerModel) -> None:
    section = driver.widget._stack_section
    assert section.isHidden()
    driver.widget.content.value = viewer.add_image(cells(), name="cells")
    assert not section.isHidden()
    assert driver.widget.stack.slices.value == "this slice"
    assert (driver.widget.stack.first.max, driver.widget.stack.last.value) == (3, 3)
    driver.widget.content.value = viewer.layers["photo"]
    assert section.isHidden()


def test_a_range_is_one_of_the_first_axis_not_shown(
    driver: Driver, viewer: ViewerModel, content: Image
) -> None:
    stack = driver.widget.stack
    assert stack.first.native.isHidden()
    stack.slices.value = "a range"
    assert not stack.first.native.isHidden()
    viewer.dims.order = (1, 0, 2)
    assert stack.last.max == 39
    viewer.dims.order = (0, 1, 2)
    assert stack.last.max == 3


def test_this_slice_is_painted_as_ever(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    driver.widget.stack.slices.value = "this slice"
    viewer.dims.set_current_step(0, 2)
    driver.run()
    assert len(engine.calls) == 1
    np.testing.assert_array_equal(engine.calls[0]["content"][..., 0], content.data[2])
    result = viewer.layers[RESULT]
    assert result.data.shape == (1, 21, 32, 3)
    assert STACK_KEY not in result.metadata
    assert driver.widget._status.text().startswith("Painted in ")


def test_the_section_fits_a_narrow_dock(
    driver: Driver, content: Image, no_room: None, viewer: ViewerModel
) -> None:
    driver.widget.stack.slices.value = "a range"
    assert not driver.widget.stack.folder.native.isHidden()
    assert driver.widget.stack.minimumSizeHint().width() <= 290


# ---- coherence -----------------------------------------------------------------------------------


def movie(viewer: ViewerModel, **options: Any) -> Image:
    options = {"name": "movie", "axis_labels": ("T", "y", "x")} | options
    return viewer.add_image(cells((3, 40, 60)), **options)


def test_the_coherence_is_shown_with_the_slices_only(driver: Driver, content: Image) -> None:
    field, stack = driver.widget.coherence, driver.widget.stack
    assert field is stack.coherence
    assert field.label == "Coherence"
    assert not field.native.isHidden()
    names = ["each on its own", "from its neighbour", "steady (time)"]
    assert [field.native.itemText(place) for place in range(3)] == names
    assert field.choices == ("independent", "neighbour", "steady")
    assert [each.name for form in driver.widget for each in form].count("coherence") == 0
    stack.slices.value = "this slice"
    assert field.native.isHidden()
    assert stack._hint.text() == ""


def test_time_is_steady_and_all_else_follows_its_neighbour(
    driver: Driver, viewer: ViewerModel, content: Image
) -> None:
    field = driver.widget.coherence
    assert field.value == "neighbour"
    driver.widget.content.value = movie(viewer)
    assert (field.value, driver.widget.settings().coherence) == ("steady", "steady")
    driver.widget.content.value = content
    assert field.value == "neighbour"
    driver.widget.content.value = movie(viewer, axis_labels=None, units=("s", "pixel", "pixel"))
    assert field.value == "steady"
    driver.widget.content.value = viewer.add_image(cells((3, 4, 40, 60)))
    assert field.value == "neighbour"


def test_the_axis_of_the_range_decides(driver: Driver, viewer: ViewerModel) -> None:
    labels = ("t", "z", "y", "x")
    layer = viewer.add_image(cells((2, 3, 40, 60)), axis_labels=labels)
    driver.widget.content.value = layer
    assert driver.widget.coherence.value == "steady"
    viewer.dims.order = (1, 2, 0, 3)
    assert driver.widget.coherence.value == "neighbour"


def test_a_chosen_coherence_stays_until_another_content_is_chosen(
    driver: Driver, viewer: ViewerModel, content: Image
) -> None:
    field = driver.widget.coherence
    field.native.setFocus()
    QTest.keyClick(field.native, Qt.Key.Key_Up)
    assert field.value == "independent"
    assert driver.widget.stack._hint.text().startswith("Each slice is painted in full")
    viewer.dims.order = (1, 0, 2)
    driver.widget.stack.slices.value = "a range"
    assert field.value == "independent"
    viewer.dims.order = (0, 1, 2)
    driver.widget.content.value = movie(viewer)
    assert field.value == "steady"


def test_a_recipe_brings_its_coherence(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    driver.widget.coherence.value = "independent"
    driver.run()
    result = viewer.layers[RESULT]
    assert Recipe.parse(result.metadata).settings.coherence == "independent"
    driver.widget.content.value = movie(viewer)
    select(viewer, result)
    driver.widget.load_recipe.changed.emit(True)
    assert driver.widget.coherence.value == "independent"
    viewer.dims.order = (1, 0, 2)
    assert driver.widget.coherence.value == "independent"


# ---- the run -------------------------------------------------------------------------------------


def test_slices_appear_as_each_is_done(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    hold(driver, engine, 3)
    driver.until(lambda: RESULT in viewer.layers and done_or_none(viewer) == [0, 1])
    result = viewer.layers[RESULT]
    assert result.data.shape == (4, 21, 32, 4)
    assert result.data.dtype == np.uint8
    assert result.rgb
    assert painted(result)[:2] == [True, True]
    assert not painted(result)[3]  # see-through, until it is painted
    engine.gate.set()
    driver.wait()
    assert viewer.layers[RESULT] is result
    assert (result.data[..., 3] == 255).all()
    assert driver.widget._status.text().startswith("Painted 4 slices in ")


def done_or_none(viewer: ViewerModel) -> list[int] | None:
    record = Record.from_json(viewer.layers[RESULT].metadata)
    return None if record is None else record.done


def test_each_slice_is_what_is_on_screen_and_starts_from_the_one_before(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    content.contrast_limits, content.gamma, content.colormap = (20, 180), 0.7, "viridis"
    driver.run()
    result = viewer.layers[RESULT]
    assert [call["settings"].steps for call in engine.calls] == [9, 3, 3, 3]
    for index, call in enumerate(engine.calls):
        viewer.dims.set_current_step(0, index)
        np.testing.assert_array_equal(call["content"], snapshot(content, 32).pixels())
        if index:
            np.testing.assert_array_equal(call["init"], result.data[index - 1, ..., :3])
    assert engine.calls[0]["init"] is None


def test_a_slice_in_the_making_is_seen(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("napari_style_transfer.plugin.runs.worker._INTERVAL", 0)
    engine.delay = 0.05
    hold(driver, engine, 2, 3)
    driver.until(lambda: RESULT in viewer.layers and painted(viewer.layers[RESULT])[1])
    assert painted(viewer.layers[RESULT]) == [True, True, False, False]
    assert done(viewer.layers[RESULT]) == [0]


def test_only_the_slice_shown_is_drawn_anew(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    hold(driver, engine, 2)
    driver.until(lambda: RESULT in viewer.layers)
    viewer.dims.set_current_step(0, 3)  # where the user has moved it, it stays
    drawn: list[float] = []
    result = viewer.layers[RESULT]
    result.events.set_data.connect(lambda: drawn.append(viewer.dims.current_step[0]))
    engine.gate.set()
    driver.wait()
    assert drawn
    assert set(drawn) == {3}
    assert len(drawn) <= 2  # a preview and the end of slice 3; none for slices 1 and 2
    np.testing.assert_array_equal(result._slice.image.raw, result.data[3])


def test_the_slice_in_the_making_is_shown(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("napari_style_transfer.plugin.runs.worker._INTERVAL", 0)
    viewer.dims.set_current_step(0, 3)
    engine.delay = 0.05
    hold(driver, engine, 3, 3)
    driver.until(lambda: viewer.dims.current_step[0] == 2)
    result = viewer.layers[RESULT]
    driver.until(lambda: bool(result._slice.image.raw.any()))
    np.testing.assert_array_equal(result._slice.image.raw, result.data[2])
    assert done(result) == [0, 1]
    engine.gate.set()
    driver.wait()
    assert viewer.dims.current_step[0] == 3


def test_a_first_slice_in_the_making_has_the_recipe_so_far(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    hold(driver, engine, 1, 3)
    driver.until(lambda: RESULT in viewer.layers)
    result = viewer.layers[RESULT]
    recipe = Recipe.parse(result.metadata)
    assert recipe.status is Status.STOPPED
    assert recipe.settings.stop_after == recipe.evaluations < 3
    assert done(result) == []
    assert STACK_KEY in result.metadata


def test_slices_that_are_done_are_kept_when_the_widget_is_closed(
    viewer: ViewerModel, engine: StackMethod, qtbot: QtBot
) -> None:
    widget = StyleTransferWidget(viewer)  # not added to qtbot, which would close it again
    viewer.add_image(cells(), name="cells")
    viewer.add_image(cells()[0], name="painting")
    widget.size.value, widget.steps.value = 32, 9
    widget.content.value, widget.style.value = viewer.layers
    widget.stack.slices.value = "all"
    engine.hold_slice = 3
    widget.run.changed.emit(True)
    qtbot.waitUntil(
        lambda: RESULT in viewer.layers and done_or_none(viewer) == [0, 1], timeout=20_000
    )
    widget.native.deleteLater()
    qtbot.waitUntil(lambda: widget._lifetime.run is None, timeout=20_000)
    result = viewer.layers[RESULT]
    assert painted(result) == [True, True, False, False]
    assert done(result) == [0, 1]
    assert Recipe.parse(result.metadata).content == "cells"


def test_the_array_is_written_on_the_main_thread_only(
    driver: Driver, viewer: ViewerModel, content: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[threading.Thread] = set()
    put = StackResult.put

    def note(result: StackResult, index: Any, picture: Any) -> None:
        threads.add(threading.current_thread())
        put(result, index, picture)

    monkeypatch.setattr(StackResult, "put", note)
    driver.run()
    assert threads == {threading.main_thread()}


def test_progress_counts_slices(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("napari_style_transfer.plugin.runs.worker._INTERVAL", 0)
    bar = driver.widget._progress.findChild(QProgressBar)
    hold(driver, engine, 3)
    driver.until(lambda: bar.format() == "Slice 3 of 4; 2 done")
    assert bar.value() / bar.maximum() == pytest.approx((2 + 1 / 3) / 4)
    text = driver.widget._progress.findChild(Sentence).text()
    assert text.startswith("Evaluation 1 of 3, scale 1 of 2")
    assert "left" in text
    assert driver.widget._plot._positions == [1]
    assert not driver.widget.stack.isEnabled()
    engine.gate.set()
    driver.wait()
    assert driver.widget.stack.isEnabled()


def test_first_and_last_slice_are_typed(driver: Driver, content: Image) -> None:
    stack = driver.widget.stack
    stack.slices.value = "a range"
    for field, text in ((stack.first, "2"), (stack.last, "3"), (stack.last, "4")):
        line = field.native.findChild(QLineEdit)
        line.selectAll()
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)
    assert (stack.first.value, stack.last.value) == (2, 3)
    assert driver.widget._status.text() == (
        "Last slice stays 3: '4' is not a whole number from 0 to 3."
    )


def test_a_range_of_one_axis_where_the_others_are(
    driver: Driver, viewer: ViewerModel, engine: StackMethod
) -> None:
    content = viewer.add_image(cells((5, 3, 40, 60)), name="cells")
    driver.widget.content.value = content
    viewer.dims.set_current_step((0, 1), (4, 2))
    stack = driver.widget.stack
    stack.slices.value, stack.first.value, stack.last.value = "a range", 1, 3
    driver.run()
    result = viewer.layers[RESULT]
    assert result.data.shape == (5, 3, 21, 32, 4)
    is_painted = result.data[..., 3].any(axis=(2, 3))
    np.testing.assert_array_equal(np.argwhere(is_painted), [[1, 2], [2, 2], [3, 2]])
    assert done(result) == [5, 8, 11]


def test_see_through_slices_stay_so(
    driver: Driver, viewer: ViewerModel, engine: StackMethod
) -> None:
    data = np.full((3, 40, 60, 4), 255, np.uint8)
    data[1, :20, :, 3] = 0
    driver.widget.content.value = viewer.add_image(data, name="cells", rgb=True)
    driver.widget.stack.slices.value = "all"
    driver.run()
    alpha = viewer.layers[RESULT].data[..., 3]
    assert (alpha[[0, 2]] == 255).all()
    assert (alpha[1, :8] == 0).all()
    assert (alpha[1, 13:] == 255).all()


def test_a_multiscale_stack(driver: Driver, viewer: ViewerModel, engine: StackMethod) -> None:
    data = cells((6, 80, 120))
    levels = [data, data[::2, ::2, ::2], data[::2, ::4, ::4]]
    driver.widget.content.value = viewer.add_image(levels, name="cells", multiscale=True)
    driver.widget.stack.slices.value = "all"
    driver.run()
    assert viewer.layers[RESULT].data.shape == (6, 21, 32, 4)
    for index, level in enumerate((0, 0, 1, 2, 2, 2)):
        np.testing.assert_array_equal(engine.calls[index]["content"][..., 0], levels[1][level])


# ---- where it lies -------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (0, 2, 1)])
@pytest.mark.parametrize(
    "options",
    [
        {"units": ("um", "nm", "nm"), "axis_labels": ("z", "y", "x")},
        {"scale": (5, 0.5, 2), "translate": (100, 3, -8)},
        {"rotate": (0, 25, 0), "scale": (1, 2, 3)},
        {"shear": (0.1, 0.2, 0.3), "affine": np.diag([1, 2, 3, 1])},
    ],
    ids=["units", "scaled", "rotated", "sheared"],
)
@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing:UserWarning")
def test_the_result_lies_over_its_content(
    driver: Driver, viewer: ViewerModel, options: dict[str, Any], order: tuple[int, ...]
) -> None:
    content = viewer.add_image(cells((2, 40, 60)), name="cells", **options)
    driver.widget.content.value = content
    driver.widget.size.value = 16
    viewer.dims.order = order
    stack = driver.widget.stack
    stack.slices.value, stack.first.value, stack.last.value = "a range", 0, 1
    driver.run()
    result = viewer.layers[RESULT]
    hidden = order[0]
    assert result.data.shape[hidden] == content.data.shape[hidden]
    np.testing.assert_allclose(
        result._extent_augmented.world, content._extent_augmented.world, atol=1e-4
    )
    for place in (0, 1):
        index = np.zeros(3)
        index[hidden] = place
        edge = np.where(np.arange(3) == hidden, index, -0.5)  # the outer corner of the first pixel
        np.testing.assert_allclose(
            result.data_to_world(edge), content.data_to_world(edge), atol=1e-4
        )
    assert (result.units, result.axis_labels) == (content.units, content.axis_labels)
    np.testing.assert_array_equal(result.affine.affine_matrix, content.affine.affine_matrix)
    assert np.moveaxis(result.data, hidden, 0)[:2, ..., 3].all()


# ---- stopping, going on --------------------------------------------------------------------------


def test_stop_keeps_the_slices_that_are_done(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("napari_style_transfer.plugin.runs.worker._INTERVAL", 0)
    driver.widget.steps.value, engine.delay = 12, 0.05
    hold(driver, engine, 3, 3)
    driver.until(lambda: RESULT in viewer.layers and painted(viewer.layers[RESULT])[2])
    driver.stop()
    result = viewer.layers[RESULT]
    assert painted(result) == [True, True, False, False]
    assert done(result) == [0, 1]
    assert driver.widget._status.text().startswith("Stopped with 2 of 4 slices done.")
    assert Recipe.parse(result.metadata).settings == driver.widget.settings()


@pytest.mark.parametrize("folder", [False, True])
def test_stopped_and_gone_on_with_it_is_as_if_never_stopped(
    driver: Driver,
    viewer: ViewerModel,
    content: Image,
    engine: StackMethod,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    folder: bool,
) -> None:
    if folder:
        request.getfixturevalue("no_room")
        driver.widget.stack.folder.value = tmp_path / "whole"
    driver.run()
    whole = np.asarray(viewer.layers[RESULT].data)
    viewer.layers.remove(RESULT)
    engine.calls.clear()
    if folder:
        driver.widget.stack.folder.value = tmp_path / "parts"
    hold(driver, engine, 3)
    driver.stop()
    result = viewer.layers[RESULT]
    engine.hold_slice = 0
    driver.widget.stack.slices.value = "this slice"  # what is left is known from the layer
    select(viewer, result)
    go_on(driver)
    assert list(viewer.layers)[3:] == [result]
    assert driver.widget._status.text().startswith("Painted the other 2 of 4 slices in ")
    np.testing.assert_array_equal(np.asarray(result.data), whole)
    assert whole.any(axis=(1, 2, 3)).all()
    assert done(result) == [0, 1, 2, 3]
    assert [call["settings"].steps for call in engine.calls] == [9, 3, 3, 3, 3]
    assert not Recipe.parse(result.metadata).steered
    go_on(driver)
    assert driver.widget._status.text() == "All 4 slices are painted already."
    assert len(engine.calls) == 5
    select(viewer, content)  # it is not said of another layer, or of other settings
    assert driver.widget._status.text() == ""
    select(viewer, result)
    go_on(driver)
    driver.widget.strength.value = 0.6
    assert driver.widget._status.text() == ""


def test_going_on_takes_the_settings_as_they_are_now(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    hold(driver, engine, 2)
    driver.stop()
    engine.hold_slice = 0
    result = viewer.layers[RESULT]
    select(viewer, result)
    driver.widget.strength.value, driver.widget.size.value = 0.8, 48
    go_on(driver)
    assert engine.calls[-1]["settings"].strength == 0.8
    assert result.data.shape == (4, 21, 32, 4)  # but the size is that of the slices that are there
    assert painted(result) == [True] * 4
    assert Recipe.parse(result.metadata).steered


def test_a_range_that_is_done_grows_to_all(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    stack = driver.widget.stack
    stack.slices.value, stack.first.value, stack.last.value = "a range", 2, 1
    driver.run()
    result = viewer.layers[RESULT]
    assert painted(result) == [False, True, True, False]
    stack.slices.value = "all"
    select(viewer, result)
    go_on(driver)
    assert painted(result) == [True] * 4
    assert sorted(done(result)) == [0, 1, 2, 3]


def test_going_on_needs_the_same_slices(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, errors: list[str]
) -> None:
    hold(driver, engine, 2)
    driver.stop()
    select(viewer, viewer.layers[RESULT])
    driver.widget.content.value = viewer.layers["photo"]
    go_on(driver)
    viewer.layers[RESULT].data = viewer.layers[RESULT].data.astype(float)
    driver.widget.content.value = content
    go_on(driver)
    assert errors[0].startswith(f"'{RESULT}' has other slices than 'photo'")
    assert errors[1] == f"'{RESULT}' no longer holds what was painted; paint it anew."
    assert len(engine.calls) == 2


def test_stopped_before_a_slice_is_done_nothing_is_left(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, errors: list[str]
) -> None:
    hold(driver, engine, 1)
    driver.until(lambda: RESULT in viewer.layers)
    driver.stop()
    assert RESULT not in viewer.layers
    assert driver.widget._status.text() == "Stopped with 0 of 4 slices done."
    assert errors == []


def test_a_slice_that_fails_leaves_the_others(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, errors: list[str]
) -> None:
    engine.error, engine.fail_slice = RuntimeError("CUDA out of memory"), 3
    driver.run()
    result = viewer.layers[RESULT]
    assert painted(result) == [True, True, False, False]
    assert errors == ["The style transfer broke off (RuntimeError: CUDA out of memory)."]
    engine.fail_slice = 0
    select(viewer, result)
    go_on(driver)
    assert painted(result) == [True] * 4


NO_PIXEL = "Slice 2: Layer 'cells' shows no finite pixel; choose another slice."


def test_a_slice_without_a_finite_pixel_is_left_out_and_named(
    driver: Driver, viewer: ViewerModel, engine: StackMethod, errors: list[str]
) -> None:
    data = cells().astype(float)
    data[2] = np.nan
    driver.widget.content.value = viewer.add_image(data, name="cells")
    driver.widget.stack.slices.value = "all"
    driver.run()
    result = viewer.layers[RESULT]
    status = driver.widget._status
    assert status.text().startswith("Painted 3 of 4 slices in ")
    assert status.text().endswith(f"Left out: {NO_PIXEL}")
    assert painted(result) == [True, True, False, True]
    assert done(result) == [0, 1, 3]
    assert engine.calls[2]["start"] == result.data[1, ..., :3].tobytes()
    select(viewer, result)
    go_on(driver)
    assert status.text() == f"All other 3 slices are painted already. Left out: {NO_PIXEL}"
    assert errors == []


def test_a_stack_without_a_finite_pixel_is_one_message(
    driver: Driver, viewer: ViewerModel, engine: StackMethod, errors: list[str]
) -> None:
    driver.widget.content.value = viewer.add_image(np.full((4, 40, 60), np.nan), name="cells")
    driver.widget.stack.slices.value = "all"
    driver.run()
    assert len(errors) == 1
    assert errors[0].startswith("None of the 4 slices can be painted. Slice 0: ")
    assert RESULT not in viewer.layers


def test_deleting_the_layer_mid_run_ends_the_run(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, errors: list[str]
) -> None:
    hold(driver, engine, 3)
    driver.until(lambda: RESULT in viewer.layers)
    viewer.layers.remove(RESULT)
    driver.wait()
    assert driver.widget._status.text() == "Stopped, because the picture was deleted."
    assert RESULT not in viewer.layers
    assert len(engine.calls) == 3
    assert errors == []


def test_a_viewer_in_3d_mid_run_changes_nothing(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, errors: list[str]
) -> None:
    hold(driver, engine, 2)
    viewer.dims.ndisplay = 3
    assert not driver.widget._stack_section.isHidden()
    engine.gate.set()
    driver.wait()
    viewer.dims.ndisplay = 2
    assert painted(viewer.layers[RESULT]) == [True] * 4
    assert errors == []


def test_deleting_the_content_mid_run_changes_nothing(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, errors: list[str]
) -> None:
    hold(driver, engine, 3)
    driver.until(lambda: RESULT in viewer.layers)
    viewer.layers.remove(content)
    engine.gate.set()
    driver.wait()
    assert painted(viewer.layers[RESULT]) == [True] * 4
    assert errors == []


def test_what_is_steered_reaches_the_slices_to_come(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    hold(driver, engine, 2)
    driver.widget.strength.value = 0.9
    driver.until(lambda: bool(engine.updates))
    engine.gate.set()
    driver.wait()
    assert all(update.settings is not None for update in engine.updates)
    assert len(engine.updates) == 3  # the slice in the making and the two after it
    assert Recipe.parse(viewer.layers[RESULT].metadata).steered


# ---- regions that move ---------------------------------------------------------------------------


def moving_labels(count: int = 4) -> Any:
    """Labels that are 1 in a column that goes to the right from slice to slice."""
    labels = np.zeros((count, 40, 60), np.uint8)
    for index, each in enumerate(labels):
        each[:, 10 * index : 10 * index + 10] = index + 1
    return labels


def labels_seen(engine: StackMethod) -> list[Any]:
    return [call["regions"].labels for call in engine.calls]


@pytest.mark.parametrize("lazy", [False, True])
def test_labels_with_the_axes_of_the_content_are_followed(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, lazy: bool
) -> None:
    labels = moving_labels()
    data = da.from_array(labels, chunks=(1, 40, 60)) if lazy else labels
    layer = viewer.add_labels(data, name="parts", scale=(2, 0.5, 0.25))
    driver.widget.regions.layer.value = layer
    viewer.dims.set_current_step(0, 2)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 3])
    assert "Labels of other slices are listed" in driver.widget.regions._hint.text()
    driver.widget.regions.set_row(3, None, 0.5)
    viewer.dims.set_current_step(0, 1)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 2])
    driver.run()
    np.testing.assert_array_equal(labels_seen(engine), labels)
    for call in engine.calls:  # what was chosen on another slice holds
        assert (call["regions"].region(3).style, call["regions"].region(2).style) == (None, "mix")
    recipe = Recipe.parse(viewer.layers[RESULT].metadata)
    assert recipe.regions is not None
    assert recipe.regions.labels == "parts"


def test_flat_labels_serve_for_all_slices(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    flat = viewer.add_labels(moving_labels()[1], scale=(0.5, 0.25))
    one = viewer.add_labels(moving_labels()[1:2], scale=(2, 0.5, 0.25))
    for layer in (flat, one):
        engine.calls.clear()
        driver.widget.regions.layer.value = layer
        viewer.dims.set_current_step(0, 0)
        driver.run()
        for labels in labels_seen(engine):
            np.testing.assert_array_equal(labels, moving_labels()[1])


def test_labels_move_along_any_axis_of_the_content(
    driver: Driver, viewer: ViewerModel, engine: StackMethod
) -> None:
    driver.widget.content.value = viewer.add_image(cells((2, 3, 40, 60)), name="cells")
    # Of half the slices along z, each twice as thick: of the content's 0, 1, 2 they are 0, 0 and 1.
    layer = viewer.add_labels(moving_labels(2), scale=(2, 1, 1), translate=(0.5, 0, 0))
    driver.widget.regions.layer.value = layer
    driver.widget.stack.slices.value = "all"
    viewer.dims.set_current_step((0, 1), (1, 2))
    driver.run()
    assert [int(labels.max()) for labels in labels_seen(engine)] == [1, 1, 2] * 2


def test_slices_beyond_the_labels_are_left_out_and_named(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, errors: list[str]
) -> None:
    short = viewer.add_labels(moving_labels(3), name="parts", scale=(2, 0.5, 0.25))
    driver.widget.regions.layer.value = short
    driver.run()
    result, status = viewer.layers[RESULT], driver.widget._status
    assert status.text().endswith(
        "Left out: Slice 3: Layer 'parts' has no labels over this slice; add them there."
    )
    assert painted(result) == [True, True, True, False]
    short.data = moving_labels()
    select(viewer, result)
    go_on(driver)
    assert painted(result) == [True] * 4
    assert errors == []


def test_labels_painted_meanwhile_count_in_the_slice_in_the_making_and_later(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    layer = viewer.add_labels(moving_labels(), name="parts", scale=(2, 0.5, 0.25))
    driver.widget.regions.layer.value = layer
    hold(driver, engine, 2)
    layer.data_setitem((np.array([1]), np.array([5]), np.array([50])), 7)
    layer.data_setitem((np.array([3]), np.array([5]), np.array([0])), 8)
    driver.until(lambda: bool(engine.updates))
    engine.gate.set()
    driver.wait()
    first, second, third, fourth = (call["updates"] for call in engine.calls)
    assert not any(first)
    given = [next(each for each in run if each).regions.labels for run in (second, third, fourth)]
    np.testing.assert_array_equal(given, layer.data[1:])
    assert given[0][5, 50] == 7
    assert labels_seen(engine)[3][5, 0] == 8


def test_closing_the_widget_mid_run_ends_the_thread(
    viewer: ViewerModel, engine: StackMethod, qtbot: QtBot
) -> None:
    viewer.add_image(cells(), name="cells")
    widget = StyleTransferWidget(viewer)  # not added to qtbot, which would close it again
    widget.size.value, widget.steps.value = 32, 6
    widget.stack.slices.value = "all"
    engine.hold_slice = 2
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2 and len(engine.calls) == 2, timeout=20_000)
    widget.native.deleteLater()
    qtbot.waitUntil(lambda: widget._lifetime.run is None, timeout=20_000)
    assert len(engine.calls) == 2
    viewer.dims.order = (1, 0, 2)  # what is left of the widget hears this, and is silent


# ---- large stacks --------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [False, True])
def test_one_slice_of_a_lazy_stack_is_read_at_a_time(
    driver: Driver,
    viewer: ViewerModel,
    engine: StackMethod,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    folder: bool,
) -> None:
    made: list[int] = []
    alive: list[weakref.ref[Any]] = []
    most = 0
    request.addfinalizer(gc.unfreeze)

    def make(number: int) -> Any:
        nonlocal most
        if not made:
            gc.freeze()  # what is there before the first slice need not be searched at each
        gc.collect()
        most = max(most, sum(ref() is not None for ref in alive))
        made.append(number)
        array = np.full((40, 60), number, np.uint8)
        alive.append(weakref.ref(array))
        return array

    slices = [da.from_delayed(dask.delayed(make)(i), (40, 60), np.uint8) for i in range(16)]
    # Without napari's own cache, which keeps what it has seen.
    content = viewer.add_image(da.stack(slices), name="cells", contrast_limits=(0, 16), cache=False)
    driver.widget.content.value = content
    viewer.dims.set_current_step(0, 0)
    driver.widget.stack.slices.value = "all"
    if folder:
        request.getfixturevalue("no_room")
        driver.widget.stack.folder.value = tmp_path / "result"
    engine.forget = True
    made.clear()
    driver.run()
    result = viewer.layers[RESULT]
    assert made == list(range(16))
    assert most <= 3  # the one shown, the last, and one on the way
    assert painted(result) == [True] * 16
    assert isinstance(result.data, da.Array if folder else np.ndarray)


def test_a_result_that_does_not_fit_needs_a_folder(
    driver: Driver,
    viewer: ViewerModel,
    content: Image,
    engine: StackMethod,
    no_room: None,
    errors: list[str],
    tmp_path: Path,
) -> None:
    stack, memory = driver.widget.stack, driver.widget._memory
    stack.look_again()
    assert not stack.folder.native.isHidden()
    assert memory.text().endswith("does not fit into memory; choose a folder for it under Stack.")
    driver.run()
    assert errors == [stack.estimate()]
    assert engine.calls == []
    stack.folder.value = tmp_path / "result"
    assert memory.text().endswith(f"does not fit into memory; it is kept in {tmp_path / 'result'}.")
    driver.run()
    array = da.from_zarr(tmp_path / "result")
    np.testing.assert_array_equal(array, np.asarray(viewer.layers[RESULT].data))
    assert array.chunksize == (1, 21, 32, 4)
    assert len(errors) == 1


def test_a_folder_is_not_used_where_the_result_fits(
    driver: Driver, viewer: ViewerModel, content: Image, tmp_path: Path
) -> None:
    stack = driver.widget.stack
    assert stack.folder.native.isHidden()
    assert driver.widget._memory.text().endswith("The result of 4 slices takes 1 MB.")
    stack.folder.value = tmp_path / "result"
    driver.run()
    assert not (tmp_path / "result").exists()
    assert isinstance(viewer.layers[RESULT].data, np.ndarray)


def test_a_run_goes_on_in_the_folder_of_an_earlier_one(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, no_room: None,
    tmp_path: Path,
) -> None:  # fmt: skip
    driver.widget.stack.folder.value = tmp_path / "result"
    hold(driver, engine, 3)
    driver.stop()
    viewer.layers.remove(RESULT)
    engine.hold_slice = 0
    driver.run()
    assert len(engine.calls) == 5  # the slice in the making, again, and the last
    assert painted(viewer.layers[RESULT]) == [True] * 4


def test_a_slice_seen_before_it_is_painted_is_seen_painted(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, no_room: None,
    tmp_path: Path,
) -> None:  # fmt: skip
    driver.widget.stack.folder.value = tmp_path / "result"
    driver.widget.size.value = 256
    hold(driver, engine, 2)
    driver.until(lambda: RESULT in viewer.layers)
    result = viewer.layers[RESULT]
    viewer.dims.set_current_step(0, 3)
    assert not result._slice.image.raw.any()
    viewer.dims.set_current_step(0, 0)
    engine.gate.set()
    driver.wait()
    viewer.dims.set_current_step(0, 3)
    assert result._slice.image.raw.any()


def test_finished_slices_do_not_queue_up(driver: Driver, content: Image) -> None:
    shown = threading.Event()
    shown.set()
    drawn = []
    for message in paint_stack(driver.widget._choices.job(), lambda: False, shown, Steering()):
        if message.to_be_drawn:
            drawn.append(message.place.index[0])
            assert not shown.is_set()
            shown.set()
    assert sorted(set(drawn)) == [0, 1, 2, 3]


def test_another_run_in_the_same_folder_gives_one_message(
    driver: Driver, viewer: ViewerModel, content: Image, no_room: None, errors: list[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    driver.widget.stack.folder.value = tmp_path / "result"
    driver.run()
    driver.widget.strength.value = 0.9
    driver.run()
    assert len(errors) == 1
    assert "was begun with another strength; choose another place" in errors[0]
    assert len(viewer.layers) == 4


# ---- the recipe ----------------------------------------------------------------------------------


def test_load_recipe_chooses_the_slices(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    stack = driver.widget.stack
    stack.slices.value, stack.first.value, stack.last.value = "a range", 1, 2
    driver.run()
    result = viewer.layers[RESULT]
    stack.slices.value, stack.first.value, stack.last.value = "all", 0, 3
    select(viewer, result)
    driver.widget.load_recipe.changed.emit(True)
    assert (stack.slices.value, stack.first.value, stack.last.value) == ("a range", 1, 2)
    stack.slices.value = "all"
    driver.run()
    stack.slices.value = "this slice"
    driver.widget.load_recipe.changed.emit(True)
    assert stack.slices.value == "all"


def test_the_record_tells_runs_apart(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod
) -> None:
    driver.run()
    record = Record.from_json(viewer.layers[RESULT].metadata)
    assert record is not None
    assert record.run["content"] == "cells"
    assert record.run.items() >= identity(driver.widget.settings()).items()
    assert record.run["styles"][0]["picture"] == "painting"


def test_a_stack_is_no_png(
    driver: Driver, viewer: ViewerModel, content: Image, tmp_path: Path
) -> None:
    driver.run()
    result = viewer.layers[RESULT]
    with pytest.raises(InputError, match="not a stack; save it as a TIFF"):
        write_picture(str(tmp_path / "a.png"), result.data, {"metadata": result.metadata})
    assert not list(tmp_path.iterdir())


def test_a_stack_that_was_stopped_saved_and_opened_again_goes_on(
    driver: Driver, viewer: ViewerModel, content: Image, engine: StackMethod, tmp_path: Path,
    errors: list[str],
) -> None:  # fmt: skip
    hold(driver, engine, 3)
    driver.until(lambda: RESULT in viewer.layers and done_or_none(viewer) == [0, 1])
    driver.stop()
    before = viewer.layers[RESULT]
    write_picture(str(tmp_path / "a.tif"), *before.as_layer_data_tuple()[:2])
    viewer.layers.remove(before)
    reader = get_reader(str(tmp_path / "a.json"))
    assert reader is not None
    ((data, attributes, _),) = reader(str(tmp_path / "a.json"))
    opened = viewer.add_image(data, **attributes)
    assert painted(opened) == [True, True, False, False]
    engine.hold_slice = 0
    select(viewer, opened)
    go_on(driver)
    assert driver.widget._status.text().startswith("Painted the other 2 of 4 slices")
    assert painted(viewer.layers[RESULT]) == [True] * 4
    assert len(viewer.layers) == 4
    assert errors == []


# ---- in a whole napari ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_stack_in_napari_s_own_window(
    make_napari_viewer: Callable[..., Any], qtbot: QtBot, engine: StackMethod
) -> None:
    viewer = make_napari_viewer(show=True, strict_qt="raise")
    _, widget = viewer.window.add_plugin_dock_widget("napari-style-transfer", "Style Transfer")
    viewer.add_image(np.zeros((20, 20, 3), np.uint8), name="painting", rgb=True)
    widget.content.value = viewer.add_image(cells((5, 40, 60)), name="cells")
    widget.style.value = viewer.layers["painting"]
    widget.size.value, widget.steps.value, widget.stack.slices.value = 32, 9, "all"
    engine.hold_slice = 3
    widget.run.changed.emit(True)
    qtbot.waitUntil(lambda: len(engine.calls) == 3 and RESULT in viewer.layers, timeout=20_000)
    result = viewer.layers[RESULT]
    qtbot.waitUntil(lambda: painted(result)[:2] == [True, True], timeout=20_000)
    for step in (1, 4, 2):  # the viewer can be scrolled meanwhile
        viewer.dims.set_current_step(0, step)
    widget.stop.changed.emit(True)
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=20_000)
    engine.hold_slice = 0
    viewer.dims.order = (1, 0, 2)
    viewer.layers.selection.active = result
    widget.go_on.changed.emit(True)
    assert widget._status.text().startswith(f"'{RESULT}' has other slices than 'cells'")
    viewer.dims.order = (0, 1, 2)
    widget.go_on.changed.emit(True)
    viewer.dims.order = (1, 0, 2)
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=20_000)
    assert painted(result) == [True] * 5
    assert (np.asarray(result._slice.image.raw)[..., 3] == 255).all()
