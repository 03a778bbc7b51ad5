"""The link between the content of *Fast Style* and the layer that is painted live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_style_transfer.plugin.inputs.content_watch import ContentWatch
from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.outputs.result import PictureLayer
from napari_style_transfer.plugin.outputs.view import bring_into_view
from napari_style_transfer.plugin.runs.live import LivePicture
from napari_style_transfer.plugin.widgets.divider import DividerDrag
from napari_style_transfer.plugin.widgets.session import kept, session_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_style_transfer.plugin.inputs.job import Job
    from napari_style_transfer.plugin.runs.lifetime import Lifetime
    from napari_style_transfer.plugin.widgets.fields import NumberField

_DELETED = "The live picture was deleted. Choose a style, or press Paint, to paint it again."
_GONE = "The content was deleted; the picture stays as it is."


class LiveLink:
    """Has a content watched and its picture painted, until either is deleted.

    Parameters
    ----------
    parent
        The widget.
    viewer
        The viewer of both layers.
    lifetime
        Of the widget.
    divider
        The field of the divider's place.
    freeze, say
        As :class:`LivePicture` takes them.

    Attributes
    ----------
    picture
        What is painted.
    """

    def __init__(
        self,
        parent: QWidget,
        viewer: ViewerModel,
        lifetime: Lifetime,
        divider: NumberField,
        freeze: Callable[[], Job],
        say: Callable[[str], None],
    ) -> None:
        self._viewer = viewer
        self._session = session_of(viewer, "Fast Style live")
        self.picture = LivePicture(parent, viewer, lifetime, freeze, say)
        self._watch = ContentWatch(viewer, self.picture.change, self.picture.move)
        self._drag = DividerDrag(viewer, lambda: self.picture.layer, divider)
        lifetime.closing.append(self._on_closed)

    @property
    def content(self) -> Image | None:
        """The content that is followed."""
        return self._watch.layer

    def begin(self, content: Image) -> None:
        """Follow a content from now on; its picture goes into the layer that it had before."""
        content_of, layer_of = self._session.get("live", (lambda: None, lambda: None))
        layer = layer_of() if content_of() is content else None
        layer = without_proxy(layer, self._viewer)
        self._watch.watch(content)
        self.picture.begin(content, layer)

    def end(self) -> None:
        """Follow nothing any longer."""
        self._watch.watch(None)
        self.picture.end()

    def note(self) -> None:
        """Keep in mind which layer is painted live, for a widget that is opened later."""
        live, content = self.picture.layer, self.content
        if live is not None and content is not None:
            self._session["live"] = kept(content), kept(live.layer)

    def why_over(self) -> str:
        """Return a sentence on why nothing can be followed: content or picture are deleted; else ""."""
        if self.picture.on and self.content not in self._viewer.layers:
            return _GONE
        return _DELETED if self.picture.on and self.picture.deleted else ""

    def keep(self) -> str:
        """Put a copy of the picture aside, and return the name of its layer; "" if there is none."""
        live = self.picture.layer
        if live is None or live.painted is None or live.layer is None:
            return ""
        picture, placement = live.painted
        copy = PictureLayer(self._viewer, live.layer.name)
        copy.put(picture.copy(), placement)
        assert copy.layer is not None
        copy.layer.metadata.update(live.layer.metadata)
        copy.layer.visible = False
        bring_into_view(self._viewer, live.layer)
        self._viewer.layers.selection.active = live.layer
        return str(copy.layer.name)

    def _on_closed(self) -> None:
        self._watch.watch(None)
        self._drag.end()
