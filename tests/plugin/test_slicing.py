"""The slice that is read is the one that napari shows: its own slicing is the measure."""

from __future__ import annotations

import itertools
from typing import Any

import dask.array
import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.labels import freeze_labels, grid_of
from napari_style_transfer.plugin.inputs.placement import Placement
from napari_style_transfer.plugin.inputs.slicing import Cutter, is_lazy, shown_point
from napari_style_transfer.plugin.inputs.snapshot import snapshot

# dask has type information for some of its functions only.
da: Any = dask.array

STACK = np.random.default_rng(0).integers(0, 256, (9, 24, 32), np.uint8)


class Stored:
    """An array in some storage: napari shows it, numpy can read it, and it may fail."""

    def __init__(self, values: Any) -> None:
        self._values = values
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim
        self.size, self.nbytes = values.size, values.nbytes
        self.gone = False

    def __getitem__(self, index: Any) -> Any:
        if self.gone:
            raise OSError("the disk is gone")
        return Stored(np.asarray(self._values[index]))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._values, dtype)

    def __dask_graph__(self) -> None:
        """Say, as xarray does, that nothing is to be computed by dask."""
        return


def taken(layer: Any) -> Any:
    """What is read of the slice that a layer shows."""
    return Cutter.of(layer, max(layer.level_shapes[layer.data_level])).cut(shown_point(layer))


@pytest.mark.parametrize("mode", ["none", "sum", "mean", "max", "min"])
def test_thick_slices_are_those_on_screen(viewer: ViewerModel, mode: str) -> None:
    layers = [
        viewer.add_image(STACK, projection_mode=mode, scale=(1.3, 1, 1), translate=(0.4, 0, 0)),
        viewer.add_image(da.from_array(STACK), projection_mode=mode),
        viewer.add_image(
            np.stack([STACK, STACK, 255 - STACK], axis=-1), rgb=True, projection_mode=mode
        ),
        viewer.add_image(STACK > 99, projection_mode=mode),
    ]
    random = np.random.default_rng(["none", "sum", "mean", "max", "min"].index(mode))
    for _ in range(8):
        left, right = random.choice((0, 0.2, 0.5, 1, 1.5, 2.7), 2)
        point = random.choice((-1, 0, 0.5, 3.49, 4, 8, 11.9))
        viewer.dims.margin_left, viewer.dims.margin_right = (left, 0, 0), (right, 0, 0)
        viewer.dims.set_point(0, point)
        for layer in layers:
            if layer._slice.empty:
                with pytest.raises(InputError, match="nothing at this slice"):
                    snapshot(layer, 32)
            else:
                np.testing.assert_array_equal(taken(layer), layer._slice.image.raw)
                assert snapshot(layer, 32).shape == (24, 32)


@pytest.mark.parametrize("mode", ["none", "mean", "max"])
def test_thick_slices_of_every_level_are_those_on_screen(viewer: ViewerModel, mode: str) -> None:
    fine = np.random.default_rng(0).integers(0, 256, (9, 64, 64), np.uint8)
    layer = viewer.add_image(
        [fine, fine[::2, ::2, ::2], fine[::4, ::4, ::4]], multiscale=True, projection_mode=mode
    )
    for thickness, point, level in itertools.product((0, 1, 2.5), (0, 4.5, 8), range(3)):
        viewer.dims.thickness = (thickness, 0, 0)
        viewer.dims.set_point(0, point)
        layer._data_level = level
        layer.corner_pixels = np.array([[0, 0, 0], np.array(layer.data[level].shape) - 1])
        layer.refresh(extent=False)
        np.testing.assert_array_equal(taken(layer), layer._slice.image.raw)


def test_thick_slices_in_a_transposed_view(viewer: ViewerModel) -> None:
    layer = viewer.add_image(STACK, projection_mode="mean")
    viewer.dims.order = (1, 2, 0)
    viewer.dims.thickness = (0, 5, 0)
    viewer.dims.set_point(1, 20)
    assert layer._slice.image.raw.shape == (32, 9)
    np.testing.assert_array_equal(taken(layer), layer._slice.image.raw)


def test_a_result_lies_where_the_thick_slice_is_shown(viewer: ViewerModel) -> None:
    viewer.add_image(np.zeros((20, 24, 32)))
    layer = viewer.add_image(STACK, projection_mode="max", translate=(5, 0, 0))
    viewer.dims.thickness = (4, 0, 0)
    viewer.dims.set_point(0, 3)  # two before the layer, of which the slice shows the first
    placement = Placement.of(layer)
    result = viewer.add_image(
        placement.data(np.full((24, 32, 3), 9, np.uint8)),
        rgb=True,
        **placement.transform((24, 32)),
        **placement.options(),
    )
    assert (result._slice.image.raw == 9).all()


def test_arrays_of_any_kind_are_read_as_napari_reads_them(viewer: ViewerModel) -> None:
    stored = Stored(STACK)
    assert not is_lazy(stored)
    layer = viewer.add_image(stored, contrast_limits=(0, 255))
    viewer.dims.set_point(0, 3)
    np.testing.assert_array_equal(snapshot(layer, 32).pixels()[..., 0], STACK[3])


@pytest.mark.parametrize("chunked", [False, True])
def test_xarray_is_lazy_only_over_dask(viewer: ViewerModel, chunked: bool) -> None:
    xarray = pytest.importorskip("xarray")
    data = xarray.DataArray(STACK, dims=("z", "y", "x"))
    data = data.chunk() if chunked else data
    assert is_lazy(data) == chunked
    layer = viewer.add_image(data, contrast_limits=(0, 255))
    marked = viewer.add_labels(data)
    viewer.dims.set_point(0, 3)
    np.testing.assert_array_equal(snapshot(layer, 32).pixels()[..., 0], STACK[3])
    np.testing.assert_array_equal(freeze_labels(marked, grid_of(layer, viewer)).labels, STACK[3])


def test_labels_whose_storage_is_gone_are_one_clear_sentence(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((24, 32)))
    stored = Stored(STACK)
    marked = viewer.add_labels(stored, name="cells")
    stored.gone = True
    with pytest.raises(InputError, match=r"^Layer 'cells' cannot be read: the disk is gone\.$"):
        freeze_labels(marked, grid_of(layer, viewer))


def test_run_says_in_a_sentence_that_the_labels_are_gone(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, errors: list[str]
) -> None:
    stored = Stored(np.ones((40, 60), np.int32))
    marked = viewer.add_labels(stored, name="cells")
    sentence = "Layer 'cells' cannot be read: the disk is gone."
    widget = driver.widget
    widget.regions.layer.value = marked
    driver.until(lambda: list(widget.regions.rows) == [0, 1])
    stored.gone = True
    driver.start()
    assert errors == [sentence]
    widget.regions.look_again()  # counts the labels
    driver.until(lambda: widget.regions._hint.text() == sentence)
    widget.regions.layer.value = None
    widget.styles.rows[0].part.value = marked
    driver.start()
    assert errors == [sentence] * 2
    assert engine.calls == []
    widget.styles.rows[0].part.value = None
    driver.run()
    assert widget._status.text().startswith("Painted in ")


def test_labels_follow_the_view(viewer: ViewerModel) -> None:
    layer = viewer.add_image(STACK, scale=(2, 1, 1))
    marked = viewer.add_labels(STACK.astype(int), scale=(2, 1, 1))
    for order in itertools.permutations(range(3)):
        viewer.dims.order = order
        for point in (0, 3):  # slices of the layer
            viewer.dims.set_point(order[0], 2 * point if order[0] == 0 else point)
            labels = freeze_labels(marked, grid_of(layer, viewer)).labels
            np.testing.assert_array_equal(labels, marked._slice.image.raw)
