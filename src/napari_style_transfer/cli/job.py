"""What one call of ``napari-style-transfer stylize`` is to do, settled before a picture is read."""

from __future__ import annotations

import math
import os
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_style_transfer import samples
from napari_style_transfer.cli.clip import parse_clip
from napari_style_transfer.cli.fast import check_fast, fast_entry
from napari_style_transfer.cli.names import (
    check_content,
    check_picture,
    check_stack_output,
    is_moving,
    is_stack,
    may_be_stack,
)
from napari_style_transfer.cli.options import given_parameters
from napari_style_transfer.cli.style_options import parse_regions, parse_styles
from napari_style_transfer.cluster.connect import check_scheduler
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.clip import Clip
from napari_style_transfer.io.names import (
    MOVIE_OUTPUTS,
    TIFF_SUFFIXES,
    check_folder,
    check_output,
)
from napari_style_transfer.recipe import FastEntry, Recipe, RegionsEntry, StyleEntry, side_file
from napari_style_transfer.settings import Settings


@dataclass(frozen=True)
class Job:
    """What one call of the command is to do.

    Attributes
    ----------
    content, styles, regions, init
        The pictures, by their names. Of a fast style, `styles` is the name of its file.
    fast
        How a fast style paints, if one does.
    output
        Where to paint to; a new name in the current folder if None.
    settings
        The parameters.
    bits
        Of each value of the result.
    value_range
        The content's values to take for black and white; by its type if None.
    stack
        Whether the content is many pictures.
    clip
        Which frames of a movie, and how fast they are shown, where that was said.
    quiet
        Whether to show no progress.
    scheduler
        Whose workers paint a stack; this process if None.
    """

    content: str
    styles: tuple[StyleEntry, ...]
    regions: RegionsEntry | None
    init: str | None
    output: Path | None
    settings: Settings
    bits: Literal[8, 16]
    value_range: tuple[float, float] | None
    stack: bool
    quiet: bool
    fast: FastEntry | None = None
    clip: Clip | None = None
    scheduler: str | None = None

    @property
    def notes(self) -> dict[str, Any]:
        """What a recipe says beside the parameters, as :meth:`Recipe.from_step` takes it."""
        notes: dict[str, Any] = {
            "content": self.content,
            "style": self.styles[0].picture,
            "init": self.init,
            "styles": self.styles,
            "regions": self.regions,
        }
        if self.fast is not None:
            notes["fast"] = self.fast
        # Only where they are not the default: stacks begun by version 0.1 go on.
        if self.bits != 8:
            notes["bits"] = self.bits
        if self.value_range is not None:
            notes["value_range"] = self.value_range
        if self.clip is not None:
            notes["clip"] = self.clip
        return notes


def plan(arguments: Namespace) -> Job:
    """Settle what is asked for, and refuse what cannot be done, by names and numbers alone.

    Raises
    ------
    InputError
        If a name, a parameter or the recipe cannot be used.
    """
    given = given_parameters(arguments)
    content, init = arguments.content, arguments.init
    bits, value_range = arguments.bits, _range(arguments.range)
    named = [arguments.style] if arguments.style else []
    styles = [StyleEntry(picture=name) for name in named] + parse_styles(arguments.styles)
    regions, styles = parse_regions(arguments.regions, arguments.table, styles)
    fast, recorded, clip = check_fast(arguments, given), None, None
    steady = unsaid = "coherence" not in given
    if arguments.recipe is None:
        settings = Settings(**given)
    else:
        recipe = Recipe.parse(arguments.recipe).looked_for_in(Path(arguments.recipe).parent)
        settings = recipe.settings.replace(**given)
        content, init = content or recipe.content, init or recipe.init
        bits, value_range = bits or recipe.bits, value_range or recipe.value_range
        clip, steady = recipe.clip, steady and not is_moving(recipe.content)
        if fast is not None:
            regions = init = None
        elif not styles:
            styles, regions, recorded = list(recipe.all_styles), recipe.regions, recipe.fast
            fast = None if recorded is None else recipe.style
    entry = None
    if fast is not None:
        from napari_style_transfer.fast_style import check_stroke_size

        check_stroke_size(settings.style_scale)
        entry = fast_entry(fast, arguments.shares, recorded, own_size="size" not in given)
        styles = [StyleEntry(picture=fast)]
    if not content or not styles:
        missing = "a style" if content else "a content and a style"
        raise InputError(f"Name {missing} picture; --help shows how.")
    check_content(content)
    if steady and is_moving(content):
        settings = settings.replace(coherence="steady")
    if entry is None:
        others = _files_read(styles, regions, init)
        for name in others:
            check_picture(name)
    else:
        others = [str(samples.find_fast(styles[0].picture))]
    output = None if arguments.output is None else Path(arguments.output)
    if arguments.recipe is not None:
        others.append(arguments.recipe)
    clip = parse_clip(arguments, content, output, clip)
    stack = _check_output(content, output, others, bits or 8)
    if arguments.scheduler is not None:
        check_scheduler(arguments.scheduler)
        if not stack:
            raise InputError("--scheduler is for many pictures; one picture is painted here.")
        if unsaid and settings.coherence == "neighbour":
            settings = settings.replace(coherence="independent")
    return Job(
        content=content,
        styles=tuple(styles),
        regions=regions,
        init=init,
        output=output,
        settings=settings,
        bits=bits or 8,
        value_range=value_range,
        stack=stack,
        quiet=arguments.quiet,
        fast=entry,
        clip=clip,
        scheduler=arguments.scheduler,
    )


def _range(given: list[float] | None) -> tuple[float, float] | None:
    if given is None:
        return None
    low, high = given
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            f"A range goes from a lower to a higher value, such as --range 0 4095; got {low:g} {high:g}."
        )
    return low, high


def _files_read(
    styles: list[StyleEntry], regions: RegionsEntry | None, init: str | None
) -> list[str]:
    """Return the names of the pictures that are read beside the content."""
    names = [style.picture for style in styles]
    names += [style.mask for style in styles if style.mask is not None]
    names += [] if regions is None else [regions.labels]
    return names if init is None else [*names, init]


def _check_output(content: str, output: Path | None, read: list[str], bits: Literal[8, 16]) -> bool:
    """Refuse what cannot be saved to; return whether the content is many pictures."""
    if output is None:
        stack = is_stack(content)
        if stack:
            raise InputError(
                "Name the folder, TIFF file or movie to paint the stack to with --output."
            )
        check_folder(Path("new"))
        return stack
    if not may_be_stack(content):
        check_output(output, bits)
    stack = is_stack(content)
    if stack:
        check_stack_output(content, output)
        if bits == 16 and output.suffix.lower() in MOVIE_OUTPUTS:
            raise InputError(
                f"Cannot write {output.name!r}: a movie has no 16 bits; choose a folder or a .tif."
            )
    else:
        check_output(output, bits)
        read = [content, *read]  # a stack may go on with what is there, and has rules of its own
    is_folder = stack and output.suffix.lower() not in (*TIFF_SUFFIXES, *MOVIE_OUTPUTS)
    for path in [output] if is_folder else [output, side_file(output)]:
        if any(os.path.exists(name) and _is_same(path, name) for name in read):
            raise InputError(f"This run reads {path}; choose another name for the output.")
    return stack


def _is_same(path: Path, name: str) -> bool:
    return os.path.exists(path) and os.path.samefile(path, name)
