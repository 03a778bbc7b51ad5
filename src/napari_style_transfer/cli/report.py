"""What the command says. Saying it never fails the job.

Standard output and error may be closed, full, or in an encoding without the letters of a file's name.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO


class Unfailing:
    """A text stream whose writing never fails.

    Letters that its encoding does not have are written as escapes. What it cannot take is dropped, and
    so is all that comes after.

    Parameters
    ----------
    stream
        Where to write; None, as of a stream that was closed before Python began, for nowhere.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text and return its length."""
        if self._stream is not None:
            try:
                self._write(self._stream, text)
            except (OSError, ValueError):
                self._drop()
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._drop()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # it is closed
            return False

    def __getattr__(self, name: str) -> Any:
        """Return what else the stream has, such as its encoding."""
        return getattr(self._stream, name)

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def _drop(self) -> None:
        """Let what the stream still holds go nowhere, or Python fails when it flushes it at the end."""
        stream, self._stream = self._stream, None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
            os.close(nowhere)


def say(text: str) -> None:
    """Print a line to standard output."""
    _print(sys.stdout, text)


def complain(text: str) -> None:
    """Print a line to standard error."""
    _print(sys.stderr, text)


def _print(stream: TextIO | None, text: str) -> None:
    to = Unfailing(stream)
    to.write(f"{text}\n")
    to.flush()
