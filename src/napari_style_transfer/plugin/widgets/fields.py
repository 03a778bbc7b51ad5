"""The widgets' fields, each built from its declaration in :class:`Settings` or other settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal, get_args, get_origin

from magicgui.backends._qtpy import widgets as backend
from magicgui.widgets.bases import ValueWidget
from psygnal import Signal
from pydantic.fields import FieldInfo
from qtpy.QtWidgets import QWidget

from napari_style_transfer.plugin.widgets.calm import make_calm
from napari_style_transfer.plugin.widgets.combo import ComboField
from napari_style_transfer.plugin.widgets.number_box import NumberBox, NumberRange
from napari_style_transfer.plugin.widgets.open_choice import DeviceChoice, TypedChoice
from napari_style_transfer.plugin.widgets.slider_box import SliderBox
from napari_style_transfer.plugin.widgets.text_box import TextBox
from napari_style_transfer.settings import Sealed, Settings, parameters

#: How far an arrow key (or a notch of the wheel) and PageUp or PageDown go, of parameters that act by
#: their difference.
_STEPS: dict[str, tuple[float, float]] = {
    "strength": (0.05, 0.2),
    "size": (16, 64),
    "coarsest_size": (16, 64),
    "tile_size": (16, 64),
    "steps": (10, 50),
    "stop_after": (10, 50),
    "seed": (1, 10),
    "copies": (1, 5),
    "crops": (1, 4),
}
#: The same of those that act by their ratio.
RATIOS = (10 ** (1 / 10), 10 ** (3 / 10))
#: Bounds of the keys, for parameters that act by ratio and have no slider.
_BOUNDS = {"tv_weight": (1e-4, 1e9), "tolerance": (1e-4, 1.0)}
#: What the values of a parameter are called, where its name says too little.
_LABELS = {
    "coherence": {
        "independent": "each on its own",
        "neighbour": "from its neighbour",
        "steady": "steady (time)",
    }
}
#: Usual values of the weights; another one joins them when it is set.
_WEIGHTS = ("oxford", "torchvision")


def build_fields() -> dict[str, ValueWidget[Any]]:
    """Return a field for every parameter of `Settings`, by name, at its default."""
    return {name: build_field(name) for name in parameters()}


def is_advanced(name: str, of: type[Sealed] = Settings) -> bool:
    """Whether the parameter `name` of some settings is shown under *Advanced*."""
    return bool(_extra(of.model_fields[name])["advanced"])


def is_live(name: str) -> bool:
    """Whether the parameter `name` can be changed while a run is on."""
    return bool(_extra(parameters()[name])["live"])


def set_field(field: ValueWidget[Any], value: Any) -> None:
    """Set `field` to a value of its parameter."""
    field.value = format_layers(value) if isinstance(value, Mapping) else value


def commit(native: QWidget, fields: Iterable[ValueWidget[Any]]) -> bool:
    """Take what is typed in a widget and not taken yet; return False if something cannot be.

    Parameters
    ----------
    native
        The widget, whose boxes say what is wrong.
    fields
        Its fields, among them lists in which something is typed.
    """
    choices = [each for each in fields if isinstance(each, TypedChoice)]
    boxes: list[Any] = [*native.findChildren(NumberBox), *native.findChildren(TextBox)]
    committed = [each.commit() for each in (*choices, *boxes)]
    return all(committed)


def format_layers(layers: Mapping[str, float]) -> str:
    """Write layer weights as `Settings` reads them: ``"relu1_1=1, relu2_1=0.5"``."""
    weights = ((name, repr(float(weight)).removesuffix(".0")) for name, weight in layers.items())
    return ", ".join(f"{name}={weight}" for name, weight in weights)


class TypedField(ValueWidget[Any]):
    """A magicgui field around a box that takes what is typed as a whole.

    Signals
    -------
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    make
        Makes the box, of a parent.
    **kwargs
        As magicgui takes them.
    """

    refused = Signal(str)

    def __init__(self, make: Callable[..., QWidget], **kwargs: Any) -> None:
        super().__init__(widget_type=_Backend, backend_kwargs={"make": make}, **kwargs)
        self.native.refused.connect(lambda sentence: self.refused.emit(sentence))
        make_calm(self.native)


class NumberField(TypedField):
    """A field for a number, with or without a slider.

    Parameters
    ----------
    numbers
        Which numbers it takes.
    value
        Initial value.
    slider
        Whether there is a slider beside the box.
    **kwargs
        As magicgui takes them; the label is the title of `numbers`.
    """

    def __init__(
        self, numbers: NumberRange, value: float, *, slider: bool = False, **kwargs: Any
    ) -> None:
        make = partial(SliderBox if slider else NumberBox, numbers, value)
        super().__init__(make, label=numbers.title, **kwargs)

    @property
    def min(self) -> float:
        """The least number that is accepted."""
        return float(self.native.numbers.low)

    @property
    def max(self) -> float:
        """The greatest number that is accepted."""
        return float(self.native.numbers.high)


class _Backend(backend.QBaseValueWidget):
    """What magicgui needs to know of a box."""

    def __init__(self, make: Callable[..., QWidget], parent: QWidget | None = None) -> None:
        def build(parent: QWidget | None) -> QWidget:
            return make(parent=parent)

        any_: Any = build  # where magicgui would have a class
        super().__init__(any_, "value", "setValue", "changed", parent=parent)

    def _mgui_bind_change_callback(self, callback: Callable[..., Any]) -> None:
        # magicgui asks first whether the signal is true; psygnal's is not while nobody listens
        box: Any = self._qwidget
        box.changed.connect(callback)


def build_field(name: str, of: type[Sealed] = Settings) -> ValueWidget[Any]:
    """Return a field for the parameter `name` of some settings, at its default."""
    info = of.model_fields[name]
    common: dict[str, Any] = {"name": name, "tooltip": info.description}
    title, value, kind = str(info.title), info.default, info.annotation
    if get_origin(kind) is Literal:
        labels = _LABELS.get(name, {})
        choices = [(labels.get(each, each), each) for each in get_args(kind)]
        field = ComboField(value=value, choices=choices, label=title, **common)
        make_calm(field.native)
        return field
    if get_origin(kind) is dict:
        make = partial(TextBox, title, lambda text: of(**{name: text}))
        return TypedField(make, value=format_layers(value), label=title, **common)
    if (
        name == "strength" and value is None
    ):  # a range; where none is typed, the default for the way
        make = partial(TextBox, title, lambda text: of(**{name: text or None}))
        return TypedField(make, value="", label=title, **common)
    if kind in (int, float):
        numbers = _numbers(name, info)
        has_slider = numbers.bounds is not None and name not in _BOUNDS
        return NumberField(numbers, value, slider=has_slider, **common)
    if name == "device":
        return DeviceChoice(value, label=title, **common)
    return TypedChoice(value, _WEIGHTS, label=title, **common)


def _numbers(name: str, info: FieldInfo) -> NumberRange:
    """Return which numbers the field of the parameter `name` takes."""
    low, high = _limit(info, "ge"), _limit(info, "le")
    log = _extra(info).get("log")
    bounds = _BOUNDS.get(name) or (tuple(log) if log else None)
    if info.annotation is float and bounds is None:
        bounds = low, high
    step, page = _STEPS.get(name, RATIOS)
    return NumberRange(
        str(info.title),
        low,
        high,
        step=step,
        page=page,
        by_ratio=name not in _STEPS,
        bounds=bounds,
        whole=info.annotation is int,
        multiple=_limit(info, "multiple_of") or 1,
    )


def _extra(info: FieldInfo) -> dict[str, Any]:
    assert isinstance(info.json_schema_extra, dict)
    return info.json_schema_extra


def _limit(info: FieldInfo, name: str) -> Any:
    """Return the parameter's limit of that name as pydantic calls it, or None."""
    return next((getattr(m, name) for m in info.metadata if hasattr(m, name)), None)
