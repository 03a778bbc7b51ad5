"""Pictures in the making, kept in files while a run is on: what is left where napari ends before it.

Each lies in a folder of its own in the user's cache, whose name begins with the process that writes it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import psutil

from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.plugin.outputs.files import write_picture
from napari_style_transfer.plugin.outputs.reader import get_reader

if TYPE_CHECKING:
    from napari.layers import Image

#: Seconds from the start of a run to the first picture that is kept, and between two.
INTERVAL = 20.0
_PICTURE, _NOTES, _STACK = "picture.png", "picture.json", "stack.json"


@dataclass(frozen=True)
class Left:
    """What a process that has ended left of a run.

    Attributes
    ----------
    path
        The folder in the cache.
    name
        What was being painted.
    results
        The folder in which the finished slices of a stack are; empty for a picture.
    """

    path: Path
    name: str
    results: str = ""

    def read(self) -> tuple[Any, dict[str, Any]]:
        """Return the data and the attributes of the layer that showed the picture.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        notes = str(self.path / _NOTES)
        read = get_reader(notes)
        assert read is not None  # it was looked at before
        ((data, attributes, _),) = read(notes)
        return data, attributes

    def discard(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)


class Unfinished:
    """Keeps what one run after another has painted so far; main thread only.

    Files are written in a thread, one after another. What cannot be written is not kept: the run goes on.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._due = 0.0
        self._pool: ThreadPoolExecutor | None = None

    def begin(self) -> None:
        """Begin with a run."""
        self._due = time.monotonic() + INTERVAL

    def keep(self, layer: Image) -> None:
        """Keep the picture that a layer shows, with its recipe and its place, if it is time."""
        if time.monotonic() >= self._due:
            data, attributes, _ = layer.as_layer_data_tuple()
            attributes["metadata"] = copy.deepcopy(attributes["metadata"])
            self._write(lambda folder: write_picture(str(folder / _PICTURE), data, attributes))

    def note(self, name: str, results: str) -> None:
        """Note in which folder the finished slices of a stack are, if it is time."""
        if time.monotonic() >= self._due:
            text = json.dumps({"name": name, "results": results})
            self._write(lambda folder: save_bytes(folder / _STACK, text.encode()))

    def adopt(self, left: Left) -> None:
        """Take over what another process left; it goes when the next run ends."""
        self.drop()
        self._folder = _new_folder()
        os.replace(left.path, self._folder)

    def drop(self) -> None:
        """Remove what was kept, because the run has ended, and its layer has all of it."""
        if self._folder is not None:
            self._submit(partial(shutil.rmtree, self._folder, ignore_errors=True))
        self._folder = None

    def _write(self, write: Callable[[Path], Any]) -> None:
        self._due = time.monotonic() + INTERVAL
        folder = self._folder = self._folder or _new_folder()

        def work() -> None:
            with contextlib.suppress(OSError, StyleTransferError):
                folder.mkdir(parents=True, exist_ok=True)
                write(folder)

        self._submit(work)

    def _submit(self, work: Callable[[], None]) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "unfinished picture")
        self._pool.submit(work)


def left_behind() -> list[Left]:
    """Return what processes that have ended left of their runs, newest first."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(folder().iterdir(), key=lambda each: -each.stat().st_mtime):
            if not _is_running(path.name) and (left := _read(path)) is not None:
                found.append(left)
    return found


def folder() -> Path:
    """Return where unfinished pictures are kept; it may not be there yet."""
    return (
        Path(platformdirs.user_cache_dir("napari-style-transfer", appauthor=False)) / "unfinished"
    )


def _read(path: Path) -> Left | None:
    """Return what lies in a folder, if it is whole."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        if (path / _STACK).is_file():
            values = json.loads((path / _STACK).read_bytes())
            return Left(path, str(values["name"]), str(values["results"]))
        if get_reader(str(path / _NOTES)) is not None:
            values = json.loads((path / _NOTES).read_bytes())
            return Left(path, str(values["layer"]["name"]))
    return None


def _new_folder() -> Path:
    """Return a folder of this process's, which is not there yet."""
    return folder() / f"{_name(psutil.Process())}-{secrets.token_hex(4)}"


def _name(process: psutil.Process) -> str:
    """Return what tells a process from others, also from a later one of the same number."""
    return f"{process.pid}-{process.create_time():.0f}"


def _is_running(name: str) -> bool:
    """Whether the process that a folder is named by is still there."""
    number = name.partition("-")[0]
    try:
        return name.startswith(f"{_name(psutil.Process(int(number)))}-")
    except (ValueError, psutil.Error):
        return False
