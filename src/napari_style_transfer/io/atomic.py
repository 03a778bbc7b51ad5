"""Files are written as a whole or not at all; loads no torch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from napari_style_transfer.errors import InputError


def save_text(path: Path, text: str) -> None:
    """Write a text file as a whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a part file, which replaces `path` when all went well and goes otherwise.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise InputError(f"Cannot save {path}: {error.strerror or error}.") from None
    finally:
        part.unlink(missing_ok=True)
