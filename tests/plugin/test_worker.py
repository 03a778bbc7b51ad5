"""Engine steps become typed outcomes, and nothing is ever raised out of the thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
from fake_method import FakeMethod
from napari.components import ViewerModel

from napari_style_transfer.errors import WeightsError
from napari_style_transfer.plugin.inputs.job import Job, collect
from napari_style_transfer.plugin.inputs.styles import StyleInput
from napari_style_transfer.plugin.runs import worker
from napari_style_transfer.plugin.runs.worker import (
    Failed,
    Finished,
    Outcome,
    Preview,
    Stopped,
    paint,
)
from napari_style_transfer.progress import Status
from napari_style_transfer.settings import Settings
from napari_style_transfer.steering import Steering


def job(viewer: ViewerModel, content: Any = None, **settings: Any) -> Job:
    if content is None:
        content = np.zeros((40, 60, 3), np.uint8)
    painted = viewer.add_image(content, name="a", rgb=True)
    style = StyleInput(viewer.add_image(np.eye(40), name="b"))
    return collect(painted, [style], Settings(**{"size": 32, "steps": 6, **settings}), viewer)


def drain(run: Generator[Preview, None, Outcome]) -> tuple[list[Preview], Outcome]:
    previews = []
    while True:
        try:
            previews.append(next(run))
        except StopIteration as end:
            return previews, end.value


def set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_finished_run(viewer: ViewerModel, engine: FakeMethod) -> None:
    previews, outcome = drain(paint(job(viewer), lambda: False, set_event(), Steering()))
    assert isinstance(outcome, Finished)
    assert outcome.picture.shape == (21, 32, 3)
    assert outcome.recipe.status is Status.FINISHED
    assert (outcome.recipe.content, outcome.recipe.style) == ("a", "b")
    messages: list[Preview | Finished] = [*previews, outcome]
    told = [step.evaluation for message in messages for step in message.steps]
    assert told == [1, 2, 3, 4, 5, 6]


def test_stopped_run_says_how_far_it_came(viewer: ViewerModel, engine: FakeMethod) -> None:
    _, outcome = drain(paint(job(viewer), lambda: engine.evaluation == 3, set_event(), Steering()))
    assert isinstance(outcome, Stopped)
    assert (outcome.picture == 3).all()
    assert outcome.picture.shape == (21, 32, 3)
    assert outcome.recipe.settings.stop_after == 3


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("CUDA is on fire\ntrace"), "(RuntimeError: CUDA is on fire)."),
        (MemoryError(), "(MemoryError)."),
        (StopIteration("oops"), "(RuntimeError: generator raised StopIteration)."),
        (
            WeightsError("The file is damaged; download it again."),
            "The file is damaged; download it",
        ),
    ],
)
def test_no_error_leaves_the_thread(
    viewer: ViewerModel, engine: FakeMethod, error: Exception, sentence: str
) -> None:
    engine.error = error
    _, outcome = drain(paint(job(viewer), lambda: False, set_event(), Steering()))
    assert isinstance(outcome, Failed)
    told = outcome.sentence()
    assert sentence in told
    assert "\n" not in told
    assert told.endswith(".")


def test_an_error_holds_on_to_nothing(
    viewer: ViewerModel, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tensor:
        pass

    held = []

    def broken(*_: Any, **__: Any) -> Any:
        tensor = Tensor()
        held.append(weakref.ref(tensor))
        try:
            raise ValueError("first")
        except ValueError as error:
            raise RuntimeError("out of memory") from error
        yield

    monkeypatch.setattr(engine, "run", broken)
    _, outcome = drain(paint(job(viewer), lambda: False, set_event(), Steering()))
    assert isinstance(outcome, Failed)
    gc.collect()
    assert held[0]() is None


def test_previews_have_one_shape_and_the_contents_alpha(
    viewer: ViewerModel, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_INTERVAL", 0)
    content = np.full((40, 60, 4), 255, np.uint8)
    content[:20, :, 3] = 0
    previews, outcome = drain(paint(job(viewer, content), lambda: False, set_event(), Steering()))
    assert isinstance(outcome, Finished)
    pictures = [preview.picture for preview in previews if preview.picture is not None]
    assert pictures
    for picture in (*pictures, outcome.picture):
        assert picture.shape == (21, 32, 4)
        assert (picture[:8, :, 3] == 0).all()
        assert (picture[13:, :, 3] == 255).all()


def test_previews_of_a_huge_result_are_no_larger_than_a_screen(
    viewer: ViewerModel, engine: FakeMethod
) -> None:
    run = paint(job(viewer, size=3000), lambda: False, set_event(), Steering())
    picture = next(run).picture
    assert picture is not None
    assert picture.shape == (1365, 2048, 3)
    _, outcome = drain(run)
    assert isinstance(outcome, Finished)
    assert outcome.picture.shape == (2000, 3000, 3)


def test_no_preview_is_sent_until_the_last_one_is_drawn(
    viewer: ViewerModel, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_INTERVAL", 0)
    shown = set_event()
    run = paint(job(viewer), lambda: False, shown, Steering())
    assert next(run).picture is not None
    assert next(run).picture is None
    shown.set()
    assert next(run).picture is not None


def test_a_preview_has_the_recipe_of_its_own_evaluation(
    viewer: ViewerModel, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_INTERVAL", 0)
    shown = set_event()
    run = paint(job(viewer), lambda: False, shown, Steering())
    next(run)
    for _ in range(2):
        assert next(run).recipe is None
    shown.set()
    preview = next(run)
    assert preview.picture is not None
    assert preview.recipe is not None
    evaluation = int(preview.picture.max())
    assert preview.recipe.status is Status.STOPPED
    assert preview.recipe.evaluations == preview.recipe.settings.stop_after == evaluation


def test_messages_come_at_a_bounded_rate(
    viewer: ViewerModel, engine: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_INTERVAL", 3600)
    previews, outcome = drain(paint(job(viewer, steps=50), lambda: False, set_event(), Steering()))
    assert isinstance(outcome, Finished)
    assert len(previews) == 1
    assert len(outcome.steps) == 49


def test_closing_the_generator_ends_the_engine(viewer: ViewerModel, engine: FakeMethod) -> None:
    run = paint(job(viewer), lambda: False, set_event(), Steering())
    next(run)
    run.close()
    assert engine.ended.is_set()
