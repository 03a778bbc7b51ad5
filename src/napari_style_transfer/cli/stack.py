"""What the command does with a stack: paint its pages, or go on with them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_style_transfer.cli import INTERRUPTED
from napari_style_transfer.cli.inputs import load, load_fast, load_regions, load_styles
from napari_style_transfer.cli.job import Job
from napari_style_transfer.cli.movie import check_movie, write_movie
from napari_style_transfer.cli.names import check_stack_output, pages_folder
from napari_style_transfer.cli.report import complain, say
from napari_style_transfer.cli.scheduler import client_of
from napari_style_transfer.cli.terminal import ProgressBar, stop_on_interrupt
from napari_style_transfer.errors import InputError, LostSchedulerError, StyleTransferError
from napari_style_transfer.io.clip import Clip
from napari_style_transfer.io.names import (
    DEEP_SUFFIXES,
    MOVIE_OUTPUTS,
    TIFF_SUFFIXES,
    check_name,
)
from napari_style_transfer.io.pictures import ValueRange
from napari_style_transfer.io.stacks import Page, Pages, read_stack
from napari_style_transfer.methods.base import Method
from napari_style_transfer.recipe import Recipe, saving_recipe, side_file
from napari_style_transfer.settings import Settings
from napari_style_transfer.stack.base import SliceError
from napari_style_transfer.stack.folder import FolderResult, save_tiff
from napari_style_transfer.stack.loop import SliceStep, stylize_stack
from napari_style_transfer.stack.output import Record, identity

#: Pages that are named when they were left out, at most.
_MOST_TOLD = 10


@dataclass(frozen=True)
class StackOutcome:
    """How it ended: whether all pages are painted, and a sentence on where they are."""

    complete: bool
    sentence: str


def paint(job: Job) -> int:
    """Paint a movie, a folder, a pattern or a TIFF of many pages, and return the exit code."""
    assert job.output is not None  # a stack's is never made up
    method = load_fast(job)
    with stop_on_interrupt() as stop:
        outcome = paint_stack(
            job.content,
            load_styles(job.styles) if method is None else method.fast_style.info.thumbnails,
            job.output,
            job.settings,
            names=job.notes,
            regions=load_regions(job.regions),
            init=None if job.init is None else load(job.init),
            bits=job.bits,
            value_range=job.value_range,
            clip=job.clip,
            method=method,
            scheduler=job.scheduler,
            stop=stop,
            quiet=job.quiet,
        )
    if not outcome.complete:
        complain(outcome.sentence)
        return INTERRUPTED
    if not job.quiet:
        say(outcome.sentence)
    return 0


def paint_stack(
    source: str,
    style: Any,
    output: Path,
    settings: Settings,
    *,
    names: Mapping[str, Any],
    stop: threading.Event,
    init: Any = None,
    regions: Any = None,
    bits: Literal[8, 16] = 8,
    value_range: ValueRange | None = None,
    clip: Clip | None = None,
    method: Method | None = None,
    scheduler: str | None = None,
    quiet: bool = False,
) -> StackOutcome:
    """Paint a stack from files to files, under a progress bar; go on with what an earlier run began.

    Parameters
    ----------
    source
        A folder, a glob pattern, a TIFF or a movie.
    style, settings, init, regions, method
        As for :func:`~napari_style_transfer.stack.loop.stylize_stack`.
    output
        A TIFF or a movie by its suffix, else a folder. A folder has its recipe in it, a file beside it;
        the pages of a file are kept in the folder ``OUTPUT.pages`` until all are done.
    names
        What the recipe says of the pictures, as :meth:`Recipe.from_step` takes it: content, style, ...
    bits
        Of each value of the result; with 16, pages that would be JPEG are PNG.
    value_range
        The values of the pages that become 0 and 1; as their type says if None.
    clip
        Which frames of a movie, and how fast they are shown; all, as in the movie, where None.
    scheduler
        Whose workers paint, as :func:`~napari_style_transfer.cluster.connect.connected` takes it; this
        process where None.
    stop
        Once set, the page in the making is dropped.
    quiet
        Show no progress.

    Raises
    ------
    InputError
        If the stack, one of its pages, or the output cannot be used.
    """
    # Workers may have another current folder.
    pages = read_stack(
        source if scheduler is None else os.path.abspath(source), value_range=value_range, clip=clip
    )
    if bits == 16:
        pages = Pages(_deep_pages(pages.pages), value_range, pages.footage)
    check_stack_output(source, output)
    _check_sources(output, pages)
    run = identity(settings, **names)
    kind = output.suffix.lower()
    is_file = kind in (*TIFF_SUFFIXES, *MOVIE_OUTPUTS)
    already = StackOutcome(True, f"All {len(pages)} {pages.noun}s are in {output} already.")
    if is_file and _is_complete(output, run, pages):
        return already
    if kind in MOVIE_OUTPUTS:
        check_movie(output, pages, clip, settings, method)
    folder = pages_folder(output) if is_file else output
    for page in pages.pages:
        check_name(folder / page.name)
    result = FolderResult(folder, pages, run, np.uint16 if bits == 16 else np.uint8)
    if not is_file and len(result.done) == len(pages):
        return already
    if value_range is None:
        _hint(pages)
    if pages.footage is not None and pages.footage.movie.damage is not None:
        complain(pages.footage.movie.damage)
    left_out: list[SliceError] = []
    paint_all = partial(
        stylize_stack,
        pages,
        style,
        out=result,
        settings=settings,
        method=method,
        init=init,
        regions=regions,
        stop=stop.is_set,
        on_error=left_out.append,
        preview_interval=math.inf,
    )
    try:
        with client_of(scheduler, settings) as client:
            for message in _shown(paint_all(client=client), quiet, pages.noun):
                if message.finished:
                    recipe = Recipe.from_step(message.step, settings, **names)
                    result.finish(message.index, recipe)
    except KeyboardInterrupt:
        stop.set()
    except LostSchedulerError as error:
        raise StyleTransferError(
            f"{error} {len(result.done)} of {len(pages)} {pages.noun}s are done; they are in {folder}, "
            "and the same command goes on."
        ) from None
    finally:
        result.save()
    done = len(result.done)
    if done + len(left_out) < len(pages):
        return StackOutcome(
            False,
            f"Stopped with {done} of {len(pages)} {pages.noun}s done; they are in {folder}, "
            "and the same command goes on.",
        )
    if is_file:
        try:
            with saving_recipe(output, result.record):
                if kind in TIFF_SUFFIXES:
                    save_tiff(output, result.pictures(), result.nbytes)
                else:
                    write_movie(output, result, pages, clip, stop)
        except KeyboardInterrupt:
            return StackOutcome(
                False,
                f"Stopped while {output} was written; its {pages.noun}s are in {folder}, and the same "
                "command goes on.",
            )
        if not left_out:
            shutil.rmtree(folder)
    if left_out:
        raise StyleTransferError(_tell_left_out(done, len(pages), output, pages, left_out))
    return StackOutcome(True, f"Saved {done} {pages.noun}s in {output}.")


def _shown(messages: Iterator[SliceStep], quiet: bool, noun: str) -> Iterator[SliceStep]:
    """Show messages under a progress bar, and hand them on; `noun` is what a slice is called."""
    # Over pixels times evaluations, to which the time left is in proportion.
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with ProgressBar(quiet, bar_format=form) as bar:
        work = 0
        for message in messages:
            step, place = (
                message.step,
                f"{noun.capitalize()} {message.position + 1}/{message.total}",
            )
            work += message.work
            bar.show(
                step,
                done=work,
                total=work + message.pixels_left,
                doing=f"{place}, evaluation {step.evaluation}/{step.evaluations}",
            )
            yield message


def _tell_left_out(
    done: int, total: int, output: Path, pages: Pages, errors: Sequence[SliceError]
) -> str:
    """Say which pages are missing, and why."""
    which = [
        f"{pages.pages[each.index[0]].label} ({each.reason.rstrip('.')})"
        for each in errors[:_MOST_TOLD]
    ]
    if len(errors) > _MOST_TOLD:
        which.append(f"and {len(errors) - _MOST_TOLD} more")
    return f"Saved {done} of {total} {pages.noun}s in {output}. Left out: {'; '.join(which)}."


def _deep_pages(pages: Sequence[Page]) -> list[Page]:
    """Return the pages with names of files that can hold 16 bits."""
    deep = [
        page
        if Path(page.name).suffix.lower() in DEEP_SUFFIXES
        else replace(page, name=f"{Path(page.name).stem}.png")
        for page in pages
    ]
    taken: dict[str, Page] = {}
    for page in deep:
        other = taken.setdefault(page.name.casefold(), page)
        if other is not page:
            raise InputError(
                f"{other.label} and {page.label} would both be painted to {page.name}; rename one."
            )
    return deep


def _hint(pages: Pages) -> None:
    """Say so if the first page looks as if it held 12-bit data."""
    with contextlib.suppress(StyleTransferError):  # it is said when the page is painted
        if hint := pages.range_hint():
            complain(hint)


def _check_sources(output: Path, pages: Pages) -> None:
    """Refuse an output that would be taken for input."""
    place, sources = output.resolve(), {page.source.resolve() for page in pages.pages}
    if place in sources or place in {each.parent for each in sources}:
        raise InputError(f"This run reads {output}; choose another name for the output.")


def _is_complete(output: Path, run: dict[str, Any], pages: Pages) -> bool:
    """Return whether a file holds all pages of this run."""
    path = side_file(output)
    if not (path.exists() and output.exists()):
        return False
    record = Record.from_json(json.loads(path.read_bytes()))
    return (
        record is not None
        and not record.differences(run)
        and {page.name for page in pages.pages} == set(record.done)
    )
