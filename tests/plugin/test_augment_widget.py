"""The widget of augmentation over a viewer without a window: folders, layers, stop, and the live match."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from augment_sets import cellpose, discs, style, texture
from napari.components import ViewerModel
from napari.layers import Image
from pytestqt.qtbot import QtBot

from napari_style_transfer.augment import AugmentSettings, loop
from napari_style_transfer.augment.ways import Painting
from napari_style_transfer.plugin.inputs.augment_job import labels_of
from napari_style_transfer.plugin.widgets.augment import AugmentWidget

_TIMEOUT = 60_000


class Driver:
    """Does with the widget what a user does, and waits for what follows."""

    def __init__(self, viewer: ViewerModel, qtbot: QtBot) -> None:
        self.viewer, self._qtbot = viewer, qtbot
        self.widget = AugmentWidget(viewer)
        qtbot.addWidget(self.widget.native)
        self.choices, self.live = self.widget.choices, self.widget.live

    def until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=_TIMEOUT)

    def choose_folders(self, at: Path) -> None:
        """Choose the folders of a small set; new pictures get other colours, at once."""
        self.choices.images_from.value = self.choices.styles_from.value = "folder"
        self.choices.images.show_path(str(at / "train"))
        self.choices.styles.show_path(str(at / "real.tif"))
        self.choices.output.show_path(str(at / "out"))
        self.choose_colour()

    def choose_colour(self) -> None:
        self.choices.fields["way"].value = "colour"
        self.choices.fields["copies"].value = 1

    def run(self) -> str:
        """Press Run, and return what is said in the end."""
        self.widget.run.changed.emit(True)
        self.done()
        return self.said

    def done(self) -> None:
        self.until(lambda: not self.widget._lifetime.running)

    def settle(self) -> None:
        """Wait until the live picture is as it is asked for."""
        self.until(lambda: not self.live.picture.busy)

    @property
    def said(self) -> str:
        return self.widget._status.text()

    @property
    def matched(self) -> Image:
        live = self.live.picture.layer
        assert live is not None
        assert live.layer is not None
        return live.layer


@pytest.fixture
def driver(
    viewer: ViewerModel, qtbot: QtBot, tmp_path: Path, errors: list[str]
) -> Iterator[Driver]:
    cellpose(tmp_path / "train"), style(tmp_path / "real.tif")
    driver = Driver(viewer, qtbot)
    yield driver
    driver.widget.stop.changed.emit(True)
    driver.done()
    driver.settle()


def add_set(viewer: ViewerModel, count: int = 3) -> None:
    """Add a stack of images, its labels, and a picture of another microscope."""
    pairs = [discs(number) for number in range(count)]
    viewer.add_image(np.stack([image for image, _ in pairs]), name="cells", scale=(1, 0.5, 0.5))
    labels = np.stack([labels for _, labels in pairs]).astype(np.int64)
    viewer.add_labels(labels, name="cells_masks", scale=(1, 0.5, 0.5))
    viewer.add_image(texture(), name="mine: new/scope", scale=(0.5, 0.5))


# ---- the training set ----------------------------------------------------------------------------


def test_every_parameter_has_its_field(driver: Driver) -> None:
    assert driver.choices.fields.keys() == AugmentSettings.model_fields.keys()
    assert driver.choices.settings() == AugmentSettings()
    fields = driver.choices.fields
    assert fields["strength"].native.placeholderText() == "0.2..0.6"
    fields["way"].value = "stain"
    assert fields["strength"].native.placeholderText() == "1"
    assert driver.choices.settings().strengths == (1, 1)
    assert "learns nothing" in fields["minutes"].native.toolTip()
    fields["strength"].native.setText("0,3 – 0,5")
    fields["copies"].native.lineEdit().setText("7")
    assert driver.choices.commit()
    assert driver.choices.settings().strengths == (0.3, 0.5)
    assert driver.choices.settings().copies == 7
    fields["strength"].native.setText("2")
    assert not driver.choices.commit()
    assert driver.said.startswith("Strength stays as it was: strength")


def test_run_says_what_is_missing(driver: Driver, tmp_path: Path) -> None:
    choices, missing = driver.choices, []
    missing.append(driver.said)
    for field, path in (
        (choices.images, "train"), (choices.styles, "real.tif"), (choices.output, "out"),
    ):  # fmt: skip
        assert not driver.widget.run.native.isEnabled()
        field.show_path(str(tmp_path / path))
        missing.append(driver.said)
    assert driver.widget.run.native.isEnabled()
    assert [each.partition(" first")[0] for each in missing] == [
        "Choose a folder of training images",
        "Choose a folder with pictures of the new microscope",
        "Choose an output folder",
        "",
    ]


def test_a_folder_is_augmented_and_its_contact_sheet_shown(driver: Driver, tmp_path: Path) -> None:
    driver.choose_folders(tmp_path)
    driver.choices.fields["copies"].value = 2
    assert driver.run().startswith(f"Made 4 new pictures with labels, in {tmp_path / 'out'};")
    assert len(list((tmp_path / "out/images").glob("*_style?.tif"))) == 4
    (sheet,) = driver.viewer.layers
    assert (sheet.name, sheet.rgb, sheet.data.dtype) == ("contact sheet of out", True, np.uint8)
    assert driver.choices.images.path == tmp_path / "train"
    rows = sheet.data.shape[0]
    driver.choices.fields["copies"].value = 3
    assert driver.run().startswith("Made 2 new pictures")
    assert driver.viewer.layers[0] is sheet  # it is shown anew, not a second time
    assert sheet.data.shape[0] > rows
    assert driver.run().startswith("All 6 pictures are there already")
    assert driver.widget.run.native.isEnabled()


def test_stop_keeps_what_is_made_and_run_goes_on(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun, threads = threading.Event(), [0], set[int]()

    def held(painting: Painting, _: Any) -> Any:
        threads.add(threading.get_ident())
        begun[0] += 1
        assert begun[0] == 1 or gate.wait(60)
        return painting.image

    monkeypatch.setattr(loop, "match_colour", held)
    driver.choose_folders(tmp_path)
    driver.choices.fields["copies"].value = 2
    driver.widget.run.changed.emit(True)
    driver.until(lambda: begun[0] == 2)
    assert not driver.widget.run.native.isEnabled()
    assert not driver.choices.images.native.isEnabled()
    assert driver.widget.stop.native.isEnabled()
    driver.widget.run.changed.emit(True)  # a second run at once is not possible
    driver.widget.stop.changed.emit(True)
    assert "It stops" in driver.widget.stop.native.toolTip()
    gate.set()
    driver.done()
    assert driver.said == f"Stopped with 2 of 4 pictures done, in {tmp_path / 'out'}; Run goes on."
    assert [layer.name for layer in driver.viewer.layers] == ["contact sheet of out"]
    assert driver.run().startswith("Made 2 new pictures")
    assert threading.get_ident() not in threads


def test_pictures_to_look_at_and_left_out_are_told(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "match_colour", lambda painting, _: -painting.image)
    driver.choose_folders(tmp_path)
    assert "Of 2 new pictures, 2 keep less than 60% of their labels' edges" in driver.run()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda at: (at / "train/n1_masks.tif").unlink(), "There are no labels in"),
        (lambda at: (at / "real.tif").unlink(), "There is no file"),
        (lambda at: tifffile.imwrite(at / "train/n0_masks.tif", discs(side=65)[1]), "of one size"),
        (lambda at: tifffile.imwrite(at / "train/n0_masks.tif", np.ones((64, 64))), "grey levels"),
        (
            lambda at: tifffile.imwrite(at / "real.tif", np.full((64, 64), np.nan, np.float32)),
            "not finite",
        ),
        (lambda at: tifffile.imwrite(at / "real.tif", np.full((64, 64), 255)), "one value only"),
        (lambda at: (at / "out").write_text(""), "it is no folder"),
    ],
)
def test_bad_files_are_one_sentence(
    change: Callable[[Path], Any], message: str, driver: Driver, tmp_path: Path, errors: list[str]
) -> None:
    change(tmp_path)
    driver.choose_folders(tmp_path)
    assert message in driver.run()
    assert errors == [driver.said]
    assert driver.said.count(". ") == 0
    assert driver.widget.run.native.isEnabled()


def test_closing_the_widget_stops_and_keeps_what_is_made(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun = threading.Event(), threading.Event()

    def held(painting: Painting, _: Any) -> Any:
        begun.set()
        assert gate.wait(60)
        return painting.image

    monkeypatch.setattr(loop, "match_colour", held)
    driver.choose_folders(tmp_path)
    driver.widget.run.changed.emit(True)
    driver.until(begun.is_set)
    driver.widget._lifetime.end()
    gate.set()
    driver.done()
    assert len(list((tmp_path / "out/images").glob("*_style?.tif"))) == 1
    assert not driver.viewer.layers


# ---- layers --------------------------------------------------------------------------------------


def test_layers_are_saved_and_augmented_slice_by_slice(driver: Driver, tmp_path: Path) -> None:
    add_set(driver.viewer)
    choices, out = driver.choices, tmp_path / "out"
    choices.images_from.value = choices.styles_from.value = "layers"
    choices.output.show_path(str(out))
    driver.choose_colour()
    assert [layer.name for layer in choices.layers.contents()] == ["cells"]
    assert [layer.name for layer in choices.layers.styles()] == ["mine: new/scope"]
    driver.viewer.layers["cells_masks"].data[1] = 0  # a slice that nobody has labelled
    assert driver.run().startswith("Made 2 new pictures")
    saved = sorted(each.name for each in (out / "training/images").iterdir())
    assert saved == ["cells_0.tif", "cells_2.tif"]
    cells, masks = (driver.viewer.layers[name].data for name in ("cells", "cells_masks"))
    image = tifffile.imread(out / "training/images/cells_2.tif")
    np.testing.assert_array_equal(image, cells[2])
    assert image.dtype == np.uint16
    labels = tifffile.imread(out / "augmented/masks/cells_2_style1.tif")
    np.testing.assert_array_equal(labels, masks[2])
    assert labels.dtype == np.uint16
    assert [each.name for each in (out / "styles").iterdir()] == ["mine_new_scope.tif"]
    sheet = driver.viewer.layers[-1]
    assert sheet.name == "contact sheet of out"
    right = driver.viewer.layers["mine: new/scope"].extent.world[1, 1]
    assert sheet.extent.world[0, 1] > right  # beside the others, and as high
    height = np.ptp(sheet.extent.world[:, 0])
    assert height == pytest.approx(96 * 0.5, rel=0.02)
    assert driver.run().startswith("All 2 pictures are there already")
    cells[2] += 1
    assert "is not what layer 'cells' shows now" in driver.run()
    assert tifffile.imread(out / "training/images/cells_2.tif")[0, 0] == image[0, 0]


def test_labels_are_found_by_name_or_by_size(viewer: ViewerModel) -> None:
    names = ("a", "b", "c (1)", "d", "e")
    images = [viewer.add_image(np.zeros((20, 20)), name=name) for name in names]
    images[3].data = np.zeros((30, 20))
    marked = [
        viewer.add_labels(np.zeros((20, 20), int), name=name)
        for name in ("b_masks", "c (1)_cp_masks", "a [1]")
    ]
    other = viewer.add_labels(np.zeros((30, 20), int), name="something")
    found = [labels_of(image, images, [*marked, other]) for image in images]
    assert found == [marked[2], marked[0], marked[1], other, None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda layers: layers.remove(layers["cells_masks"]), "no labels for layer 'cells'"),
        (
            lambda layers: setattr(layers["cells_masks"], "data", np.ones((3, 64, 60), int)),
            "'cells' has 3 × 64 × 64 px, but its labels 'cells_masks' have 3 × 64 × 60",
        ),
        (lambda layers: layers["cells_masks"].data.fill(0), "'cells_masks' has no labels"),
        (
            lambda layers: setattr(layers["cells"], "data", np.full((3, 64, 64), np.nan)),
            "Layer 'cells' has pixels that are not finite",
        ),
        (lambda layers: setattr(layers[-1], "_data", np.zeros((40, 0))), "is empty"),
        (lambda layers: setattr(layers[-1], "data", np.ones((9, 9))), "must have 16 px"),
        (lambda layers: setattr(layers[-1], "data", np.full((64, 64), 255)), "one value only"),
        (lambda layers: setattr(layers[-1], "data", np.ones((64, 64), bool)), "is of type bool"),
    ],
)
def test_bad_layers_are_one_sentence(
    change: Callable[[Any], Any], message: str, driver: Driver, tmp_path: Path, errors: list[str]
) -> None:
    add_set(driver.viewer)
    driver.choices.images_from.value = driver.choices.styles_from.value = "layers"
    driver.choices.output.show_path(str(tmp_path / "out"))
    driver.choose_colour()
    driver.choices.layers.keep_ticks()
    change(driver.viewer.layers)
    assert message in driver.run()
    assert errors == [driver.said]
    assert driver.said.count(". ") == 0


def test_what_was_chosen_is_there_when_the_widget_is_opened_again(
    driver: Driver, qtbot: QtBot, tmp_path: Path
) -> None:
    driver.choose_folders(tmp_path)
    again = AugmentWidget(driver.viewer)
    qtbot.addWidget(again.native)
    assert again.choices.output.path == tmp_path / "out"
    assert again.choices.settings().way == "colour"
    assert again.choices.images_from.value == "folder"


# ---- colour and stain, live ----------------------------------------------------------------------


def test_a_grey_stack_is_matched_live_in_its_own_type(driver: Driver) -> None:
    add_set(driver.viewer)
    cells = driver.viewer.layers["cells"]
    driver.viewer.dims.set_point(0, 0)
    assert driver.live.content.value == cells
    driver.live.match.changed.emit(True)
    driver.settle()
    matched = driver.matched
    assert (matched.data.shape, matched.data.dtype, matched.rgb) == ((1, 64, 64), np.uint16, False)
    assert tuple(matched.contrast_limits) == tuple(cells.contrast_limits)
    np.testing.assert_array_equal(matched.scale, cells.scale)
    full = matched.data.copy()
    assert full.std() != cells.data[0].std()
    driver.live.strength.value = 0
    driver.settle()
    np.testing.assert_array_equal(matched.data[0], cells.data[0])
    driver.live.strength.value = 1
    driver.viewer.dims.set_point(0, 2)
    driver.settle()
    assert tuple(matched.translate) == (2, 0, 0)
    assert not np.array_equal(matched.data, full)
    driver.viewer.dims.set_point(0, 0)
    driver.settle()
    np.testing.assert_array_equal(matched.data, full)
    assert len(driver.viewer.layers) == 4


def test_the_style_is_followed_too(driver: Driver) -> None:
    add_set(driver.viewer)
    driver.live.match.changed.emit(True)
    driver.settle()
    before = driver.matched.data.copy()
    driver.viewer.layers["mine: new/scope"].data = texture(3)
    driver.settle()
    assert not np.array_equal(driver.matched.data, before)


def test_stains_of_a_slide_are_matched_and_kept(driver: Driver, viewer: ViewerModel) -> None:
    random = np.random.default_rng(0)
    amounts = random.gamma(1, 0.6, (64, 64, 2))

    def slide(colours: Any) -> Any:
        return np.rint(240 * np.exp(-amounts @ np.array(colours))).astype(np.uint8)

    here, there = ([0.65, 0.7, 0.29], [0.07, 0.99, 0.11]), ([0.5, 0.8, 0.3], [0.3, 0.9, 0.3])
    opaque = np.full((64, 64, 1), 200, np.uint8)
    viewer.add_image(np.concatenate([slide(here), opaque], 2), name="slide", rgb=True)
    viewer.add_image(slide(there), name="reference", rgb=True)
    driver.live.way.value = "stain"
    driver.live.match.changed.emit(True)
    driver.settle()
    data = driver.matched.data
    assert (data.shape, data.dtype, driver.matched.rgb) == ((64, 64, 4), np.uint8, True)
    np.testing.assert_array_equal(data[..., 3], 200)
    wanted = np.abs(data[..., :3].astype(int) - slide(there)).mean()
    assert wanted < 0.2 * np.abs(slide(here).astype(int) - slide(there)).mean()
    driver.live.keep.changed.emit(True)
    copy = viewer.layers["slide in the stains of reference [1]"]
    assert not copy.visible
    np.testing.assert_array_equal(copy.data, data)
    assert copy not in driver.choices._images()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda driver: setattr(driver.live.way, "value", "stain"), "'cells': It has no colours"),
        (
            lambda driver: setattr(
                driver.viewer.layers["cells"], "data", np.full((3, 64, 64), np.inf)
            ),
            "Layer 'cells' has pixels that are not finite",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_matched_is_one_sentence(
    change: Callable[[Driver], Any], message: str, driver: Driver
) -> None:
    add_set(driver.viewer)
    driver.live.match.changed.emit(True)
    driver.settle()
    change(driver)
    driver.settle()
    assert message in driver.live._text.text()


def test_deleting_either_layer_ends_the_link(driver: Driver) -> None:
    add_set(driver.viewer)
    driver.live.match.changed.emit(True)
    driver.settle()
    driver.viewer.layers.remove(driver.matched)
    assert "was deleted" in driver.live._text.text()
    assert driver.live.match.text == "Match"
    driver.live.match.changed.emit(True)
    driver.settle()
    assert driver.matched in driver.viewer.layers
    driver.viewer.layers.remove("cells")
    assert "the picture stays" in driver.live._text.text()
    assert len(driver.viewer.layers) == 3
