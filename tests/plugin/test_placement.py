"""The result lies exactly over its content, whatever its size in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_style_transfer.plugin.inputs.placement import Placement


def corners(layer: Image) -> Any:
    """Return the world coordinates of the outer corners of what `layer` shows."""
    bounds = layer._extent_data_augmented
    shown = layer._slice_input.displayed
    point = layer._data_slice.point
    found = []
    for down in (0, 1):
        for across in (0, 1):
            corner = np.nan_to_num(np.round(point))
            corner[shown[0]], corner[shown[1]] = bounds[down, shown[0]], bounds[across, shown[1]]
            found.append(layer.data_to_world(corner))
    return np.array(found)


def over(viewer: ViewerModel, content: Image, shape: tuple[int, int]) -> Image:
    """Lay a picture of `shape` over `content`."""
    placement = Placement.of(content)
    return viewer.add_image(
        placement.data(np.zeros((*shape, 3), np.uint8)),
        rgb=True,
        **placement.transform(shape),
        **placement.options(),
    )


ROTATED = {"rotate": 33, "scale": (0.5, 2), "translate": (100, -7)}
SHEARED = {"shear": [0.4], "rotate": -12, "scale": (3, 0.7), "translate": (5, 6)}
AFFINE = {
    "affine": np.array([[1.2, 0.3, 50], [-0.4, 0.9, -20], [0, 0, 1]]),
    "scale": (2, 3),
    "rotate": 10,
}


@pytest.mark.parametrize("shape", [(16, 16), (31, 47), (300, 451)])
@pytest.mark.parametrize(
    "options",
    [{}, {"scale": (0.1, 4), "translate": (-3, 8)}, {"scale": (-1, 2)}, ROTATED, SHEARED, AFFINE],
    ids=["plain", "scaled", "mirrored", "rotated", "sheared", "affine"],
)
def test_2d_extent(viewer: ViewerModel, options: dict[str, Any], shape: tuple[int, int]) -> None:
    content = viewer.add_image(np.zeros((40, 60)), **options)
    result = over(viewer, content, shape)
    pixel = np.linalg.norm(content._data_to_world.linear_matrix, axis=0).min()
    np.testing.assert_allclose(corners(result), corners(content), atol=1e-3 * pixel)
    np.testing.assert_allclose(
        result._extent_augmented.world, content._extent_augmented.world, atol=1e-3 * pixel
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": (5, 0.5, 2), "translate": (100, 3, -8)},
        {"rotate": (0, 25, 0), "scale": (1, 2, 3)},
    ],
    ids=["plain", "scaled", "rotated"],
)
@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing:UserWarning")
def test_slice_of_a_stack(
    viewer: ViewerModel, options: dict[str, Any], order: tuple[int, ...]
) -> None:
    content = viewer.add_image(np.zeros((8, 40, 60)), **options)
    viewer.dims.order = order
    viewer.dims.set_current_step(order[0], 5)
    result = over(viewer, content, (33, 21))
    sliced = order[0]
    assert result.data.shape[sliced] == 1
    assert result.ndim == 3
    np.testing.assert_allclose(corners(result), corners(content), atol=1e-3)
    assert not result._slice.empty
    np.testing.assert_array_equal(result._slice.image.raw.shape, (33, 21, 3))


def test_result_is_seen_at_its_slice_only(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((8, 40, 60)), scale=(3, 1, 1))
    viewer.dims.set_current_step(0, 5)
    result = over(viewer, content, (20, 30))
    assert not result._slice.empty
    viewer.dims.set_current_step(0, 4)
    assert result._slice.empty


def test_five_dimensions(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((2, 3, 4, 40, 60)), scale=(9, 8, 7, 0.5, 0.25))
    viewer.dims.current_step = (1, 2, 3, 0, 0)
    result = over(viewer, content, (20, 30))
    assert result.data.shape == (1, 1, 1, 20, 30, 3)
    np.testing.assert_allclose(corners(result), corners(content), atol=1e-3)


def test_multiscale_content_is_covered_as_a_whole(viewer: ViewerModel) -> None:
    levels = [np.zeros((101, 151)), np.zeros((50, 75))]
    content = viewer.add_image(levels, multiscale=True, scale=(0.2, 0.3), translate=(4, 5))
    result = over(viewer, content, (43, 64))
    np.testing.assert_allclose(
        result._extent_augmented.world, content._extent_augmented.world, atol=1e-4
    )


def test_units_and_axis_labels_are_the_contents(viewer: ViewerModel) -> None:
    content = viewer.add_image(
        np.zeros((8, 40, 60)), units=("s", "um", "um"), axis_labels=("t", "y", "x")
    )
    result = over(viewer, content, (20, 30))
    assert result.units == content.units
    assert result.axis_labels == ("t", "y", "x")


def test_a_placement_does_not_follow_its_layer(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((40, 60)), scale=(2, 2))
    placement = Placement.of(content)
    content.scale = (9, 9)
    content.translate = (1, 1)
    transform = placement.transform((40, 60))
    np.testing.assert_array_equal(transform["scale"], [2, 2])
    np.testing.assert_array_equal(transform["translate"], [0, 0])


def test_a_tiny_picture_is_colour_not_a_stack(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((16, 16)))
    result = over(viewer, content, (16, 16))
    assert result.rgb
    assert result.ndim == 2
    assert result.dtype == np.uint8
