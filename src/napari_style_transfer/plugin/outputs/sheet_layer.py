"""The contact sheet of an augmentation as a layer, beside what is in the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.outputs.view import bring_into_view

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_style_transfer.progress import Picture

#: Key under which the metadata of the layer name the folder of the new pictures.
_SHEET_KEY = "napari_style_transfer_contact_sheet"
#: Space between the sheet and what is on its left, as a share of the height.
_GAP = 0.05


def show_sheet(viewer: ViewerModel, sheet: Picture, folder: Path) -> None:
    """Show a contact sheet, in the layer of the same folder's last one if it is still there.

    Parameters
    ----------
    viewer
        Gets the layer.
    sheet
        (H, W, 3).
    folder
        The folder that was chosen for the new pictures.
    """
    known = (each for each in viewer.layers if each.metadata.get(_SHEET_KEY) == str(folder))
    layer = without_proxy(next(known, None), viewer)
    if layer is None:
        place = _beside(viewer, sheet.shape[0])
        layer = viewer.add_image(
            sheet,
            name=f"contact sheet of {folder.name}",
            rgb=True,
            interpolation2d="linear",
            metadata={_SHEET_KEY: str(folder)},
            **place,
        )
        layer = without_proxy(layer, viewer)
    else:
        layer.data = sheet
    bring_into_view(viewer, layer)


def is_sheet(layer: Layer) -> bool:
    """Return whether a layer is a contact sheet."""
    return _SHEET_KEY in layer.metadata


def _beside(viewer: ViewerModel, height: int) -> dict[str, Any]:
    """Return the transform of a layer of a height in pixels, as high as the others and to their right."""
    others = [each for each in viewer.layers if each.ndim >= 2]
    if not others:
        return {}
    low, high = viewer.layers.extent.world[:, -2:]
    size = float(high[0] - low[0])
    scale = size / height if np.isfinite(size) and size > 0 else 1.0
    return {
        "scale": (scale, scale),
        "translate": (float(low[0]), float(high[1]) + _GAP * size),
        "units": others[-1].units[-2:],
    }
