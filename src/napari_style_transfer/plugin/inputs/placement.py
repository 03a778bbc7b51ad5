"""Where a result lies in the world: exactly over its content, whatever its size in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.plugin.inputs.slicing import shown_axes, shown_point

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass(frozen=True)
class Placement:
    """The content layer's transform, frozen, and the slice of it that is painted.

    Attributes
    ----------
    shape
        The layer's shape in pixels (the finest level's), without colours.
    axes
        Its axes that run down and across the picture.
    slices
        The index of each other axis; a thick slice may be shown from one beyond the layer.
    scale, translate, rotate, shear, affine
        Its transform, as napari's layers take it.
    units, axis_labels
        Of its axes.
    """

    shape: tuple[int, ...]
    axes: tuple[int, int]
    slices: dict[int, int]
    scale: npt.NDArray[np.float64]
    translate: npt.NDArray[np.float64]
    rotate: npt.NDArray[np.float64]
    shear: npt.NDArray[np.float64]
    affine: npt.NDArray[np.float64]
    units: tuple[Any, ...]
    axis_labels: tuple[str, ...]

    @classmethod
    def of(cls, layer: Image) -> Placement:
        """Freeze where `layer` lies; call it on the main thread.

        Raises
        ------
        InputError
            If the layer is shown in 3-D, or has nothing at the slice shown.
        """
        return cls(
            shape=tuple(int(n) for n in layer.level_shapes[0]),
            axes=shown_axes(layer),
            slices={axis: round(place) for axis, place in shown_point(layer).items()},
            scale=np.array(layer.scale, float),
            translate=np.array(layer.translate, float),
            rotate=np.array(layer.rotate, float),
            shear=np.array(layer.shear, float),
            affine=np.array(layer.affine.affine_matrix, float),
            units=tuple(layer.units),
            axis_labels=tuple(layer.axis_labels),
        )

    def data(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an (h, w) or (h, w, C) picture in the layer's order of axes, singleton where sliced."""
        if self.axes[0] > self.axes[1]:
            picture = picture.swapaxes(0, 1)
        return np.expand_dims(picture, tuple(self.slices))

    def transform(self, shape: tuple[int, int]) -> dict[str, npt.NDArray[np.float64]]:
        """Return the scale and translation that lay (h, w) pixels exactly over the content.

        A pixel's centre has whole coordinates, so a picture of n pixels over one of N begins half a
        pixel before 0 in both: the result's coordinate r is the content's N/n·(r + ½) - ½.
        """
        from napari.utils.transforms import Affine

        factor = np.ones(len(self.shape))
        offset = np.zeros(len(self.shape))
        for axis, pixels in zip(self.axes, shape, strict=True):
            factor[axis] = self.shape[axis] / pixels
            offset[axis] = (factor[axis] - 1) / 2
        for axis, index in self.slices.items():
            offset[axis] = index
        content = Affine(
            scale=self.scale, translate=self.translate, rotate=self.rotate, shear=self.shear
        )
        # napari's order is rotate · shear · scale, so that more scale goes in on the right.
        return {"scale": self.scale * factor, "translate": np.asarray(content(offset))}

    def to_world(self, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
        """Return the (D, 3) matrix from (row, column, 1) of (h, w) pixels to world coordinates."""
        from napari.utils.transforms import Affine

        picture = Affine(rotate=self.rotate, shear=self.shear, **self.transform(shape))
        whole = self.affine @ picture.affine_matrix
        return np.column_stack([whole[:-1, self.axes[0]], whole[:-1, self.axes[1]], whole[:-1, -1]])

    def steps(self) -> npt.NDArray[np.float64]:
        """Return the (D, L) steps in the world from one slice to the next, along each axis not shown."""
        from napari.utils.transforms import Affine

        own = Affine(scale=self.scale, rotate=self.rotate, shear=self.shear)
        whole = self.affine @ own.affine_matrix
        steps: npt.NDArray[np.float64] = whole[:-1, list(self.slices)]
        return steps

    def options(self) -> dict[str, Any]:
        """Return what a layer over the content shares with it, as napari's layers take it."""
        return {
            "rotate": self.rotate,
            "shear": self.shear,
            "affine": self.affine,
            "units": self.units,
            "axis_labels": self.axis_labels,
        }
