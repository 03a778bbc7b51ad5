"""Learning a fast style: its parameters, and what is said while it is learned. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from napari_style_transfer.progress import Losses, Picture, Status
from napari_style_transfer.settings import (
    LayerWeights,
    Sealed,
    device_parameter,
    parameter,
    seed_parameter,
    weights_parameter,
)

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle


class LearningSettings(Sealed):
    """The parameters of a learning, validated and immutable.

    Raises
    ------
    InputError
        One sentence that names the parameter, what is wrong with it and what is allowed.
    """

    minutes: float = parameter(
        3.0,
        "Minutes",
        "How long to learn. Three minutes from the base give a usable style; more is more finished.",
        log=(0.5, 60.0),
        gt=0,
        le=10_000,
        allow_inf_nan=False,
    )
    start: Literal["base", "scratch"] = parameter(
        "base",
        "Start from",
        "base, the network that comes with the package and knows many styles, or scratch, random numbers, "
        "which takes many times as long.",
        advanced=True,
    )
    frozen: bool = parameter(
        False,
        "Frozen",
        "Fix means and variances half-way, and learn on without any normalisation: the result is less like "
        "the style, but plain convolutions, the same for every frame of a movie.",
        advanced=True,
    )
    size: int = parameter(
        512,
        "Size",
        "Long side in pixels at which the style picture's strokes are learned, and at which contents are "
        "seen.",
        advanced=True,
        ge=128,
        le=2048,
    )
    crop: int = parameter(
        256,
        "Crop",
        "Side in pixels of the parts of contents that are learned from.",
        advanced=True,
        ge=64,
        le=1024,
        multiple_of=16,
    )
    content_weight: float = parameter(
        1.0,
        "Content weight",
        "How firmly the content's forms are held at strength 0.5.",
        advanced=True,
        log=(0.01, 100.0),
        gt=0,
        le=1e9,
        allow_inf_nan=False,
    )
    style_weight: float = parameter(
        200.0,
        "Style weight",
        "How strongly the style is painted at strength 0.5.",
        advanced=True,
        log=(0.1, 10_000.0),
        gt=0,
        le=1e9,
        allow_inf_nan=False,
    )
    tone_weight: float = parameter(
        100.0,
        "Tone weight",
        "How firmly light, dark and colours stay where the content has them, as in the style's colours.",
        advanced=True,
        log=(1.0, 10_000.0),
        ge=0,
        le=1e9,
        allow_inf_nan=False,
    )
    content_layers: LayerWeights = parameter(
        {"relu3_1": 1.0},
        "Content layers",
        "Layers that hold the content, each with its weight. relu3_1 is shallower than what the optimiser "
        "looks at by default: a network that never starts from the content needs to be held closer.",
        advanced=True,
    )
    style_layers: LayerWeights = parameter(
        {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 2.0, "relu4_1": 4.0},
        "Style layers",
        "Layers whose Gram matrices carry the style, each with its weight.",
        advanced=True,
    )
    device: str = device_parameter()
    seed: int = seed_parameter("Seed of the crops that are drawn.")
    weights: str = weights_parameter(
        "Of the VGG-19 by which the losses are measured: oxford, torchvision or a file."
    )


@dataclass(frozen=True)
class LearningStep:
    """State of a learning after some steps of its optimiser.

    Attributes
    ----------
    steps
        How many steps the optimiser has done.
    seconds, seconds_left
        Time spent learning, and the time still to come.
    losses
        The terms of the objective on crops that are held out, newest measurement.
    best
        The lowest total of these so far.
    device, precision
        Where and how it is computed.
    fast_style
        What is learned so far, now and then (about once a second); on the last step always, and there
        the best one. It is the receiver's own: learning does not change it further.
    status
        ``RUNNING``, or on the last step ``FINISHED`` or ``STOPPED``.
    note
        A sentence for the user when there is something to say, else "".
    """

    steps: int
    seconds: float
    seconds_left: float
    losses: Losses
    best: float
    device: str
    precision: str
    fast_style: FastStyle | None = None
    status: Status = Status.RUNNING
    note: str = ""


@dataclass(frozen=True, eq=False)
class FastStyleInfo:
    """What a file of a fast style says of it.

    Attributes
    ----------
    names
        Of its styles, in their order; at least one.
    thumbnails
        Of the style pictures: (h, w, 3) uint8, the long side at most 128 pixels.
    settings
        With which it was learned.
    contents
        Names of what it was learned from, each once.
    figures
        The losses on crops held out, by name, at the end and before it began.
    versions
        Package to version, when it was learned.
    seconds
        How long it was learned.
    note
        A line on its licence, or "".
    """

    names: tuple[str, ...]
    thumbnails: tuple[Picture, ...]
    settings: LearningSettings = field(default_factory=LearningSettings)
    contents: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    note: str = ""
