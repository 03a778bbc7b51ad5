"""The section *Regions*: a layer that says where, and a table that says in which style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from psygnal import Signal
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.labels import FrozenLabels, Grid, freeze_labels
from napari_style_transfer.plugin.inputs.labels_watch import LabelsWatch
from napari_style_transfer.plugin.inputs.styles import RegionsInput
from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
from napari_style_transfer.plugin.widgets.layout import fill, flush
from napari_style_transfer.plugin.widgets.region_row import Choice, RegionRow, region_of
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.session import kept
from napari_style_transfer.recipe import RegionsEntry

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_style_transfer.plugin.runs.lifetime import Lifetime
    from napari_style_transfer.plugin.widgets.styles_section import StyleRow

#: Milliseconds without another stroke until the labels are counted.
_QUIET = 150

#: Labels that get a row. A segmentation may have thousands.
_ROWS = 16

_HINT = (
    "Add a Labels or Shapes layer over the content and choose it here, to say which part is painted in "
    "which style. Paint in it at any time, also while a run is on."
)
_RELATIVE = (
    "Strength here adjusts the Strength at the top for one region: 0.5 leaves it as it is, more is "
    "bolder, less is subtler."
)
_MOVING = (
    "Labels of other slices are listed when the slider is there; those not listed yet are painted in all "
    "styles, at 0.5."
)


class RegionsSection(QWidget):
    """A choice of the layer, and a row for each of its labels, which follow as it is painted.

    Signals
    -------
    changed
        The regions are painted otherwise: another layer, style or strength.
    painted
        Something was painted in the layer (the argument).
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    grid
        Returns the pixels of the content, or None without one.
    names
        Returns what each style is called.
    lifetime
        Of the widget.
    """

    changed = Signal()
    painted = Signal(object)
    refused = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        grid: Callable[[], Grid | None],
        names: Callable[[], Mapping[StyleRow, str]],
        lifetime: Lifetime,
    ) -> None:
        super().__init__()
        self._grid, self._names, self._lifetime = grid, names, lifetime
        self.layer = LayerChoice(
            viewer,
            kinds=("Labels", "Shapes"),
            none="none: everywhere alike",
            name="layer",
            label="Layer",
            tooltip="A Labels or Shapes layer over the content; each of its labels becomes a region.",
        )
        self.rows: dict[int, RegionRow] = {}
        self._remembered: dict[int, tuple[Choice, float]] = {0: (None, 0.5)}
        self._hint = Sentence()
        self._hint.say(_HINT)
        self._worker: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET)
        self._timer.timeout.connect(self._survey)
        self._watch = LabelsWatch(self._on_painted)
        self.layer.changed.connect(self._on_layer)
        self._lay_out()

    def selection(self, positions: Mapping[StyleRow, int]) -> RegionsInput | None:
        """Return what was picked, where `positions` says which style is which; None for none."""
        layer = self.layer.value
        if layer is None:
            return None
        table = {n: row.region(positions) for n, row in self.rows.items()}
        if layer.ndim > 2:  # what was chosen on other slices
            for label, (choice, strength) in self._remembered.items():
                table.setdefault(label, region_of(choice, strength, positions))
        return RegionsInput(layer, table)

    def reset_choices(self) -> None:
        """Read the viewer's layers again."""
        self.layer.reset_choices()

    def offer_styles(self) -> None:
        """Offer the styles that there are now."""
        names = self._names()
        for row in self.rows.values():
            row.offer(names)

    def look_again(self) -> None:
        """Count the labels anew, because they were painted or the content is another."""
        if not self._lifetime.ended and self.layer.value is not None:
            self._timer.start()

    def recall(self, note: RegionsEntry | None, styles: Sequence[StyleRow]) -> None:
        """Choose what a recipe says, as far as its layer is there."""
        self.layer.choose(None if note is None else note.labels)
        for label, region in () if note is None else note.table.items():
            choice: Choice = "mix"
            if region.style is None:
                choice = None
            elif isinstance(region.style, int) and region.style < len(styles):
                choice = styles[region.style]
            self.set_row(label, choice, region.strength)

    def set_row(self, label: int, choice: Choice, strength: float) -> None:
        """Say how a label is painted, whether it is there yet or not."""
        self._remembered[label] = choice, strength
        if label in self.rows:
            self.rows[label].choice = choice
            self.rows[label].strength.setValue(strength)

    def state(self, styles: Sequence[StyleRow]) -> tuple[Any, ...]:
        """Return what was chosen, for :meth:`restore`, where `styles` are the rows of styles."""
        shown = {label: (row.choice, row.strength.value()) for label, row in self.rows.items()}
        table = {
            label: (styles.index(choice) if choice in styles else choice, strength)
            for label, (choice, strength) in (self._remembered | shown).items()
        }
        return kept(self.layer.value), table

    def restore(self, state: tuple[Any, ...], styles: Sequence[StyleRow]) -> None:
        """Choose what was chosen before, as far as the layer is there."""
        layer, table = state
        for label, (choice, strength) in table.items():
            self.set_row(label, styles[choice] if isinstance(choice, int) else choice, strength)
        self.layer.restore(layer())

    # ---- the labels that there are ---------------------------------------------------------------

    def _on_layer(self, layer: Layer | None) -> None:
        if self._lifetime.ended:
            return
        self._watch.watch(layer)
        if layer is None:
            self._timer.stop()
            self._show_rows([], 0)
            self._hint.say(_HINT)
        else:
            self._show_rows([0], 0)
            self.look_again()
        self.changed.emit()

    def _on_painted(self, layer: Layer) -> None:
        if not self._lifetime.ended:
            self.painted.emit(layer)
            self.look_again()

    def _survey(self) -> None:
        from napari.qt.threading import create_worker

        layer, grid = self.layer.value, self._grid()
        if layer is None or grid is None or self._lifetime.ended:
            return
        if self._worker is not None:  # still counting
            self._timer.start()
            return
        try:
            frozen = freeze_labels(layer, grid)
        except InputError as error:
            self._hint.say(str(error))
            return
        self._worker = create_worker(present, frozen, _start_thread=False)
        self._worker.returned.connect(self._on_surveyed)
        self._worker.finished.connect(self._on_survey_end)
        self._worker.start()

    def _on_survey_end(self) -> None:
        self._worker = None

    def _on_surveyed(self, found: list[int] | str) -> None:
        if self._lifetime.ended or self.layer.value is None:
            return
        if isinstance(found, str):
            self._hint.say(found)
        else:
            self._show_rows(found[:_ROWS], len(found) - _ROWS)

    # ---- what is shown ---------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._form = Container[Any]()
        self._form.extend([self.layer])
        flush(self._form.native)
        self._table = QWidget()
        self._cells = QGridLayout(self._table)
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._cells.setSpacing(4)
        self._cells.setColumnStretch(2, 1)
        for place, title in ((0, "Region"), (2, "Style"), (3, "Strength\nhere")):
            self._cells.addWidget(QLabel(title), 0, place, 1, 2 if place == 0 else 1)
        fill(self, self._form.native, self._table, self._hint)
        self._table.hide()

    def _show_rows(self, labels: Iterable[int], left_out: int) -> None:
        """Show a row for each of `labels`, in their order; the fields of those there before stay."""
        labels = list(labels)
        if labels != list(self.rows):
            kept = {}
            for label, row in self.rows.items():
                self._remembered[label] = row.choice, row.strength.value()
                for part in row.parts():
                    self._cells.removeWidget(part)
                if label in labels:
                    kept[label] = row
                else:
                    row.discard()
            self.rows = {label: kept.get(label) or self._row(label) for label in labels}
            for number, row in enumerate(self.rows.values(), start=1):
                for column, part in enumerate(row.parts()):
                    self._cells.addWidget(part, number, column)
        for row in self.rows.values():
            row.swatch.paint(self._colour(row.label))
        self._table.setVisible(bool(labels))
        told = [_RELATIVE] if len(labels) > 1 else []
        if labels and self.layer.value is not None and self.layer.value.ndim > 2:
            told.append(_MOVING)
        if left_out > 0:
            told.append(f"{left_out} more labels are painted in all styles, at 0.5.")
        self._hint.say(" ".join(told))

    def _row(self, label: int) -> RegionRow:
        choice, strength = self._remembered.get(label, ("mix", 0.5))
        return RegionRow(
            label, self._names(), choice, strength, self.changed.emit, self.refused.emit
        )

    def _colour(self, label: int) -> Any:
        from napari.layers import Labels

        layer = self.layer.value
        if label == 0 or layer is None:
            return None
        if isinstance(layer, Labels):
            return layer.get_color(label)
        return layer.face_color[label - 1] if label <= layer.nshapes else None


def present(frozen: FrozenLabels) -> list[int] | str:
    """Return the labels that occur, or a sentence why that is unknown; runs in a thread."""
    try:
        return frozen.present()
    except InputError as error:
        return str(error)
