"""The widget's fields, each built from its declaration in :class:`Settings`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from magicgui.widgets import ComboBox, FloatLogSlider, FloatSlider, FloatSpinBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from pydantic.fields import FieldInfo
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit, QSlider, QWidget

from napari_style_transfer.settings import parameters

#: Usual values of parameters that are free text; another value joins them when it is set.
_SUGGESTIONS = {
    "device": ("auto", "cpu", "cuda", "mps"),
    "weights": ("oxford", "torchvision"),
}

#: Narrowest that a field may become, so that the widget fits a narrow dock, and of a slider's number.
_MIN_WIDTH, _NUMBER_WIDTH = 60, 58


def build_fields() -> dict[str, ValueWidget[Any]]:
    """Return a field for every parameter of `Settings`, by name, at its default."""
    return {name: _field(name, info) for name, info in parameters().items()}


def is_advanced(name: str) -> bool:
    """Whether the parameter `name` is shown under *Advanced*."""
    return bool(_extra(parameters()[name])["advanced"])


def is_live(name: str) -> bool:
    """Whether the parameter `name` can be changed while a run is on."""
    return bool(_extra(parameters()[name])["live"])


def set_field(field: ValueWidget[Any], value: Any) -> None:
    """Set `field` to a value of its parameter."""
    field.value = format_layers(value) if isinstance(value, Mapping) else value


def format_layers(layers: Mapping[str, float]) -> str:
    """Write layer weights as `Settings` reads them: ``"relu1_1=1, relu2_1=0.5"``."""
    return ", ".join(f"{name}={_number(weight)}" for name, weight in layers.items())


class LogField(FloatLogSlider):
    """A logarithmic slider that keeps its value exactly and shows it in a box to type in.

    magicgui's own returns 999.9999999999985 for 1000 and shows the handle's position. The box takes
    every value that the parameter allows; beyond the slider's bounds the handle rests at its end.

    Parameters
    ----------
    value
        Initial value.
    bounds
        Least and greatest value of the slider.
    limits
        Least and greatest value that is accepted.
    """

    _exact = math.nan

    def __init__(
        self, value: float, bounds: tuple[float, float], limits: tuple[float, float], **kwargs: Any
    ) -> None:
        super().__init__(min=bounds[0], max=bounds[1], backend_kwargs={"readout": False}, **kwargs)
        self._max_pos = 1000
        self._widget._mgui_set_max(self._max_pos)
        self._limits = limits
        self._box = QLineEdit()
        self._box.setFixedWidth(_NUMBER_WIDTH)
        self._box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._box.editingFinished.connect(self._on_typed)
        self.native.layout().addWidget(self._box)
        self.native.layout().setContentsMargins(0, 0, 0, 0)
        self.value = value

    @property
    def value(self) -> float:
        """The value, exactly as it was set."""
        return self._exact

    @value.setter
    def value(self, value: float) -> None:
        value = float(value)
        if not self._limits[0] <= value <= self._limits[1]:
            low, high = map(_number, self._limits)
            raise ValueError(f"{self.name} {_number(value)} is outside the range {low} to {high}.")
        handle = min(max(value, self.min), self.max)
        self._exact = math.nan  # the handle's own signal is not the user's
        self._widget._mgui_set_value(round(self._position_from_value(handle)))
        self._accept(value)

    def _position_from_value(self, value: float) -> float:
        return math.log(value / self.min, self.base) / self._scale + self._min_pos

    def _on_value_change(self, value: Any = None) -> None:
        if not math.isnan(self._exact):
            self._accept(float(f"{self._value_from_position(value):.3g}"))

    def _on_typed(self) -> None:
        try:
            self.value = float(self._box.text())
        except ValueError:
            self._box.setText(_number(self._exact))

    def _accept(self, value: float) -> None:
        self._exact = value
        self._box.setText(_number(value))
        self.changed.emit(value)


class ExactSpinBox(FloatSpinBox):
    """A spin box that returns the value it was set to, not the one that its decimals show."""

    _exact = _shown = math.nan

    def get_value(self) -> float:
        """Return the value as it was set, or as the user has changed it since."""
        shown = float(super().get_value())
        return self._exact if shown == self._shown else shown

    def set_value(self, value: Any) -> None:
        """Set the value; one outside the range raises ValueError."""
        super().set_value(value)
        self._exact, self._shown = float(value), float(super().get_value())


class OpenChoice(ComboBox):
    """A list of usual values, which others may join; where it is `editable` they can be typed."""

    def __init__(self, value: str, choices: tuple[str, ...], editable: bool, **kwargs: Any) -> None:
        super().__init__(choices=choices, **kwargs)
        self.value = value
        if editable:
            line = QLineEdit()
            self.native.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            self.native.setLineEdit(line)  # which makes it editable
            line.editingFinished.connect(self._on_typed)

    @property
    def value(self) -> Any:
        """The value chosen."""
        return self.get_value()

    @value.setter
    def value(self, value: str) -> None:
        if value not in self.choices:
            self._default_choices = (*self.choices, value)
            self.reset_choices()
        self.set_value(value)

    def _on_typed(self) -> None:
        text = self.native.lineEdit().text().strip()
        if text:
            self.value = text
        else:
            self.native.lineEdit().setText(self.value)


def _field(name: str, info: FieldInfo) -> ValueWidget[Any]:
    """Build the field of the parameter `name`."""
    common: dict[str, Any] = {"name": name, "label": info.title, "tooltip": info.description}
    value, kind, log = info.default, info.annotation, _extra(info).get("log")
    limits = {"min": _limit(info, "ge"), "max": _limit(info, "le")}
    field: ValueWidget[Any]
    if get_origin(kind) is Literal:
        field = ComboBox(value=value, choices=get_args(kind), **common)
    elif get_origin(kind) is dict:
        field = LineEdit(value=format_layers(value), **common)
        field.native.setCursorPosition(0)
    elif kind is int:
        field = SpinBox(value=value, **limits, **common)
    elif kind is float and log:
        field = LogField(value, tuple(log), (limits["min"], limits["max"]), **common)
    elif kind is float and limits["max"] == 1 and is_live(name):
        field = FloatSlider(value=value, step=0.01, **limits, **common)
    elif kind is float:
        field = ExactSpinBox(value=value, step=0.001, **limits, **common)
    else:
        field = OpenChoice(value, _SUGGESTIONS[name], editable=name == "weights", **common)
    make_calm(field.native)
    return field


def _extra(info: FieldInfo) -> dict[str, Any]:
    assert isinstance(info.json_schema_extra, dict)
    return info.json_schema_extra


def _limit(info: FieldInfo, bound: str) -> Any:
    """Return the parameter's least (``ge``) or greatest (``le``) value, or None."""
    return next((getattr(m, bound) for m in info.metadata if hasattr(m, bound)), None)


def _number(value: float) -> str:
    """Write a number as short as possible without losing any of it."""
    return repr(float(value)).removesuffix(".0")


class _WheelGuard(QObject):
    """Lets the wheel scroll past a field that has no focus, instead of changing its value."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if (
            event is not None
            and event.type() == QEvent.Type.Wheel
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        ):
            event.ignore()
            return True
        return False


def make_calm(native: QWidget) -> None:
    """Let a field shrink with a narrow dock, and keep its value when the wheel passes over it."""
    guard = _WheelGuard(native)
    for part in [native, *native.findChildren(QWidget)]:
        if isinstance(part, QComboBox):
            part.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            part.setMinimumContentsLength(1)
        if isinstance(part, QComboBox | QAbstractSpinBox | QSlider):
            part.setMinimumWidth(_MIN_WIDTH)
            part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            part.installEventFilter(guard)
        if (
            isinstance(part, QAbstractSpinBox)
            and part.buttonSymbols() == QAbstractSpinBox.ButtonSymbols.NoButtons
        ):
            _box(part)


def _box(number: QAbstractSpinBox) -> None:
    """Let the number beside a slider look as that of a :class:`LogField` does, and be as wide."""
    width = f"{_NUMBER_WIDTH - 4}px"  # without the padding
    number.setStyleSheet(
        f"QAbstractSpinBox {{ padding: 0 2px; min-width: {width}; max-width: {width}; }}"
    )
    slider = number.parentWidget()
    assert slider is not None
    layout = slider.layout()
    assert layout is not None
    layout.setContentsMargins(0, 0, 0, 0)
