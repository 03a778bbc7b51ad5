"""The widget of fast styles over a viewer without a window: live picture, stack, learning, files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
from fake_fast import FakeFast, FakeFastStyle, FakeLearning, FakeLibrary, colour, info
from napari.components import ViewerModel
from napari.layers import Image
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt

from napari_style_transfer.errors import InputError
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.plugin.inputs import library
from napari_style_transfer.plugin.inputs.fast_job import FastNote
from napari_style_transfer.plugin.outputs.files import write_picture
from napari_style_transfer.plugin.outputs.reader import get_reader
from napari_style_transfer.plugin.widgets.fast_style import FastStyleWidget
from napari_style_transfer.recipe import Recipe

_TIMEOUT = 20_000


@pytest.fixture
def styles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeLibrary:
    shipped = {name: FakeFastStyle(info(name)) for name in ("night", "meadow")}
    fake = FakeLibrary(shipped, tmp_path / "mine")
    fake.folder.mkdir()
    monkeypatch.setattr("napari_style_transfer.samples.fast_styles", fake.files)
    monkeypatch.setattr("napari_style_transfer.io.fast_file.read_info", fake.read_info)
    monkeypatch.setattr("napari_style_transfer.methods.fast.Fast", FakeFast)
    monkeypatch.setattr(FastStyle, "load", fake.load)
    monkeypatch.setattr(library, "folder", lambda: fake.folder)
    return fake


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch) -> FakeLearning:
    fake = FakeLearning()
    monkeypatch.setattr("napari_style_transfer.methods.learn.iter_learn", fake)
    return fake


class Driver:
    """Does with the widget what a user does, and waits for what follows."""

    def __init__(self, viewer: ViewerModel, qtbot: QtBot) -> None:
        self.viewer, self._qtbot = viewer, qtbot
        self.widget = FastStyleWidget(viewer)
        qtbot.addWidget(self.widget.native)
        self.widget.size.value = 32

    def until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=_TIMEOUT)

    def settle(self) -> None:
        """Wait until the picture is as it is asked for."""
        self.until(lambda: not self.widget._picture.busy)

    def choose(self, name: str) -> None:
        self.widget.choices.choose(f"{name}#0")
        self.settle()

    def done(self) -> None:
        """Wait until no stack is painted and nothing is learned."""
        self.until(lambda: self.widget._lifetime.run is None)
        self.settle()

    @property
    def live(self) -> Image:
        picture = self.widget._picture.layer
        assert picture is not None
        assert picture.layer is not None
        return picture.layer


@pytest.fixture
def driver(
    viewer: ViewerModel, qtbot: QtBot, styles: FakeLibrary, learning: FakeLearning
) -> Iterator[Driver]:
    random = np.random.default_rng(0)
    viewer.add_image(random.integers(0, 256, (40, 64, 3), np.uint8), name="photo", rgb=True)
    driver = Driver(viewer, qtbot)
    yield driver
    for each in styles.shipped.values():
        each.gate.set()
    learning.gate.set()
    driver.widget.learning.stop.changed.emit(True)
    driver.widget.stop.changed.emit(True)
    driver.done()


def painted(layer: Image) -> tuple[int, ...]:
    """The colour of the middle of a picture."""
    data = np.asarray(layer.data)
    while data.ndim > 3:
        data = data[0]
    return tuple(int(n) for n in data[data.shape[0] // 2, data.shape[1] // 2, :3])


def expected(name: str, content: Any) -> tuple[int, ...]:
    """The colour that a fake style paints a content in."""
    grey = np.asarray(content)[..., :3].mean() / 255
    return tuple(int(n) for n in np.rint(colour(name) * grey).astype(np.uint8))


# ---- the live picture ----------------------------------------------------------------------------


def test_choosing_a_style_paints_one_layer_over_the_content(driver: Driver) -> None:
    photo = driver.viewer.layers["photo"]
    photo.scale, photo.translate, photo.units = (0.5, 0.25), (3, 4), ("um", "um")
    driver.choose("night")
    live = driver.live
    assert live.name == "photo in the style of night"
    assert (live.data.shape, live.data.dtype, live.rgb) == ((20, 32, 4), np.uint8, True)
    assert painted(live) == expected("night", photo.data)
    np.testing.assert_allclose(
        live._extent_augmented.world, photo._extent_augmented.world, atol=1e-6
    )
    assert live.units == photo.units
    driver.choose("meadow")
    assert driver.live is live
    assert live.name == "photo in the style of meadow"
    assert painted(live) == expected("meadow", photo.data)
    assert len(driver.viewer.layers) == 2


def test_it_follows_every_slider_and_how_the_content_is_shown(
    driver: Driver, styles: FakeLibrary
) -> None:
    widget, photo, calls = (
        driver.widget,
        driver.viewer.layers["photo"],
        styles.shipped["night"].calls,
    )
    driver.choose("night")
    widget.strength.value, widget.stroke_size.value = 0.8, 1.5
    driver.settle()
    assert (calls[-1]["strength"], calls[-1]["stroke_size"]) == (0.8, 1.5)
    widget.size.value = 48
    driver.settle()
    assert driver.live.data.shape == (30, 48, 4)
    before = painted(driver.live)
    photo.gamma = 0.5
    driver.settle()
    assert painted(driver.live) > before
    photo.data = np.full((40, 64, 3), 255, np.uint8)
    photo.gamma = 1
    driver.settle()
    assert painted(driver.live) == tuple(colour("night"))
    photo.data[:] = 0
    photo.refresh()
    driver.settle()
    assert painted(driver.live) == (0, 0, 0)
    photo.translate = (5, 7)
    driver.settle()
    np.testing.assert_allclose(
        driver.live._extent_augmented.world, photo._extent_augmented.world, atol=1e-6
    )


def test_a_refresh_of_the_same_values_paints_nothing(driver: Driver, styles: FakeLibrary) -> None:
    driver.choose("night")
    count = len(styles.shipped["night"].calls)
    driver.viewer.layers["photo"].refresh()
    driver.settle()
    assert len(styles.shipped["night"].calls) == count


def test_the_newest_wish_wins_and_one_is_painted_at_once(
    driver: Driver, styles: FakeLibrary
) -> None:
    night = styles.shipped["night"]
    driver.choose("night")
    count = len(night.calls)
    night.hold = True
    for strength in np.linspace(0.1, 0.9, 9):
        driver.widget.strength.value = round(float(strength), 1)
        driver._qtbot.wait(10)
    assert len(night.calls) == count + 1
    night.gate.set()
    driver.settle()
    assert len(night.calls) == count + 2
    assert night.calls[-1]["strength"] == 0.9
    assert night.most == 1
    assert threading.get_ident() not in night.threads
    assert driver.live.metadata["napari_style_transfer_fast"]["strength"] == 0.9


def stack(slices: int = 4) -> np.ndarray:
    return np.stack([np.full((24, 32), 40 + 50 * n, np.uint8) for n in range(slices)])


@pytest.fixture
def scrolled(driver: Driver) -> Driver:
    """A stack as the content, painted at its first slice."""
    layer = driver.viewer.add_image(
        stack(), name="stack", contrast_limits=(0, 255), scale=(2, 1, 1), translate=(10, 0, 0)
    )
    driver.viewer.dims.set_point(0, 10)
    driver.widget.content.value = layer
    driver.choose("night")
    return driver


def test_every_slice_is_right_and_never_a_stale_one(scrolled: Driver, styles: FakeLibrary) -> None:
    viewer, live, night = scrolled.viewer, scrolled.live, styles.shipped["night"]
    for n in (0, 2, 3, 1):
        viewer.dims.set_point(0, 10 + 2 * n)
        scrolled.settle()
        assert painted(live) == expected("night", stack()[n])
        assert live.extent.world[0][0] == 10 + 2 * n
    count = len(night.calls)
    night.hold = True
    viewer.dims.set_point(0, 10)  # was painted before, and is there at once
    scrolled.until(lambda: live.extent.world[0][0] == 10)
    assert painted(live) == expected("night", stack()[0])
    assert len(night.calls) == count
    scrolled.widget.strength.value = 0.9
    scrolled.until(lambda: len(night.calls) == count + 1)
    viewer.dims.set_point(0, 14)  # while the first slice is painted
    night.gate.set()
    scrolled.settle()
    assert painted(live) == expected("night", stack()[2])
    assert live.extent.world[0][0] == 14


def test_thick_slices_are_painted_as_they_are_shown(scrolled: Driver, styles: FakeLibrary) -> None:
    viewer, night = scrolled.viewer, styles.shipped["night"]
    viewer.layers["stack"].projection_mode = "mean"
    viewer.dims.thickness = (4, 1, 1)
    viewer.dims.set_point(0, 12)
    scrolled.settle()
    assert painted(scrolled.live) == expected("night", stack()[:3].mean(0))
    night.hold = True
    viewer.dims.set_point(0, 14)
    scrolled.until(lambda: len(night.calls) > 2)
    scrolled._qtbot.wait(30)
    # The picture of the slice before would be in the thick slice, too.
    assert not np.asarray(scrolled.live.data)[..., 3].any()
    night.gate.set()
    scrolled.settle()
    assert painted(scrolled.live) == expected("night", stack()[1:4].mean(0))


def test_a_lazy_stack_and_a_transposed_view(scrolled: Driver) -> None:
    viewer = scrolled.viewer
    viewer.layers["stack"].data = dask.array.from_array(stack())
    scrolled.settle()
    assert painted(scrolled.live) == expected("night", stack()[0])
    viewer.dims.order = (0, 2, 1)
    scrolled.settle()
    assert scrolled.live.data.shape[0] == 1
    assert painted(scrolled.live) == expected("night", stack()[0])


def test_deleting_the_live_layer_or_the_content_ends_the_link(
    driver: Driver, styles: FakeLibrary
) -> None:
    widget, viewer = driver.widget, driver.viewer
    driver.choose("night")
    viewer.layers.remove(driver.live)
    assert not widget._picture.on
    assert "deleted" in widget._status.text()
    count = len(styles.shipped["night"].calls)
    widget.strength.value = 0.7
    driver.settle()
    assert len(styles.shipped["night"].calls) == count
    driver.choose("night")  # the same again
    assert driver.live.name == "photo in the style of night"
    styles.shipped["night"].hold = True
    widget.strength.value = 0.2
    driver.until(lambda: len(styles.shipped["night"].calls) > count + 1)
    live = driver.live
    viewer.layers.remove("photo")  # while it is painted
    styles.shipped["night"].gate.set()
    driver.settle()
    assert not widget._picture.on
    assert list(viewer.layers) == [live]


def test_what_is_painted_live_is_no_content(driver: Driver) -> None:
    driver.choose("night")
    assert [layer.name for layer in driver.widget.content.choices] == ["photo"]


def test_another_content_gets_a_layer_of_its_own(driver: Driver) -> None:
    driver.choose("night")
    first = driver.live
    other = driver.viewer.add_image(stack()[1], name="other")
    driver.widget.content.value = other
    driver.settle()
    assert driver.live is not first
    assert driver.live.name == "other in the style of night"
    driver.widget.content.value = driver.viewer.layers["photo"]
    driver.settle()
    assert driver.live is first


def test_an_error_is_one_sentence_and_goes_when_it_is_right_again(
    driver: Driver, styles: FakeLibrary
) -> None:
    night = styles.shipped["night"]
    night.error = RuntimeError("CUDA out of memory")
    driver.choose("night")
    assert "CUDA out of memory" in driver.widget._status.text()
    night.error = None
    driver.widget.strength.value = 0.9
    driver.settle()
    assert driver.widget._status.text() == ""
    assert driver.live.name == "photo in the style of night"


def test_a_content_that_cannot_be_painted_is_one_sentence(driver: Driver) -> None:
    layer = driver.viewer.add_image(np.zeros((8, 8)), name="odd")
    driver.widget.content.value = layer
    layer.data = np.full((8, 8), np.nan)
    driver.choose("night")
    assert "finite" in driver.widget._status.text()
    layer.data = np.ones((1, 1))  # but a single pixel can
    driver.settle()
    assert driver.widget._status.text() == ""
    assert driver.live.data.shape == (32, 32, 4)


def test_a_content_shown_in_3d_is_one_sentence(scrolled: Driver) -> None:
    scrolled.viewer.dims.ndisplay = 3
    scrolled.settle()
    assert "3-D" in scrolled.widget._status.text()
    scrolled.viewer.dims.ndisplay = 2
    scrolled.settle()
    assert scrolled.widget._status.text() == ""


def test_pausing_leaves_the_picture_as_it_is(driver: Driver, styles: FakeLibrary) -> None:
    driver.choose("night")
    driver.widget.live.changed.emit(True)
    count = len(styles.shipped["night"].calls)
    driver.widget.strength.value = 0.1
    driver.settle()
    assert len(styles.shipped["night"].calls) == count
    driver.widget.live.changed.emit(True)
    driver.settle()
    assert styles.shipped["night"].calls[-1]["strength"] == 0.1
    assert len(driver.viewer.layers) == 2


# ---- mix, divider, snapshots ---------------------------------------------------------------------


def test_two_styles_are_mixed(driver: Driver, styles: FakeLibrary) -> None:
    widget = driver.widget
    driver.choose("night")
    widget.other.value = "meadow#0"
    widget.share.value = 0.25
    driver.settle()
    calls = styles.shipped["night"].calls
    assert calls[-1]["name"] == "night+meadow*0.25"
    assert driver.live.name == "photo in the style of night and meadow"
    widget.share.value = 1.0
    driver.settle()
    assert styles.shipped["meadow"].calls[-1]["name"] == "meadow"


def test_styles_of_one_file_are_mixed_by_their_shares(driver: Driver, styles: FakeLibrary) -> None:
    both = styles.shipped["both"] = FakeFastStyle(info("one", "two"))
    driver.widget.choices.read_library()
    driver.widget.other.value = "both#1"
    driver.widget.share.value = 0.25
    driver.choose("both")
    assert both.calls[-1]["shares"] == [0.75, 0.25]


def test_a_style_among_several_is_mixed_with_one_of_another_file(
    driver: Driver, styles: FakeLibrary
) -> None:
    styles.shipped["both"] = FakeFastStyle(info("one", "two"), styles.shipped["night"].calls)
    driver.widget.choices.read_library()
    driver.widget.other.value = "both#1"
    driver.widget.share.value = 0.25
    driver.choose("night")
    last = styles.shipped["night"].calls[-1]
    assert (last["name"], last["shares"]) == ("night+two*0.25", [1.0])


def test_styles_of_the_base_are_offered_unless_they_have_files_of_their_own(
    driver: Driver, styles: FakeLibrary
) -> None:
    styles.shipped = {"base": FakeFastStyle(info("night", "glass")), **styles.shipped}
    entries, wrong = library.entries()
    assert not wrong
    assert [entry.key for entry in entries] == ["night#0", "meadow#0", "base#1"]


def test_styles_that_cannot_be_mixed_are_one_sentence(driver: Driver, styles: FakeLibrary) -> None:
    styles.shipped["odd"] = FakeFastStyle(info("odd", note="foreign"))
    driver.widget.choices.read_library()
    driver.choose("night")
    driver.widget.other.value = "odd#0"
    driver.settle()
    assert "cannot be mixed" in driver.widget._status.text()


def test_the_divider_shows_the_content_to_its_left(driver: Driver, styles: FakeLibrary) -> None:
    driver.choose("night")
    count = len(styles.shipped["night"].calls)
    driver.widget.divider.value = 0.5
    alpha = np.asarray(driver.live.data)[..., 3]
    assert not alpha[:, :16].any()
    assert (alpha[:, 16:] == 255).all()
    driver.widget.divider.value = 0
    assert np.asarray(driver.live.data)[..., 3].all()
    assert len(styles.shipped["night"].calls) == count


def test_what_is_kept_can_be_gone_back_to(driver: Driver, styles: FakeLibrary) -> None:
    widget, viewer = driver.widget, driver.viewer
    assert not widget.keep.enabled
    assert not widget.restore.enabled
    driver.choose("night")
    widget.strength.value, widget.divider.value = 0.9, 0.5
    driver.settle()
    widget.keep.changed.emit(True)
    kept = next(each for each in viewer.layers if "[1]" in each.name)
    assert not kept.visible
    assert kept.data[..., 3:].all()  # the whole of it
    assert viewer.layers[-1] is driver.live
    before = kept.data.copy()
    widget.strength.value = 0.1
    driver.choose("meadow")
    np.testing.assert_array_equal(kept.data, before)
    viewer.layers.selection.active = kept
    assert widget.restore.enabled
    widget.restore.changed.emit(True)
    driver.settle()
    assert widget.strength.value == 0.9
    assert widget.gallery.key() == "night#0"
    assert painted(driver.live) == painted(kept)
    styles.shipped.pop("night")
    widget.choices.read_library()
    viewer.layers.selection.active = kept
    widget.restore.changed.emit(True)
    assert "no style 'night'" in widget._status.text()


def test_the_picture_is_saved_with_how_it_was_made(driver: Driver, tmp_path: Path) -> None:
    driver.choose("night")
    driver.widget.strength.value = 0.75
    driver.settle()
    live = driver.live
    recipe = Recipe.parse(live.metadata)
    assert (recipe.content, recipe.style) == ("photo", "night")
    assert (recipe.settings.strength, recipe.settings.size) == (0.75, 32)
    assert (recipe.device, recipe.precision) == ("cpu", "bfloat16")
    written = write_picture(str(tmp_path / "a.png"), live.data, live.as_layer_data_tuple()[1])
    read = get_reader(written[1])
    assert read is not None
    (layer,) = read(written[1])
    np.testing.assert_array_equal(layer[0][..., :3], live.data[..., :3])
    note = FastNote.of_metadata(layer[1]["metadata"])
    assert note == FastNote.of(live)


def test_settings_survive_closing_the_widget(driver: Driver, qtbot: QtBot) -> None:
    driver.choose("meadow")
    driver.widget.strength.value, driver.widget.divider.value = 0.35, 0.25
    driver.widget.other.value = "night#0"
    driver.settle()
    live = driver.live
    driver.widget._lifetime.close()  # as its dock does
    again = Driver.__new__(Driver)
    again.viewer, again._qtbot = driver.viewer, qtbot
    again.widget = FastStyleWidget(driver.viewer)
    qtbot.addWidget(again.widget.native)
    widget = again.widget
    assert (widget.strength.value, widget.divider.value) == (0.35, 0.25)
    assert (widget.gallery.key(), widget.other.value) == ("meadow#0", "night#0")
    assert widget.size.value == 32
    assert not widget._picture.on
    widget.live.changed.emit(True)
    again.settle()
    assert again.live is live  # and no second one
    widget._lifetime.close()


# ---- whole stacks --------------------------------------------------------------------------------


def test_a_whole_stack_is_painted(scrolled: Driver) -> None:
    scrolled.widget.stack.changed.emit(True)
    scrolled.done()
    result = next(each for each in scrolled.viewer.layers if each.data.shape == (4, 24, 32, 4))
    for n in range(4):
        assert tuple(result.data[n, 12, 16, :3]) == expected("night", stack()[n])
    assert FastNote.of(result) == FastNote.of(scrolled.live)
    assert result.metadata["napari_style_transfer_done"] == [0, 1, 2, 3]
    np.testing.assert_allclose(
        result._extent_augmented.world,
        scrolled.viewer.layers["stack"]._extent_augmented.world,
        atol=1e-6,
    )


def test_a_stack_larger_than_memory_goes_to_a_folder(
    scrolled: Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import zarr

    name = "napari_style_transfer.plugin.inputs.whole_stack.fits_in_memory"
    monkeypatch.setattr(name, lambda _: False)
    folder = tmp_path / "result"
    dialog = "napari_style_transfer.plugin.widgets.fast_style.QFileDialog.getExistingDirectory"
    monkeypatch.setattr(dialog, lambda *_: str(folder))
    scrolled.widget.stack.changed.emit(True)
    scrolled.done()
    array = zarr.open_array(folder, mode="r")
    assert tuple(array[3, 12, 16, :3]) == expected("night", stack()[3])


def test_a_stack_stops_and_keeps_what_is_done(scrolled: Driver, styles: FakeLibrary) -> None:
    night, widget = styles.shipped["night"], scrolled.widget
    night.hold = True
    count = len(night.calls)
    widget.stack.changed.emit(True)
    scrolled.until(lambda: len(night.calls) > count)
    assert not widget.stack.enabled
    assert not widget.learning.learn.enabled
    widget.stop.changed.emit(True)
    night.gate.set()
    scrolled.done()
    assert widget.stack.enabled


# ---- learning ------------------------------------------------------------------------------------


@pytest.fixture
def taught(scrolled: Driver) -> Driver:
    """A painting ticked as the style, a photo and a stack to learn on."""
    painting = np.random.default_rng(1).integers(0, 256, (30, 30, 3), np.uint8)
    layer = scrolled.viewer.add_image(painting, name="painting", rgb=True)
    scrolled.widget.learning.layers.tick(layer, style=True)
    return scrolled


def test_learning_takes_all_slices_and_ends_in_the_gallery(
    taught: Driver, learning: FakeLearning, styles: FakeLibrary
) -> None:
    section = taught.widget.learning
    section.minutes.value = 2
    section.learn.changed.emit(True)
    taught.done()
    (call,) = learning.calls
    assert list(call["styles"]) == ["painting"]
    assert call["content_names"] == ["photo", *4 * ["stack"]]
    assert len(call["contents"]) == 5
    pictures = list(call["contents"])
    assert all(each.ndim == 3 and each.dtype == np.uint8 for each in pictures)
    assert sorted(int(each[0, 0, 0]) for each in pictures[1:]) == [40, 90, 140, 190]
    assert call["settings"].minutes == 2
    assert call["base"] is None
    file = styles.folder / "painting.safetensors"
    assert file.exists()
    assert taught.widget.gallery.key() == f"{file}#0"
    assert taught.live.name == "stack in the style of painting"
    assert "among your styles" in taught.widget._status.text()


def test_the_live_picture_follows_what_is_learned(taught: Driver, learning: FakeLearning) -> None:
    learning.hold = 4
    taught.widget.learning.learn.changed.emit(True)
    taught.until(lambda: taught.live.name == "stack in the style of painting")
    section = taught.widget.learning
    assert not section.learn.enabled
    assert "being learned" in section.learn.native.toolTip()
    assert section.stop.enabled
    section.learn.changed.emit(True)
    taught._qtbot.wait(50)
    assert len(learning.calls) == 1


def test_stop_keeps_the_best_and_go_on_starts_from_it(
    taught: Driver, learning: FakeLearning, styles: FakeLibrary
) -> None:
    section = taught.widget.learning
    assert not section.go_on.enabled
    learning.hold = 4
    section.learn.changed.emit(True)
    taught.until(lambda: section._seconds > 0)
    section.stop.changed.emit(True)
    taught.done()
    assert (styles.folder / "painting.safetensors").exists()
    assert section.go_on.enabled
    section.go_on.changed.emit(True)
    learning.gate.set()
    taught.done()
    assert learning.calls[1]["base"].names == ("painting",)
    assert len(list(styles.folder.iterdir())) == 1
    section.learn.changed.emit(True)
    taught.done()
    assert len(list(styles.folder.iterdir())) == 2  # learned anew, it replaces nothing


def test_layers_deleted_while_it_learns_change_nothing(
    taught: Driver, learning: FakeLearning, styles: FakeLibrary
) -> None:
    learning.hold = 2
    taught.widget.learning.learn.changed.emit(True)
    taught.until(lambda: taught.widget.learning._seconds > 0)
    taught.viewer.layers.clear()
    learning.gate.set()
    taught.done()
    assert (styles.folder / "painting.safetensors").exists()
    assert "Learned 'painting'" in taught.widget._status.text()


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), InputError("Too small.")])
def test_an_error_while_it_learns_is_one_message_and_keeps_what_was_learned(
    taught: Driver,
    learning: FakeLearning,
    styles: FakeLibrary,
    errors: list[str],
    error: Exception,
) -> None:
    learning.error = error
    taught.widget.learning.learn.changed.emit(True)
    taught.done()
    assert len(errors) == 1
    assert str(error).rstrip(".") in errors[0]
    assert taught.widget.learning.learn.enabled
    assert (styles.folder / "painting.safetensors").exists()


def test_a_full_disk_is_said_and_what_was_learned_stays(
    taught: Driver, styles: FakeLibrary, monkeypatch: pytest.MonkeyPatch, errors: list[str]
) -> None:
    def fail(self: FakeFastStyle, path: Path) -> None:
        raise InputError("Cannot save it: No space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr(FakeFastStyle, "save", fail)
        taught.widget.learning.learn.changed.emit(True)
        taught.done()
    assert "No space left" in errors[0]
    assert taught.widget.choices.entry is not None
    target = styles.folder.parent / "elsewhere.safetensors"
    taught.widget.styles.save_to(target)
    assert target.exists()


def test_two_learnings_at_once_are_impossible_across_viewers(
    taught: Driver, learning: FakeLearning, qtbot: QtBot
) -> None:
    learning.hold = 2
    taught.widget.learning.learn.changed.emit(True)
    other = Driver(ViewerModel(), qtbot)
    for name in ("a", "b"):
        other.viewer.add_image(np.zeros((8, 8), np.uint8), name=name)
    other.widget.learning.layers.tick(other.viewer.layers["b"], style=True)
    assert "another viewer" in other.widget.learning.learn.native.toolTip()
    other.widget.learning.learn.changed.emit(True)
    assert len(learning.calls) <= 1
    assert other.widget._lifetime.run is None


def test_a_layer_serves_for_one_purpose(taught: Driver) -> None:
    table, painting = taught.widget.learning.layers, taught.viewer.layers["painting"]
    assert painting not in table.contents()
    table.tick(painting, style=False)
    assert painting not in table.styles()
    assert not taught.widget.learning.learn.enabled
    assert "Style" in taught.widget.learning.learn.native.toolTip()


# ---- files ---------------------------------------------------------------------------------------


def test_styles_are_loaded_saved_and_removed(
    driver: Driver, styles: FakeLibrary, tmp_path: Path, errors: list[str]
) -> None:
    section = driver.widget.styles
    file = tmp_path / "theirs.safetensors"
    FakeFastStyle(info("fresco")).save(file)
    section.load_from(file)
    driver.settle()
    copy = styles.folder / "theirs.safetensors"
    assert driver.widget.gallery.key() == f"{copy}#0"
    assert driver.live.name == "photo in the style of fresco"
    file.unlink()  # the copy is the user's own
    section.save_to(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == copy.read_bytes()
    assert section.remove.enabled
    section.remove_chosen()
    assert not copy.exists()
    assert driver.widget.gallery.key() == ""
    driver.choose("night")
    assert not section.remove.enabled
    assert "comes with the package" in section.remove.native.toolTip()
    (tmp_path / "bad.safetensors").write_text("nonsense")
    section.load_from(tmp_path / "bad.safetensors")
    assert errors == [f"{tmp_path / 'bad.safetensors'} holds no fast style."]


def test_a_damaged_file_of_ones_own_does_not_hide_the_others(
    driver: Driver, styles: FakeLibrary
) -> None:
    (styles.folder / "bad.safetensors").write_text("nonsense")
    wrong = driver.widget.choices.read_library()
    assert len(wrong) == 1
    assert driver.widget.gallery.count() == 2


# ---- the whole napari ----------------------------------------------------------------------------


def test_in_the_whole_napari(
    make_napari_viewer: Callable[..., Any],
    qtbot: QtBot,
    styles: FakeLibrary,
    learning: FakeLearning,
) -> None:
    from napari._app_model import get_app_model
    from napari._app_model.constants import MenuId

    viewer = make_napari_viewer(strict_qt="raise")
    viewer.add_image(stack(), name="stack", contrast_limits=(0, 255))
    _, widget = viewer.window.add_plugin_dock_widget("napari-style-transfer", "Fast Style")
    items = get_app_model().menus.get_menu(MenuId.LAYERS_FILTER)
    assert "napari-style-transfer.fast_style" in {item.command.id for item in items}

    def settle() -> None:
        qtbot.waitUntil(lambda: not widget._picture.busy, timeout=_TIMEOUT)

    gallery = widget.gallery
    place = gallery.visualItemRect(gallery.item(0)).center()
    qtbot.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle()
    assert viewer.layers[-1].name == "stack in the style of night"
    for n in (3, 1):
        viewer.dims.set_point(0, n)
        settle()
        assert painted(viewer.layers[-1]) == expected("night", stack()[n])
    night = styles.shipped["night"]
    night.hold = True
    count = len(night.calls)
    widget.strength.value = 0.9
    qtbot.waitUntil(lambda: len(night.calls) > count, timeout=_TIMEOUT)
    viewer.close()  # while it is painted
    night.gate.set()
    qtbot.waitUntil(lambda: night.now == 0, timeout=_TIMEOUT)
