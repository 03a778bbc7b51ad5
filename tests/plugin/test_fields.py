"""Every field is made from its declaration in Settings, and loses none of its value."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import pytest
from magicgui.widgets import ComboBox, FloatLogSlider, LineEdit, SpinBox
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QLineEdit, QSlider

from napari_style_transfer.plugin.widgets.fields import build_fields, format_layers, set_field
from napari_style_transfer.settings import Settings, parameters

Fields = dict[str, Any]


@pytest.fixture
def fields(qtbot: QtBot) -> Fields:
    made = build_fields()
    for field in made.values():
        qtbot.addWidget(field.native)
    return made


def settings_of(fields: Fields) -> Settings:
    return Settings(**{name: field.value for name, field in fields.items()})


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
            assert isinstance(fields[name], ComboBox)
            assert fields[name].choices == get_args(info.annotation)
        elif info.annotation is int:
            assert isinstance(fields[name], SpinBox)
        elif get_origin(info.annotation) is dict:
            assert isinstance(fields[name], LineEdit)
    assert isinstance(fields["content_weight"], FloatLogSlider)
    assert isinstance(fields["style_weight"], FloatLogSlider)
    assert fields["device"].choices == ("auto", "cpu", "cuda", "mps")


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


def test_log_slider_moved_by_hand_gives_round_numbers(fields: Fields) -> None:
    field = fields["style_weight"]
    slider = field.native.findChild(QSlider)
    seen: list[float] = []
    field.changed.connect(seen.append)
    slider.setValue(slider.maximum())
    assert field.value == 10_000
    slider.setValue(slider.minimum())
    assert field.value == 0.1
    slider.setValue(600)
    assert field.value == 100
    assert seen == [10_000, 0.1, 100]


def test_log_slider_takes_what_is_typed(fields: Fields) -> None:
    field = fields["style_weight"]
    box = field.native.findChild(QLineEdit)
    for text, value in (("40", 40), ("123456", 123456), ("-1", 123456), ("much", 123456)):
        box.setText(text)
        box.editingFinished.emit()
        assert field.value == value
        assert float(box.text()) == value


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


def test_weights_can_be_typed(fields: Fields) -> None:
    line = fields["weights"].native.lineEdit()
    for text, value in (
        (" my.pth ", "my.pth"),
        ("torchvision", "torchvision"),
        ("", "torchvision"),
    ):
        line.setText(text)
        line.editingFinished.emit()
        assert fields["weights"].value == value


def test_layer_weights_read_as_they_are_written() -> None:
    layers = {"relu1_1": 1.0, "relu4_2": 0.125}
    assert format_layers(layers) == "relu1_1=1, relu4_2=0.125"
    assert Settings(style_layers=format_layers(layers)).style_layers == layers


@pytest.mark.parametrize("name", ["size", "device", "content_weight"])
def test_the_wheel_scrolls_past_a_field(fields: Fields, name: str) -> None:
    native = fields[name].native
    target = native.findChild(QSlider) or native
    wheel = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, 120),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    before = fields[name].value
    QApplication.sendEvent(target, wheel)
    assert fields[name].value == before
