"""Files are written as a whole or not at all: the one place that replaces files. Loads no torch."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from napari_style_transfer.errors import InputError


def save_text(path: Path, text: str) -> None:
    """Write a text file as a whole or not at all."""
    save_bytes(path, text.encode("utf-8"))


def save_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a file as a whole or not at all."""
    with replacing(path) as part:
        part.write_bytes(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a part file, which replaces `path` when all went well and goes otherwise.

    The part file is hidden, in the same folder, and its name is short: `path` may have the longest
    name that the file system allows.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    part = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise InputError(f"Cannot save {path}: {error.strerror or error}.") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
