"""A result and its recipe outlive napari."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile
from fakes import Driver
from napari.components import ViewerModel
from napari.layers import Image
from npe2 import PluginManifest
from npe2.io_utils import read, write_get_writer
from PIL import Image as Pillow

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.stack_job import STACK_KEY, StackSelection
from napari_style_transfer.plugin.outputs.files import write_picture
from napari_style_transfer.plugin.outputs.reader import get_reader
from napari_style_transfer.plugin.outputs.stack_array import picture_order
from napari_style_transfer.recipe import RECIPE_KEY, Recipe
from napari_style_transfer.stack.folder import save_tiff
from napari_style_transfer.stack.output import Record

PLUGIN = "napari-style-transfer"
RESULT = "photo in the style of painting"


@pytest.fixture
def result(driver: Driver, viewer: ViewerModel) -> Any:
    driver.run()
    return viewer.layers[RESULT]


@pytest.fixture
def manager(npe2pm: Any) -> Any:
    npe2pm.register(PluginManifest.from_distribution(PLUGIN))
    return npe2pm


def test_a_result_comes_back_with_its_recipe(
    result: Any, viewer: ViewerModel, manager: Any, tmp_path: Path
) -> None:
    path = tmp_path / "picture.png"
    written, writer = write_get_writer(
        str(path), [result.as_layer_data_tuple()], plugin_name=PLUGIN
    )
    assert written == [str(path), str(tmp_path / "picture.json")]
    assert writer.plugin_name == PLUGIN
    assert Recipe.parse(tmp_path / "picture.json") == Recipe.parse(result.metadata)
    np.testing.assert_array_equal(np.asarray(Pillow.open(path)), result.data)

    ((data, options, kind),) = read([str(tmp_path / "picture.json")], stack=False)
    opened = getattr(viewer, f"add_{kind}")(data, **options)
    assert opened.rgb
    assert opened.name == f"{RESULT} [1]"
    np.testing.assert_array_equal(opened.data, result.data)
    assert opened.metadata[RECIPE_KEY] == result.metadata[RECIPE_KEY]


@pytest.mark.parametrize(
    "options",
    [
        {"scale": (0.5, 2), "translate": (8, -1), "rotate": 25, "interpolation2d": "linear"},
        {"scale": (3, 0.5, 2), "units": ("um",) * 3, "axis_labels": ("z", "y", "x")},
    ],
    ids=["rotated", "slice of a stack"],
)
def test_a_result_comes_back_to_where_it_lay(
    result: Any, tmp_path: Path, options: dict[str, Any]
) -> None:
    data = result.data[None] if len(options["scale"]) == 3 else result.data
    layer = Image(data, rgb=True, metadata=result.metadata, **options)
    write_picture(str(tmp_path / "a.png"), *layer.as_layer_data_tuple()[:2])
    reader = get_reader(str(tmp_path / "a.json"))
    assert reader is not None
    ((data, attributes, _),) = reader(str(tmp_path / "a.json"))
    opened = Image(data, **attributes)
    np.testing.assert_array_equal(opened.data, layer.data)
    np.testing.assert_allclose(
        opened._data_to_world.affine_matrix, layer._data_to_world.affine_matrix
    )
    for name in ("units", "axis_labels", "interpolation2d"):
        assert getattr(opened, name) == getattr(layer, name)


def test_another_picture_under_the_name_is_no_more_laid_there(result: Any, tmp_path: Path) -> None:
    write_picture(str(tmp_path / "a.png"), *result.as_layer_data_tuple()[:2])
    Pillow.new("RGB", (5, 7)).save(tmp_path / "a.png")
    reader = get_reader(str(tmp_path / "a.json"))
    assert reader is not None
    ((data, attributes, _),) = reader(str(tmp_path / "a.json"))
    assert data.shape == (7, 5, 3)
    assert "scale" not in attributes


def test_an_opened_result_can_be_continued(
    result: Any, viewer: ViewerModel, driver: Driver, tmp_path: Path
) -> None:
    write_picture(str(tmp_path / "a.png"), result.data, {"metadata": result.metadata})
    reader = get_reader(str(tmp_path / "a.json"))
    assert reader is not None
    ((data, options, _),) = reader(str(tmp_path / "a.json"))
    viewer.layers.selection.active = viewer.add_image(data, **options)
    assert driver.widget.go_on.enabled


def test_a_png_is_left_to_napari(manager: Any, tmp_path: Path) -> None:
    assert list(manager.iter_compatible_readers(["picture.png"])) == []


@pytest.mark.parametrize("shape", [(1, 20, 30, 3), (20, 1, 30, 4), (1, 1, 20, 30, 3)])
def test_a_slice_of_a_stack_is_written_flat(
    result: Any, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    data = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    write_picture(str(tmp_path / "a.png"), data, {"metadata": result.metadata})
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "a.png")), data.squeeze())


def test_an_image_that_is_no_result_is_written_as_ever(tmp_path: Path) -> None:
    path = str(tmp_path / "plain.png")
    assert write_picture(path, np.zeros((20, 30), np.uint8), {"metadata": {}}) == [path]
    assert list(tmp_path.iterdir()) == [tmp_path / "plain.png"]


def test_nobody_s_json_is_replaced_but_an_older_recipe_is(result: Any, tmp_path: Path) -> None:
    other = tmp_path / "a.json"
    other.write_text('{"mine": 1}')
    path, attributes = str(tmp_path / "a.png"), {"metadata": result.metadata}
    for _ in range(2):
        assert write_picture(path, result.data, attributes) == [path, f"{path}.json"]
    assert json.loads(other.read_text()) == {"mine": 1}
    reader = get_reader(f"{path}.json")
    assert reader is not None
    np.testing.assert_array_equal(reader(f"{path}.json")[0][0], result.data)
    other.unlink()
    Path(f"{path}.json").write_text("[]")
    for _ in range(2):
        assert write_picture(path, result.data, attributes) == [path, str(other)]
    other.write_text("[]")
    Path(path).unlink()
    with pytest.raises(InputError, match="would replace"):
        write_picture(path, result.data, attributes)
    assert not Path(path).exists()


def test_a_folder_that_is_not_there_is_one_clear_sentence(result: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^Cannot write .*nowhere"):
        write_picture(
            str(tmp_path / "nowhere" / "a.png"), result.data, {"metadata": result.metadata}
        )


@pytest.mark.parametrize("content", ["{}", "[1]", "no json", '{"settings": {"size": -1}}'])
def test_other_json_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    Pillow.new("RGB", (20, 30)).save(tmp_path / "a.png")
    assert get_reader(str(tmp_path / "a.json")) is None
    assert get_reader(str(tmp_path / "none.json")) is None


def test_a_recipe_without_its_picture_is_left_alone(result: Any, tmp_path: Path) -> None:
    write_picture(str(tmp_path / "a.png"), result.data, {"metadata": result.metadata})
    (tmp_path / "a.png").unlink()
    assert get_reader(str(tmp_path / "a.json")) is None


def test_a_damaged_picture_is_one_clear_sentence(result: Any, tmp_path: Path) -> None:
    write_picture(str(tmp_path / "a.png"), result.data, {"metadata": result.metadata})
    (tmp_path / "a.png").write_bytes(b"no picture")
    reader = get_reader([str(tmp_path / "a.json")])
    assert reader is not None
    with pytest.raises(InputError, match="Cannot read the picture"):
        reader([str(tmp_path / "a.json")])


# ---- as on screen, and as other programs see it --------------------------------------------------


def read_back(notes: Path) -> Image:
    reader = get_reader(str(notes))
    assert reader is not None
    ((data, attributes, _),) = reader(str(notes))
    return Image(data, **attributes)


def lies_alike(one: Image, other: Image) -> None:
    np.testing.assert_array_equal(np.asarray(one.data), np.asarray(other.data))
    np.testing.assert_allclose(one._data_to_world.affine_matrix, other._data_to_world.affine_matrix)
    for name in ("name", "units", "axis_labels", "interpolation2d"):
        assert getattr(one, name) == getattr(other, name)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_result_of_a_transposed_view_is_saved_as_on_screen(
    driver: Driver, viewer: ViewerModel, tmp_path: Path, suffix: str
) -> None:
    viewer.dims.order = (1, 0)
    driver.run()
    result = viewer.layers[RESULT]
    result.data[:9] = 7  # so that its sides differ
    write_picture(str(tmp_path / f"a{suffix}"), *result.as_layer_data_tuple()[:2])
    with Pillow.open(tmp_path / f"a{suffix}") as image:
        saved = np.asarray(image)
    np.testing.assert_array_equal(saved, result.data.swapaxes(0, 1))
    lies_alike(read_back(tmp_path / "a.json"), result)


def test_a_tiff_of_a_picture_says_how_large_a_pixel_is(result: Any, tmp_path: Path) -> None:
    result.units, result.scale = ("um", "um"), (0.5, 0.25)
    write_picture(str(tmp_path / "a.tif"), *result.as_layer_data_tuple()[:2])
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages.first
        np.testing.assert_array_equal(page.asarray(), result.data)
        ome = file.ome_metadata
        assert page.tags["XResolution"].value == (40_000, 1)
    assert ome is not None
    assert 'PhysicalSizeX="0.25" PhysicalSizeXUnit="µm" PhysicalSizeY="0.5"' in ome
    lies_alike(read_back(tmp_path / "a.json"), result)


@pytest.mark.parametrize("see_through", [False, True])
def test_opacity_is_written_only_where_something_is_see_through(
    result: Any, tmp_path: Path, see_through: bool
) -> None:
    data = np.full((20, 30, 4), 255, np.uint8)
    data[5, 5, 3] = 0 if see_through else 255
    layer = Image(data, rgb=True, metadata=result.metadata)
    for name in ("a.png", "a.tif"):
        write_picture(str(tmp_path / name), *layer.as_layer_data_tuple()[:2])
        with Pillow.open(tmp_path / name) as image:
            assert image.mode == ("RGBA" if see_through else "RGB")
        lies_alike(read_back(tmp_path / "a.json"), layer)


# ---- stacks --------------------------------------------------------------------------------------


def stack_layer(
    result: Any,
    shape: tuple[int, ...] = (3, 20, 30),
    done: Any = None,
    axes: Any = None,
    **given: Any,
) -> Image:
    """Return the result of a stack, of which some slices are painted."""
    axes = axes or (len(shape) - 2, len(shape) - 1)
    leading = [n for axis, n in enumerate(shape) if axis not in axes]
    done = list(range(int(np.prod(leading)))) if done is None else done
    data = np.random.default_rng(0).integers(0, 256, (*shape, 4), np.uint8)
    data[..., 3] = 255
    slices = data.transpose(picture_order(axes, data.ndim))
    for number, index in enumerate(np.ndindex(*leading)):
        if number not in done:
            slices[index] = 0
    selection = StackSelection(axes=axes, ranges=tuple((0, n - 1) for n in leading), folder="/gone")
    record = Record({"content": "cells"}, list(done), Recipe.parse(result.metadata))
    metadata = {**record.to_json(), STACK_KEY: selection.model_dump(mode="json")}
    return Image(data, rgb=True, metadata=metadata, **given)


def test_a_stack_comes_back_from_a_tiff_with_all_that_it_was(
    result: Any, manager: Any, tmp_path: Path
) -> None:
    layer = stack_layer(
        result,
        (2, 3, 20, 30),
        name="movie",
        scale=(3, 2, 0.5, 0.5),
        translate=(1, 2, 3, 4),
        rotate=15,
        units=("s", "um", "um", "um"),
        axis_labels=("time", "z", "y", "x"),
    )
    written, _ = write_get_writer(
        str(tmp_path / "a.tif"), [layer.as_layer_data_tuple()], plugin_name=PLUGIN
    )
    assert written == [str(tmp_path / "a.tif"), str(tmp_path / "a.json")]
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.series[0].axes == "TZYXS"
        np.testing.assert_array_equal(file.asarray(), layer.data[..., :3])
        ome = file.ome_metadata
    assert ome is not None
    for said in ('PhysicalSizeX="0.5"', 'PhysicalSizeZ="2.0"', 'TimeIncrement="3.0"'):
        assert said in ome
    opened = read_back(tmp_path / "a.json")
    lies_alike(opened, layer)
    assert opened.data.flags.writeable  # so that the rest can be painted
    assert Record.from_json(opened.metadata) == Record.from_json(layer.metadata)
    selection = StackSelection.of(opened)
    assert selection is not None
    assert (selection.axes, selection.ranges, selection.folder) == ((2, 3), ((0, 1), (0, 2)), None)


@pytest.mark.parametrize("axes", [(1, 2), (2, 1), (0, 2), (2, 0)])
@pytest.mark.parametrize("lazy", [False, True])
def test_slices_that_are_not_painted_are_named_and_come_back_see_through(
    result: Any, tmp_path: Path, axes: tuple[int, int], lazy: bool
) -> None:
    shape = [0, 0, 0]
    for axis, n in zip(axes, (20, 30), strict=True):
        shape[axis] = n
    shape[shape.index(0)] = 4
    layer = stack_layer(result, tuple(shape), done=[0, 2], axes=axes)
    data = da.from_array(layer.data) if lazy else layer.data
    write_picture(str(tmp_path / "a.tif"), data, layer.as_layer_data_tuple()[1])
    noted = json.loads((tmp_path / "a.json").read_bytes())
    assert noted["layer"]["not_painted"] == [[1], [3]]
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert [page.shape for page in file.pages] == [(20, 30, 3)] * 4  # as on screen
        assert [bool(page.asarray().any()) for page in file.pages] == [True, False, True, False]
    lies_alike(read_back(tmp_path / "a.json"), layer)


def test_a_stack_with_more_axes_than_ome_has_is_saved_all_the_same(
    result: Any, tmp_path: Path
) -> None:
    layer = stack_layer(result, (2, 2, 1, 2, 20, 30))
    write_picture(str(tmp_path / "a.tif"), *layer.as_layer_data_tuple()[:2])
    lies_alike(read_back(tmp_path / "a.json"), layer)


def test_a_stack_larger_than_memory_comes_back_lazily(
    result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = stack_layer(result, done=[0, 1])
    write_picture(str(tmp_path / "a.tif"), *layer.as_layer_data_tuple()[:2])
    monkeypatch.setattr(
        "napari_style_transfer.plugin.outputs.reader.fits_in_memory", lambda *_: False
    )
    opened = read_back(tmp_path / "a.json")
    assert isinstance(opened.data, da.Array)
    lies_alike(opened, layer)


def test_a_tiff_of_the_command_line_comes_back_as_a_stack(result: Any, tmp_path: Path) -> None:
    pages = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), np.uint8)
    save_tiff(tmp_path / "a.tif", iter(pages), pages.nbytes)
    (tmp_path / "a.json").write_text(json.dumps(result.metadata[RECIPE_KEY]))
    np.testing.assert_array_equal(read_back(tmp_path / "a.json").data, pages)


def test_layers_without_a_recipe_are_saved_as_tiff_by_napari(tmp_path: Path) -> None:
    path = str(tmp_path / "plain.tif")
    assert write_picture(path, np.zeros((2, 20, 30), np.uint8), {"metadata": {}}) == [path]
    assert tifffile.imread(path).shape == (2, 20, 30)


@pytest.mark.parametrize(
    "layer",
    [
        "text", [1], 7, None, {"shape": [0]}, {"shape": None, "axes": 3},
        {"scale": ["a", "b"]}, {"scale": [0, 0]}, {"scale": [1, 1, 1, 1]}, {"affine": [[1]]},
        {"units": ["parsec", "apple"]}, {"axis_labels": 5}, {"name": 5, "colour": "red"}, {"axes": [0]},
        {"axes": [0, 7]}, {"axes": "no"}, {"not_painted": [[9]]}, {"not_painted": 3}, {"rotate": "x"},
        {"interpolation2d": "no such"}, {"translate": [float("nan")]},
    ],
)  # fmt: skip
def test_a_spoilt_layer_entry_is_one_sentence(result: Any, tmp_path: Path, layer: Any) -> None:
    write_picture(str(tmp_path / "a.png"), *result.as_layer_data_tuple()[:2])
    noted = json.loads((tmp_path / "a.json").read_bytes())
    noted["layer"] = {**noted["layer"], **layer} if isinstance(layer, dict) else layer
    (tmp_path / "a.json").write_text(json.dumps(noted))
    if isinstance(layer, dict) and "shape" in layer:  # then it is another picture under that name
        assert read_back(tmp_path / "a.json").data.shape == result.data.shape
        return
    with pytest.raises(
        InputError, match=r"^The entry 'layer' of the recipe .* is spoilt.*place\.$"
    ):
        read_back(tmp_path / "a.json")


def test_a_spoilt_record_does_not_keep_a_stack_from_coming_back(
    result: Any, tmp_path: Path
) -> None:
    layer = stack_layer(result)
    write_picture(str(tmp_path / "a.tif"), *layer.as_layer_data_tuple()[:2])
    noted = json.loads((tmp_path / "a.json").read_bytes())
    noted["napari_style_transfer_done"] = ["x", 99]
    (tmp_path / "a.json").write_text(json.dumps(noted))
    opened = read_back(tmp_path / "a.json")
    np.testing.assert_array_equal(opened.data, layer.data)
    assert StackSelection.of(opened) is None
