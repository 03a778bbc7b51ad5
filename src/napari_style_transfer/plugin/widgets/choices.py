"""Everything that the user chooses, and what it amounts to for the engine."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from psygnal import Signal

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.job import Job, collect, going_on
from napari_style_transfer.plugin.inputs.labels import Grid, grid_of
from napari_style_transfer.plugin.inputs.stack_job import (
    StackSelection,
    begin_stack,
    continue_stack,
    painted_size,
)
from napari_style_transfer.plugin.inputs.styles import FrozenRegions, freeze_regions, freeze_styles
from napari_style_transfer.plugin.outputs.result import recipe_of
from napari_style_transfer.plugin.runs.edits import Change, Topic
from napari_style_transfer.plugin.widgets.calm import lock
from napari_style_transfer.plugin.widgets.fields import (
    TypedField,
    build_fields,
    is_advanced,
    is_live,
    set_field,
)
from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
from napari_style_transfer.plugin.widgets.layout import flush
from napari_style_transfer.plugin.widgets.preferences import preferred
from napari_style_transfer.plugin.widgets.regions_section import RegionsSection
from napari_style_transfer.plugin.widgets.remembered import remember, remembered
from napari_style_transfer.plugin.widgets.session import kept, session_of
from napari_style_transfer.plugin.widgets.stack_section import StackSection
from napari_style_transfer.plugin.widgets.style_gallery import StyleGallery
from napari_style_transfer.plugin.widgets.styles_section import StylesSection
from napari_style_transfer.settings import Settings, with_live
from napari_style_transfer.steering import KEEP, Keep

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_style_transfer.plugin.runs.lifetime import Lifetime
    from napari_style_transfer.recipe import Recipe

NO_LAYERS = (
    "Open a photograph and a painting as image layers, or take samples from "
    "File ▸ Open Sample ▸ Neural Style Transfer."
)
_NAME = "Style Transfer"
#: Not remembered by the next napari: it belongs to a recipe, and would cut off other runs.
_OF_A_RECIPE = "stop_after"
_LOCKED = "This cannot be changed while a picture is painted; stop it first, or wait."


class Choices:
    """The layers, the fields, the styles, the regions and the slices.

    Signals
    -------
    edited
        The user has changed something (the argument says what) that a run can follow.
    changed
        Anything was changed.
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    lifetime
        Of the widget.

    Attributes
    ----------
    content, style
        Choices of the layers.
    gallery
        Pictures of what may be the style.
    fields
        One for every parameter of :class:`Settings`, by name.
    styles, regions
        The sections of further styles, and of where each style goes.
    stack
        The section of the slices to paint.
    """

    edited = Signal(Topic)
    changed = Signal()
    refused = Signal(str)

    def __init__(self, viewer: ViewerModel, lifetime: Lifetime) -> None:
        self._viewer, self._lifetime = viewer, lifetime
        self.content = LayerChoice(
            viewer, name="content", label="Content", tooltip="The layer to paint anew."
        )
        self.style = LayerChoice(
            viewer, name="style", label="Style", tooltip="The layer whose manner is taken."
        )
        self.gallery = StyleGallery(viewer, self.content, self.style, lifetime)
        self.fields = build_fields()
        self.styles = StylesSection(viewer, self.style, self.content)
        self.regions = RegionsSection(viewer, self.grid, self.styles.names, lifetime)
        self.stack = StackSection(
            viewer, self.content, self.fields["coherence"], self.settings, lifetime
        )
        self._resetting = False
        self._session = session_of(viewer, _NAME)
        self._begin()
        self._connect()

    def forms(self) -> tuple[Container[Any], Container[Any]]:
        """Return the fields that everyone needs and the advanced ones, laid out."""
        form, advanced = Container[Any](), Container[Any]()
        # magicgui lines the labels up only for what is added after the container is made.
        form.extend([self.content, self.style])
        for name, field in self.fields.items():
            if field is not self.stack.coherence:  # it is shown with the slices
                (advanced if is_advanced(name) else form).append(field)
        for each in (form, advanced):
            flush(each.native)
        return form, advanced

    def settings(self) -> Settings:
        """Return the settings as the fields show them.

        Raises
        ------
        InputError
            One sentence that names the field and what is wrong with it.
        """
        return Settings(**{name: field.value for name, field in self.fields.items()})

    def obstacle(self) -> str:
        """Return a sentence why nothing can be painted; empty if something can."""
        if not self.content.choices:
            return NO_LAYERS
        if missing := self._missing():
            last = missing[-1]
            names = f"{', '.join(missing[:-1])} and {last}" if missing[1:] else last
            what = "them" if missing[1:] else "it"
            return f"Open {names} first; the recipe was made from {what}."
        return ""

    def job(self, beginning: Image | None = None) -> Job:
        """Return what is to be painted, from the content or going on from another layer.

        Raises
        ------
        InputError
            If something cannot be painted so; the message says why.
        """
        if obstacle := self.obstacle():
            raise InputError(obstacle)
        settings, begun = self.settings(), StackSelection.of(beginning)
        if beginning is not None and begun is not None:
            settings = settings.replace(size=painted_size(beginning, begun))
        elif beginning is not None:
            settings = going_on(settings, recipe_of(beginning))
        content = self.content.value
        slices = None if beginning is not None and begun is None else self.stack.selection()
        job = collect(
            content,
            self.styles.inputs(),
            settings,
            self._viewer,
            regions=self.regions.selection(self.styles.positions()),
            beginning=beginning if begun is None else None,
            stack=slices is not None or begun is not None,
        )
        if beginning is not None and begun is not None:
            return continue_stack(job, content, beginning, slices)
        return job if slices is None else begin_stack(job, content, slices)

    def change(self, job: Job, topics: set[Topic]) -> Change:
        """Return what of the present choices a run of `job` is to take up.

        Raises
        ------
        InputError
            If something cannot be painted so; the message says why.
        """
        settings, styles = None, None
        regions: FrozenRegions | Keep | None = KEEP
        if Topic.SETTINGS in topics:
            settings = with_live(job.settings, self.settings())
        if Topic.STYLES in topics:
            styles = freeze_styles(
                self.styles.inputs(), job.settings, job.frozen_inputs, self._viewer
            )
        if topics & {Topic.STYLES, Topic.REGIONS}:  # regions count the styles
            pick = self.regions.selection(self.styles.positions())
            regions = freeze_regions(pick, job.grid, job.frozen_inputs)
        return Change(settings, styles, regions)

    def grid(self) -> Grid | None:
        """Return the pixels that regions are regions of; None without a content.

        Of a run over a stack they are those of the slice on screen.
        """
        run = self._lifetime.run
        if run is not None and run.job.grid.steps is None:
            grid: Grid = run.job.grid
            return grid
        content = self.content.value
        try:
            return None if content is None else grid_of(content, self._viewer)
        except InputError:
            return None

    def take(self, recipe: Recipe, slices: StackSelection | None) -> None:
        """Choose what a recipe says, and the slices of a stack.

        Layers that are not open are missing, until they are or the user chooses others.

        Raises
        ------
        ValueError
            If a field refuses its value.
        """
        self.content.choose(recipe.content)  # first, because the coherence follows it
        for name, value in recipe.settings.model_dump().items():
            set_field(self.fields[name], value)
        self.styles.recall(recipe.all_styles)
        self.regions.recall(recipe.regions, self.styles.rows)
        self.stack.recall(slices)

    def reset(self) -> None:
        """Read the viewer's layers again; a run does not follow the loss of a layer."""
        had = len(self.content.choices)
        self._resetting = True
        for each in (self.content, self.style, self.styles, self.regions):
            each.reset_choices()
        self._resetting = False
        self.stack.look_again()
        if had == 1:
            self._guess_style()
        self.gallery.refresh()

    def set_defaults(self) -> None:
        """Set every field to its default, or to what the user prefers."""
        for name, value in (Settings().model_dump() | preferred()).items():
            set_field(self.fields[name], value)

    def lock(self, running: bool) -> None:
        """Disable what cannot be changed while a run is on, and say so."""
        reason = _LOCKED if running else ""
        lock(self.content.native, reason)
        self.stack.lock(reason)
        for name, field in self.fields.items():
            lock(field.native, "" if is_live(name) else reason)

    def keep(self) -> None:
        """Keep what is chosen for a widget that is opened when this one is closed; fields for longer."""
        fields = {name: field.value for name, field in self.fields.items()}
        remember(_NAME, {name: fields[name] for name in fields if name != _OF_A_RECIPE})
        self._session["fields"] = fields
        self._session["content"] = kept(self.content.value)
        self._session["styles"] = self.styles.state()
        self._session["regions"] = self.regions.state(self.styles.rows)
        self._session["stack"] = self.stack.state()

    def _begin(self) -> None:
        """Choose what was chosen before in this viewer; at first, what the user prefers, or chose last."""
        session = self._session
        if session:
            self.content.restore(session["content"]())
        for name, value in (session["fields"] if session else _remembered()).items():
            set_field(self.fields[name], value)
        if session:
            self.styles.restore(session["styles"])
            self.regions.restore(session["regions"], self.styles.rows)
            self.stack.restore(session["stack"])
        else:
            self._guess_style()

    def _missing(self) -> list[str]:
        """Return the names of the layers that a recipe was made from and that are not open."""
        rows = self.styles.rows
        choices = [self.content, *(row.layer for row in rows), *(row.part for row in rows)]
        choices.append(self.regions.layer)
        names = (choice.missing for choice in choices)
        return list(dict.fromkeys(f"'{name}'" for name in names if name is not None))

    def _guess_style(self) -> None:
        """Take another layer than the content for the style, where there is one.

        A style that was opened from the gallery stays the style; the other layer is the content then.
        """
        if len(self.style.choices) > 1 and self.style.value is self.content.value:
            is_style = self.gallery.has_opened(self.style.value)
            other = self.content if is_style else self.style
            other.value = other.choices[-1]

    def _on_edit(self, topic: Topic) -> None:
        if not self._resetting:
            self.edited.emit(topic)

    def _on_view(self, *_: Any) -> None:
        self.regions.look_again()

    def _on_change(self, *_: Any) -> None:
        if not self._resetting:
            self.keep()
            self.changed.emit()

    def _on_painted(self, layer: Layer, topic: Topic) -> None:
        if self._lifetime.run is not None:
            self._lifetime.run.job.frozen_inputs.forget(layer)
            self._on_edit(topic)

    def _connect(self) -> None:
        for name, field in self.fields.items():
            if is_live(name):
                field.changed.connect(lambda: self._on_edit(Topic.SETTINGS))
            field.changed.connect(self._on_change)
            if isinstance(field, TypedField):
                field.refused.connect(lambda sentence: self.refused.emit(sentence))
        for section in (self.styles, self.regions, self.stack):
            section.changed.connect(self._on_change)
            section.refused.connect(lambda sentence: self.refused.emit(sentence))
        self.content.changed.connect(self._on_change)
        self.content.changed.connect(lambda: self.regions.look_again())
        for event in ("point", "order", "ndisplay"):  # other labels are seen in another view
            self._viewer.dims.events[event].connect(self._on_view)
        self.content.changed.connect(lambda: self.stack.look_again())
        self.fields["size"].changed.connect(lambda: self.stack.look_again())
        self.styles.changed.connect(lambda: self._on_edit(Topic.STYLES))
        self.styles.renamed.connect(lambda: self.regions.offer_styles())
        self.styles.painted.connect(lambda layer: self._on_painted(layer, Topic.STYLES))
        self.regions.changed.connect(lambda: self._on_edit(Topic.REGIONS))
        self.regions.painted.connect(lambda layer: self._on_painted(layer, Topic.REGIONS))


def _remembered() -> dict[str, Any]:
    """Return the values of fields as they were last, as far as they are still possible; preferences win."""
    values = remembered(_NAME) | preferred()
    possible = {}
    for name, value in values.items():
        with contextlib.suppress(InputError):
            possible[name] = getattr(Settings(**{name: value}), name)
    return possible
