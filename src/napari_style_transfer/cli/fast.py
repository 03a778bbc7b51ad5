"""A fast style on the command line, settled before torch is loaded."""

from __future__ import annotations

import hashlib
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from napari_style_transfer import samples
from napari_style_transfer.cli.report import complain
from napari_style_transfer.errors import InputError
from napari_style_transfer.recipe import FastEntry

#: The parameters that a fast style takes.
PARAMETERS = ("strength", "style_scale", "size", "device", "precision", "tile_size", "coherence")


def check_fast(arguments: Namespace, given: Mapping[str, Any]) -> str | None:
    """Return the fast style that is named, if any; refuse what does not go with one.

    Parameters
    ----------
    arguments
        Of the command.
    given
        The parameters among them.

    Raises
    ------
    InputError
        If something is given that a fast style does not take.
    """
    fast: str | None = arguments.fast
    if fast is None:
        if arguments.shares and arguments.recipe is None:
            raise InputError(
                "--share is for the styles of a fast style; name its file with --fast."
            )
        return None
    beside = {
        "the style picture": arguments.style,
        "--style": arguments.styles,
        "--regions": arguments.regions or arguments.table,
        "--init": arguments.init,
    }
    for name, value in beside.items():
        if value:
            raise InputError(f"--fast brings its own style; leave out {name}, or --fast.")
    for name in given:
        if name not in PARAMETERS:
            takes = ", ".join(map(_option, PARAMETERS))
            raise InputError(f"{_option(name)} means nothing to a fast style; it takes {takes}.")
    return fast


def fast_entry(
    fast: str, shares: Iterable[str], recorded: FastEntry | None, *, own_size: bool
) -> FastEntry:
    """Return how a fast style is to paint.

    Parameters
    ----------
    fast
        Its file, or its name if it comes with the package.
    shares
        Of its styles, as they are written.
    recorded
        What a recipe says.
    own_size
        Whether the result has the content's own size; a recipe may say otherwise.

    Raises
    ------
    InputError
        If there is no such file, it is none of a fast style, or a share cannot be used.
    """
    from napari_style_transfer.io.fast_file import read_info

    path = samples.find_fast(fast)
    info = read_info(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    parts = dict(map(_share, shares))
    if recorded is not None:
        parts, own_size = parts or recorded.shares, own_size and recorded.own_size
        if recorded.sha256 not in ("", sha256):
            complain(f"{path} has changed since the recipe was written; so may the picture.")
    for name in parts:
        if name not in info.names:
            raise InputError(
                f"There is no style {name!r} in {path}; it has {', '.join(info.names)}."
            )
    if parts and not any(parts.values()):
        raise InputError("At least one style needs a share above 0.")
    return FastEntry(shares=parts, own_size=own_size, sha256=sha256)


def _share(text: str) -> tuple[str, float]:
    """Read ``night`` or ``night=0.7``."""
    name, sign, number = text.rpartition("=")
    try:
        share = float(number) if sign else 1.0
    except ValueError:
        share = -1.0
    if not 0 <= share < float("inf"):
        raise InputError(f"Write a share as NAME=SHARE, such as night=0.7; got {text!r}.")
    return (name if sign else text), share


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
