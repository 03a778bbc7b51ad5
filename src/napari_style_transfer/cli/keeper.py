"""The file of what is learned: saved now and then, and never lost where it cannot be saved."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from napari_style_transfer.errors import InputError, StyleTransferError

#: Seconds between the files that are saved while it learns; and before the first.
_SAVE_EVERY = 30.0


class Saveable(Protocol):
    """What is learned."""

    def save(self, path: Path) -> None:
        """Write it; raises InputError if that cannot be."""


class Keeper:
    """Writes what is learned to its file.

    Parameters
    ----------
    path
        The file.
    clock
        Gives seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path, self._clock = path, clock
        self.saved = False
        self._last = clock()

    @property
    def due(self) -> bool:
        """Whether it is time to write again."""
        return self._clock() - self._last >= _SAVE_EVERY

    @property
    def ago(self) -> str:
        """How long ago it was written."""
        return f"{self._clock() - self._last:.0f} s"

    def keep(self, learned: Saveable) -> str:
        """Write it; return a sentence if that failed, else ""."""
        self._last = self._clock()
        try:
            learned.save(self.path)
        except InputError as error:
            return str(error)
        self.saved = True
        return ""

    def keep_surely(self, learned: Saveable) -> None:
        """Write what is learned at last; where that fails, to a temporary folder.

        Raises
        ------
        StyleTransferError
            If it failed; the sentence says where the file is instead.
        """
        if not (said := self.keep(learned)):
            return
        refuge = Path(tempfile.mkdtemp(prefix="napari-style-transfer-")) / self.path.name
        try:
            learned.save(refuge)
        except InputError:
            raise StyleTransferError(said) from None
        raise StyleTransferError(f"{said} What was learned is in {refuge}.")
