"""The command ``napari-style-transfer``: the same method and parameters, without a window."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from napari_style_transfer import methods
from napari_style_transfer.cli.options import BAD_INPUT, parse
from napari_style_transfer.cli.style_options import (
    load_regions,
    load_styles,
    parse_regions,
    parse_styles,
)
from napari_style_transfer.errors import InputError, StyleTransferError
from napari_style_transfer.io.atomic import save_text
from napari_style_transfer.memory import MemoryPlan, plan_memory
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.recipe import Recipe, RegionsEntry, StyleEntry
from napari_style_transfer.settings import Settings, parameters
from napari_style_transfer.spec import Regions, Style, check_cover, largest_scale

#: Exit codes: anything else than bad input that went wrong, and stopped by Ctrl-C (128 + SIGINT).
FAILED, INTERRUPTED = 1, 130

_SAMPLE = "sample:"


def _is_stack(content: str) -> bool:
    from napari_style_transfer.io.stacks import is_stack

    return not content.startswith(_SAMPLE) and is_stack(content)


@dataclass(frozen=True)
class Job:
    """What one call of the command is to do."""

    content: str
    styles: tuple[StyleEntry, ...]
    regions: RegionsEntry | None
    init: str | None
    output: Path
    settings: Settings
    quiet: bool

    @property
    def names(self) -> dict[str, Any]:
        """What the recipe says of the pictures."""
        return {
            "content": self.content,
            "style": self.styles[0].picture,
            "init": self.init,
            "styles": self.styles,
            "regions": self.regions,
        }

    @property
    def recipe_path(self) -> Path:
        """Where the recipe goes: beside the picture."""
        return self.output.with_suffix(".json")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; what is wrong is said in one sentence."""
    try:
        arguments = parse(argv)
        if arguments.list_samples:
            _list_samples()
            return 0
        return _paint(_plan(arguments))
    except InputError as error:
        code, message = BAD_INPUT, str(error)
    except (StyleTransferError, MemoryError) as error:
        code, message = FAILED, str(error) or "There is too little memory for this picture."
    except OSError as error:
        code, message = FAILED, f"{error.filename}: {error.strerror}."
    except KeyboardInterrupt:
        code, message = INTERRUPTED, "Interrupted; nothing was saved."
    print(message, file=sys.stderr)
    return code


def _list_samples() -> None:
    from napari_style_transfer.samples import CONTENTS, STYLES

    for sample in (*CONTENTS.values(), *STYLES.values()):
        name = f"{_SAMPLE}{sample.name}"
        print(f"{name:28} {sample.kind:8} {sample.title}. {sample.licence}.")


def _plan(arguments: argparse.Namespace) -> Job:
    """Settle everything that can be settled before a picture is read."""
    given = {name: value for name, value in vars(arguments).items() if name in parameters()}
    content, init = arguments.content, arguments.init
    named = [arguments.style] if arguments.style else []
    styles = [StyleEntry(picture=name) for name in named] + parse_styles(arguments.styles)
    regions, styles = parse_regions(arguments.regions, arguments.table, styles)
    if arguments.recipe is None:
        settings = Settings(**given)
    else:
        recipe = Recipe.parse(arguments.recipe).looked_for_in(Path(arguments.recipe).parent)
        settings = recipe.settings.replace(**given)
        content, init = content or recipe.content, init or recipe.init
        if not styles:
            styles, regions = list(recipe.all_styles), recipe.regions
    if not content or not styles:
        missing = "a style" if content else "a content and a style"
        raise InputError(f"Name {missing} picture; --help shows how.")
    if arguments.output:
        output = Path(arguments.output)
    elif _is_stack(content):
        raise InputError("Name the folder or TIFF file to paint the stack to with --output.")
    else:
        output = _free_name(content, styles[0].picture)
    job = Job(content, tuple(styles), regions, init, output, settings, arguments.quiet)
    _check_output(job, [content, init, arguments.recipe, *(style.picture for style in styles)])
    return job


def _free_name(content: str, style: str) -> Path:
    """Return a name in the current folder under which nothing would be overwritten."""
    stems = (Path(source.removeprefix(_SAMPLE)).stem[:60] for source in (content, style))
    name = "-in-the-style-of-".join(stems)
    tails = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    paths = (Path(f"{name}{tail}.png") for tail in tails)
    return next(p for p in paths if not p.exists() and not p.with_suffix(".json").exists())


def _check_output(job: Job, inputs: Sequence[str | None]) -> None:
    """Refuse what cannot be saved to, before the work rather than after it."""
    from napari_style_transfer.io.saving import check_output

    if _is_stack(job.content):
        inputs = inputs[1:]  # it may go on with what is there, and has rules of its own
    else:
        check_output(job.output)
    for written in filter(Path.exists, (job.output, job.recipe_path)):
        if any(source and Path(source).exists() and written.samefile(source) for source in inputs):
            raise InputError(f"This run reads {written}; choose another name for the output.")
    if job.recipe_path.exists():
        try:
            Recipe.parse(job.recipe_path)
        except InputError:
            raise InputError(
                f"The recipe would replace {job.recipe_path}; choose another name for the output."
            ) from None


def _load(source: str) -> Any:
    """Return the picture of a file or a sample, (H, W, 3 or 4)."""
    if source.startswith(_SAMPLE):
        from napari_style_transfer.samples import load

        return load(source.removeprefix(_SAMPLE))
    from napari_style_transfer.io.pictures import read_picture

    return read_picture(source)


def _paint(job: Job) -> int:
    """Paint, save the picture and its recipe, and return the exit code."""
    from napari_style_transfer.engine.tensors import with_alpha
    from napari_style_transfer.io.pictures import split_alpha
    from napari_style_transfer.io.saving import save_picture

    if _is_stack(job.content):
        return _paint_stack(job)
    content = _load(job.content)
    alpha = split_alpha(content)[1]
    styles = load_styles(job.styles, _load)
    regions = load_regions(job.regions)
    if regions is not None:
        check_cover(regions, content.shape[:2])
    init = None if job.init is None else _load(job.init)
    if not job.quiet:
        needed = _memory(content.shape[:2], job.settings, largest_scale(styles, regions))
        print(f"Memory: {needed}.", file=sys.stderr)
    with _stop_on_interrupt() as stop:
        last = _run(job, content, styles, regions, init, stop)
    assert last.picture is not None  # the last step of a run has one
    picture = last.picture if alpha is None else with_alpha(last.picture, alpha)
    recipe = Recipe.from_step(last, job.settings, **job.names)
    try:
        save_picture(job.output, picture)
        save_text(job.recipe_path, recipe.model_dump_json(indent=2) + "\n")
    except InputError as error:
        # What took minutes to paint is not to be lost with a full disk.
        refuge = Path(tempfile.mkdtemp(prefix="napari-style-transfer-")) / job.output.name
        save_picture(refuge, picture)
        raise StyleTransferError(f"{error} The picture is in {refuge}.") from None
    if stop.is_set() and last.status is Status.STOPPED:
        print(
            f"Stopped at evaluation {last.evaluation} of {last.evaluations}; "
            f"the picture so far is in {job.output}.",
            file=sys.stderr,
        )
        return INTERRUPTED
    if not job.quiet:
        print(f"Saved {job.output} and its recipe {job.recipe_path}.")
    return 0


def _paint_stack(job: Job) -> int:
    """Paint a folder, a glob or a TIFF of many pages, and return the exit code."""
    from napari_style_transfer.cli.stack import paint_stack

    with _stop_on_interrupt() as stop:
        outcome = paint_stack(
            job.content,
            load_styles(job.styles, _load),
            job.output,
            job.settings,
            names=job.names,
            regions=load_regions(job.regions),
            init=None if job.init is None else _load(job.init),
            stop=stop,
            quiet=job.quiet,
        )
    if not outcome.complete:
        print(outcome.sentence, file=sys.stderr)
        return INTERRUPTED
    if not job.quiet:
        print(outcome.sentence)
    return 0


def _memory(shape: tuple[int, int], settings: Settings, largest_style: float) -> MemoryPlan:
    """Return what a content of `shape` will need, as :func:`plan_memory` says."""
    from napari_style_transfer.engine.device import choose_device, choose_precision, free_memory
    from napari_style_transfer.geometry import result_shape

    device, _ = choose_device(settings.device)
    return plan_memory(
        result_shape(shape, settings.size),
        settings,
        value_bytes=choose_precision(settings.precision, device).dtype.itemsize,
        free=free_memory(device),
        cpu=device.type == "cpu",
        largest_style=largest_style,
    )


def _run(
    job: Job,
    content: Any,
    styles: list[Style],
    regions: Regions | None,
    init: Any,
    stop: threading.Event,
) -> Step:
    """Run the engine under a progress bar and return its last step."""
    from tqdm import tqdm

    request = Request(content, tuple(styles), job.settings, init=init, regions=regions)
    controls = Controls(stop=stop.is_set, preview_interval=math.inf)
    steps = methods.create().run(request, controls)
    # In a log file, a line every few seconds is enough.
    interval = 0.1 if sys.stderr.isatty() else 5.0
    bar = tqdm(total=job.settings.steps, disable=job.quiet, mininterval=interval, desc="Loading")
    with bar:
        for step in steps:
            height, width = step.shape
            bar.total = step.evaluations
            scale = f"Scale {step.scale}/{step.scales} ({width}x{height})"
            bar.set_description(scale, refresh=False)
            bar.set_postfix(content=step.losses.content, style=step.losses.style, refresh=False)
            bar.update(step.evaluation - bar.n)
            if step.note:
                bar.write(step.note, file=sys.stderr)
    return step


@contextlib.contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event; a second one interrupts as ever."""
    stop = threading.Event()

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
