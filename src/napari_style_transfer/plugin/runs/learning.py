"""The thread of a learning: turns its steps into messages, and saves what is learned."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_style_transfer.engine.libraries import load_libraries, load_triton, no_collections
from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.plugin.inputs.learning_job import AllPictures, LearningJob
from napari_style_transfer.plugin.runs.messages import LearningEnded, LearningProgress
from napari_style_transfer.progress import Status
from napari_style_transfer.steering import Steering

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.learning import LearningStep

_log = logging.getLogger(__name__)

#: Seconds, at least, between two messages, and between two savings.
_INTERVAL, _SAVED_EVERY = 0.15, 30.0


def learn(
    job: LearningJob, should_stop: Callable[[], bool], _: threading.Event, __: Steering
) -> Generator[
    LearningProgress[LearningStep, FastStyle], None, LearningEnded[LearningStep, FastStyle]
]:
    """Learn a fast style; see :func:`~napari_style_transfer.plugin.runs.worker.paint`."""
    load_to_learn()
    with no_collections():
        from napari_style_transfer.methods.learn import iter_learn

    contents = AllPictures(job.contents)
    engine = iter_learn(
        {name: style.pixels() for name, style in job.styles.items()},
        contents,
        settings=job.settings,
        base=job.start,
        content_names=contents.names,
        stop=should_stop,
    )
    return (yield from follow(engine, "fast_style", job.path))


def load_to_learn() -> None:
    """Load what learning needs, in the order in which a process with a window open does not crash."""
    load_libraries()
    load_triton()  # torch's optimisers import it


def follow(
    engine: Iterator[Any],
    attribute: str,
    path: Path,
    is_best: Callable[[Any], bool] = lambda _: True,
) -> Generator[LearningProgress[Any, Any], None, LearningEnded[Any, Any]]:
    """Turn the steps of a learning into messages, and save what is learned.

    Parameters
    ----------
    engine
        Yields the steps.
    attribute
        Of a step: what is learned so far, which can be saved; None where it is not new.
    path
        The user's file.
    is_best
        Whether what a step brings is better than all before; only that is saved.
    """
    kept = _Kept(path)
    steps: list[Any] = []
    newest: Any = None
    sent = -_INTERVAL
    try:
        with contextlib.closing(engine):  # type: ignore[type-var]
            for step in engine:
                steps.append(replace(step, **{attribute: None}))
                learned = getattr(step, attribute)
                if learned is not None:
                    newest = learned
                    if is_best(step):
                        kept.offer(newest)
                kept.save_if_due()
                if step.status is not Status.RUNNING:
                    break
                if time.monotonic() - sent >= _INTERVAL:
                    yield LearningProgress(tuple(steps), newest, kept.problem)
                    steps, newest, sent = [], None, time.monotonic()
    finally:
        kept.save()
    assert kept.newest is not None  # the last step's promise
    return LearningEnded(tuple(steps), kept.newest, kept.problem)


class _Kept:
    """Saves what is learned in the user's file, now and then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved = time.monotonic()
        self._is_new = False
        self.newest: Any = None
        self.problem = ""

    def offer(self, newest: Any) -> None:
        """Take what is learned."""
        self.newest, self._is_new = newest, True

    def save_if_due(self) -> None:
        """Save what is not saved yet, if the last time is long ago."""
        if time.monotonic() - self._saved >= _SAVED_EVERY:
            self.save()

    def save(self) -> None:
        """Save what is not saved yet, or say why that cannot be."""
        if self.newest is None or not self._is_new:
            return
        self._saved = time.monotonic()
        try:
            self.newest.save(self._path)
        except StyleTransferError as error:
            self.problem = str(error)
        except Exception as error:  # learning is not to end for it
            _log.exception("Saving %s failed", self._path)
            self.problem = f"What is learned cannot be saved in {self._path} ({error})."
        else:
            self.problem, self._is_new = "", False
