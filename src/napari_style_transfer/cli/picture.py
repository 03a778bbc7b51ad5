"""One picture painted and saved with its recipe."""

from __future__ import annotations

import contextlib
import math
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_style_transfer import methods
from napari_style_transfer.cli import INTERRUPTED
from napari_style_transfer.cli.inputs import (
    load,
    load_fast,
    load_regions,
    load_styles,
    open_content,
)
from napari_style_transfer.cli.job import Job
from napari_style_transfer.cli.names import reserved
from napari_style_transfer.cli.report import complain, say
from napari_style_transfer.cli.terminal import ProgressBar, stop_on_interrupt
from napari_style_transfer.engine.device import choose_device, choose_precision, free_memory
from napari_style_transfer.engine.tensors import with_alpha
from napari_style_transfer.errors import InputError, StyleTransferError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.io.pictures import range_hint, split_alpha
from napari_style_transfer.io.saving import save_picture
from napari_style_transfer.io.windows import PictureWindows
from napari_style_transfer.memory import MemoryPlan, plan_memory
from napari_style_transfer.methods.base import Controls, Method, Request
from napari_style_transfer.progress import Picture, Status, Step
from napari_style_transfer.recipe import Recipe, saving_recipe
from napari_style_transfer.spec import check_cover, largest_scale, styles_of

if TYPE_CHECKING:
    from napari_style_transfer.methods.fast import Fast


def paint(job: Job) -> int:
    """Paint, save the picture and its recipe, and return the exit code."""
    method = load_fast(job)
    request = _read(job, method)
    if not job.quiet and method is None:
        complain(f"Memory: {_memory(request)}.")
    with stop_on_interrupt() as stop, _output(job) as output:
        try:
            last = _paint(method or methods.create(), request, stop, job.quiet)
        except KeyboardInterrupt:
            complain("Interrupted; nothing was saved.")
            return INTERRUPTED
        recipe = _save(job, request, last, output)
    if stop.is_set() and last.status is Status.STOPPED:
        complain(
            f"Stopped at evaluation {last.evaluation} of {last.evaluations}; "
            f"the picture so far is in {output}."
        )
        return INTERRUPTED
    if not job.quiet:
        say(f"Saved {output} and its recipe {recipe}.")
    return 0


def _read(job: Job, method: Fast | None) -> Request:
    """Read what the job names."""
    read = load if method is None else open_content
    content: Any = read(job.content, job.value_range)
    if job.value_range is None and (hint := range_hint(job.content)):
        complain(hint)
    regions = load_regions(job.regions)
    if regions is not None:
        check_cover(regions, content.shape[:2])
    return Request(
        content,
        load_styles(job.styles) if method is None else styles_of(method.fast_style.info.thumbnails),
        job.settings,
        init=None if job.init is None else load(job.init),
        regions=regions,
        bits=job.bits,
    )


def _memory(request: Request) -> MemoryPlan:
    """Return what a request will need."""
    settings = request.settings
    device, _ = choose_device(settings.device)
    content: Any = request.content
    return plan_memory(
        result_shape(content.shape[:2], settings.size),
        settings,
        value_bytes=choose_precision(settings.precision, device).dtype.itemsize,
        free=free_memory(device),
        cpu=device.type == "cpu",
        largest_style=largest_scale(request.styles, request.regions),
    )


def _output(job: Job) -> contextlib.AbstractContextManager[Path]:
    """Return where to paint to: the name that was given, or a new one as long as it is needed."""
    if job.output is None:
        return reserved(job.content, job.styles[0].picture)
    return contextlib.nullcontext(job.output)


def _paint(method: Method, request: Request, stop: threading.Event, quiet: bool) -> Step:
    """Run the method under a progress bar and return its last step."""
    steps = method.run(request, Controls(stop=stop.is_set, preview_interval=math.inf))
    with ProgressBar(quiet, total=method.evaluations(request)) as bar:
        for step in steps:
            height, width = step.shape
            bar.show(
                step,
                done=step.evaluation,
                total=step.evaluations,
                doing=f"Scale {step.scale}/{step.scales} ({width}x{height})",
            )
    return step


def _save(job: Job, request: Request, last: Step, output: Path) -> Path:
    """Save the picture and its recipe; return the recipe's file."""
    picture = _with_transparency(request, last)
    values = Recipe.from_step(last, job.settings, **job.notes).model_dump(mode="json")
    try:
        with saving_recipe(output, values) as side:
            save_picture(output, picture)
        return side
    except InputError as error:
        # What took minutes to paint is not to be lost with a full disk.
        refuge = Path(tempfile.mkdtemp(prefix="napari-style-transfer-")) / f"result{output.suffix}"
        save_picture(refuge, picture)
        with contextlib.suppress(InputError), saving_recipe(refuge, values):
            pass  # the picture is there
        raise StyleTransferError(f"{error} The picture is in {refuge}.") from None


def _with_transparency(request: Request, last: Step) -> Picture:
    """Return the result with the content's transparency, if it has any."""
    assert last.picture is not None  # the last step of a run has one
    content: Any = request.content
    alpha = content.alpha if isinstance(content, PictureWindows) else split_alpha(content)[1]
    return last.picture if alpha is None else with_alpha(last.picture, alpha)
