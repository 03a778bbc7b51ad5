"""The link between a content and the layer that is painted live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_style_transfer.plugin.inputs.content_watch import CHANGES, ContentWatch
from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.widgets.session import kept, session_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_style_transfer.plugin.runs.lifetime import Lifetime
    from napari_style_transfer.plugin.runs.live import LivePicture

_DELETED = "The live picture was deleted; press the button to have it again."
_GONE = "The content was deleted; the picture stays as it is."


class LiveLink:
    """Has a content watched and its picture painted, until either is deleted.

    Parameters
    ----------
    viewer
        The viewer of both layers.
    lifetime
        Of the widget.
    picture
        What is painted.
    name
        Of the widget, by which both layers are kept in mind.
    changes
        The content's events after which it is painted anew.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        lifetime: Lifetime,
        picture: LivePicture,
        name: str,
        changes: Sequence[str] = CHANGES,
    ) -> None:
        self._viewer, self.picture = viewer, picture
        self._session = session_of(viewer, f"{name} live")
        self._watch = ContentWatch(viewer, picture.change, picture.move, changes)
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
        """Put a copy of the picture aside, and return a sentence on where; "" if there is none."""
        live = self.picture.layer
        name = "" if live is None else live.keep()
        return name and f"Kept as '{name}', hidden below the live picture."

    def _on_closed(self) -> None:
        self._watch.watch(None)
