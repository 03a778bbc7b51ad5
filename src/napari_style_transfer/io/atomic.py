"""Files are written as a whole or not at all: the one place that replaces files. Loads no torch."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from napari_style_transfer.errors import InputError

#: Bytes that a file name may have where the system does not say.
_NAME_MAX = 255


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


def check_name(path: Path) -> None:
    """Refuse a name that no file can have, before the work rather than after it.

    Raises
    ------
    InputError
        If the name has a null character, or is too long for the file system.
    """
    if "\0" in str(path):
        raise InputError(f"Cannot write {str(path)!r}: a name cannot have a null character.")
    try:
        longest = os.pathconf(path.parent, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # not on Windows; not for every file system
        longest = _NAME_MAX
    if (length := len(os.fsencode(path.name))) > longest:
        raise InputError(
            f"Cannot write {path}: its name has {length} bytes, and the file system allows "
            f"{longest}; choose a shorter name."
        )
