"""Which part of a movie the command paints, and how fast it is shown."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path

from napari_style_transfer.cli.names import is_moving
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.clip import Clip, check_rate
from napari_style_transfer.io.names import MOVIE_OUTPUTS


def parse_clip(
    arguments: Namespace, content: str, output: Path | None, recorded: Clip | None
) -> Clip | None:
    """Return what is wanted of a movie; None where nothing was said of it.

    Parameters
    ----------
    arguments
        Of the command.
    content, output
        What is painted, and to where.
    recorded
        What a recipe says.

    Raises
    ------
    InputError
        If a value is impossible, or means nothing to this content or output.
    """
    given = {
        "start": _seconds("--from", arguments.cut_from),
        "stop": _seconds("--to", arguments.cut_to),
        "every": _every(arguments.every),
        "rate": _rate(arguments.rate),
    }
    given = {name: value for name, value in given.items() if value is not None}
    moving = is_moving(content)
    to_movie = output is not None and output.suffix.lower() in MOVIE_OUTPUTS
    options = {"start": "--from", "stop": "--to", "every": "--every"}
    for name, option in options.items():
        if name in given and not moving:
            raise InputError(f"{option} is for movies, and {content} is none; leave it out.")
    if "rate" in given and not to_movie:
        raise InputError(
            "--rate says how fast a movie is shown; name one with --output, such as out.mp4."
        )
    kept = (recorded or Clip()).model_dump()
    if not moving:
        kept = {"rate": kept["rate"]}
    if not to_movie:
        kept["rate"] = None
    clip = Clip(**{**kept, **given})
    if clip.stop is not None and clip.stop <= clip.start:
        raise InputError(
            f"A part of a movie goes from an earlier to a later second, such as --from 2 --to 5; got "
            f"{clip.start:g} to {clip.stop:g}."
        )
    return None if clip == Clip() else clip


def _seconds(option: str, text: str | None) -> float | None:
    """Read ``83.5``, ``1:23.5`` or ``0:01:23.5``."""
    if text is None:
        return None
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    whole = all(part.is_integer() for part in parts[:-1])
    if not 1 <= len(parts) <= 3 or not whole or not all(0 <= part < math.inf for part in parts):
        raise InputError(f"{option} takes seconds, such as 83.5 or 1:23.5; got {text!r}.")
    return sum((part * 60.0**place for place, part in enumerate(reversed(parts))), 0.0)


def _every(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--every takes a whole number from 1 on, such as 2; got {text!r}.")
    return int(text)


def _rate(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        rate = float(text)
    except ValueError:
        raise InputError(f"--rate takes frames per second, such as 25; got {text!r}.") from None
    check_rate(rate)
    return rate
