"""Labels and shapes lie where napari shows them, whatever their own pixels are."""

from __future__ import annotations

from typing import Any

import dask.array
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.labels import freeze_labels, grid_of
from napari_style_transfer.plugin.inputs.resample import fill, needed_part, resample
from napari_style_transfer.plugin.inputs.styles import FrozenInputs, StyleInput, freeze_styles
from napari_style_transfer.settings import Settings

IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


def labels_of(viewer: ViewerModel, layer: Labels | Shapes, content: Image) -> Any:
    return freeze_labels(layer, grid_of(content, viewer)).labels


def by_hand(layer: Labels, content: Image) -> Any:
    """Ask napari for every pixel of a 2-D content which label is there."""
    found = np.zeros(content.data.shape[:2], int)
    for row, column in np.ndindex(*found.shape):
        position = layer.world_to_data(content.data_to_world((row, column)))
        index = tuple(np.floor(np.asarray(position) + 0.5).astype(int))
        if all(0 <= i < n for i, n in zip(index, layer.data.shape, strict=True)):
            found[row, column] = layer.data[index]
    return found


def random_labels(*shape: int) -> Any:
    return np.random.default_rng(0).integers(1, 9, shape)


# ---- arrays --------------------------------------------------------------------------------------


def test_the_same_grid_gives_the_same_labels() -> None:
    labels = random_labels(7, 9)
    np.testing.assert_array_equal(resample(labels, IDENTITY, (7, 9)), labels)


def test_beyond_the_labels_is_0() -> None:
    shifted = np.array([[1.0, 0, -2], [0, 1, 3]])
    labels = random_labels(7, 9)
    expected = np.zeros((7, 9), int)
    expected[2:, :6] = labels[:5, 3:]
    np.testing.assert_array_equal(resample(labels, shifted, (7, 9)), expected)
    assert not resample(np.zeros((0, 9), int), IDENTITY, (7, 9)).any()


def test_a_pixel_of_labels_covers_whole_pixels_of_a_finer_grid() -> None:
    labels = random_labels(5, 6)
    matrix = np.array([[1 / 3, 0, -1 / 3], [0, 0.5, -0.25]])  # 3 × 2 pixels over each
    np.testing.assert_array_equal(
        resample(labels, matrix, (15, 12)), labels.repeat(3, 0).repeat(2, 1)
    )


def test_large_grids_are_sampled_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = random_labels(20, 30)
    turned = np.array([[0.8, -0.6, 9], [0.6, 0.8, -3]])
    whole = resample(labels, turned, (50, 40))
    monkeypatch.setattr("napari_style_transfer.plugin.inputs.resample._AT_A_TIME", 70)
    np.testing.assert_array_equal(resample(labels, turned, (50, 40)), whole)


def test_only_what_the_grid_sees_is_needed() -> None:
    inner = np.array([[0, 0, 3.0], [0.5, 0, 10], [0, 0.5, 20]])
    part = needed_part(inner, (11, 21), (5, 100, 100))
    assert part == (slice(3, 4), slice(10, 16), slice(20, 31))
    assert needed_part(IDENTITY + 50, (4, 4), (20, 20)) == (slice(20, 20), slice(20, 20))


def test_outlines_are_filled_the_last_on_top() -> None:
    square = np.array([[1, 1], [1, 4], [4, 4], [4, 1]])
    labels = fill([(1, square), (2, square + 2)], (8, 8))
    assert labels[2, 2] == 1
    assert labels[4, 4] == labels[6, 6] == 2
    assert labels[7, 7] == 0


# ---- labels in the world -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": (2, 0.5), "translate": (3.2, -4.1)},
        {"rotate": 30, "translate": (-5.3, 8.4)},
        {"rotate": -75, "scale": (0.7, 1.9), "shear": [0.3]},
        {"affine": np.array([[0.9, 0.4, 3], [-0.2, 1.3, -6], [0, 0, 1]])},
        {"scale": (-1, 1), "translate": (39, 0)},
    ],
    ids=["same", "scaled", "rotated", "sheared", "affine", "mirrored"],
)
@pytest.mark.parametrize(
    "world", [{}, {"scale": (0.5, 3), "rotate": 20, "translate": (7, 1)}], ids=["plain", "turned"]
)
def test_labels_are_found_where_napari_shows_them(
    viewer: ViewerModel, options: dict[str, Any], world: dict[str, Any]
) -> None:
    content = viewer.add_image(np.zeros((40, 60)), **world)
    layer = viewer.add_labels(random_labels(33, 47), **options)
    found = labels_of(viewer, layer, content)
    assert found.shape == (40, 60)
    assert np.mean(found != by_hand(layer, content)) < 0.005  # where it is a matter of rounding


def test_units_are_converted(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((40, 60)), scale=(0.5, 0.5), units=("um", "um"))
    labels = random_labels(40, 60)
    layer = viewer.add_labels(labels, scale=(500, 500), units=("nm", "nm"))
    np.testing.assert_array_equal(labels_of(viewer, layer, content), labels)


def test_the_slice_of_a_stack(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((5, 40, 60)), scale=(2, 1, 1))
    labels = random_labels(10, 40, 60)
    layer = viewer.add_labels(labels)
    viewer.dims.set_point(0, 6)
    frozen = freeze_labels(layer, grid_of(content, viewer))
    np.testing.assert_array_equal(frozen.labels, labels[6])
    assert frozen.values.nbytes == labels[6].nbytes  # no more than that is copied


def test_flat_labels_lie_over_every_slice_and_a_flat_content_under_the_one_shown(
    viewer: ViewerModel,
) -> None:
    stack = viewer.add_image(np.zeros((5, 40, 60)))
    flat = viewer.add_image(np.zeros((40, 60)))
    flat_labels = viewer.add_labels(random_labels(40, 60))
    deep_labels = viewer.add_labels(random_labels(5, 40, 60))
    viewer.dims.set_point(0, 3)
    np.testing.assert_array_equal(labels_of(viewer, flat_labels, stack), flat_labels.data)
    np.testing.assert_array_equal(labels_of(viewer, deep_labels, flat), deep_labels.data[3])


def test_transposed_axes(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((8, 40, 60)))
    labels = random_labels(8, 40, 60)
    layer = viewer.add_labels(labels)
    viewer.dims.order = (1, 2, 0)
    viewer.dims.set_point(1, 7)
    np.testing.assert_array_equal(labels_of(viewer, layer, content), labels[:, 7].T)


def test_frozen_labels_do_not_follow_their_layer(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((40, 60)))
    layer = viewer.add_labels(np.ones((40, 60), int))
    frozen = freeze_labels(layer, grid_of(content, viewer))
    layer.data[:] = 5
    assert (frozen.labels == 1).all()


def test_lazy_and_multiscale_labels(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((40, 60)))
    labels = random_labels(40, 60)
    lazy = viewer.add_labels(dask.array.from_array(labels))  # type: ignore[no-untyped-call]
    levels = viewer.add_labels([labels, labels[::2, ::2]], multiscale=True)
    np.testing.assert_array_equal(labels_of(viewer, lazy, content), labels)
    np.testing.assert_array_equal(labels_of(viewer, levels, content), labels)


def test_the_labels_that_are_there(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((40, 60)))
    layer = viewer.add_labels(np.full((40, 60), 9))
    assert freeze_labels(layer, grid_of(content, viewer)).present() == [0, 9]
    layer.translate = (1000, 0)
    assert freeze_labels(layer, grid_of(content, viewer)).present() == [0]


# ---- shapes --------------------------------------------------------------------------------------

SQUARE = np.array([[5, 5], [5, 20], [20, 20], [20, 5]])


def test_shapes_become_the_labels_that_napari_makes_of_them(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((40, 60)))
    layer = viewer.add_shapes(
        [SQUARE, SQUARE + 16, np.array([[1, 30], [15, 35], [12, 55]])],
        shape_type=["rectangle", "ellipse", "polygon"],
    )
    found = labels_of(viewer, layer, content)
    assert set(np.unique(found)) == {0, 1, 2, 3}
    assert np.mean(found != layer.to_labels((40, 60))) < 0.01


def test_shapes_cover_each_other_as_on_screen(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((40, 60)))
    layer = viewer.add_shapes([SQUARE, SQUARE + 8], shape_type="rectangle")
    assert labels_of(viewer, layer, content)[15, 15] == 2
    layer.z_index = [5, 0]
    assert labels_of(viewer, layer, content)[15, 15] == 1


def test_shapes_lie_in_the_world(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((80, 120)), scale=(0.5, 0.25), translate=(100, 50))
    layer = viewer.add_shapes([SQUARE / 10], shape_type=["rectangle"], scale=(10, 10))
    layer.translate = (100, 50)
    found = labels_of(viewer, layer, content)
    assert found[11:40, 21:80].all()
    assert found.sum() <= 31 * 61


def test_a_turned_ellipse(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((60, 60)), rotate=30)
    layer = viewer.add_shapes([SQUARE * 2], shape_type=["ellipse"], rotate=30, scale=(1, 1.2))
    plain = viewer.add_shapes([SQUARE * 2 * (1, 1.2)], shape_type=["ellipse"])
    expected = plain.to_labels((60, 60))
    assert np.mean(labels_of(viewer, layer, content) != expected) < 0.01


def test_only_shapes_of_the_slice_shown(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((5, 40, 60)))
    on = [np.column_stack([np.full(4, index), SQUARE + 5 * index]) for index in (1, 3)]
    layer = viewer.add_shapes(on, shape_type="polygon")
    viewer.dims.set_point(0, 3)
    frozen = freeze_labels(layer, grid_of(content, viewer))
    assert set(np.unique(frozen.labels)) == {0, 2}
    assert frozen.present() == [0, 2]


def test_lines_have_no_inside_and_an_empty_layer_marks_nothing(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((40, 60)))
    lines = viewer.add_shapes([SQUARE[:2], SQUARE], shape_type=["line", "path"])
    assert not labels_of(viewer, lines, content).any()
    assert not labels_of(viewer, viewer.add_shapes(), content).any()


def test_shapes_in_another_plane_are_one_clear_sentence(viewer: ViewerModel) -> None:
    content = viewer.add_image(np.zeros((5, 40, 60)))
    layer = viewer.add_shapes([SQUARE], name="marks")
    viewer.dims.order = (2, 0, 1)
    with pytest.raises(InputError, match=r"^Layer 'marks' does not lie in the plane shown; "):
        freeze_labels(layer, grid_of(content, viewer))


# ---- parts of styles -----------------------------------------------------------------------------


def test_the_part_of_a_style_lies_over_its_picture(viewer: ViewerModel) -> None:
    picture = viewer.add_image(np.zeros((20, 30, 3), np.uint8), rgb=True, scale=(2, 2))
    part = viewer.add_labels(np.zeros((40, 60), int), name="part")
    part.data[:, 30:] = 4
    frozen_inputs = FrozenInputs()
    (frozen,) = freeze_styles([StyleInput(picture, part=part)], Settings(), frozen_inputs, viewer)
    mask = frozen.style().mask
    assert mask is not None
    assert mask.shape == (20, 30)
    assert mask[:, 16:].all()
    assert not mask[:, :15].any()
    (again,) = freeze_styles(
        [StyleInput(picture, 0.5, part=part)], Settings(), frozen_inputs, viewer
    )
    assert again.style().mask is mask  # so that its targets are not made twice
    frozen_inputs.forget(part)
    (anew,) = freeze_styles([StyleInput(picture, part=part)], Settings(), frozen_inputs, viewer)
    assert anew.style().mask is not mask
    assert anew.style().picture is frozen.style().picture
