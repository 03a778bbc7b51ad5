"""The gallery of *Style Transfer*: it agrees with the drop-down, and opens samples."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from fakes import Driver
from napari.components import ViewerModel
from napari.layers import Image
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_style_transfer import samples
from napari_style_transfer.plugin.inputs.thumbnail import thumbnail
from napari_style_transfer.plugin.widgets.gallery import Gallery
from napari_style_transfer.plugin.widgets.style_transfer import StyleTransferWidget

STYLES = list(samples.STYLES)


class Shown:
    """A widget whose gallery is used as a user does."""

    def __init__(self, widget: StyleTransferWidget, qtbot: QtBot) -> None:
        self.widget, self._qtbot = widget, qtbot
        self.gallery: Gallery = widget._choices.gallery.native
        self.gallery.resize(600, 200)

    def wait_for(self, *names: str) -> None:
        """Wait until these, and then the samples that are not open, are shown with their pictures."""
        expected = [*names, *(each for each in STYLES if each not in names)]
        timer = self.widget._choices.gallery._timer
        self._qtbot.waitUntil(lambda: self.names() == expected and not timer.isActive())

    def names(self) -> list[str]:
        return [self.item(row).text() for row in range(self.gallery.count())]

    def item(self, row: int) -> Any:
        return self.gallery.item(row)

    def click(self, name: str) -> None:
        item = self.item(self.names().index(name))
        self.gallery.grab()  # lays it out
        place = self.gallery.visualItemRect(item).center()
        self._qtbot.mouseClick(self.gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)

    def press(self, key: Qt.Key) -> None:
        self._qtbot.keyClick(self.gallery, key)

    def chosen(self) -> str:
        return "".join(item.text() for item in self.gallery.selectedItems())

    def colour(self, name: str) -> tuple[int, int, int]:
        icon = self.item(self.names().index(name)).icon()
        colour = icon.pixmap(60, 60).toImage().pixelColor(30, 30)
        return colour.red(), colour.green(), colour.blue()


@pytest.fixture
def shown(driver: Driver, qtbot: QtBot) -> Shown:
    """A widget over the layers `photo`, the content, and `painting`, the style."""
    return Shown(driver.widget, qtbot)


def add(viewer: ViewerModel, name: str, value: int = 0, **kwargs: Any) -> Image:
    return viewer.add_image(np.full((8, 8, 3), value, np.uint8), name=name, rgb=True, **kwargs)


# ---- what is shown -------------------------------------------------------------------------------


def test_layers_come_first_and_then_the_samples(shown: Shown) -> None:
    shown.wait_for("painting")
    assert shown.chosen() == "painting"
    assert shown.item(0).toolTip() == "painting"
    assert "opens it as a layer" in shown.item(1).toolTip()


def test_content_and_results_are_not_offered_unless_they_are_the_style(
    shown: Shown, driver: Driver, viewer: ViewerModel
) -> None:
    driver.run()
    assert len(viewer.layers) == 3
    shown.wait_for("painting")
    driver.widget.style.value = viewer.layers[-1]
    shown.wait_for("painting", viewer.layers[-1].name)
    assert shown.chosen() == viewer.layers[-1].name
    driver.widget.style.value = viewer.layers["photo"]
    shown.wait_for("painting")
    assert shown.chosen() == ""
    driver.widget.content.value = viewer.layers["painting"]
    shown.wait_for("photo")
    assert shown.chosen() == "photo"


def test_added_renamed_and_removed_layers_are_followed(shown: Shown, viewer: ViewerModel) -> None:
    layer = add(viewer, "other")
    shown.wait_for("painting", "other")
    layer.name = "another"
    shown.wait_for("painting", "another")
    viewer.layers.remove("painting")
    shown.wait_for("another")
    assert shown.widget.style.value.name == (shown.chosen() or "photo")


def test_a_thumbnail_follows_its_layer_even_if_that_is_hidden(
    shown: Shown, viewer: ViewerModel, qtbot: QtBot
) -> None:
    layer = add(viewer, "red", visible=False)
    shown.wait_for("painting", "red")
    assert max(shown.colour("red")) <= 8  # a screen may have few colours
    layer.data = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    qtbot.waitUntil(lambda: shown.colour("red")[0] >= 247)
    assert max(shown.colour("red")[1:]) <= 8
    grey = viewer.add_image(np.full((9, 9), 0.5), name="grey", contrast_limits=(0, 1))
    shown.wait_for("painting", "red", "grey")
    grey.colormap = "green"
    grey.contrast_limits = (0, 0.5)
    qtbot.waitUntil(lambda: shown.colour("grey")[1] >= 247 and shown.colour("grey")[0] <= 8)


# ---- what the user does --------------------------------------------------------------------------


def test_gallery_and_drop_down_agree(shown: Shown, viewer: ViewerModel) -> None:
    other = add(viewer, "other")
    shown.wait_for("painting", "other")
    shown.click("other")
    assert shown.widget.style.value is other
    shown.press(Qt.Key.Key_Left)
    assert shown.widget.style.value is viewer.layers["painting"]
    shown.widget.style.value = other
    assert shown.chosen() == "other"


def test_a_click_on_a_sample_opens_it_hidden_behind_the_rest(
    shown: Shown, viewer: ViewerModel
) -> None:
    shown.wait_for("painting")
    selected = set(viewer.layers.selection)
    shown.click("woodcut")
    layer = viewer.layers[0]
    assert shown.widget.style.value is layer
    assert layer.name == "woodcut"
    assert not layer.visible
    assert np.array_equal(layer.data, samples.load("woodcut"))
    assert layer.thumbnail[..., :3].any()
    assert set(viewer.layers.selection) == selected
    assert shown.widget.content.value.name == "photo"
    shown.wait_for("painting", "woodcut")
    assert shown.chosen() == "woodcut"


def test_a_sample_lies_within_the_content(shown: Shown, viewer: ViewerModel) -> None:
    volume = np.zeros((3, 50, 80), np.uint8)
    scale, place = (2, 0.1, 0.1), (0, 7, 9)
    content = viewer.add_image(volume, scale=scale, translate=place, units=("um",) * 3)
    shown.widget.content.value = content
    for name in ("photo", "painting"):
        viewer.layers.remove(name)
    before = viewer.layers.extent.world
    shown.gallery.chosen.emit("sample night")
    assert np.allclose(viewer.layers.extent.world, before)
    assert viewer.layers["night"].units == content.units[1:]
    assert shown.widget.style.value is viewer.layers["night"]


def test_a_content_of_one_pixel_does_not_shrink_a_sample(shown: Shown, viewer: ViewerModel) -> None:
    shown.widget.content.value = viewer.add_image(np.zeros((1, 9)), contrast_limits=(0, 1))
    shown.gallery.chosen.emit("sample night")
    assert tuple(viewer.layers["night"].scale) == (1, 1)


def test_a_renamed_sample_is_not_offered_twice_and_a_removed_one_again(
    shown: Shown, viewer: ViewerModel, qtbot: QtBot
) -> None:
    shown.wait_for("painting")
    shown.click("night")
    viewer.layers["night"].name = "stars"
    qtbot.waitUntil(lambda: "stars" in shown.names())
    assert "night" not in shown.names()
    viewer.layers.remove("stars")
    shown.wait_for("painting")


def test_arrow_keys_pass_over_samples_and_enter_or_space_opens_one(
    shown: Shown, viewer: ViewerModel
) -> None:
    shown.wait_for("painting")
    shown.gallery.grab()
    for _ in range(2):
        shown.press(Qt.Key.Key_Right)
    assert len(viewer.layers) == 2
    assert shown.chosen() == "painting"
    shown.press(Qt.Key.Key_Space)
    assert shown.widget.style.value.name == "papercut"
    shown.wait_for("painting", "papercut")
    shown.gallery.grab()
    shown.press(Qt.Key.Key_Right)
    shown.press(Qt.Key.Key_Return)
    assert shown.widget.style.value.name == "night"


def test_where_the_arrow_keys_are_stays_when_a_layer_comes(
    shown: Shown, viewer: ViewerModel
) -> None:
    shown.wait_for("painting")
    shown.gallery.grab()
    shown.press(Qt.Key.Key_Right)
    add(viewer, "other")
    shown.wait_for("painting", "other")
    assert shown.gallery.currentItem().text() == "night"
    assert shown.chosen() == "painting"


def test_a_double_click_opens_one_sample(shown: Shown, viewer: ViewerModel) -> None:
    shown.wait_for("painting")
    shown.gallery.grab()
    place = shown.gallery.visualItemRect(shown.item(3)).center()
    view, button = shown.gallery.viewport(), Qt.MouseButton.LeftButton
    QTest.mouseClick(view, button, Qt.KeyboardModifier.NoModifier, place)
    shown.wait_for("painting", "woodcut")
    QTest.mouseDClick(view, button, Qt.KeyboardModifier.NoModifier, place)
    assert [layer.name for layer in viewer.layers] == ["woodcut", "photo", "painting"]
    assert shown.widget.style.value.name == "woodcut"


def test_a_style_that_is_opened_before_the_content_stays_the_style(
    viewer: ViewerModel, qtbot: QtBot
) -> None:
    widget = StyleTransferWidget(viewer)
    qtbot.addWidget(widget.native)
    shown = Shown(widget, qtbot)
    shown.wait_for()
    shown.click("meadow")
    assert viewer.layers["meadow"].visible
    photo = add(viewer, "photo")
    assert widget.content.value is photo
    assert widget.style.value is viewer.layers["meadow"]
    shown.wait_for("meadow")
    assert shown.chosen() == "meadow"


# ---- thumbnails ----------------------------------------------------------------------------------


def test_large_arrays_are_thinned_out(viewer: ViewerModel) -> None:
    large = np.zeros((4, 3000, 2000), np.uint16)
    large[2] = 65_535
    layer = viewer.add_image(large, contrast_limits=(0, 65_535))
    viewer.dims.set_point(0, 2)
    picture = thumbnail(layer)
    assert 240 <= max(picture.shape) < 480
    assert picture.shape[2] == 3
    assert (picture == 255).all()


def test_what_is_see_through_lies_over_white(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((8, 8, 4), np.uint8), rgb=True)
    assert (thumbnail(layer) == 255).all()


def test_dask_is_not_computed(viewer: ViewerModel) -> None:
    def fail(block: Any) -> Any:
        raise AssertionError("computed")

    lazy = da.ones((400, 800), chunks=200, dtype=np.float32).map_blocks(fail, dtype=np.float32)
    layer = Image(lazy, contrast_limits=(0, 1), visible=False)
    viewer.layers.append(layer)
    picture = thumbnail(layer)
    assert picture.shape == (16, 32, 3)
    assert not picture.any()


@pytest.mark.parametrize("values", [np.full((5, 5), np.nan), np.zeros((1, 900))])
def test_odd_layers_have_a_thumbnail(viewer: ViewerModel, values: Any) -> None:
    layer = viewer.add_image(values, contrast_limits=(0, 1))
    height, width, colours = thumbnail(layer).shape
    assert height >= 1
    assert width >= 1
    assert colours == 3


def test_in_3d_it_is_napari_s_own(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.ones((3, 20, 20)), contrast_limits=(0, 1))
    viewer.dims.ndisplay = 3
    assert thumbnail(layer).shape[2] == 3
