"""Every parameter of a style transfer, once: name, type, range, default and help.

The widget, the command line, the Python API, the validation messages and the recipe kept with each
result are all made from :class:`Settings`; a new parameter is added here and nowhere else.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from napari_style_transfer.errors import InputError

#: Output of each rectified convolution of VGG-19, in the names of the field, shallow to deep.
LAYER_NAMES: tuple[str, ...] = tuple(
    f"relu{block}_{conv}"
    for block, convolutions in enumerate((2, 2, 4, 4, 4), start=1)
    for conv in range(1, convolutions + 1)
)

#: Smallest side of a picture that the deepest layer can still see (four poolings by two).
MIN_SIDE = 16


def _parse_layers(value: Any) -> Any:
    """Read ``"relu1_1=1, relu2_1=0.5"`` (a bare name weighs 1) as a mapping of layer to weight.

    A comma before a digit is a decimal one, because no name begins with a digit: ``relu2_1=0,5``.
    """
    if not isinstance(value, str):
        return value
    layers: dict[str, str] = {}
    for item in re.sub(r"(?<=\d),(?=\d)", ".", value).replace(",", " ").split():
        name, _, weight = item.partition("=")
        layers[name] = weight or "1"
    return layers


LayerName = Literal[
    "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3", "relu3_4",
    "relu4_1", "relu4_2", "relu4_3", "relu4_4", "relu5_1", "relu5_2", "relu5_3", "relu5_4",
]  # fmt: skip
LayerWeights = Annotated[
    dict[LayerName, Annotated[float, Field(ge=0, allow_inf_nan=False)]],
    BeforeValidator(_parse_layers),
    Field(min_length=1),
]


def parameter(
    default: Any,
    title: str,
    description: str,
    *,
    advanced: bool = False,
    live: bool = False,
    log: tuple[float, float] | None = None,
    **limits: Any,
) -> Any:
    """Declare a parameter of :class:`Settings` or other settings.

    Parameters
    ----------
    default
        Its value where the user says nothing.
    title
        The label in the widget.
    description
        Help: the tooltip, the command line's help and the table in docs/parameters.md.
    advanced
        Whether the widget shows it under *Advanced*.
    live
        Whether it can be changed while a run is on.
    log
        Bounds of a logarithmic slider, for parameters that act by ratio.
    **limits
        Limits that validation enforces, as pydantic's ``Field`` takes them.
    """
    extra: dict[str, Any] = {"advanced": advanced, "live": live}
    if log is not None:
        extra["log"] = list(log)
    return Field(
        default=default,
        title=title,
        description=description,
        json_schema_extra=extra,
        validate_default=True,
        **limits,
    )


def device_parameter(*, advanced: bool = False) -> Any:
    """Declare the parameter `device`, the same of all settings."""
    return parameter(
        "auto",
        "Device",
        "Where to compute: auto takes CUDA, then Apple's MPS, then the CPU; or cpu, cuda, cuda:1, mps.",
        advanced=advanced,
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
    )


def seed_parameter(description: str, *, advanced: bool = True) -> Any:
    """Declare the parameter `seed`; its help says what is drawn from it."""
    return parameter(0, "Seed", description, advanced=advanced, ge=0, le=2**31 - 1)


def weights_parameter(description: str) -> Any:
    """Declare the parameter `weights`, those of VGG-19; its help says what the network is for."""
    return parameter("oxford", "Network weights", description, advanced=True, min_length=1)


class Sealed(BaseModel):
    """A validated, immutable, serialisable set of parameters; errors are one sentence.

    Raises
    ------
    InputError
        One sentence that names the parameter, what is wrong with it and what is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(_sentence(error, type(self))) from None

    def replace(self, **changes: Any) -> Self:
        """Return a validated copy with some parameters changed."""
        return type(self)(**{**self.model_dump(), **changes})


class Settings(Sealed):
    """The parameters of a style transfer.

    Raises
    ------
    InputError
        One sentence that names the parameter, what is wrong with it and what is allowed.
    """

    strength: float = parameter(
        0.5,
        "Strength",
        "From 0, a hint of the style, to 1, all style: each tenth more doubles the style weight, each "
        "tenth less halves it.",
        ge=0,
        le=1,
        allow_inf_nan=False,
        live=True,
    )
    content_weight: float = parameter(
        1.0,
        "Content weight",
        "How firmly the content's forms are held: more keeps detail, less lets the style take over.",
        log=(0.01, 100.0),
        ge=0,
        le=1e9,
        allow_inf_nan=False,
        live=True,
    )
    style_weight: float = parameter(
        130.0,
        "Style weight",
        "How strongly the style's colours and strokes are painted: more is bolder, less is subtler.",
        log=(0.1, 10_000.0),
        ge=0,
        le=1e9,
        allow_inf_nan=False,
        live=True,
    )
    size: int = parameter(
        512,
        "Size",
        "Long side of the result in pixels; the aspect ratio is the content's.",
        ge=MIN_SIDE,
        le=16_384,
    )
    steps: int = parameter(
        150,
        "Steps",
        "Evaluations (one forward and backward pass) in all, over all scales; more is more finished.",
        ge=1,
        le=100_000,
    )
    device: str = device_parameter()
    style_scale: float = parameter(
        1.0,
        "Stroke size",
        "Long side of the style picture relative to the result's: larger gives larger strokes.",
        advanced=True,
        log=(0.25, 4.0),
        ge=0.05,
        le=8,
        allow_inf_nan=False,
        live=True,
    )
    coarsest_size: int = parameter(
        256,
        "Block in at",
        "Long side in pixels at which the large shapes are blocked in: small re-arranges them boldly, "
        "the full size keeps every shape in its place.",
        advanced=True,
        ge=MIN_SIDE,
        le=16_384,
    )
    tv_weight: float = parameter(
        0.0,
        "Smoothness",
        "Weight of the total variation: a little removes speckle, much blurs the strokes.",
        advanced=True,
        ge=0,
        le=1e9,
        allow_inf_nan=False,
        live=True,
    )
    weighting: Literal["balanced", "gatys"] = parameter(
        "balanced",
        "Weighting",
        "balanced divides each layer's error by its target's own energy, so that every layer counts; "
        "gatys is the classic sum (use style weight 1000 for its usual balance).",
        advanced=True,
        live=True,
    )
    content_layers: LayerWeights = parameter(
        {"relu4_2": 1.0},
        "Content layers",
        "Layers that hold the content, each with its weight: relu4_2=1.",
        advanced=True,
        live=True,
    )
    style_layers: LayerWeights = parameter(
        {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 2.0, "relu4_1": 4.0, "relu5_1": 0.5},
        "Style layers",
        "Layers whose Gram matrices carry the style, each with its weight; shallow layers hold colour "
        "and texture, deep ones strokes and shapes.",
        advanced=True,
        live=True,
    )
    colours: Literal["style", "match", "luminance"] = parameter(
        "style",
        "Colours",
        "style paints in the style's colours; match in the style's strokes but with its colours shifted to "
        "the content's; luminance keeps every colour of the content and paints light and shade only.",
        advanced=True,
        live=True,
    )
    borders: Literal["close", "strict"] = parameter(
        "close",
        "Borders",
        "Of regions: close paints up to them; strict lets no style move a pixel outside its region, and "
        "leaves a wider pale band inside it.",
        advanced=True,
        live=True,
    )
    pooling: Literal["max", "average"] = parameter(
        "max",
        "Pooling",
        "max as the network was trained; average gives a softer picture.",
        advanced=True,
    )
    start: Literal["content", "noise"] = parameter(
        "content",
        "Start from",
        "The picture to start from: the content, in the style's colours, or coloured noise drawn from "
        "the seed.",
        advanced=True,
    )
    seed: int = seed_parameter("Seed of the noise to start from.")
    precision: Literal["auto", "float32", "bfloat16", "mixed"] = parameter(
        "auto",
        "Precision",
        "Of the network: auto takes what the device is fast at: bfloat16, else mixed (float32, but "
        "kernels and gradients rounded), else float32.",
        advanced=True,
    )
    weights: str = weights_parameter(
        "oxford (the original VGG-19, comes with the installation), torchvision (downloaded once), or a "
        "file: a .pth/.pt state dict or .safetensors."
    )
    tile_size: int = parameter(
        0,
        "Tiles",
        "Side in pixels of the parts in which large pictures are seen, to save memory; the result is the "
        "same. 0 lets the free memory decide.",
        advanced=True,
        ge=0,
        le=16_384,
        multiple_of=16,
    )
    tolerance: float = parameter(
        0.001,
        "Tolerance",
        "A scale is done when 20 evaluations have lowered the loss by less than this share in all; 0 "
        "for never before the steps are spent.",
        advanced=True,
        ge=0,
        le=1,
        allow_inf_nan=False,
    )
    coherence: Literal["independent", "neighbour", "steady"] = parameter(
        "neighbour",
        "Coherence",
        "Of the slices of a stack, or frames of a movie: independent paints each on its own; neighbour "
        "starts from the slice before where both show the same; steady also follows what moves.",
        advanced=True,
    )
    stop_after: int = parameter(
        0,
        "Stop after",
        "Stop after this many evaluations of the plan, 0 for never; a stopped run's recipe has it, so "
        "that running the recipe again gives the same picture.",
        advanced=True,
        ge=0,
        le=100_000,
    )

    @model_validator(mode="after")
    def _something_to_optimise(self) -> Settings:
        if self.content_weight == self.style_weight == 0:
            raise ValueError("content_weight and style_weight are both 0; raise one of them")
        for name in ("content_layers", "style_layers"):
            if not any(getattr(self, name).values()):
                raise ValueError(f"every layer of {name} weighs 0; raise one of them")
        return self

    @property
    def effective_style_weight(self) -> float:
        """The style weight at this strength; 0.5 leaves it as it is."""
        return self.style_weight * strength_factor(self.strength)


def with_live(settings: Settings, wanted: Settings) -> Settings:
    """Return `settings` with the parameters that can be changed while a run is on as `wanted`."""
    live = {
        name: getattr(wanted, name)
        for name, field in parameters().items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra["live"]
    }
    return settings.replace(**live)


def strength_factor(strength: float) -> float:
    """Return what a strength in [0, 1] multiplies a style weight by: 1/32 to 32."""
    return float(2 ** (10 * (strength - 0.5)))


def parameters() -> dict[str, FieldInfo]:
    """Return the declaration of every parameter, by name, in the order they are shown."""
    return Settings.model_fields


#: What pydantic would say in a programmer's words.
_PLAIN_WORDS = {
    "string_pattern_mismatch": "should be auto, cpu, mps, cuda or a numbered one such as cuda:1",
    "string_too_short": "should not be empty",
    "too_short": "should name at least one layer",
}


def _sentence(error: ValidationError, of: type[BaseModel]) -> str:
    """Say the first thing wrong in one sentence."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return f"There is no parameter {name!r}; the parameters are {', '.join(of.model_fields)}."
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        return f"{message}."
    within = "".join(f"[{part}]" for part in first["loc"][1:] if part != "[key]")
    message = _PLAIN_WORDS.get(first["type"], message[:1].lower() + message[1:])
    return f"{name}{within}: {message}, got {first['input']!r}."
