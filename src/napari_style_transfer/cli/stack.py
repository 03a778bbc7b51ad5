"""What the command does with a stack: paint its pages, or go on with them."""

from __future__ import annotations

import json
import math
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import save_text
from napari_style_transfer.io.pictures import SUFFIXES, check_output
from napari_style_transfer.io.stacks import TIFF_SUFFIXES, Pages, open_pages
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.settings import Settings
from napari_style_transfer.stack.folder import FolderResult, save_tiff
from napari_style_transfer.stack.loop import SliceError, SliceStep, stylize_stack
from napari_style_transfer.stack.output import Record, identity


@dataclass(frozen=True)
class StackOutcome:
    """How it ended: whether all pages are painted, and a sentence on where they are."""

    complete: bool
    sentence: str


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
    quiet: bool = False,
) -> StackOutcome:
    """Paint a stack from files to files, under a progress bar; go on with what an earlier run began.

    Parameters
    ----------
    source
        A folder, a glob pattern or a TIFF.
    style, settings, init, regions
        As for :func:`~napari_style_transfer.stack.loop.stylize_stack`.
    output
        A TIFF by its suffix, else a folder. A folder has its recipe in it, a TIFF beside it; the pages of
        a TIFF are kept in the folder ``OUTPUT.pages`` until all are done.
    names
        What the recipe says of the pictures, as :meth:`Recipe.from_step` takes it: content, style, ...
    stop
        Once set, the page in the making is dropped.
    quiet
        Show no progress.

    Raises
    ------
    InputError
        If the stack, one of its pages, or the output cannot be used.
    """
    pages = open_pages(source)
    _check_place(source, output, pages)
    run = identity(settings, **names)
    tiff = output.suffix.lower() in TIFF_SUFFIXES
    already = StackOutcome(True, f"All {len(pages)} pages are in {output} already.")
    if tiff and _is_complete(output, run, pages):
        return already
    folder = output.with_name(f"{output.name}.pages") if tiff else output
    result = FolderResult(folder, pages, run)
    if not tiff and len(result.done) == len(pages):
        return already
    left_out: list[SliceError] = []
    messages = stylize_stack(
        pages,
        style,
        out=result,
        settings=settings,
        init=init,
        regions=regions,
        stop=stop.is_set,
        on_error=left_out.append,
        preview_interval=math.inf,
    )
    try:
        with _progress_bar(quiet) as bar:
            said: set[str] = set()
            for message in messages:
                _show(bar, message)
                if message.step.note not in said | {""}:
                    bar.write(message.step.note, file=sys.stderr)
                    said.add(message.step.note)
                if message.finished:
                    recipe = Recipe.from_step(message.step, settings, **names)
                    result.finish(message.index, recipe)
    except KeyboardInterrupt:
        stop.set()
    done = len(result.done)
    if done + len(left_out) < len(pages):
        return StackOutcome(
            False,
            f"Stopped with {done} of {len(pages)} pages done; they are in {folder}, "
            "and the same command goes on.",
        )
    if tiff:
        save_tiff(output, result.pictures(), result.nbytes)
        save_text(_recipe_path(output), json.dumps(result.record, indent=2) + "\n")
        if not left_out:
            shutil.rmtree(folder)
    if left_out:
        raise InputError(_tell_left_out(done, len(pages), output, pages, left_out))
    return StackOutcome(True, f"Saved {done} pages in {output}.")


def _tell_left_out(
    done: int, total: int, output: Path, pages: Pages, errors: Sequence[SliceError]
) -> str:
    """Say which pages are missing, and why."""
    which = [f"{pages.pages[each.index[0]].label} ({each.reason.rstrip('.')})" for each in errors]
    return f"Saved {done} of {total} pages in {output}. Left out: {'; '.join(which)}."


def _recipe_path(output: Path) -> Path:
    return output.with_suffix(".json")


def _check_place(source: str, output: Path, pages: Pages) -> None:
    """Refuse an output that cannot be written, or that would be taken for input."""
    suffix = output.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        check_output(output)
    elif suffix in SUFFIXES:
        raise InputError(
            f"A stack is painted to a folder, or to a TIFF of several pages, not to {output.name!r}."
        )
    elif not output.parent.is_dir():
        raise InputError(f"Cannot write {output}: there is no folder {output.parent}.")
    place, inside = output.resolve(), Path(source).resolve()
    if Path(source).is_dir() and place.is_relative_to(inside):
        raise InputError(f"The output {output} is within the input {source}; choose another place.")
    sources = {page.source.resolve() for page in pages.pages}
    if place in sources or place in {each.parent for each in sources}:
        raise InputError(f"This run reads {output}; choose another name for the output.")


def _is_complete(output: Path, run: dict[str, Any], pages: Pages) -> bool:
    """Return whether a TIFF holds all pages of this run; refuse to replace a foreign side file."""
    path = _recipe_path(output)
    if not path.exists():
        return False
    try:
        Recipe.parse(path)
    except InputError:
        raise InputError(
            f"The recipe would replace {path}; choose another name for the output."
        ) from None
    record = Record.from_json(json.loads(path.read_bytes()))
    names = {page.name for page in pages.pages}
    return (
        output.exists() and record is not None and record.run == run and names == set(record.done)
    )


def _progress_bar(quiet: bool) -> tqdm[NoReturn]:
    """Return a bar over pixels times evaluations, to which the time left is in proportion."""
    return tqdm(
        disable=quiet,
        desc="Loading",
        mininterval=0.1 if sys.stderr.isatty() else 5.0,
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
    )


def _show(bar: tqdm[NoReturn], message: SliceStep) -> None:
    step = message.step
    work = math.prod(step.shape)
    bar.total = bar.n + work + message.pixels_left
    page = f"Page {message.position + 1}/{message.total}"
    bar.set_description_str(
        f"{page}, evaluation {step.evaluation}/{step.evaluations}", refresh=False
    )
    bar.set_postfix(content=step.losses.content, style=step.losses.style, refresh=False)
    bar.update(work)
