"""The job of a run over a stack: which slices, and everything it needs; collected on the main thread."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.job import Job
from napari_style_transfer.plugin.inputs.slicing import Cutter, is_lazy
from napari_style_transfer.plugin.inputs.snapshot import Snapshot
from napari_style_transfer.plugin.outputs.stack_array import StackArray, storage_order
from napari_style_transfer.stack.base import SliceError
from napari_style_transfer.stack.output import Record, StackResult, identity
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    from napari.layers import Image, Layer

#: Key under which the metadata of a result layer hold its :class:`StackSelection`.
STACK_KEY = "napari_style_transfer_stack"


class StackSelection(BaseModel):
    """Which slices a result has, kept with it.

    Attributes
    ----------
    axes
        The layer's axes that run down and across the pictures.
    ranges
        Of each other axis, the first and the last slice to paint.
    folder
        Where the result is kept, if not in memory.
    """

    model_config = ConfigDict(frozen=True)

    axes: tuple[int, int]
    ranges: tuple[tuple[int, int], ...]
    folder: str | None = None

    @classmethod
    def of(cls, layer: Layer | None) -> StackSelection | None:
        """Return the note that a layer carries, or None if it is not the result of a stack."""
        return None if layer is None else cls.of_metadata(layer.metadata)

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, Any]) -> StackSelection | None:
        """Return the note among the metadata of a layer, or None if there is none."""
        try:
            return cls.model_validate(metadata[STACK_KEY])
        except (KeyError, ValidationError):
            return None

    def indices(self) -> tuple[Index, ...]:
        """Return the slices to paint, in ascending order."""
        return tuple(itertools.product(*(range(first, last + 1) for first, last in self.ranges)))


class ContentSlices:
    """The slices of a layer as they are shown, each read when it is asked for; in the thread.

    Parameters
    ----------
    appearance
        How the layer is shown: colours and contrast; its values are not used.
    cutter
        Cuts the layer's slices.
    """

    def __init__(self, appearance: Snapshot, cutter: Cutter) -> None:
        self._appearance, self._cutter = replace(appearance, values=None), cutter

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., H, W, 3)."""
        cutter = self._cutter
        leading = (cutter.shape[axis] for axis in cutter.leading)
        return *leading, *cutter.picture_shape[:2], 3

    @property
    def lazy(self) -> bool:
        """Whether a slice has to be computed before it is shown."""
        return is_lazy(self._cutter.data)

    def __getitem__(self, index: Index | int) -> npt.NDArray[np.uint8]:
        """Return the (H, W, 3|4) picture of a slice.

        Raises
        ------
        SliceError
            If it cannot be read, or shows nothing.
        """
        index = index if isinstance(index, tuple) else (index,)
        point = dict(zip(self._cutter.leading, index, strict=True))
        try:
            return replace(self._appearance, values=self._cutter.cut(point)).pixels()
        except InputError as error:
            raise SliceError(index, str(error)) from None


@dataclass(frozen=True, eq=False)
class StackJob(Job):
    """Everything a run over several slices needs; `content` is the slice that was on screen.

    Attributes
    ----------
    slices, indices
        The content's slices, which are read when they are painted, and which of them to paint.
    note
        The choice of slices, as it is kept with the result.
    result
        Takes the slices that are done.
    layer
        The result layer to continue, if any.
    """

    slices: ContentSlices
    indices: tuple[Index, ...]
    note: StackSelection
    result: StackArray
    layer: Image | None


def begin_stack(job: Job, content: Image, note: StackSelection) -> StackJob:
    """Return the job over several slices of `content`, of which `job` has the one on screen."""
    run = identity(job.settings, **_names(job))
    folder = None if note.folder is None else Path(note.folder)
    return _stack_job(job, content, note, StackArray(note.axes, run, folder), None)


def continue_stack(
    job: Job, content: Image, layer: Image, chosen: StackSelection | None
) -> StackJob:
    """Return the job over the slices that the result `layer` lacks.

    Parameters
    ----------
    job
        With the settings to paint them with, at the size of the result.
    content
        What to paint.
    layer
        The result of a stack.
    chosen
        The slices chosen now, if several. They replace those chosen at first if they are more, or if
        those are done.

    Raises
    ------
    InputError
        If the result is not one of this content, or no longer what was painted.
    """
    note, record = StackSelection.of(layer), Record.from_json(layer.metadata)
    leading = tuple(
        n for axis, n in enumerate(job.placement.shape) if axis not in job.placement.axes
    )
    if note is None or record is None or not _fits(note, leading, job):
        raise InputError(
            f"'{layer.name}' has other slices than '{content.name}'; choose the content that it was "
            "painted from, shown as it was then."
        )
    run = identity(job.settings, **_names(job))
    result = StackArray(
        note.axes,
        record.run,
        None if note.folder is None else Path(note.folder),
        result=None if note.folder else _result_in(layer, note, record),
        changed=run != record.run,
    )
    if chosen is not None:
        begun, now = set(note.indices()), set(chosen.indices())
        done = {tuple(map(int, np.unravel_index(flat, leading))) for flat in record.done}
        if now > begun or begun <= done:
            note = note.model_copy(update={"ranges": chosen.ranges})
    return _stack_job(job, content, note, result, layer)


def painted_size(layer: Image, note: StackSelection) -> int:
    """Return the long side in pixels of the slices of a result."""
    return max(int(layer.data.shape[axis]) for axis in note.axes)


def _stack_job(
    job: Job, content: Image, note: StackSelection, result: StackArray, layer: Image | None
) -> StackJob:
    given: Mapping[str, Any] = {field.name: getattr(job, field.name) for field in fields(Job)}
    return StackJob(
        **{**given, "placement": replace(job.placement, slices={})},
        slices=ContentSlices(job.content, Cutter.of(content, job.settings.size)),
        indices=note.indices(),
        note=note,
        result=result,
        layer=layer,
    )


def _names(job: Job) -> dict[str, Any]:
    """Return what tells this run from others, besides its settings, as plain values."""
    notes = job.notes()
    regions = notes["regions"]
    return {
        **notes,
        "styles": [style.model_dump(mode="json") for style in notes["styles"]],
        "regions": None if regions is None else regions.model_dump(mode="json"),
    }


def _fits(note: StackSelection, leading: tuple[int, ...], job: Job) -> bool:
    within = (last < n for (_, last), n in zip(note.ranges, leading, strict=False))
    return note.axes == job.placement.axes and len(note.ranges) == len(leading) and all(within)


def _result_in(layer: Image, note: StackSelection, record: Record) -> StackResult:
    """Return the result in the memory of a layer, to be painted into."""
    data = layer.data
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or not data.flags.writeable:
        raise InputError(f"'{layer.name}' no longer holds what was painted; paint it anew.")
    order = np.argsort(storage_order(note.axes, data.ndim))
    kept = Record(record.run, list(record.done), record.recipe)
    return StackResult(data.transpose(order), kept)
