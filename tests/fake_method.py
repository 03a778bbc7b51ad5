"""A method that paints nothing: the one stand-in for the engine in all tests."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_style_transfer.errors import ContentError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.methods.base import Controls, Neighbour, Request
from napari_style_transfer.progress import Losses, Status, Step
from napari_style_transfer.steering import Update

#: The grey value of a picture, from request and evaluation.
Paint = Callable[[Request, int], int]


def by_evaluation(_: Request, evaluation: int) -> int:
    """The picture of evaluation n is grey of value n."""
    return evaluation


def by_content_and_start(request: Request, evaluation: int = 0) -> int:
    """The picture depends on the content, the picture started from, and the evaluations."""
    start = 0 if request.init is None else _sum(request.init)
    return (_sum(request.content) * 31 + start * 7 + evaluation) % 251


def _sum(picture: Any) -> int:
    levels = np.asarray(picture)
    return int((np.rint(levels * 255) if levels.dtype.kind == "f" else levels).astype(int).sum())


@dataclass
class FakeMethod:
    """Yields real steps over two scales; says and does what it is told to.

    Attributes
    ----------
    paint
        The grey value of a picture.
    delay
        Seconds that each evaluation takes.
    hold
        Evaluation before which it waits until `gate` is set or it is told to stop; 0 for none.
    error
        Raised at evaluation `error_at`.
    note
        Said by the first step.
    on_step
        Called with the number of each evaluation before it is yielded.
    forget
        Keep no pictures of what was asked for, but weak references.
    calls
        Of every run: content, style, settings, init, regions, bits; as `start` the bytes of `init`;
        as `updates` what steering said before each evaluation.
    pictures
        Contents and starts of every run, weakly.
    befores
        Of every request for a slice after a neighbour, the sum of the neighbour's content.
    ended
        Set when a run's generator has ended, in whatever way.
    """

    paint: Paint = by_evaluation
    delay: float = 0.0
    hold: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    error_at: int = 1
    note: str = ""
    on_step: Callable[[int], None] = lambda _: None
    forget: bool = False
    calls: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[weakref.ref[Any]] = field(default_factory=list)
    befores: list[int] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    evaluation: int = 0

    #: Evaluations of a slice after a neighbour, relative to those of the first one.
    following_share = 1 / 3

    def run(self, request: Request, controls: Controls) -> Iterator[Step]:
        content = np.asarray(request.content)
        if content.dtype.kind == "f" and not np.isfinite(content).all():
            raise ContentError("The content picture has pixels that are not finite.")
        given = (each for each in (request.content, request.init) if isinstance(each, np.ndarray))
        self.pictures += map(weakref.ref, given)
        self.calls.append(
            {
                "content": None if self.forget else request.content,
                "style": request.styles,
                "settings": request.settings,
                "init": None if self.forget else request.init,
                "start": None if request.init is None else np.asarray(request.init).tobytes(),
                "regions": request.regions,
                "bits": request.bits,
                "updates": [],
            }
        )
        self.ended.clear()
        return self._run(request, controls)

    def following(
        self, request: Request, neighbour: Neighbour, anchors: Sequence[Neighbour] = ()
    ) -> Request:
        self.befores.append(int(np.asarray(neighbour.content()).astype(int).sum()))
        steps = self.evaluations(request, follows=True)
        settings = request.settings.replace(steps=steps, coarsest_size=request.settings.size)
        return request.replace(settings=settings, init=neighbour.picture)

    def evaluations(self, request: Request, follows: bool = False) -> int:
        share = self.following_share if follows else 1
        return max(1, round(request.settings.steps * share))

    @property
    def updates(self) -> list[Update]:
        """What was changed while a run was on, in turn."""
        return [update for call in self.calls for update in call["updates"] if update is not None]

    def _run(self, request: Request, controls: Controls) -> Iterator[Step]:
        try:
            yield from self._steps(request, controls)
        finally:
            self.ended.set()

    def _steps(self, request: Request, controls: Controls) -> Iterator[Step]:
        settings, stop, steering = request.settings, controls.stop, controls.steering
        height, width = np.shape(request.content)[:2]
        final = result_shape((height, width), settings.size)
        coarse = (max(1, final[0] // 2), max(1, final[1] // 2))
        updates = self.calls[-1]["updates"]
        for number in range(1, settings.steps + 1):
            self.evaluation = number
            while number == self.hold and not self.gate.is_set() and not stop():
                if (update := steering.take()) is not None:
                    updates.append(update)
                time.sleep(0.005)
            while steering.paused and not stop():
                steering.wait(0.005)
            updates.append(steering.take())
            if self.error is not None and number == self.error_at:
                raise self.error
            time.sleep(self.delay)
            self.on_step(number)
            if number == settings.steps:
                status = Status.FINISHED
            elif stop() or number == settings.stop_after:
                status = Status.STOPPED
            else:
                status = Status.RUNNING
            is_fine = number > settings.steps // 2
            shape = final if is_fine or status is not Status.RUNNING else coarse
            due = status is not Status.RUNNING or np.isfinite(controls.preview_interval)
            kind, value = np.uint8, self.paint(request, number)
            if request.bits == 16 and status is not Status.RUNNING:
                kind, value = np.uint16, value * 257
            yield Step(
                evaluation=number,
                evaluations=settings.steps,
                scale=1 + is_fine,
                scales=2,
                shape=shape,
                losses=Losses({"content": 1 / number, "style": 2 / number}),
                device="cpu",
                precision="float32",
                pixels_left=(settings.steps - number) * final[0] * final[1],
                picture=np.full((*shape, 3), value, kind) if due else None,
                status=status,
                settings=settings,
                steered=any(updates),
                note=self.note if number == 1 else "",
            )
            if status is not Status.RUNNING:
                return
