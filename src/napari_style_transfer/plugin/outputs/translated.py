"""Layers of translated pictures: of the slice on screen, and of all slices of a layer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from napari_style_transfer.plugin.outputs.lazy_slices import LazySlices
from napari_style_transfer.plugin.outputs.live_layer import PlainLayer
from napari_style_transfer.plugin.outputs.stack_array import storage_order
from napari_style_transfer.plugin.outputs.view import bring_into_view
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_style_transfer.plugin.inputs.placement import Placement
    from napari_style_transfer.plugin.inputs.translation_job import LayerValues, TranslationJob
    from napari_style_transfer.translation import TranslationInfo


class TranslatedSlices:
    """The slices of a layer, each translated when it is read; the first one is kept.

    Parameters
    ----------
    slices
        Those of the layer.
    translate
        Translates one.
    index, picture
        A slice that is translated already.
    """

    def __init__(
        self,
        slices: LayerValues,
        translate: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
        index: Index,
        picture: npt.NDArray[Any],
    ) -> None:
        self._slices, self._translate = slices, translate
        self._first = index, picture
        self._lock = threading.Lock()

    @property
    def data(self) -> Any:
        """All of them as a dask array, in the layer's order of axes."""
        _, picture = self._first
        lengths = self._slices.lengths
        shape = (*lengths, *picture.shape)
        lazy = LazySlices(self._read, shape, picture.dtype, len(lengths)).lazy()
        order = storage_order(self._slices.cutter.axes, len(lengths) + 3)
        return lazy.transpose(order[: len(shape)])

    def _read(self, index: Index) -> npt.NDArray[Any]:
        known, picture = self._first
        if index == known:
            return picture
        with self._lock:  # one at once: each takes all cores, and memory
            return self._translate(self._slices.at(index))


class TranslatedLayer(PlainLayer):
    """Shows one translated slice after another, in the type and the look of the target.

    Parameters
    ----------
    viewer, name, layer
        As of :class:`PlainLayer`.
    look
        Returns how the target is shown now, as napari's layers take it; empty where that is unknown.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        name: str,
        layer: Image | None,
        look: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._look_now = look
        super().__init__(viewer, name, layer, look())

    def show(
        self,
        picture: npt.NDArray[Any],
        placement: Placement,
        name: str,
        metadata: Mapping[str, Any],
    ) -> None:
        """Show a picture, and keep with it how it was made."""
        look = self._look_now()
        super().show(picture, placement, name, metadata)
        if look and look != self._look and self.layer is not None:  # by another translator
            for each in look.keys() - {"rgb"}:
                setattr(self.layer, each, look[each])
            self._look = look


def look_of(info: TranslationInfo, target: Image | None) -> dict[str, Any]:
    """Return how translated pictures are shown: as the target's layer, or in the target's range.

    Parameters
    ----------
    info
        Of the translator.
    target
        The target's layer, if it is open.
    """
    if target is None or target.rgb != info.colour:
        values = info.target_range
        limits = (float(values.low.min()), float(values.high.max()))
        return {"rgb": info.colour, "contrast_limits": limits}
    look = {
        "rgb": info.colour,
        "contrast_limits": tuple(map(float, target.contrast_limits)),
        "gamma": target.gamma,
    }
    return look if info.colour else look | {"colormap": target.colormap}


def show_translated(
    viewer: ViewerModel, slices: TranslatedSlices, job: TranslationJob, look: Mapping[str, Any]
) -> Image:
    """Show all slices in a layer over the content; each is translated when it is shown first."""
    placement = replace(job.placement, slices={})
    height, width = (placement.shape[axis] for axis in placement.axes)
    layer: Image = viewer.add_image(
        slices.data,
        name=job.name,
        metadata=dict(job.metadata),
        multiscale=False,
        **look,
        **placement.transform((height, width)),
        **placement.options(),
    )
    bring_into_view(viewer, layer)
    return layer
