"""The terminal while pictures are painted: a progress bar, and what Ctrl-C means."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from tqdm import tqdm

from napari_style_transfer.augment.settings import AugmentStep
from napari_style_transfer.cli.report import Unfailing
from napari_style_transfer.learning import LearningStep
from napari_style_transfer.progress import Step


class ProgressBar:
    """A bar on standard error; where that cannot be written, painting goes on without.

    Parameters
    ----------
    quiet
        Show no bar; sentences are shown all the same.
    **settings
        As tqdm takes them.
    """

    def __init__(self, quiet: bool, **settings: Any) -> None:
        self._stream = Unfailing(sys.stderr)
        self._bar: tqdm[Any] = tqdm(
            file=self._stream,
            disable=quiet or sys.stderr is None,
            # In a log file, a line every few seconds is enough.
            mininterval=0.1 if self._stream.isatty() else 5.0,
            desc="Loading",
            **settings,
        )
        self._said: set[str] = set()

    def __enter__(self) -> ProgressBar:
        """Show the bar."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def show(
        self, step: Step | LearningStep | AugmentStep, *, done: float, total: float, doing: str
    ) -> None:
        """Show how far a run is.

        Parameters
        ----------
        step
            What the method said last.
        done, total
            Of what the bar counts.
        doing
            What is being done.
        """
        if step.losses:
            self._bar.set_postfix(
                content=step.losses.content, style=step.losses.style, refresh=False
            )
        self.advance(done, total, doing)
        self.say(step.note)

    def advance(self, done: float, total: float, doing: str) -> None:
        """Show how far it is, and what is being done."""
        self._bar.total = total
        self._bar.set_description_str(doing, refresh=False)
        self._bar.update(done - self._bar.n)

    def say(self, note: str) -> None:
        """Show a sentence above the bar, unless it is empty or was shown before."""
        if note and note not in self._said:
            self._said.add(note)
            self._bar.write(note, file=self._stream)


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event; a second one raises KeyboardInterrupt."""
    stop = threading.Event()

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
