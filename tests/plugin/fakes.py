"""An engine that paints nothing, and a driver that does what a user does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pytestqt.qtbot import QtBot

from napari_style_transfer.engine.images import result_shape
from napari_style_transfer.engine.steering import Steering, Wish
from napari_style_transfer.engine.step import Losses, Status, Step
from napari_style_transfer.plugin.widget import StyleTransferWidget

_TIMEOUT = 120_000  # ms; generous, because the machines that run tests are often busy


@dataclass
class FakeEngine:
    """Yields real steps; the picture of evaluation n is grey of value n.

    Attributes
    ----------
    delay
        Seconds that each evaluation takes.
    hold
        Evaluation before which it waits until `gate` is set or it is told to stop; 0 for none.
    error
        Raised at evaluation `error_at`.
    note
        Said by the first step.
    calls
        The arguments of every run.
    wishes
        What was changed while a run was on, in turn.
    ended
        Set when a run's generator has ended, in whatever way.
    """

    delay: float = 0.0
    hold: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    error_at: int = 1
    note: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    evaluation: int = 0
    wishes: list[Wish] = field(default_factory=list)

    def iter_stylize(
        self,
        content: Any,
        style: Any,
        *,
        settings: Any,
        init: Any,
        regions: Any,
        steering: Steering,
        stop: Callable[[], bool],
    ) -> Iterator[Step]:
        self.calls.append(
            {
                "content": content,
                "style": style,
                "settings": settings,
                "init": init,
                "regions": regions,
            }
        )
        self.ended.clear()
        try:
            yield from self._steps(content, settings, steering, stop)
        finally:
            self.ended.set()

    def _steps(
        self, content: Any, settings: Any, steering: Steering, stop: Callable[[], bool]
    ) -> Iterator[Step]:
        final = result_shape(content.shape[:2], settings.size)
        coarse = (max(1, final[0] // 2), max(1, final[1] // 2))
        for number in range(1, settings.steps + 1):
            self.evaluation = number
            while number == self.hold and not self.gate.is_set() and not stop():
                self._take(steering)
                time.sleep(0.005)
            while steering.paused and not stop():
                steering.wait(0.005)
            self._take(steering)
            if self.error is not None and number == self.error_at:
                raise self.error
            time.sleep(self.delay)
            last = number == settings.steps
            status = Status.FINISHED if last else Status.STOPPED if stop() else Status.RUNNING
            is_fine = number > settings.steps // 2
            shape = final if is_fine or status is not Status.RUNNING else coarse
            yield Step(
                evaluation=number,
                evaluations=settings.steps,
                scale=1 + is_fine,
                scales=2,
                shape=shape,
                losses=Losses(1 / number, 2 / number, 0.0),
                device="cpu",
                precision="float32",
                picture=np.full((*shape, 3), number, np.uint8),
                status=status,
                settings=settings,
                steered=bool(self.wishes),
                note=self.note if number == 1 else "",
            )
            if status is not Status.RUNNING:
                return

    def _take(self, steering: Steering) -> None:
        wish = steering.take()
        if wish is not None:
            self.wishes.append(wish)


class Driver:
    """Does with a widget what a user does, and waits for what follows."""

    def __init__(self, widget: StyleTransferWidget, qtbot: QtBot) -> None:
        self.widget = widget
        self._qtbot = qtbot

    def run(self) -> None:
        """Run to the end."""
        self.start()
        self.wait()

    def start(self) -> None:
        self.widget.run.changed.emit(True)

    def stop(self) -> None:
        self.widget.stop.changed.emit(True)
        self.wait()

    def wait(self) -> None:
        self.until(lambda: self.widget.run.enabled)

    def wait_a_little(self) -> None:
        """Wait for longer than it takes until a change is sent."""
        self._qtbot.wait(400)

    def until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=_TIMEOUT)
