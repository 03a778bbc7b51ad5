"""The gallery of *Style Transfer*: open layers that may be the style, and sample styles to open."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer

from napari_style_transfer import samples
from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.inputs.thumbnail import thin, thumbnail
from napari_style_transfer.plugin.outputs.result import carries_recipe
from napari_style_transfer.plugin.widgets.gallery import Gallery, Thumbnail
from napari_style_transfer.plugin.widgets.session import kept, session_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_style_transfer.plugin.runs.lifetime import Lifetime
    from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
    from napari_style_transfer.progress import Picture

#: Milliseconds after a layer has changed until its thumbnail does.
_DELAY = 150
#: The layer's events after which it looks otherwise; napari draws no thumbnail of hidden layers.
_CHANGES = ("thumbnail", "data", "contrast_limits", "gamma", "colormap")
#: What is shown until a thumbnail is made.
_BLANK = np.full((1, 1, 3), 128, np.uint8)
_SAMPLE = "sample "


class StyleGallery:
    """Shows what may be the style, and agrees with the choice of its layer.

    Which layers are shown, and how, is brought up to date when Qt is idle, one picture at a time: so
    nothing waits for it, and a result has its recipe by then.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    content, style
        The choices of the layers.
    lifetime
        Of the widget.

    Attributes
    ----------
    native
        The gallery.
    """

    def __init__(
        self, viewer: ViewerModel, content: LayerChoice, style: LayerChoice, lifetime: Lifetime
    ) -> None:
        self._viewer, self._lifetime = viewer, lifetime
        self._content, self._style = content, style
        self._opened = session_of(viewer, "Style gallery")
        self._pictures: dict[str, Picture] = {}
        self._stale: set[str] = set()
        self._watched: dict[str, Image] = {}
        self.native = Gallery()
        self._timer = QTimer(self.native)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._update)
        self.native.chosen.connect(self._on_chosen)
        for choice in (content, style):
            choice.changed.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Show what is chosen now, and what there is to choose as soon as Qt is idle."""
        if not self._lifetime.ended:
            self.native.choose(self._chosen())
            self._timer.start(0)

    def has_opened(self, layer: Layer | None) -> bool:
        """Return whether a layer was opened by a click in the gallery."""
        return layer is not None and any(layer == opened() for opened in self._opened.values())

    # ---- what is shown ---------------------------------------------------------------------------

    def _update(self) -> None:
        """Show the layers and samples as they are now, and make one picture that is not made yet."""
        layers = {_key(layer): layer for layer in self._layers()}
        names = [name for name in samples.STYLES if not self._is_open(name)]
        keys = [*layers, *(_SAMPLE + name for name in names)]
        self._watch(layers)
        self._pictures = {key: self._pictures[key] for key in keys if key in self._pictures}
        missing = [key for key in keys if key not in self._pictures or key in self._stale]
        if missing:
            key = missing[0]
            self._pictures[key] = thumbnail(layers[key]) if key in layers else _sample(key)
            self._stale.discard(key)
        shown = [
            Thumbnail(key, layer.name, self._pictures.get(key, _BLANK))
            for key, layer in layers.items()
        ]
        for name in names:
            key = _SAMPLE + name
            about = f"{samples.STYLES[name].title}. A click opens it as a layer."
            shown.append(Thumbnail(key, name, self._pictures.get(key, _BLANK), about, opens=True))
        self.native.show_all(shown)
        self.native.choose(self._chosen())
        if missing[1:]:
            self._timer.start(0)

    def _layers(self) -> list[Image]:
        """Return the layers that may be the style: not the content, and no result unless chosen."""
        content, style = self._content.value, self._style.value
        layers = (without_proxy(layer, self._viewer) for layer in self._style.choices)
        return [
            layer
            for layer in layers
            if layer is not None
            and layer != content
            and (layer == style or not carries_recipe(layer))
        ]

    def _chosen(self) -> str:
        """Return the key of the style's layer; "" if there is none, or it is the content."""
        layer = self._style.value
        return "" if layer is None or layer == self._content.value else _key(layer)

    def _is_open(self, sample: str) -> bool:
        """Return whether the layer of a sample is open, even if it was renamed."""
        opened = self._opened.get(sample, lambda: None)()
        return any(
            layer == opened or layer.name == sample or (layer.source.sample or ())[1:] == (sample,)
            for layer in self._style.choices
            if layer is not None
        )

    def _watch(self, layers: dict[str, Image]) -> None:
        """Hear of changes of these layers, and of no others any longer."""
        for key in self._watched.keys() | layers.keys():
            if (key in layers) != (key in self._watched):
                layer = layers[key] if key in layers else self._watched[key]
                for event in _CHANGES:
                    emitter = layer.events[event]
                    (emitter.connect if key in layers else emitter.disconnect)(self._on_look)
        self._watched = layers

    def _on_look(self, event: Any) -> None:
        """Make a layer's picture anew, a little later."""
        if not self._lifetime.ended:
            self._stale.add(_key(event.source))
            if not self._timer.isActive():
                self._timer.start(_DELAY)

    # ---- what the user does ----------------------------------------------------------------------

    def _on_chosen(self, key: str) -> None:
        """Choose a layer as the style, or open a sample first."""
        layer = self._open(key.removeprefix(_SAMPLE)) if key.startswith(_SAMPLE) else None
        layer = layer or self._watched.get(key)
        if layer is not None and layer in self._style.choices:
            self._style.value = layer

    def _open(self, sample: str) -> Image:
        """Open a sample as a layer behind all others, hidden where there are others."""
        from napari.layers import Image

        layers = self._viewer.layers
        selected = set(layers.selection)
        picture = samples.load(sample)
        layer = Image(picture, name=sample, rgb=True, **self._place(picture))
        self._opened[sample] = kept(layer)
        self._pictures[_key(layer)] = _sample(_SAMPLE + sample)
        layers.insert(0, layer)
        layer.visible = len(layers) == 1  # only now, so that napari has its thumbnail
        if selected:
            layers.selection.clear()
            layers.selection.update(selected)
        return layer

    def _place(self, picture: Picture) -> dict[str, Any]:
        """Return where a picture lies within the content, so that the home view stays as it is."""
        content = self._content.value
        if content is None:
            return {}
        low, high = content.extent.world[:, -2:]
        scale = float(((high - low) / (np.array(picture.shape[:2]) - 1)).min())
        if not scale > 0:  # it is one pixel wide or high
            return {}
        return {"scale": (scale, scale), "translate": low, "units": content.units[-2:]}


def _key(layer: Layer) -> str:
    return str(layer.unique_id)


@lru_cache(maxsize=len(samples.STYLES))
def _sample(key: str) -> Picture:
    """Return a small picture of a sample."""
    return thin(samples.load(key.removeprefix(_SAMPLE)))
