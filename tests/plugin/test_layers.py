"""What is on screen is what is painted."""

from __future__ import annotations

from typing import Any

import dask.array
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.colormaps import Colormap

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.snapshot import snapshot

# dask has type information for some of its functions only.
da: Any = dask.array

RAMP = np.linspace(0, 1, 40 * 50).reshape(40, 50)


def pixels(viewer: ViewerModel, data: Any, needed: float = 64, **options: Any) -> Any:
    return snapshot(viewer.add_image(data, **options), needed).pixels()


def test_rgb_is_taken_as_it_is(viewer: ViewerModel) -> None:
    data = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(pixels(viewer, data, rgb=True), data)


def test_rgba_keeps_its_alpha_and_loses_one_that_is_opaque(viewer: ViewerModel) -> None:
    data = np.random.default_rng(0).integers(0, 256, (40, 50, 4), np.uint8)
    np.testing.assert_array_equal(pixels(viewer, data, rgb=True), data)
    data[..., 3] = 255
    np.testing.assert_array_equal(pixels(viewer, data, rgb=True), data[..., :3])


@pytest.mark.parametrize(
    "data",
    [
        (RAMP * 255).astype(np.uint8),
        (RAMP * 65535).astype(np.uint16),
        (RAMP * 30000 - 15000).astype(np.int16),
        (RAMP * 2e9).astype(np.int64),
        RAMP.astype(np.float16),
        RAMP.astype(np.float32) * 1e-6,
        RAMP * 1e12,
    ],
    ids=lambda data: data.dtype.name,
)
def test_grey_of_any_type_is_shown_between_its_contrast_limits(
    viewer: ViewerModel, data: Any
) -> None:
    picture = pixels(viewer, data, contrast_limits=(float(data.min()), float(data.max())))
    assert picture.dtype == np.uint8
    assert picture.shape == (40, 50, 3)
    expected = (data.astype(float) - data.min()) / (float(data.max()) - float(data.min())) * 255
    np.testing.assert_allclose(picture, expected[..., None].repeat(3, 2), atol=0.51)


def test_bool_is_black_and_white(viewer: ViewerModel) -> None:
    picture = pixels(viewer, RAMP > 0.5)
    np.testing.assert_array_equal(picture[..., 0], np.where(RAMP > 0.5, 255, 0))


def test_limits_gamma_and_colormap_act_as_in_napari(viewer: ViewerModel) -> None:
    options: dict[str, Any] = {"contrast_limits": (0.2, 0.8), "gamma": 0.6, "colormap": "magma"}
    picture = pixels(viewer, RAMP, **options)
    shown = np.clip((RAMP - 0.2) / 0.6, 0, 1) ** 0.6
    expected = viewer.layers[0].colormap.map(shown.ravel()).reshape(40, 50, 4)[..., :3] * 255
    np.testing.assert_allclose(picture, expected, atol=1.1)


def test_limits_and_gamma_act_on_colours_but_not_on_alpha(viewer: ViewerModel) -> None:
    data = np.stack([RAMP, RAMP, RAMP, RAMP], axis=-1)
    picture = pixels(viewer, data, rgb=True, contrast_limits=(0, 0.5), gamma=2.0)
    np.testing.assert_allclose(picture[..., 0], np.clip(RAMP * 2, 0, 1) ** 2 * 255, atol=0.51)
    np.testing.assert_allclose(picture[..., 3], RAMP * 255, atol=0.51)


def test_a_see_through_colormap_gives_alpha(viewer: ViewerModel) -> None:
    colormap = Colormap([[1, 0, 0, 0], [1, 0, 0, 1]])
    picture = pixels(viewer, RAMP, colormap=colormap)
    assert picture.shape == (40, 50, 4)
    np.testing.assert_allclose(picture[..., 3], RAMP * 255, atol=0.51)


def test_infinite_pixels_are_shown_as_the_limits_and_nan_is_see_through(
    viewer: ViewerModel,
) -> None:
    data = RAMP.copy()
    data[0, :3] = np.nan, np.inf, -np.inf
    picture = pixels(viewer, data, contrast_limits=(0, 1))
    np.testing.assert_array_equal(picture[0, :3, 3], [0, 255, 255])
    np.testing.assert_array_equal(picture[0, 1:3, 0], [255, 0])


def test_nan_in_colours_is_dark(viewer: ViewerModel) -> None:
    data = np.full((40, 50, 3), 0.5)
    data[0, 0] = np.nan
    picture = pixels(viewer, data, rgb=True, contrast_limits=(0, 1))
    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[1, 1].tolist() == [128, 128, 128]


def test_constant_layer_is_no_division_by_zero(viewer: ViewerModel) -> None:
    assert pixels(viewer, np.full((20, 20), 7.0)).shape == (20, 20, 3)


def test_current_slice_of_a_stack(viewer: ViewerModel) -> None:
    data = np.zeros((5, 40, 50), np.uint8)
    data[3] = 200
    layer = viewer.add_image(data, contrast_limits=(0, 255), scale=(2, 1, 1))
    viewer.dims.set_point(0, 6)
    assert (snapshot(layer, 64).pixels() == 200).all()
    viewer.dims.set_point(0, 2)
    assert (snapshot(layer, 64).pixels() == 0).all()


def test_hidden_layer_is_still_sliced(viewer: ViewerModel) -> None:
    data = np.zeros((5, 40, 50), np.uint8)
    data[3] = 200
    layer = viewer.add_image(data, contrast_limits=(0, 255), visible=False)
    viewer.dims.set_point(0, 3)
    assert (snapshot(layer, 64).pixels() == 200).all()


def test_thick_slice_is_projected(viewer: ViewerModel) -> None:
    data = np.zeros((5, 40, 50), np.uint8)
    data[2], data[3] = 100, 200
    for stack in (data.copy(), da.from_array(data)):
        layer = viewer.add_image(stack, contrast_limits=(0, 255), projection_mode="max")
    viewer.dims.set_point(0, 2)
    viewer.dims.margin_left = viewer.dims.margin_right = (1, 0, 0)
    for layer in viewer.layers:
        np.testing.assert_array_equal(snapshot(layer, 64).pixels()[..., 0], layer._slice.image.raw)
        assert (snapshot(layer, 64).pixels() == 200).all()


def test_transposed_axes_are_painted_as_they_are_shown(viewer: ViewerModel) -> None:
    data = np.random.default_rng(0).integers(0, 256, (4, 40, 50), np.uint8)
    layer = viewer.add_image(data, contrast_limits=(0, 255))
    viewer.dims.order = (1, 2, 0)
    viewer.dims.set_point(1, 7)
    np.testing.assert_array_equal(snapshot(layer, 9).pixels()[..., 0], data[:, 7].T)


def test_multiscale_is_read_at_the_smallest_level_that_is_large_enough(
    viewer: ViewerModel,
) -> None:
    levels = [np.full((128 >> k, 96 >> k), 10 * k, np.uint8) for k in range(3)]
    layer = viewer.add_image(levels, contrast_limits=(0, 255), multiscale=True)
    for needed, level in ((20, 2), (32, 2), (33, 1), (64, 1), (65, 0), (500, 0)):
        picture = snapshot(layer, needed).pixels()
        assert picture.shape[:2] == levels[level].shape
        assert (picture == 10 * level).all()


def test_multiscale_stack_is_sliced_at_every_level(viewer: ViewerModel) -> None:
    fine = np.repeat(np.arange(8, dtype=np.uint8), 64 * 64).reshape(8, 64, 64)
    levels = [fine, fine[::2, ::2, ::2]]
    layer = viewer.add_image(levels, contrast_limits=(0, 255), multiscale=True)
    viewer.dims.set_point(0, 4)
    assert (snapshot(layer, 64).pixels() == 4).all()
    assert (snapshot(layer, 32).pixels() == 4).all()


def test_only_the_slice_shown_of_a_lazy_stack_is_computed_and_not_at_once(
    viewer: ViewerModel,
) -> None:
    computed: list[Any] = []

    def read(block_info: Any = None) -> Any:
        if block_info:
            computed.append(block_info[None]["chunk-location"][0])
        return np.full((1, 40, 50), 9, np.uint8)

    stack = da.map_blocks(read, chunks=((1,) * 6, (40,), (50,)), dtype=np.uint8)
    layer = viewer.add_image(stack, contrast_limits=(0, 255), cache=False)
    viewer.dims.set_point(0, 4)
    computed.clear()
    frozen = snapshot(layer, 64)
    assert computed == []
    assert (frozen.pixels() == 9).all()
    assert set(computed) == {4}


def test_a_snapshot_is_a_copy(viewer: ViewerModel) -> None:
    data = np.full((40, 50, 3), 5, np.uint8)
    layer = viewer.add_image(data, rgb=True)
    frozen = snapshot(layer, 64)
    data[:] = 99
    assert (frozen.pixels() == 5).all()


@pytest.mark.parametrize(
    "data", [np.full((40, 50), np.nan), np.full((40, 50, 3), np.inf)], ids=["nan", "inf"]
)
def test_nothing_finite_is_one_clear_sentence(viewer: ViewerModel, data: Any) -> None:
    frozen = snapshot(viewer.add_image(data, name="hole", contrast_limits=(0, 1)), 64)
    with pytest.raises(InputError, match=r"^Layer 'hole' shows no finite pixel; [^.]+\.$"):
        frozen.pixels()


def test_three_dimensional_display_is_one_clear_sentence(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((4, 40, 50)), name="cells")
    viewer.dims.ndisplay = 3
    with pytest.raises(InputError, match=r"^Layer 'cells' is shown in 3-D; [^.]+\.$"):
        snapshot(layer, 64)


def test_a_slice_outside_the_layer_is_one_clear_sentence(viewer: ViewerModel) -> None:
    viewer.add_image(np.zeros((20, 40, 50)))
    layer = viewer.add_image(np.zeros((4, 40, 50)), name="cells")
    viewer.dims.set_point(0, 15)
    with pytest.raises(InputError, match=r"^Layer 'cells' has nothing at this slice; [^.]+\.$"):
        snapshot(layer, 64)


def test_an_empty_layer_is_one_clear_sentence(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((40, 50)), name="void")
    layer._data = np.zeros((40, 0))  # napari itself refuses to add such a layer
    with pytest.raises(InputError, match=r"^Layer 'void' is empty; [^.]+\.$"):
        snapshot(layer, 64)


def test_complex_values_are_one_clear_sentence(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((40, 50)), name="waves")
    layer._data = np.zeros((40, 50), np.complex64)  # napari itself refuses to add such a layer
    with pytest.raises(InputError, match=r"^Layer 'waves' holds complex64 values; [^.]+\.$"):
        snapshot(layer, 64)


def test_five_channels_are_shown_one_at_a_time_as_napari_does(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((40, 50, 5), np.uint8), contrast_limits=(0, 255))
    assert snapshot(layer, 64).pixels().shape == (50, 5, 3)
    with pytest.raises(ValueError, match="suitable dimensions"):
        viewer.add_image(np.zeros((40, 50, 5)), rgb=True)


def test_storage_that_cannot_be_read_is_one_clear_sentence(viewer: ViewerModel) -> None:
    def broken(block: Any) -> Any:
        raise OSError("the disk is gone")

    layer = viewer.add_image(np.zeros((40, 50)), name="remote", contrast_limits=(0, 1))
    layer._data = da.zeros((40, 50)).map_blocks(broken, dtype=float, meta=np.zeros((0, 0)))
    with pytest.raises(InputError, match=r"^Layer 'remote' cannot be read: the disk is gone\.$"):
        snapshot(layer, 64).pixels()
