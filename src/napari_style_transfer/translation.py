"""Translation between two domains of pictures: its parameters, and what is said of it. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from napari_style_transfer.progress import Losses, Status
from napari_style_transfer.settings import Sealed, device_parameter, parameter, seed_parameter
from napari_style_transfer.value_range import ValueRange

if TYPE_CHECKING:
    from napari_style_transfer.translator import Translator

#: Shares of edges beyond which a user is warned.
_INVERTED, _KEPT, _INVENTED = 0.3, 0.6, 0.4
#: What is said where light and dark seem to have changed places, by what was chosen.
_OPPOSITE = {
    "kept": "The target looks more like the source's negative; if objects that are dark in one are bright "
    "in the other, choose negative for Tones in Translate.",
    "negative": "The target looks more like the source as it is; if objects are bright in both or dark in "
    "both, choose kept for Tones.",
}


class TranslationSettings(Sealed):
    """The parameters of learning a translation, validated and immutable.

    Raises
    ------
    InputError
        One sentence that names the parameter, what is wrong with it and what is allowed.
    """

    minutes: float = parameter(
        20.0,
        "Minutes",
        "How long to learn. The best translation so far is kept all the time.",
        log=(0.5, 600.0),
        gt=0,
        le=100_000,
        allow_inf_nan=False,
    )
    kind: Literal["contrastive", "cycle"] = parameter(
        "contrastive",
        "Kind",
        "contrastive (CUT) keeps each place recognisable; cycle (CycleGAN) learns the way back as well, "
        "which takes longer.",
    )
    tones: Literal["kept", "negative"] = parameter(
        "kept",
        "Tones",
        "kept, or negative: begin with the source's negative, where objects that are dark in the source "
        "are bright in the target, or the other way round, as from phase contrast to fluorescence.",
    )
    contrast_weight: float = parameter(
        1.0,
        "Contrast weight",
        "How firmly contrastive holds each place. With 10 nothing is changed.",
        advanced=True,
        log=(0.1, 10.0),
        ge=0,
        le=1e6,
        allow_inf_nan=False,
    )
    cycle_weight: float = parameter(
        10.0,
        "Cycle weight",
        "How exactly cycle must find the way back.",
        advanced=True,
        log=(0.1, 100.0),
        ge=0,
        le=1e6,
        allow_inf_nan=False,
    )
    patch: int = parameter(
        128,
        "Patch",
        "Side in pixels of the parts of pictures that are learned from.",
        advanced=True,
        ge=32,
        le=1024,
        multiple_of=16,
    )
    width: int = parameter(
        32,
        "Width",
        "Channels of the network's maps at full size.",
        advanced=True,
        ge=8,
        le=256,
        multiple_of=8,
    )
    device: str = device_parameter()
    seed: int = seed_parameter("Seed of the first networks and of the patches that are drawn.")


@dataclass(frozen=True)
class TranslationStep:
    """State of a learning after some steps of its optimiser.

    Attributes
    ----------
    steps
        How many steps the optimiser has done.
    seconds, seconds_left
        Time spent learning, and the time still to come.
    losses
        What the networks minimise, newest.
    structure
        How the edges of held-out pictures agree with those of their translation, in [0, 1].
    likeness
        How much nearer held-out pictures have come to the target's than by matching mean and deviation
        alone: 0 not at all, 1 wholly.
    best
        The highest harmonic mean of both so far.
    device, precision
        Where and how it is computed.
    translator
        What is learned so far, whenever it was looked at; on the last step always, and there the best one.
        It is the receiver's own: learning does not change it further.
    status
        ``RUNNING``, or on the last step ``FINISHED`` or ``STOPPED``.
    note
        A sentence for the user when there is something to say, else "".
    """

    steps: int
    seconds: float
    seconds_left: float
    losses: Losses
    structure: float
    likeness: float
    best: float
    device: str
    precision: str
    translator: Translator | None = None
    status: Status = Status.RUNNING
    note: str = ""

    @property
    def is_best(self) -> bool:
        """Whether its translator is the best so far."""
        score = harmonic(self.structure, max(0.0, self.likeness))
        return self.status is not Status.RUNNING or score >= self.best


@dataclass(frozen=True)
class Agreement:
    """How the edges of a translated picture agree with those of its original.

    Attributes
    ----------
    kept
        Share in [0, 1] of the original's edges that are there.
    invented
        Share in [0, 1] of the translated picture's edges that the original does not have.
    inverted
        Share in [0, 1] of the edges that are there whose light and dark sides have changed places.
    """

    kept: float
    invented: float
    inverted: float

    @property
    def score(self) -> float:
        """The harmonic mean of what is kept, not inverted, and of what is not invented, in [0, 1]."""
        return harmonic(self.kept * (1 - self.inverted), 1 - self.invented)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know before translated pictures are trusted, each a sentence."""
        found = []
        if self.inverted > _INVERTED:
            found.append(
                f"Light and dark have changed places at {self.inverted:.0%} of the edges; look whether "
                "objects are still objects."
            )
        if self.kept < _KEPT:
            found.append(
                f"Only {self.kept:.0%} of the edges are still there; objects may be lost, and labels no "
                "longer fit."
            )
        if self.invented > _INVENTED:
            found.append(
                f"{self.invented:.0%} of the edges are new; objects may be invented, and labels no longer "
                "fit."
            )
        return tuple(found)


def harmonic(one: float, two: float) -> float:
    """Return the harmonic mean of two numbers of at least 0."""
    return 2 * one * two / (one + two) if one + two > 0 else 0.0


@dataclass(frozen=True, eq=False)
class TranslationInfo:
    """What is known of a translator.

    Attributes
    ----------
    source, target
        Names of the domains.
    source_range, target_range
        The values of their pictures that are 0 and 1 to the network.
    source_dtype, dtype
        Of the source's pictures; and of translated ones, as the target's.
    colour
        Whether the channels are red, green and blue.
    agreement
        Of the edges of pictures held out.
    likeness
        How much nearer to the target these have come than by matching mean and deviation alone.
    settings
        With which it was learned.
    versions
        Package to version, when it was learned.
    seconds
        How long it was learned.
    opposite
        Whether the target looks more like the source with light and dark the other way round than the
        setting `tones` has them.
    cautions
        What was wrong with the pictures that it learned from, each a sentence.
    """

    source: str
    target: str
    source_range: ValueRange
    target_range: ValueRange
    source_dtype: str
    dtype: str
    colour: bool
    agreement: Agreement
    likeness: float
    settings: TranslationSettings = field(default_factory=TranslationSettings)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    opposite: bool = False
    cautions: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know before translated pictures are trusted, each a sentence."""
        return (
            *self.cautions,
            *([_OPPOSITE[self.settings.tones]] if self.opposite else []),
            *self.agreement.warnings,
        )
