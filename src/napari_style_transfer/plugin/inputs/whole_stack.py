"""The job of painting every slice of a layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_style_transfer.errors import InputError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.plugin.inputs.job import Job
from napari_style_transfer.plugin.inputs.slicing import shown_axes
from napari_style_transfer.plugin.inputs.stack_job import StackJob, StackSelection, begin_stack
from napari_style_transfer.plugin.outputs.stack_array import CHANNELS
from napari_style_transfer.stack.output import fits_in_memory

if TYPE_CHECKING:
    from napari.layers import Image


def count_slices(content: Image | None) -> int:
    """Return how many slices a content has; 0 if there is none, or it is shown in 3-D."""
    if content is None:
        return 0
    try:
        axes = shown_axes(content)
    except InputError:
        return 0
    lengths = (int(n) for axis, n in enumerate(content.level_shapes[0]) if axis not in axes)
    return math.prod(lengths)


def whole_stack(job: Job, content: Image, ask_folder: Callable[[], str | None]) -> StackJob | None:
    """Return the job of painting all slices of a content as one is painted.

    Parameters
    ----------
    job
        The job of the slice on screen.
    content
        The layer.
    ask_folder
        Asks for a folder if the result does not fit into memory; None if the user gives none, and
        then there is no job.

    Raises
    ------
    InputError
        If the stack cannot be painted; the message says why.
    """
    lengths = [int(content.level_shapes[0][axis]) for axis in job.placement.slices]
    picture = result_shape(job.content.shape, job.settings.size)
    folder = None
    if not fits_in_memory((*lengths, *picture, CHANNELS)):
        folder = ask_folder()
        if folder is None:
            return None
    ranges = tuple((0, length - 1) for length in lengths)
    selection = StackSelection(axes=shown_axes(content), ranges=ranges, folder=folder)
    return begin_stack(job, content, selection)
