"""Every field is made from its declaration in Settings, loses none of its value, and works by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from magicgui.widgets.bases import CategoricalWidget
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QLocale, QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit, QSlider, QVBoxLayout, QWidget

from napari_style_transfer.plugin.widgets import open_choice
from napari_style_transfer.plugin.widgets.fields import (
    NumberField,
    build_fields,
    format_layers,
    set_field,
)
from napari_style_transfer.plugin.widgets.number_box import NumberBox, format_number, parse_number
from napari_style_transfer.settings import Settings, parameters

Fields = dict[str, Any]

FLOATS = ("strength", "content_weight", "style_weight", "style_scale", "tv_weight", "tolerance")


@pytest.fixture
def fields(qtbot: QtBot) -> Iterator[Fields]:
    """All fields in a window."""
    made = build_fields()
    window = QWidget()
    column = QVBoxLayout(window)
    for field in made.values():
        column.addWidget(field.native)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=20_000)
    yield made
    window.close()


@pytest.fixture
def locale() -> Iterator[None]:
    """Put the locale back that was the default."""
    before = QLocale()
    yield
    QLocale.setDefault(before)


def settings_of(fields: Fields) -> Settings:
    return Settings(**{name: field.value for name, field in fields.items()})


def line_of(field: Any) -> QLineEdit:
    native = field.native
    line = native if isinstance(native, QLineEdit) else native.findChild(QLineEdit)
    assert isinstance(line, QLineEdit)
    return line


def write(field: Any, text: str, end: Qt.Key | None = Qt.Key.Key_Return) -> None:
    """Select what is in the box, and type; `end` ends it."""
    line = line_of(field)
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text)
    if end is not None:
        QTest.keyClick(line, end)


def press(target: QWidget, key: Qt.Key, times: int = 1) -> None:
    for _ in range(times):
        QTest.keyClick(target, key)


def turn(target: QWidget, notches: int) -> None:
    """Turn the wheel over `target`."""
    wheel = QWheelEvent(
        QPointF(5, 5),
        target.mapToGlobal(QPointF(5, 5)),
        QPoint(0, 120 * notches),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(target, wheel)


def number_boxes(fields: Fields) -> dict[str, NumberBox]:
    """Return the box of every field for a number."""
    return {
        name: field.native if isinstance(field.native, NumberBox) else field.native.box
        for name, field in fields.items()
        if isinstance(field, NumberField)
    }


# ---- from their declaration ----------------------------------------------------------------------


def test_fields_are_the_parameters_at_their_defaults(fields: Fields) -> None:
    assert list(fields) == list(parameters())
    assert settings_of(fields) == Settings()


def test_label_and_tooltip_are_title_and_description(fields: Fields) -> None:
    for name, info in parameters().items():
        assert fields[name].label == info.title
        assert fields[name].tooltip == info.description


def test_kind_of_field_follows_the_type(fields: Fields) -> None:
    for name, info in parameters().items():
        if get_origin(info.annotation) is Literal:
            assert isinstance(fields[name], CategoricalWidget)
            assert fields[name].choices == get_args(info.annotation)
        elif info.annotation in (int, float):
            assert isinstance(fields[name], NumberField)
            assert isinstance(fields[name].value, info.annotation)
    sliders = {name for name, field in fields.items() if field.native.findChild(QSlider)}
    assert sliders == {"strength", "content_weight", "style_weight", "style_scale"}


def test_every_value_comes_back_exactly(fields: Fields) -> None:
    unusual = Settings(
        content_weight=0,
        style_weight=123456.789,
        size=777,
        steps=12_345,
        device="cuda:1",
        style_scale=1 / 3,
        tv_weight=1.25e-9,
        style_layers={"relu1_1": 0.1, "relu4_4": 1e-7},
        weights="/somewhere/vgg.pth",
        seed=2**31 - 1,
        stop_after=17,
    )
    for name, value in unusual.model_dump().items():
        set_field(fields[name], value)
    assert settings_of(fields) == unusual


@pytest.mark.parametrize(
    ("name", "value"),
    [("content_weight", -1), ("style_weight", 1e10), ("size", 0), ("size", 100_000), ("steps", 0)],
)
def test_a_value_outside_the_range_is_refused_and_changes_nothing(
    fields: Fields, name: str, value: float
) -> None:
    with pytest.raises(ValueError, match="range"):
        fields[name].value = value
    assert settings_of(fields) == Settings()


def test_layer_weights_read_as_they_are_written() -> None:
    layers = {"relu1_1": 1.0, "relu4_2": 0.125}
    assert format_layers(layers) == "relu1_1=1, relu4_2=0.125"
    assert Settings(style_layers=format_layers(layers)).style_layers == layers


# ---- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["C", "en_US", "de_DE", "fr_FR", "de_CH", "sv_SE", "ar_EG"])
def test_numbers_are_read_alike_in_every_locale(language: str, locale: None) -> None:
    QLocale.setDefault(QLocale(language))
    for text, value in {
        "0,5": 0.5, "0.5": 0.5, ",5": 0.5, "5.": 5, "1e3": 1000, "1,5e-3": 0.0015, "-2": -2, "+2": 2,
        " 7 ": 7, "1 024": 1024, "1.024,5": 1024.5, "1,024.5": 1024.5, "1'024": 1024, "\u22122": -2,
    }.items():  # fmt: skip
        assert parse_number(text) == value
    for value in (0.0, 0.25, -1 / 3, 1e-9, 123456.789, 2**31 - 1):
        assert parse_number(format_number(value)) == value


@pytest.mark.parametrize(
    "text", ["", "much", "1,2,3", "1.2.3", "0x10", "nan", "inf", "1_000", "--1", "1e", "12,34.5"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        parse_number(text)


# ---- typed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en_US", "de_DE"])
@pytest.mark.parametrize("text", ["0,5", "0.5", "5e-1"])
@pytest.mark.parametrize("name", FLOATS)
def test_comma_and_point_are_typed_into_every_float_field(
    fields: Fields, name: str, text: str, language: str, locale: None
) -> None:
    QLocale.setDefault(QLocale(language))
    set_field(fields[name], 0.7)
    write(fields[name], text)
    assert fields[name].value == 0.5
    assert line_of(fields[name]).text() == ("0,5" if language == "de_DE" else "0.5")


@pytest.mark.parametrize(
    ("name", "digits"),
    [("size", "384"), ("size", "1024"), ("steps", "60"), ("coarsest_size", "320"), ("seed", "42"),
     ("tile_size", "512"), ("stop_after", "7"), ("steps", "1e3")],
)  # fmt: skip
@pytest.mark.parametrize("end", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab])
def test_whole_numbers_count_as_typed_on_enter_or_when_the_box_is_left(
    fields: Fields, name: str, digits: str, end: Qt.Key
) -> None:
    seen: list[int] = []
    fields[name].changed.connect(seen.append)
    before = fields[name].value
    write(fields[name], digits, end=None)
    assert (fields[name].value, seen) == (before, [])  # nothing yet
    QTest.keyClick(line_of(fields[name]), end)
    assert fields[name].value == float(digits)
    assert seen == [float(digits)]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("size", "5", "Size stays 512: '5' is not a whole number from 16 to 16384."),
        ("size", "300.5", "Size stays 512: '300.5' is not a whole number from 16 to 16384."),
        ("size", "1e9999", "Size stays 512: '1e9999' is not a whole number from 16 to 16384."),
        ("steps", "many", "Steps stays 150: 'many' is not a whole number from 1 to 100000."),
        ("tile_size", "500", "Tiles stays 0: '500' is not a multiple of 16 from 0 to 16384."),
        ("strength", "1,5", "Strength stays 0.5: '1,5' is not a number from 0 to 1."),
        ("style_weight", "", "Style weight stays 130: '' is not a number from 0 to 1000000000."),
    ],
)
def test_what_cannot_be_taken_is_said_in_a_sentence_and_the_value_stays(
    fields: Fields, name: str, text: str, sentence: str
) -> None:
    said: list[str] = []
    fields[name].refused.connect(said.append)
    shown = line_of(fields[name]).text()
    line_of(fields[name]).setFocus()
    line_of(fields[name]).selectAll()
    QTest.keyClick(line_of(fields[name]), Qt.Key.Key_Delete)
    write(fields[name], text)
    assert said == [sentence]
    assert settings_of(fields) == Settings()
    assert line_of(fields[name]).text() == shown
    write(fields[name], "16" if name != "strength" else "1")
    assert said == [sentence, ""]


def test_escape_takes_back_what_was_typed(fields: Fields) -> None:
    for name in ("size", "strength", "style_layers"):
        shown = line_of(fields[name]).text()
        write(fields[name], "99", Qt.Key.Key_Escape)
        assert line_of(fields[name]).text() == shown
        press(line_of(fields[name]), Qt.Key.Key_Return)
    assert settings_of(fields) == Settings()


def test_layer_weights_count_when_they_are_typed_as_a_whole(fields: Fields) -> None:
    field, seen, said = fields["style_layers"], [], []
    field.changed.connect(seen.append)
    field.refused.connect(said.append)
    write(field, "relu1_1=0,5, relu2_1,relu3_1=2", Qt.Key.Key_Tab)
    assert len(seen) == 1
    expected = {"relu1_1": 0.5, "relu2_1": 1, "relu3_1": 2}
    assert Settings(style_layers=field.value).style_layers == expected
    write(field, "relu9_9=1")
    assert said[-1].startswith("Style layers stays as it was: style_layers")
    assert Settings(style_layers=field.value).style_layers == expected


def test_weights_can_be_typed(fields: Fields) -> None:
    for text, value in (("my.pth ", "my.pth"), ("torchvision", "torchvision")):
        write(fields["weights"], text)
        assert fields["weights"].value == value
    line_of(fields["weights"]).clear()
    press(line_of(fields["weights"]), Qt.Key.Key_Return)
    assert line_of(fields["weights"]).text() == "torchvision"


# ---- keys, wheel and slider ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arrow", "page"),
    [("strength", 0.55, 0.7), ("size", 528, 576), ("steps", 160, 200), ("coarsest_size", 272, 320),
     ("tile_size", 16, 64), ("seed", 1, 10), ("stop_after", 10, 50), ("content_weight", 1.26, 2.0),
     ("style_weight", 164, 259), ("style_scale", 1.26, 2.0), ("tv_weight", 1e-4, 1e-4),
     ("tolerance", 0.00126, 0.002)],
)  # fmt: skip
def test_keys_and_wheel_go_a_sensible_way(
    fields: Fields, name: str, arrow: float, page: float
) -> None:
    field = fields[name]
    targets = [number_boxes(fields)[name], *field.native.findChildren(QSlider)]
    for target in targets:
        for key, value in ((Qt.Key.Key_Up, arrow), (Qt.Key.Key_PageUp, page)):
            set_field(field, Settings.model_fields[name].default)
            target.setFocus()
            press(target, key)
            assert field.value == value
        press(target, Qt.Key.Key_PageDown)
        assert field.value == pytest.approx(Settings.model_fields[name].default, rel=5e-3)
        set_field(field, Settings.model_fields[name].default)
        turn(target, 1)
        assert field.value == arrow
        turn(target, -1)
        assert field.value == pytest.approx(Settings.model_fields[name].default, rel=5e-3)


def test_keys_stop_at_the_ends(fields: Fields) -> None:
    ends = {
        name: (box.numbers.low, box.numbers.span[1]) for name, box in number_boxes(fields).items()
    }
    ends["style_scale"] = (0.25, 4.0)  # where its slider ends; the rest can be typed
    for name in ("strength", "style_weight", "style_scale", "tolerance"):
        box = number_boxes(fields)[name]
        press(box, Qt.Key.Key_PageUp, 60)
        assert fields[name].value == ends[name][1]
        press(box, Qt.Key.Key_PageDown, 60)
        assert fields[name].value == ends[name][0]
    fields["size"].value = 20
    press(fields["size"].native, Qt.Key.Key_Down)
    assert fields["size"].value == 16


def test_a_key_takes_what_is_typed_first(fields: Fields) -> None:
    write(fields["size"], "300", Qt.Key.Key_Up)
    assert fields["size"].value == 316


@pytest.mark.parametrize("name", ["size", "device", "content_weight", "strength", "weighting"])
def test_the_wheel_scrolls_past_a_field_without_focus(fields: Fields, name: str) -> None:
    fields["steps"].native.setFocus()
    native = fields[name].native
    before = fields[name].value
    turn(native.findChild(QSlider) or native, -1)
    assert fields[name].value == before


def test_sliders_moved_by_hand_give_round_numbers(fields: Fields) -> None:
    field = fields["style_weight"]
    slider = field.native.slider
    seen: list[float] = []
    field.changed.connect(seen.append)
    slider.setValue(slider.maximum())
    slider.setValue(slider.minimum())
    slider.setValue(600)
    assert seen == [10_000, 0.1, 100]
    strength = fields["strength"].native.slider
    for position in range(strength.minimum(), strength.maximum() + 1):
        strength.setValue(position)
        assert fields["strength"].value == position / 100


def test_a_number_beyond_the_slider_can_be_typed(fields: Fields) -> None:
    field = fields["style_weight"]
    write(field, "123456")
    assert field.value == 123456
    assert field.native.slider.value() == field.native.slider.maximum()
    write(field, "0")
    assert field.value == 0
    assert field.native.slider.value() == field.native.slider.minimum()


# ---- devices -------------------------------------------------------------------------------------


def offered(field: Any) -> list[str]:
    return [field.native.itemText(index) for index in range(field.native.count())]


def test_only_devices_that_are_there_are_offered(
    fields: Fields, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_choice, "find_devices", lambda: ("cpu", "cuda", "cuda:1"))
    field = fields["device"]
    assert offered(field) == ["auto", "cpu"]
    field.value = "mps"  # as a recipe of another computer says
    seen: list[str] = []
    field.changed.connect(seen.append)
    field.native.showPopup()
    expected = ["auto", "cpu", "cuda", "cuda:1", "mps (not on this computer)"]
    qtbot.waitUntil(lambda: offered(field) == expected, timeout=20_000)
    assert field.value == "mps"
    assert seen == []
    field.native.hidePopup()
    field.value = "cuda:1"
    assert settings_of(fields).device == "cuda:1"


def test_the_devices_of_this_computer_are_found() -> None:
    import torch

    found = open_choice.find_devices()
    assert found[0] == "cpu"
    assert ("cuda" in found) == torch.cuda.is_available()
    assert ("mps" in found) == torch.backends.mps.is_available()
