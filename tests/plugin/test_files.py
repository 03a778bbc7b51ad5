"""A result and its recipe outlive napari."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import Driver
from napari.components import ViewerModel
from napari.layers import Image
from npe2 import PluginManifest
from npe2.io_utils import read, write_get_writer
from PIL import Image as Pillow

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.outputs.files import get_reader, write_picture
from napari_style_transfer.recipe import RECIPE_KEY, Recipe

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


@pytest.mark.parametrize(
    "spoil",
    [
        lambda layer: 3,
        lambda layer: [1],
        lambda layer: layer | {"shape": "ab"},
        lambda layer: layer | {"scale": [0, 0]},
        lambda layer: layer | {"scale": "wide"},
        lambda layer: layer | {"telepathy": 1},
    ],
)
def test_a_spoilt_layer_entry_is_one_sentence(
    result: Any, tmp_path: Path, spoil: Callable[[Any], Any]
) -> None:
    path = tmp_path / "a.json"
    write_picture(str(tmp_path / "a.png"), *result.as_layer_data_tuple()[:2])
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"layer": spoil(values["layer"])}))
    reader = get_reader(str(path))
    assert reader is not None
    with pytest.raises(InputError) as caught:
        reader(str(path))
    assert str(caught.value).startswith(f"The entry 'layer' of the recipe {path} is spoilt (")
    assert str(caught.value).endswith("the picture is opened as it is.")
    assert "\n" not in str(caught.value)


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
