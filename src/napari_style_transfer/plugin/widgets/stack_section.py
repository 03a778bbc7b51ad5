"""The section *Stack*: which slices of the content are painted, and where a large result is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.types import FileDialogMode
from magicgui.widgets import Container, FileEdit
from magicgui.widgets.bases import ValueWidget
from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_style_transfer.errors import InputError
from napari_style_transfer.memory import GIB
from napari_style_transfer.plugin.inputs.slicing import shown_axes, shown_slice
from napari_style_transfer.plugin.inputs.stack_job import StackSelection
from napari_style_transfer.plugin.inputs.time_axis import is_time
from napari_style_transfer.plugin.outputs.stack_array import CHANNELS
from napari_style_transfer.plugin.widgets.calm import lock, make_calm
from napari_style_transfer.plugin.widgets.combo import ComboField
from napari_style_transfer.plugin.widgets.fields import NumberField
from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
from napari_style_transfer.plugin.widgets.layout import fill, flush
from napari_style_transfer.plugin.widgets.number_box import NumberRange
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.session import kept
from napari_style_transfer.settings import Settings
from napari_style_transfer.stack.output import fits_in_memory

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_style_transfer.plugin.runs.lifetime import Lifetime

ONE, RANGE, ALL = "this slice", "a range", "all"

#: What each coherence does.
_HINTS = {
    "independent": "Each slice is painted in full, whatever its neighbours look like.",
    "neighbour": "Where nothing has moved, a slice begins with the result of the one before it, so that "
    "neighbours agree; the more has moved, the longer it takes.",
    "steady": "A slice begins with the result of the one before it, moved as the content moves, so that "
    "strokes go along with things; it starts anew at cuts.",
}


class StackSection(QWidget):
    """The choice of slices, for a content that has several.

    Signals
    -------
    changed
        Other slices are chosen, or others can be.
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    viewer
        The viewer of the content.
    content
        The choice of the content's layer.
    coherence
        The field of `Settings.coherence`. It follows the content, until the user chooses.
    settings
        Returns the parameters, or raises InputError.
    lifetime
        Of the widget.

    Attributes
    ----------
    slices
        The choice: this slice, a range, or all.
    first, last
        Of a range, along the first axis that is not shown and has several slices.
    folder
        Where a result is kept that does not fit into memory.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        content: LayerChoice,
        coherence: ValueWidget[Any],
        settings: Callable[[], Settings],
        lifetime: Lifetime,
    ) -> None:
        super().__init__()
        self._viewer, self._content, self.coherence = viewer, content, coherence
        self._settings, self._lifetime = settings, lifetime
        self._length = 0
        #: The content that the coherence was chosen for; as long as the user has not, it is a guess.
        self._chosen_for: Callable[[], Image | None] | None = None
        self.slices = ComboField(
            value=ONE,
            choices=(ONE, RANGE, ALL),
            name="slices",
            label="Paint",
            tooltip="Which slices are painted: the one on screen, some, or all of the layer's. Regions "
            "of a Labels layer with the same axes are those of each slice; others are the same for all.",
        )
        self.first, self.last = (
            NumberField(
                NumberRange(f"{which} slice", 0, 0, whole=True),
                0,
                name=which.lower(),
                tooltip="Counted from 0, as napari's slider does.",
            )
            for which in ("First", "Last")
        )
        self.folder = FileEdit(
            mode=FileDialogMode.EXISTING_DIRECTORY,
            nullable=True,
            name="folder",
            label="Folder",
            tooltip="A new or empty folder, in which the result is kept as a zarr array; one that a "
            "run has begun with the same settings is gone on with.",
        )
        make_calm(self.slices.native)
        self._hint = Sentence()
        self._form = Container[Any]()
        self._form.extend([self.slices, self.first, self.last, self.coherence, self.folder])
        flush(self._form.native)
        fill(self, self._form.native, self._hint)
        for each in (self.slices, self.first, self.last, self.coherence, self.folder):
            each.changed.connect(self._on_field)
        self.coherence.native.activated.connect(self._keep_coherence)
        self.coherence.changed.connect(self._keep_coherence)
        for number in (self.first, self.last):
            number.refused.connect(lambda sentence: self.refused.emit(sentence))
        for event in ("order", "ndisplay", "range"):
            viewer.dims.events[event].connect(self.look_again)
        self.look_again()

    @property
    def offered(self) -> bool:
        """Whether the content has several slices to choose from."""
        return self._length > 0

    @property
    def several(self) -> bool:
        """Whether more than the slice on screen is chosen."""
        return self.offered and self.slices.value != ONE

    def look_again(self, *_: Any) -> None:
        """Read how many slices the content has."""
        if self._lifetime.ended:
            return
        axis = self._axis()
        length = 0 if axis is None else int(self._content.value.level_shapes[0][axis])
        if length != self._length:
            self._length = length
            for field in (self.first, self.last):
                field.native.set_limits(0, max(0, length - 1))
            self.first.value, self.last.value = 0, max(0, length - 1)
        self._guess_coherence(axis)
        self._on_field()

    def selection(self) -> StackSelection | None:
        """Return the slices that are chosen; None for the one on screen.

        Raises
        ------
        InputError
            If the content is shown in 3-D, or there is no folder where one is needed.
        """
        if not self.several:
            return None
        layer = self._content.value
        axes, point = shown_axes(layer), shown_slice(layer)
        shape = [int(n) for n in layer.level_shapes[0]]
        if self.slices.value == ALL:
            ranges = {axis: (0, shape[axis] - 1) for axis in point}
        else:
            ranges = {axis: (index, index) for axis, index in point.items()}
            low, high = sorted((self.first.value, self.last.value))
            ranges[next(axis for axis in point if shape[axis] > 1)] = (low, high)
        return StackSelection(axes=axes, ranges=tuple(ranges.values()), folder=self._kept_in())

    def estimate(self) -> str:
        """Say how much the result takes; nothing where only the slice on screen is painted."""
        needed = self._needed()
        if needed is None:
            return ""
        takes = f"The result of {math.prod(needed[:-3])} slices takes {_amount(math.prod(needed))}"
        if fits_in_memory(needed):
            return f"{takes}."
        where = self.folder.value
        if where is None:
            return f"{takes}, which does not fit into memory; choose a folder for it under Stack."
        return f"{takes}, which does not fit into memory; it is kept in {where}."

    def recall(self, note: StackSelection | None) -> None:
        """Choose the slices that a result was painted of, as far as the content has them.

        The coherence stays as it is now, until another content is chosen.
        """
        self._keep_coherence()
        if note is None or not self.offered:
            self.slices.value = ONE
            return
        layer = self._content.value
        lengths = [n for axis, n in enumerate(layer.level_shapes[0]) if axis not in note.axes]
        whole = [(0, n - 1) for n in lengths] == list(note.ranges)
        self.slices.value = ALL if whole else RANGE
        low, high = next(
            (both for both, n in zip(note.ranges, lengths, strict=True) if n > 1), (0, 0)
        )
        if high < self._length:
            self.first.value, self.last.value = low, high
        if note.folder is not None:
            self.folder.value = Path(note.folder)

    def state(self) -> tuple[Any, ...]:
        """Return what was chosen, for :meth:`restore`."""
        return self.slices.value, self.first.value, self.last.value, self.folder.value

    def restore(self, state: tuple[Any, ...]) -> None:
        """Choose what was chosen before, as far as the content has such slices."""
        slices, first, last, folder = state
        self._keep_coherence()
        self.look_again()
        self.slices.value = slices
        if max(first, last) <= self.last.max:
            self.first.value, self.last.value = first, last
        self.folder.value = folder

    def lock(self, reason: str) -> None:
        """Disable the choice for a reason; enable it if that is empty."""
        for native in (self, *(field.native for field in self._form)):
            lock(native, reason)

    def _on_field(self, *_: Any) -> None:
        needed = self._needed()
        self.first.visible = self.last.visible = self.slices.value == RANGE
        self.coherence.visible = self.several
        self.folder.visible = needed is not None and not fits_in_memory(needed)
        self._hint.say(self._explain())
        self.changed.emit()

    def _explain(self) -> str:
        """Say what is painted."""
        if not self.several:
            return ""
        layer, axis = self._content.value, self._axis()
        hint = _HINTS[self.coherence.value]
        if self.slices.value == ALL or layer.ndim == 3 or axis is None:
            return hint
        return f"Counted along {layer.axis_labels[axis]}; other sliders stay where they are. {hint}"

    def _keep_coherence(self, *_: Any) -> None:
        """Note that the coherence was chosen for the content that there is, or for the next one."""
        self._chosen_for = kept(self._content.value)

    def _guess_coherence(self, axis: int | None) -> None:
        """Choose the coherence that suits the slices along `axis`, unless the user has chosen one."""
        layer: Image | None = self._content.value
        if layer is None or axis is None:
            return
        if self._chosen_for is not None:
            chosen_for = self._chosen_for()
            if chosen_for is None or chosen_for is layer:
                self._chosen_for = kept(layer)
                return
        with self.coherence.changed.blocked():
            self.coherence.value = "steady" if is_time(layer, axis) else "neighbour"
        self._chosen_for = None

    def _axis(self) -> int | None:
        """Return the axis along which a range runs, or None if the content has only one slice."""
        layer: Image | None = self._content.value
        if layer is None:
            return None
        before = self._viewer.dims.ndim - layer.ndim
        shown = {axis - before for axis in self._viewer.dims.displayed[-2:]}
        lengths = enumerate(layer.level_shapes[0])
        return next((axis for axis, n in lengths if n > 1 and axis not in shown), None)

    def _needed(self) -> tuple[int, ...] | None:
        """Return the shape of the result; None where it is one picture, or not frozen_inputs."""
        layer = self._content.value
        if not self.several:
            return None
        try:
            size, axes = self._settings().size, shown_axes(layer)
        except InputError:
            return None
        shape = [int(n) for n in layer.level_shapes[0]]
        height, width = (shape[axis] for axis in axes)
        leading = (n for axis, n in enumerate(shape) if axis not in axes)
        shrink = size / max(height, width)
        return *leading, round(height * shrink), round(width * shrink), CHANNELS

    def _kept_in(self) -> str | None:
        """Return the folder for a result that does not fit into memory; None where it does."""
        needed = self._needed()
        if needed is None or fits_in_memory(needed):
            return None
        if self.folder.value is None:
            raise InputError(self.estimate())
        return str(self.folder.value)


def _amount(size: int) -> str:
    """Say so many bytes.

    >>> _amount(3 * 2**20), _amount(5 * 2**29)
    ('3 MB', '2.5 GB')
    """
    return f"{size / GIB:.1f} GB" if size >= GIB else f"{math.ceil(size / 2**20)} MB"
