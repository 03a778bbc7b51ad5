"""Everything that is chosen for an augmentation: the training set, the styles, and how it is done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_style_transfer.augment.settings import AugmentSettings
from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.augment_job import (
    AugmentJob,
    freeze_style_slices,
    freeze_training,
    labels_of,
)
from napari_style_transfer.plugin.inputs.proxy import without_proxies
from napari_style_transfer.plugin.widgets.calm import lock
from napari_style_transfer.plugin.widgets.combo import ComboField
from napari_style_transfer.plugin.widgets.fields import TypedField, build_field, commit, is_advanced
from napari_style_transfer.plugin.widgets.folder_field import FolderField
from napari_style_transfer.plugin.widgets.layer_table import LayerTable
from napari_style_transfer.plugin.widgets.layout import fill, flush
from napari_style_transfer.plugin.widgets.preferences import preferred
from napari_style_transfer.plugin.widgets.remembered import remember, remembered
from napari_style_transfer.plugin.widgets.session import session_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

_NAME = "Augment Training Images"
_FOLDER, _LAYERS = "folder", "layers"
_SOURCES = [("a folder", _FOLDER), ("open layers", _LAYERS)]
_TABLE = (
    "Which layers are training images, and which are pictures of the new microscope. Labels are found by "
    "name: x_masks for x; or they are the only ones of that size. Of a stack, all slices count."
)
#: Ways for which something is learned.
_LEARNT = ("auto", "fast", "translated")
_LOCKED = "This cannot be changed while pictures are made; stop first, or wait."


class AugmentChoices:
    """The folders, the table of the layers, and a field for every parameter.

    Signals
    -------
    changed
        Anything was changed.
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    accept
        Returns whether an image layer is offered.

    Attributes
    ----------
    images_from, styles_from
        Whether each is in a folder or in layers.
    images, labels, styles, output
        The folders.
    layers
        The table of the layers.
    fields
        One for every parameter of :class:`AugmentSettings`, by name.
    native, advanced
        The form, and what is shown under *Advanced*.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, viewer: ViewerModel, accept: Callable[[Layer], bool]) -> None:
        self._viewer, self._accept = viewer, accept
        self._session = session_of(viewer, _NAME)
        self.images_from = ComboField(
            choices=_SOURCES,
            name="images_from",
            label="Training set",
            tooltip="Where the training images and their labels are.",
        )
        self.images = FolderField(
            "folder",
            name="images",
            label="Images",
            tooltip="A folder of images: with x_masks.tif beside x.tif (cellpose), or with the folders "
            "images and masks (StarDist), or with Labels below.",
        )
        self.labels = FolderField(
            "beside the images",
            name="labels",
            label="Labels",
            tooltip="A folder of labels that have the images' names, where they are not beside the images.",
        )
        self.styles_from = ComboField(
            choices=_SOURCES,
            name="styles_from",
            label="Styles",
            tooltip="Where pictures of the new microscope are; they need no labels.",
        )
        self.styles = FolderField(
            "folder, or a pattern",
            name="styles",
            label="Pictures",
            tooltip="Pictures of the new microscope: a folder, a file or a pattern such as mine/*.tif.",
        )
        self.layers = LayerTable("Image", _TABLE)
        self.output = FolderField(
            "a new or empty folder",
            name="output",
            label="Output",
            tooltip="The folder for the new pictures. It gets the folder images, masks where labels have "
            "one of their own, a table and a contact sheet. Layers are saved there first, in the folders "
            "training and styles, and the new pictures are in augmented.",
        )
        names = AugmentSettings.model_fields
        self.fields = {name: build_field(name, AugmentSettings) for name in names}
        self._folders = (self.images, self.labels, self.styles, self.output)
        self._sources = (self.images_from, self.styles_from)
        self._lay_out()
        self._begin()
        self._connect()

    def reset(self) -> None:
        """Read the viewer's layers again."""
        images, labels = self._images(), self._labels()
        labelled = [each for each in images if labels_of(each, images, labels) is not None]
        if not labelled and labels:
            labelled = images[:1]
        others = [each for each in images if each not in labelled]
        self.layers.show_layers(images, others[-1] if others else None, others)

    def settings(self) -> AugmentSettings:
        """Return the settings as the fields show them."""
        values = {name: field.value for name, field in self.fields.items()}
        return AugmentSettings(**values | {"strength": values["strength"] or None})

    def obstacle(self) -> str:
        """Return a sentence on what is missing; "" if nothing is."""
        if self.images_from.value == _FOLDER and self.images.path is None:
            return "Choose a folder of training images first."
        if self.styles_from.value == _FOLDER and self.styles.path is None:
            return "Choose a folder with pictures of the new microscope first."
        if self.images_from.value == _LAYERS and not self.layers.contents():
            return "Open a training image and its labels as layers, and tick the image."
        if self.styles_from.value == _LAYERS and not self.layers.styles():
            return "Open a picture of the new microscope as a layer, and tick it as a style."
        if self.output.path is None:
            return "Choose an output folder first."
        return ""

    def commit(self) -> bool:
        """Take what is typed and not taken yet; return False if something cannot be."""
        both = [commit(each, self.fields.values()) for each in (self.native, self.advanced)]
        return all(both)

    def job(self) -> AugmentJob:
        """Freeze what is chosen.

        Raises
        ------
        InputError
            If that cannot be; the message says why.
        """
        if obstacle := self.obstacle():
            raise InputError(obstacle)
        out, styles = self.output.path, self.styles.path
        assert out is not None
        images = self.images.path
        is_folder = self.images_from.value == _FOLDER
        ticked = without_proxies(self.layers.contents(), self._viewer)
        return AugmentJob(
            images=images
            if is_folder and images is not None
            else freeze_training(ticked, self._labels()),
            labels=self.labels.path if is_folder else None,
            styles=str(styles)
            if self.styles_from.value == _FOLDER
            else freeze_style_slices(without_proxies(self.layers.styles(), self._viewer)),
            out=out,
            settings=self.settings(),
        )

    def lock(self, running: bool) -> None:
        """Lock everything while pictures are made; the tooltip says why."""
        reason = _LOCKED if running else ""
        for field in (*self._sources, *self._folders, *self.fields.values()):
            lock(field.native, reason)
        lock(self.layers, reason)
        if not reason and self.fields["way"].value not in _LEARNT:
            lock(self.fields["minutes"].native, "This way learns nothing.")

    def _lay_out(self) -> None:
        form, below, advanced = Container[Any](), Container[Any](), Container[Any]()
        form.extend([self.images_from, self.images, self.labels, self.styles_from, self.styles])
        below.append(self.output)
        for name, field in self.fields.items():
            (advanced if is_advanced(name, AugmentSettings) else below).append(field)
        flush(form.native, below.native)
        flush(advanced.native)
        self._forms = form, below, advanced
        self.native, self.advanced = QWidget(), advanced.native
        fill(self.native, form.native, self.layers, below.native, spacing=5)

    def _begin(self) -> None:
        """Show what was chosen before in this viewer; at first what was chosen last, or fits its layers."""
        known = self._session.get("values")
        if known is None:
            source = _LAYERS if self._labels() else _FOLDER
            known = {**self._remembered(), "images_from": source, "styles_from": source}
        for name, value in known.items():
            field = self.fields.get(name) or getattr(self, name)
            if isinstance(field, FolderField):
                field.show_path(value)
            else:
                field.value = value
        self._on_way()
        self._show_sources()

    def _remembered(self) -> dict[str, Any]:
        """Return what was chosen last, as far as it is still possible; preferences win."""
        possible = {}
        for name, value in (remembered(_NAME) | preferred()).items():
            if name == "strength" and value == "":  # the usual one for the way
                continue
            if name in self.fields:
                given: dict[str, Any] = {name: value}
                with contextlib.suppress(InputError):
                    checked = getattr(AugmentSettings(**given), name)
                    possible[name] = value if name == "strength" else checked
            elif isinstance(value, str) and name in {folder.name for folder in self._folders}:
                possible[name] = value
        return possible

    def _keep(self) -> None:
        """Keep what is chosen for a widget that is opened when this one is closed; most for longer."""
        values = {name: field.value for name, field in self.fields.items()}
        values |= {field.name: field.line_edit.value for field in self._folders}
        remember(_NAME, values)
        self._session["values"] = values | {field.name: field.value for field in self._sources}

    def _connect(self) -> None:
        for field in (*self._sources, *self._folders, *self.fields.values()):
            field.changed.connect(self._on_change)
        for field in self.fields.values():
            if isinstance(field, TypedField):
                field.refused.connect(lambda sentence: self.refused.emit(sentence))
        self.layers.changed.connect(lambda: self.changed.emit())

    def _on_change(self) -> None:
        self._on_way()
        self._show_sources()
        self._keep()
        self.changed.emit()

    def _on_way(self) -> None:
        """Say what strength there is where none is typed."""
        low, high = AugmentSettings(way=self.fields["way"].value).strengths
        usual = f"{low:g}" if low == high else f"{low:g}..{high:g}"
        self.fields["strength"].native.setPlaceholderText(usual)

    def _show_sources(self) -> None:
        """Show the folders or the table, as what is chosen asks for."""
        images, styles = (each.value == _LAYERS for each in self._sources)
        self.images.visible = self.labels.visible = not images
        self.styles.visible = not styles
        self.layers.show_columns(style=styles, content=images)
        self.layers.setVisible(images or styles)

    def _images(self) -> list[Image]:
        from napari.layers import Image

        return [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Image) and self._accept(layer)
        ]

    def _labels(self) -> list[Labels]:
        from napari.layers import Labels

        labels = (layer for layer in self._viewer.layers if isinstance(layer, Labels))
        return without_proxies(labels, self._viewer)
