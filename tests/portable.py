"""A fake method that can go to other processes, and what it does there. No test has its state."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fake_method import FakeMethod, Paint, by_content_and_start

from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.base import Neighbour, Request

#: The variable that says what a killer has left to do, and the one that a device is named by.
FOLDER, DEVICE = "NST_TEST_FOLDER", "CUDA_VISIBLE_DEVICES"


class Portable(FakeMethod):
    """A fake method that is made anew where it is unpacked."""

    def __init__(self, paint: Paint = by_content_and_start, delay: float = 0.0) -> None:
        super().__init__(paint=paint, delay=delay)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.paint, self.delay)

    def following(
        self, request: Request, neighbour: Neighbour, anchors: Sequence[Neighbour] = ()
    ) -> Request:
        # The anchors count, too: each is another picture.
        mixed = sum(int(np.asarray(each.picture).sum()) for each in (neighbour, *anchors))
        request = super().following(request, neighbour, anchors)
        start = np.full_like(neighbour.picture, mixed % 251)
        return request.replace(init=start)


def by_references(request: Request, evaluation: int) -> int:
    """The grey value depends on the references of the scene as well."""
    scene = sum(int(np.asarray(each).sum()) for each in request.references)
    return (by_content_and_start(request, evaluation) + scene) % 251


def by_device(request: Request, _: int) -> int:
    """The grey value is the number of the device that the process sees."""
    return int(os.environ[DEVICE])


def first(name: str) -> bool:
    """Return whether this is the first call with a name, in all processes."""
    try:
        os.close(os.open(Path(os.environ[FOLDER]) / name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def killing_once(request: Request, evaluation: int) -> int:
    """End the process at the fourth slice, as the system does for want of memory; once."""
    if int(np.asarray(request.content).flat[0]) == 3 and first("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    return by_content_and_start(request, evaluation)


def killing(request: Request, evaluation: int) -> int:
    """End each process that paints the fourth slice."""
    if int(np.asarray(request.content).flat[0]) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return by_content_and_start(request, evaluation)


class Refusing(Portable):
    """Refuses a style, or one slice for a reason that may be the style's."""

    def run(self, request: Request, controls: Any) -> Any:
        if int(np.asarray(request.content).flat[0]) in self.refused:
            raise InputError("The regions do not fit.")
        return super().run(request, controls)


class RefusingFirst(Refusing):
    """Refuses the first slice."""

    refused = (0,)


class RefusingAll(Refusing):
    """Refuses every slice."""

    refused = tuple(range(256))


class Lazy:
    """A stack that is not in memory; each slice is (4, 6) and has its number, or cannot be read."""

    def __init__(self, count: int, damaged: Sequence[int] = (), note: Path | None = None) -> None:
        self.shape, self.dtype = (count, 4, 6), np.dtype(np.uint8)
        self.damaged, self.note = damaged, note

    def __getitem__(self, index: int) -> np.ndarray[Any, Any]:
        if self.note is not None:
            with self.note.open("a") as file:
                file.write(f"{index}\n")
        if index in self.damaged:
            raise OSError("it is torn")
        return np.full(self.shape[1:], index, np.uint8)
