"""Which PNGs are animated. Loads nothing but the standard library."""

from __future__ import annotations

import os


def is_animated(path: str | os.PathLike[str]) -> bool:
    """Return whether a PNG has several pictures, from the kinds of its first chunks."""
    try:
        with open(path, "rb") as file:
            file.seek(8)  # its signature
            while len(head := file.read(8)) == 8:
                kind = head[4:]
                if kind in (b"acTL", b"IDAT"):
                    return kind == b"acTL"
                file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    except (OSError, ValueError):
        pass
    return False
