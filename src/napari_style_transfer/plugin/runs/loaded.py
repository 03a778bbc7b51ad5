"""Networks read from files in the thread: each once, and again when its file has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Network = TypeVar("Network")


class Loaded(Generic[Network]):
    """Networks by where they come from.

    Parameters
    ----------
    load
        Reads one from a file.
    """

    def __init__(self, load: Callable[[str], Network]) -> None:
        self._load = load
        self._read: dict[str, tuple[int, Network]] = {}

    def get(self, source: str | Network) -> Network:
        """Return a network; one that is given instead of a file is returned as it is.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        if not isinstance(source, str):
            return source
        path = Path(source)
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        if source not in self._read or self._read[source][0] != changed:
            self._read[source] = changed, self._load(source)
        return self._read[source][1]
