"""The section *More styles*: a mix of several layers, each with its share and strokes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, PushButton
from psygnal import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_style_transfer.plugin.inputs.labels_watch import LabelsWatch
from napari_style_transfer.plugin.inputs.styles import StyleInput
from napari_style_transfer.plugin.outputs.result import carries_recipe
from napari_style_transfer.plugin.widgets.fields import RATIOS, NumberField
from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
from napari_style_transfer.plugin.widgets.layout import flush
from napari_style_transfer.plugin.widgets.number_box import NumberRange
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.session import kept
from napari_style_transfer.recipe import StyleEntry

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

_REMOVE_WIDTH = 80

_SHARE = NumberRange("Share", 0, 1e6, step=0.05, page=0.2, bounds=(0, 1))
_SCALE = NumberRange(
    "Stroke size", 0.05, 8, step=RATIOS[0], page=RATIOS[1], by_ratio=True, bounds=(0.25, 4)
)
_ANGLE = NumberRange("Angle (°)", -360, 360, step=1, page=15, bounds=(-180, 180))


class StyleRow:
    """The choices of one style.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    main
        For the first row: the choice of its layer, which is elsewhere in the widget.
    on_painted
        Called with the layer that marks the part that serves, when something is painted in it.

    Attributes
    ----------
    layer, share, scale, angle, part
        The fields.
    remove
        The button that takes the row away; the first has none.
    native
        All of it.
    """

    def __init__(
        self, viewer: ViewerModel, main: LayerChoice | None, on_painted: Callable[[Layer], None]
    ) -> None:
        is_first = main is not None
        self.layer = _further_choice(viewer) if main is None else main
        self.share = NumberField(
            _SHARE,
            1.0,
            slider=True,
            name="share",
            tooltip="How much of the mix this style is, next to the others; 0 leaves it out.",
        )
        self.scale = NumberField(
            _SCALE,
            1.0,
            slider=True,
            name="scale",
            tooltip="Times the stroke size under Advanced: 2 paints this style's strokes twice as large.",
        )
        self.angle = NumberField(
            _ANGLE,
            0.0,
            slider=True,
            name="angle",
            tooltip="Turns this style's strokes by so many degrees, counter-clockwise.",
        )
        self.part = LayerChoice(
            viewer,
            kinds=("Labels", "Shapes"),
            none="all of it",
            name="part",
            label="Part",
            tooltip="A Labels or Shapes layer over the style picture: only what it marks serves as "
            "the style.",
        )
        self.remove: PushButton | None = None
        if not is_first:
            self.remove = PushButton(text="Remove", tooltip="Take this style out of the mix.")
        self._watch = LabelsWatch(on_painted)
        self.part.changed.connect(self._watch.watch)
        self._title = Sentence()
        self.native = self._lay_out(is_first)

    def fields(self) -> list[Any]:
        """Return the fields whose change changes the mix."""
        return [self.layer, self.share, self.scale, self.angle, self.part]

    def selection(self) -> StyleInput | None:
        """Return what was picked; None without a layer."""
        layer = self.layer.value
        if layer is None:
            return None
        return StyleInput(
            layer, self.share.value, self.scale.value, self.angle.value, self.part.value
        )

    def name(self, number: int) -> str:
        """Return what the style is called where regions choose among styles."""
        layer = self.layer.value
        return f"{number} · {'none' if layer is None else layer.name}"

    def show_number(self, number: int) -> None:
        """Title the row with its number and, in the first, its layer."""
        title = f"Style {number}"
        if self.remove is None and self.layer.value is not None:
            title += f": {self.layer.value.name}"
        self._title.say(title)

    def reset_choices(self) -> None:
        """Read the viewer's layers again."""
        self.part.reset_choices()
        if self.remove is not None:
            self.layer.reset_choices()

    def recall(self, note: StyleEntry) -> None:
        """Choose what a recipe says, as far as its layers are there."""
        self.layer.choose(note.picture)
        self.share.value, self.scale.value = note.share, note.scale
        self.angle.value = note.angle if abs(note.angle) <= 180 else (note.angle + 180) % 360 - 180
        self.part.choose(note.mask)

    def state(self) -> tuple[Any, ...]:
        """Return what was chosen, for :meth:`restore`."""
        numbers = self.share.value, self.scale.value, self.angle.value
        return kept(self.layer.value), *numbers, kept(self.part.value)

    def restore(self, state: tuple[Any, ...]) -> None:
        """Choose what was chosen before, as far as the layers are there."""
        layer, self.share.value, self.scale.value, self.angle.value, part = state
        self.layer.restore(layer())
        self.part.restore(part())

    def forget(self) -> None:
        """Watch nothing any longer."""
        self._watch.watch(None)

    def _lay_out(self, is_first: bool) -> QWidget:
        form = Container[Any]()
        form.extend([*([] if is_first else [self.layer]), self.share, self.scale, self.angle])
        form.append(self.part)
        flush(form.native)
        native = QWidget()
        column = QVBoxLayout(native)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        if self.remove is not None:
            self.remove.native.setMinimumWidth(_REMOVE_WIDTH)
            head.addWidget(self.remove.native)
        column.addLayout(head)
        column.addWidget(form.native)
        self._form = form  # magicgui's containers live as long as someone holds them
        return native


def _further_choice(viewer: ViewerModel) -> LayerChoice:
    return LayerChoice(
        viewer,
        none="none",
        name="layer",
        label="Layer",
        tooltip="Another layer whose manner is taken.",
    )


class StylesSection(QWidget):
    """The first style's choices, those of further styles, and a button to add one.

    Signals
    -------
    changed
        The mix is another.
    painted
        Something was painted in a layer (the argument) that marks a part of a style.
    renamed
        Styles were added, removed or renamed.
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    main, content
        The choices of the first style's layer and of the content's.
    """

    changed = Signal()
    painted = Signal(object)
    renamed = Signal()
    refused = Signal(str)

    def __init__(self, viewer: ViewerModel, main: LayerChoice, content: LayerChoice) -> None:
        super().__init__()
        self._viewer, self._content = viewer, content
        self.rows: list[StyleRow] = []
        self.add = PushButton(text="Add a style", tooltip="Mix another layer's manner in.")
        self.add.changed.connect(self._on_add)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self.add.native)
        self._append(StyleRow(viewer, main, self.painted.emit))

    def inputs(self) -> list[StyleInput]:
        """Return the styles that have a layer, the first one first."""
        return [found for row in self.rows if (found := row.selection()) is not None]

    def positions(self) -> dict[StyleRow, int]:
        """Return where among :meth:`inputs` each row's style is."""
        chosen = [row for row in self.rows if row.layer.value is not None]
        return {row: index for index, row in enumerate(chosen)}

    def names(self) -> dict[StyleRow, str]:
        """Return what each row's style is called."""
        return {row: row.name(number) for number, row in enumerate(self.rows, start=1)}

    def reset_choices(self) -> None:
        """Read the viewer's layers again."""
        for row in self.rows:
            row.reset_choices()
        self._renumber()

    def add_row(self, layer: Image | None = None) -> StyleRow:
        """Add a style, of a `layer` or of none yet."""
        row = StyleRow(self._viewer, None, self.painted.emit)
        row.layer.value = layer
        assert row.remove is not None
        row.remove.changed.connect(lambda: self.remove_row(row))
        self._append(row)
        return row

    def remove_row(self, row: StyleRow) -> None:
        """Take a style other than the first away."""
        self.rows.remove(row)
        row.forget()
        row.native.hide()
        self._column.removeWidget(row.native)
        row.native.deleteLater()
        self._renumber()
        self.changed.emit()

    def recall(self, notes: Sequence[StyleEntry]) -> None:
        """Choose what a recipe says, as far as its layers are there."""
        for row in self.rows[1:]:
            self.remove_row(row)
        for number, note in enumerate(notes):
            row = self.add_row() if number else self.rows[0]
            row.recall(note)

    def state(self) -> list[tuple[Any, ...]]:
        """Return what was chosen, for :meth:`restore`."""
        return [row.state() for row in self.rows]

    def restore(self, state: list[tuple[Any, ...]]) -> None:
        """Choose what was chosen before."""
        for number, each in enumerate(state):
            (self.add_row() if number else self.rows[0]).restore(each)

    def _on_add(self) -> None:
        taken = {self._content.value, *(row.layer.value for row in self.rows)}
        choices = [
            layer
            for layer in self.rows[0].layer.choices
            if layer not in taken and not carries_recipe(layer)
        ]
        self.add_row(choices[-1] if choices else None)
        self.changed.emit()

    def _append(self, row: StyleRow) -> None:
        self.rows.append(row)
        self._column.insertWidget(self._column.count() - 1, row.native)
        for field in row.fields():
            field.changed.connect(self._on_field)
        for number in (row.share, row.scale, row.angle):
            number.refused.connect(lambda sentence: self.refused.emit(sentence))
        row.layer.changed.connect(self._renumber)
        self._renumber()

    def _on_field(self, *_: Any) -> None:
        self.changed.emit()

    def _renumber(self, *_: Any) -> None:
        for number, row in enumerate(self.rows, start=1):
            row.show_number(number)
        self.renamed.emit()
