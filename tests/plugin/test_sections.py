"""The sections of further styles and of regions follow the viewer, and say what was picked."""

from __future__ import annotations

import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QEvent, QLocale, Qt
from qtpy.QtGui import QHelpEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit, QToolTip

from napari_style_transfer.plugin.widgets.layout import _section
from napari_style_transfer.recipe import RECIPE_KEY, RegionEntry, RegionsEntry, StyleEntry
from napari_style_transfer.spec import Region

RESULT = "photo in the style of painting"


@pytest.fixture
def parts(viewer: ViewerModel, driver: Driver) -> np.ndarray:
    """A Labels layer over the content, chosen for the regions."""
    layer = viewer.add_labels(np.zeros((40, 60), np.uint8), name="parts")
    driver.widget.regions.layer.value = layer
    return layer


# ---- styles --------------------------------------------------------------------------------------


def test_a_style_is_added_and_removed_by_its_buttons(driver: Driver, viewer: ViewerModel) -> None:
    viewer.add_image(np.zeros((20, 20)), name="third")
    section = driver.widget.styles
    assert [row.remove for row in section.rows] == [None]
    section.add.changed.emit(True)
    assert section.rows[1].layer.value is viewer.layers["third"]
    assert [pick.layer.name for pick in section.inputs()] == ["painting", "third"]
    section.rows[1].remove.changed.emit(True)
    assert len(section.rows) == 1


def test_content_and_results_are_not_guessed_as_styles(driver: Driver, viewer: ViewerModel) -> None:
    driver.run()
    driver.widget.styles.add.changed.emit(True)
    assert driver.widget.styles.rows[1].layer.value is None
    assert len(driver.widget.styles.inputs()) == 1  # a row without a layer is none


def test_the_first_row_names_the_main_style(driver: Driver, viewer: ViewerModel) -> None:
    row = driver.widget.styles.rows[0]
    assert row._title.text() == "Style 1: painting"
    viewer.layers["painting"].name = "waves"
    assert row._title.text() == "Style 1: waves"
    driver.widget.style.value = viewer.layers["photo"]
    assert row._title.text() == "Style 1: photo"


def test_a_row_whose_layer_is_gone_has_none(driver: Driver, viewer: ViewerModel) -> None:
    third = viewer.add_image(np.zeros((20, 20)), name="third")
    row = driver.widget.styles.add_row(third)
    row.part.value = viewer.add_labels(np.zeros((20, 20), int))
    viewer.layers.remove(third)
    assert row.layer.value is None
    viewer.layers.remove(row.part.value)
    assert row.part.value is None


def test_a_run_takes_all_styles(driver: Driver, viewer: ViewerModel, engine: FakeMethod) -> None:
    row = driver.widget.styles.add_row(viewer.layers["photo"])
    row.share.value, row.scale.value, row.angle.value = 0.3, 2, -30
    driver.run()
    first, second = engine.calls[0]["style"]
    np.testing.assert_array_equal(first.picture, viewer.layers["painting"].data)
    assert (second.share, second.scale, second.angle) == (0.3, 2, -30)


def test_a_result_is_named_by_all_its_styles(driver: Driver, viewer: ViewerModel) -> None:
    for name, style in {
        "waves": "painting and waves",
        "leaves": "painting, waves and leaves",
        "stars": "painting, waves and 2 more",
    }.items():
        driver.widget.styles.add_row(viewer.add_image(np.zeros((20, 20)), name=name))
        driver.run()
        assert viewer.layers[-1].name == f"photo in the style of {style}"
    for row in driver.widget.styles.rows[1:]:
        row.share.value = 0
    driver.run()
    assert viewer.layers[-1].name == RESULT


@pytest.mark.parametrize(
    ("language", "text"), [("de_DE", "0,25"), ("de_DE", "0.25"), ("C", "0,25")]
)
def test_numbers_of_styles_and_regions_are_typed_with_comma_or_point(
    driver: Driver, viewer: ViewerModel, parts: object, language: str, text: str
) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(language))
    try:
        viewer.layers["parts"].data = np.full((40, 60), 4, np.uint8)
        driver.until(lambda: 4 in driver.widget.regions.rows)
        row = driver.widget.styles.rows[0]
        region = driver.widget.regions.rows[4]
        for native in (row.share.native, row.scale.native, row.angle.native, region.strength):
            line = native.findChild(QLineEdit)
            line.selectAll()
            QTest.keyClicks(line, text)
            QTest.keyClick(line, Qt.Key.Key_Return)
        assert (row.share.value, row.scale.value, row.angle.value) == (0.25, 0.25, 0.25)
        assert region.strength.value() == 0.25
        line.selectAll()
        QTest.keyClicks(line, "7")
        QTest.keyClick(line, Qt.Key.Key_Return)
    finally:
        QLocale.setDefault(before)
    shown = "0,25" if language == "de_DE" else "0.25"
    assert driver.widget._status.text() == (
        f"Strength here of region 4 stays {shown}: '7' is not a number from 0 to 1."
    )
    driver.widget.size.value = 48
    assert driver.widget._status.text() == ""


def test_which_strength_governs_is_said_beside_the_table(
    driver: Driver, viewer: ViewerModel, parts: object
) -> None:
    viewer.layers["parts"].data = np.full((40, 60), 4, np.uint8)
    driver.until(lambda: 4 in driver.widget.regions.rows)
    assert "0.5 leaves it as it is" in driver.widget.regions._hint.text()
    rows = driver.widget.regions.rows
    assert rows[0].strength.toolTip().startswith("This region is left as it is")
    assert rows[4].strength.toolTip().startswith("Adjusts the Strength at the top")
    rows[0].choice = "mix"
    assert rows[0].strength.toolTip() == rows[4].strength.toolTip()


def test_a_long_name_is_cut_in_its_middle_and_whole_in_the_tooltip(
    driver: Driver, viewer: ViewerModel
) -> None:
    name = "a very long name of a painting by Hokusai"
    viewer.layers["painting"].name = name
    combo = driver.widget.style.native
    combo.resize(140, 24)
    shown, whole = combo.shown()
    assert whole == name
    assert shown.startswith("a v")
    assert shown.endswith("sai")
    assert "…" in shown
    position = combo.rect().center()
    help_event = QHelpEvent(QEvent.Type.ToolTip, position, combo.mapToGlobal(position))
    QApplication.sendEvent(combo, help_event)
    assert QToolTip.text().startswith(f"{name}\n\nThe layer whose manner")
    QToolTip.hideText()
    combo.resize(600, 24)
    assert combo.shown() == (name, name)


# ---- regions -------------------------------------------------------------------------------------


def test_rows_follow_the_labels_as_they_are_painted(
    driver: Driver, viewer: ViewerModel, parts: object
) -> None:
    rows = driver.widget.regions.rows
    layer = viewer.layers["parts"]
    driver.until(lambda: list(rows) == [0])
    layer.data_setitem((np.arange(9), np.arange(9)), 4)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 4])
    layer.data_setitem((np.arange(9), np.arange(9) + 20), 2)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 2, 4])
    layer.data = np.full((40, 60), 4, np.uint8)
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 4])
    layer.data[:, :9] = 3
    layer.refresh()
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 3, 4])


def test_the_background_is_left_as_it_is_at_first_and_the_rest_is_mixed(
    driver: Driver, viewer: ViewerModel, parts: object, engine: FakeMethod
) -> None:
    viewer.layers["parts"].data[:] = 3
    viewer.layers["parts"].refresh()
    driver.until(lambda: 3 in driver.widget.regions.rows)
    rows = driver.widget.regions.rows
    assert rows[0].style.currentText() == "left as it is"
    assert not rows[0].strength.isEnabled()
    assert rows[3].style.currentText() == "all styles"
    driver.run()
    assert engine.calls[0]["regions"].table == {0: Region(None), 3: Region("mix", 0.5)}


def test_a_label_that_comes_back_has_its_choice_still(
    driver: Driver, viewer: ViewerModel, parts: object
) -> None:
    layer = viewer.layers["parts"]
    regions = driver.widget.regions
    layer.data = np.full((40, 60), 4, np.uint8)
    driver.until(lambda: 4 in regions.rows)
    regions.rows[4].choice = None
    regions.rows[4].strength.setValue(0.2)
    layer.data = np.zeros((40, 60), np.uint8)
    driver.until(lambda: list(regions.rows) == [0])
    layer.data = np.full((40, 60), 4, np.uint8)
    driver.until(lambda: 4 in regions.rows)
    assert regions.rows[4].choice is None
    assert regions.rows[4].strength.value() == 0.2


def test_styles_are_offered_by_their_names(
    driver: Driver, viewer: ViewerModel, parts: object
) -> None:
    row = driver.widget.regions.rows[0]

    def offered() -> list[str]:
        return [row.style.itemText(index) for index in range(row.style.count())]

    assert offered() == ["all styles", "1 · painting", "left as it is"]
    second = driver.widget.styles.add_row(viewer.layers["photo"])
    row.choice = second
    viewer.layers["photo"].name = "leaves"
    assert offered() == ["all styles", "1 · painting", "2 · leaves", "left as it is"]
    assert row.style.currentText() == "2 · leaves"
    third = driver.widget.styles.add_row(viewer.layers["painting"])
    driver.widget.styles.remove_row(second)
    assert offered() == ["all styles", "1 · painting", "2 · painting", "left as it is"]
    assert row.style.currentText() == "all styles"
    row.choice = third
    assert row.region(driver.widget.styles.positions()) == Region(1)


def test_a_segmentation_with_very_many_labels_gets_a_few_rows_and_a_sentence(
    driver: Driver, viewer: ViewerModel
) -> None:
    cells = np.arange(40 * 60).reshape(40, 60)
    driver.widget.regions.layer.value = viewer.add_labels(cells, name="cells")
    driver.until(lambda: len(driver.widget.regions.rows) == 16)
    assert "2384 more labels" in driver.widget.regions._hint.text()
    driver.run()


def test_shapes_have_rows_too(driver: Driver, viewer: ViewerModel) -> None:
    square = np.array([[5, 5], [5, 20], [20, 20], [20, 5]])
    layer = viewer.add_shapes([square], shape_type="polygon", name="marks")
    driver.widget.regions.layer.value = layer
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 1])
    layer.add_polygons([square + 15])
    driver.until(lambda: list(driver.widget.regions.rows) == [0, 1, 2])


def test_a_layer_that_is_gone_leaves_no_rows(
    driver: Driver, viewer: ViewerModel, parts: object
) -> None:
    layer = viewer.layers["parts"]
    assert list(driver.widget.regions.rows) == [0]
    viewer.layers.remove(layer)
    assert driver.widget.regions.rows == {}
    assert driver.widget.regions._hint.text().startswith("Add a Labels or Shapes layer")
    layer.data_setitem((np.arange(9), np.arange(9)), 4)  # nobody listens any longer
    driver.wait_a_little()
    assert driver.widget.regions.rows == {}


# ---- the recipe ----------------------------------------------------------------------------------


def test_load_recipe_brings_styles_and_regions_back(
    driver: Driver, viewer: ViewerModel, parts: object
) -> None:
    viewer.layers["parts"].data[:] = 3
    viewer.layers["parts"].refresh()
    regions, styles = driver.widget.regions, driver.widget.styles
    driver.until(lambda: 3 in regions.rows)
    part = viewer.add_labels(np.ones((40, 60), int), name="part")
    row = styles.add_row(viewer.layers["photo"])
    row.share.value, row.scale.value, row.angle.value, row.part.value = 0.3, 2, -30, part
    regions.rows[3].choice = row
    regions.rows[3].strength.setValue(0.9)
    driver.run()
    result = viewer.layers[f"{RESULT} and photo"]
    stored = result.metadata[RECIPE_KEY]
    notes = [StyleEntry(**note) for note in stored["styles"]]
    expected = StyleEntry(picture="photo", share=0.3, scale=2, angle=-30, mask="part")
    assert notes == [StyleEntry(picture="painting"), expected]
    assert RegionsEntry(**stored["regions"]).table[3] == RegionEntry(style=1, strength=0.9)

    styles.remove_row(row)
    styles.rows[0].share.value = 0.5
    regions.layer.value = None
    viewer.layers.selection.active = result
    driver.widget.load_recipe.changed.emit(True)
    assert [row.selection() for row in styles.rows][1:] == [
        type(row.selection())(viewer.layers["photo"], 0.3, 2, -30, part)
    ]
    assert styles.rows[0].share.value == 1
    driver.until(lambda: 3 in regions.rows)
    assert regions.rows[3].region(styles.positions()) == Region(1, 0.9)


def test_a_simple_recipe_takes_further_styles_and_regions_away(
    driver: Driver, viewer: ViewerModel
) -> None:
    driver.run()
    stored = viewer.layers[RESULT].metadata[RECIPE_KEY]
    assert stored["styles"] == []
    assert stored["regions"] is None
    driver.widget.styles.add_row(viewer.layers["photo"])
    driver.widget.regions.layer.value = viewer.add_labels(np.zeros((40, 60), int))
    viewer.layers.selection.active = viewer.layers[RESULT]
    driver.widget.load_recipe.changed.emit(True)
    assert len(driver.widget.styles.rows) == 1
    assert driver.widget.regions.layer.value is None


def test_a_recipe_of_layers_that_are_not_there_leaves_rows_to_fill(
    driver: Driver, viewer: ViewerModel
) -> None:
    driver.run()
    result = viewer.layers[RESULT]
    result.metadata[RECIPE_KEY]["styles"] = [
        {"picture": "painting"},
        {"picture": "lost.png", "mask": "lost too", "angle": 270},
    ]
    result.metadata[RECIPE_KEY]["regions"] = {"labels": "gone", "table": {"1": {"style": 7}}}
    viewer.layers.selection.active = result
    driver.widget.load_recipe.changed.emit(True)
    row = driver.widget.styles.rows[1]
    assert (row.layer.value, row.part.value, row.angle.value) == (None, None, -90)
    assert driver.widget.regions.layer.value is None
    assert driver.widget._status.text() == (
        "Open 'lost.png', 'lost too' and 'gone' first; the recipe was made from them."
    )
    row.layer.native.setCurrentIndex(0)  # none, after all
    row.part.native.setCurrentIndex(0)
    assert "Open 'gone' first" in driver.widget.run.tooltip
    driver.widget.regions.layer.native.setCurrentIndex(0)
    assert driver.widget.run.enabled


# ---- room ----------------------------------------------------------------------------------------


def test_an_open_section_makes_room_for_what_grows_in_it(qtbot: QtBot) -> None:
    inside = QLineEdit()
    inside.setFixedHeight(40)
    section = _section("Pictures", inside)
    qtbot.addWidget(section)
    section.show()
    section.expand(animate=False)
    inside.setFixedHeight(150)
    qtbot.waitUntil(lambda: inside.visibleRegion().boundingRect().height() == 150)
    section.collapse(animate=False)
    inside.setFixedHeight(90)
    QTest.qWait(50)
    assert section.content().height() == 0
