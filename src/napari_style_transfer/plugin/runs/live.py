"""One layer that is kept painted as the choices say, in a thread, for the slice on screen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.placement import Placement
from napari_style_transfer.plugin.outputs.live_layer import LiveLayer
from napari_style_transfer.plugin.runs.messages import Failed, Finished, Made, Outcome, Preview
from napari_style_transfer.plugin.runs.worker import Named, Run, Work, paint_picture
from napari_style_transfer.recipe import RECIPE_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_style_transfer.plugin.runs.lifetime import Lifetime

#: Bytes of pictures that are kept, so that a slice that was painted is there at once.
_KEPT = 256 * 2**20

#: A slice: the axes shown, and the index along each other one.
_Slice = tuple[tuple[int, int], tuple[tuple[int, int], ...]]


class LiveContent(Protocol):
    """What a picture is made of."""

    @property
    def values(self) -> Any:
        """An array, or what is computed when it is read as one."""
        ...


class LiveJob(Named, Protocol):
    """What is made of the slice on screen."""

    @property
    def content(self) -> LiveContent:
        """The slice."""
        ...

    @property
    def placement(self) -> Placement:
        """Where it lies."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is kept with the picture."""
        ...


@dataclass(frozen=True, eq=False)
class _Frozen:
    """What was frozen last: of which slice, after how many changes."""

    job: LiveJob
    here: _Slice
    version: int


@dataclass(frozen=True, eq=False)
class _Painted:
    """A picture, where it lies, what it is called, and how it was made."""

    picture: npt.NDArray[Any]
    placement: Placement
    name: str
    metadata: dict[str, Any]


class LivePicture:
    """Keeps one layer painted as the choices and the content on screen are now; main thread only.

    At most one picture is painted at once, in a thread. What is asked for meanwhile is looked at when
    that is done, and only as it is then. Slices that were painted are kept until something else than the
    slice has changed. A picture is never shown at another slice than its own.

    Parameters
    ----------
    parent
        The widget.
    viewer
        Gets the layer.
    lifetime
        Of the widget.
    freeze
        Freezes what is to be painted now; raises InputError if that cannot be.
    say
        Shows a sentence on what is wrong; an empty one once it is right again.
    work
        Makes the picture of a job, in the thread.
    make_layer
        Makes what shows the pictures of a content, in a layer that is there or in a new one.
    """

    def __init__(
        self,
        parent: QWidget,
        viewer: ViewerModel,
        lifetime: Lifetime,
        freeze: Callable[[], LiveJob],
        say: Callable[[str], None],
        work: Work = paint_picture,
        make_layer: Callable[[Image, Image | None], LiveLayer] | None = None,
    ) -> None:
        self._viewer, self._lifetime = viewer, lifetime
        self._freeze, self._say, self._work = freeze, say, work
        self._make_layer = make_layer or (lambda _, layer: LiveLayer(viewer, "", layer))
        self._content: Image | None = None
        self._layers: dict[Image, LiveLayer] = {}
        self._divider: float | None = None
        self._kept: OrderedDict[_Slice, _Painted] = OrderedDict()
        self._run: Run | None = None
        self._asked, self._version = False, 0
        self._frozen: _Frozen | None = None
        self._here: _Slice | None = None
        self._last: LiveLayer | None = None
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._look)
        lifetime.closing.append(self.end)

    @property
    def on(self) -> bool:
        """Whether a content is followed."""
        return self._content is not None

    @property
    def busy(self) -> bool:
        """Whether something is painted or asked for."""
        return self._asked or self._run is not None

    @property
    def layer(self) -> LiveLayer | None:
        """The layer of the content that is followed, or was followed last; None where there is none."""
        return None if self._last is None or self._last.layer is None else self._last

    @property
    def deleted(self) -> bool:
        """Whether the layer was there and the user has deleted it."""
        return self._last is not None and self._last.deleted

    def owns(self, layer: Layer) -> bool:
        """Return whether a layer is painted by this."""
        return any(live.layer == layer for live in self._layers.values())

    def begin(self, content: Image, layer: Image | None = None) -> None:
        """Follow a content, and paint into a layer if one is given."""
        self._content = content
        known = self._layers.get(content)
        if known is None or known.deleted:
            self._layers[content] = self._make_layer(content, layer)
        self._last = self._layers[content]
        self._last.divide(self._divider)
        self.change()

    def end(self) -> None:
        """Follow nothing any longer; the layer stays as it is."""
        self._content, self._asked = None, False
        self._kept.clear()
        if self._run is not None:
            self._run.stop()

    def forget(self) -> None:
        """Drop layers whose content or which themselves are no longer in the viewer."""
        self._layers = {
            content: live
            for content, live in self._layers.items()
            if content in self._viewer.layers and not live.deleted
        }

    def divide(self, divider: float | None) -> None:
        """Place the divider; see :meth:`LiveLayer.divide`."""
        self._divider = divider
        if self.layer is not None:
            self.layer.divide(divider)

    def change(self) -> None:
        """Paint anew, because something else than the slice has changed."""
        self._version += 1
        self._kept.clear()
        self._ask()

    def move(self) -> None:
        """Paint what is on screen, if that is another slice or other values than before."""
        self._ask()

    def _ask(self) -> None:
        if self._content is not None and not self._lifetime.ended:
            self._asked = True
            self._timer.start()

    def _look(self) -> None:
        """Show the slice on screen, or begin to paint it."""
        content = self._content
        if content is None or self._lifetime.ended or self._last is None or self._last.deleted:
            return
        try:
            here = _slice_of(Placement.of(content))
        except InputError as error:  # it is shown in 3-D, or has nothing here
            self._asked, self._here = False, None
            self._say(str(error))
            return
        moved, self._here = here != self._here, here
        kept = self._kept.get(here)
        if moved and kept is not None:
            self._asked = False
            self._kept.move_to_end(here)
            self._show(kept)
            return
        if moved:
            self._last.hide_if_stale()
        if self._run is None:
            self._begin_run(here)

    def _begin_run(self, here: _Slice) -> None:
        self._asked = False
        try:
            job = self._freeze()
        except InputError as error:
            self._say(str(error))
            return
        frozen = _Frozen(job, here, self._version)
        if here in self._kept and self._frozen is not None and _are_alike(frozen, self._frozen):
            return  # the layer was drawn anew, but is as it was
        if here in self._kept:
            self._kept.clear()  # its values were changed in place
        self._frozen = frozen
        self._run = Run(job, self._work, self._hear, self._on_end)
        self._run.start()

    def _hear(self, message: Preview | Outcome | Made | None) -> None:
        frozen = self._frozen
        if self._lifetime.ended or self._content is None or frozen is None:
            return
        if isinstance(message, Failed):
            self._say(message.sentence("live picture"))
        elif isinstance(message, Finished | Made):
            job, metadata = frozen.job, dict(frozen.job.metadata)
            if isinstance(message, Finished):
                metadata[RECIPE_KEY] = message.recipe.model_dump(mode="json")
            painted = _Painted(message.picture, job.placement, job.name, metadata)
            if frozen.version == self._version:
                self._keep(frozen.here, painted)
            if frozen.here == self._here:
                self._show(painted)

    def _on_end(self) -> None:
        self._run = None
        if self._asked and not self._lifetime.ended:
            self._timer.start()

    def _keep(self, here: _Slice, painted: _Painted) -> None:
        self._kept[here] = painted
        while len(self._kept) > 1 and sum(p.picture.nbytes for p in self._kept.values()) > _KEPT:
            self._kept.popitem(last=False)

    def _show(self, painted: _Painted) -> None:
        if self._last is not None and not self._last.deleted:
            self._last.show(painted.picture, painted.placement, painted.name, painted.metadata)
            self._say("")


def _slice_of(placement: Placement) -> _Slice:
    return placement.axes, tuple(sorted(placement.slices.items()))


def _are_alike(one: _Frozen, other: _Frozen) -> bool:
    """Return whether two were frozen of the same slice, with the same values and no change between."""
    if (one.here, one.version) != (other.here, other.version):
        return False
    a, b = one.job.content.values, other.job.content.values
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return True
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
