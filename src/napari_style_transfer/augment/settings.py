"""Augmentation: its parameters, and what is said while it goes on. Loads no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from napari_style_transfer.progress import Losses
from napari_style_transfer.settings import (
    Sealed,
    device_parameter,
    parameter,
    seed_parameter,
    weights_parameter,
)

#: Ways that only change values, at once; and all.
Instant = Literal["colour", "stain"]
Way = Literal["auto", "optimised", "fast", "translated", Instant]


def _parse_range(value: Any) -> Any:
    """Read ``"0.2..0.6"``, ``"0,2 - 0,6"``, or one number for both ends."""
    if isinstance(value, str):
        value = re.split(r"\.\.+|…|[–-]|\bto\b", value.replace(",", "."))
    elif isinstance(value, int | float):
        value = [value]
    return [*value, *value] if isinstance(value, list | tuple) and len(value) == 1 else value


Strength = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Strengths = Annotated[tuple[Strength, Strength], BeforeValidator(_parse_range)]


class AugmentSettings(Sealed):
    """The parameters of an augmentation, validated and immutable.

    Raises
    ------
    InputError
        One sentence that names the parameter, what is wrong with it and what is allowed.
    """

    way: Way = parameter(
        "auto",
        "Way",
        "optimised paints each picture by itself; fast learns a few crops once, and paints thousands in "
        "minutes; translated learns to make images look like the other pictures; colour and stain match "
        "colours only; auto is optimised for up to 24 new pictures, else fast.",
    )
    copies: int = parameter(3, "Copies", "New pictures of each image.", ge=1, le=1000)
    strength: Strengths | None = parameter(
        None,
        "Strength",
        "From a hint of the style, 0, to all style, 1; of a range, each picture has its own (default: "
        "0.2..0.6). Of translated, the share of the way to the translated picture (default: 0.5..1); of "
        "colour and stain, to the style's colours (default: 1).",
    )
    values: Literal["input", "style"] = parameter(
        "input",
        "Values",
        "The values of the new pictures: input keeps each image's own range, as segmenters that normalise "
        "each picture (cellpose, StarDist) want it; style takes that of the style's picture.",
        advanced=True,
    )
    minutes: float = parameter(
        3.0,
        "Minutes",
        "How long fast and translated learn; translated gains by ten or twenty.",
        log=(0.5, 60.0),
        ge=0.01,
        le=10_000,
        allow_inf_nan=False,
    )
    device: str = device_parameter(advanced=True)
    seed: int = seed_parameter(
        "Seed of the crops and the strengths that are drawn.", advanced=False
    )
    crops: int = parameter(
        4, "Crops", "Crops of the styles that fast learns.", advanced=True, ge=1, le=64
    )
    steps: int = parameter(
        40,
        "Steps",
        "Evaluations for each picture that is optimised.",
        advanced=True,
        ge=1,
        le=100_000,
    )
    style_scale: float = parameter(
        1.0,
        "Style scale",
        "Magnify the style's pictures by this, where the new microscope has other pixels: their pixel "
        "size over the images'.",
        advanced=True,
        ge=0.125,
        le=8,
        allow_inf_nan=False,
    )
    weights: str = weights_parameter(
        "Of the VGG-19 that sees the style: oxford, torchvision or a file."
    )

    @model_validator(mode="after")
    def _in_order(self) -> AugmentSettings:
        low, high = self.strengths
        if low > high:
            raise ValueError(
                f"the strength goes from a lower to a higher one, not {low:g}..{high:g}"
            )
        return self

    @property
    def strengths(self) -> tuple[float, float]:
        """The lowest and the highest strength that is drawn."""
        if self.strength is not None:
            return self.strength
        if self.way in get_args(Instant):
            return 1.0, 1.0
        return (0.5, 1.0) if self.way == "translated" else (0.2, 0.6)


@dataclass(frozen=True)
class Made:
    """What a new picture was made from, and how well it keeps its structure: a row of the table.

    Attributes
    ----------
    picture, labels
        The new files, relative to the output folder.
    image, image_labels
        The files they were made from.
    copy
        Its number among the new pictures of the image, from 1.
    way
        How it was made.
    style
        The picture whose style it has.
    top, left, height, width
        The crop of that picture, in pixels.
    strength
        Of the style.
    seed
        Of the augmentation.
    edges_kept
        Share in [0, 1] of the labels' outlines that still have their edge; None where there is none.
    edges_added
        Share in [0, 1] of the background that has got edges as strong as the objects'; None likewise.
    seconds
        How long it took.
    """

    picture: str
    labels: str
    image: str
    image_labels: str
    copy: int
    way: str
    style: str
    top: int
    left: int
    height: int
    width: int
    strength: float
    seed: int
    edges_kept: float | None
    edges_added: float | None
    seconds: float


@dataclass(frozen=True)
class AugmentStep:
    """How far an augmentation is.

    Attributes
    ----------
    phase
        ``"learn"`` while fast learns, ``"paint"`` after that.
    done, total
        Seconds of learning, or new pictures; those that were there before are counted.
    doing
        What is being done, for a progress bar.
    losses
        While it learns, the terms of the objective; else empty.
    made
        The new picture that was just saved, if any.
    left_out
        Why the picture of this step could not be made, as a sentence; "" where it could.
    finished
        Whether this is the last step, and nothing was stopped.
    note
        A sentence for the user when there is something to say, else "".
    """

    phase: Literal["learn", "paint"]
    done: float
    total: float
    doing: str
    losses: Losses = field(default_factory=lambda: Losses({}))
    made: Made | None = None
    left_out: str = ""
    finished: bool = False
    note: str = ""
