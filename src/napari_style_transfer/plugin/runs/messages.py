"""Messages from a run's thread to the main thread: typed and immutable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy.typing as npt

from napari_style_transfer.augment.settings import AugmentStep
from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.learning import LearningStep
from napari_style_transfer.progress import Picture, Step
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.plan import Index
from napari_style_transfer.translation import TranslationStep

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.plugin.inputs.translation_job import TranslationJob
    from napari_style_transfer.plugin.outputs.translated import TranslatedSlices
    from napari_style_transfer.translator import Translator

LearningStepT = TypeVar("LearningStepT", LearningStep, TranslationStep)
LearnedT = TypeVar("LearnedT", "FastStyle", "Translator")


@dataclass(frozen=True)
class Place:
    """Which slice of a stack a message is about.

    Attributes
    ----------
    index
        Where it is in the stack.
    position, total
        Its place, from 0, among the slices to paint, and how many these are.
    done
        How many of these are done.
    evaluations_left, pixels_left
        Evaluations of the slices after it, and the pixels of all of these.
    recipe
        How it was made, once it is done.
    """

    index: Index
    position: int
    total: int
    done: int = 0
    evaluations_left: int = 0
    pixels_left: int = 0
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Preview:
    """The evaluations since the last message, and the picture so far when one is due.

    All pictures of a run have the same shape, so that the layer never changes its extent. Of a stack,
    one message is about one slice; the last one of a slice has its recipe in `place` and no picture.

    Attributes
    ----------
    steps
        The evaluations.
    picture, recipe
        The picture so far, and how it was made: a run that was stopped there.
    place
        Which slice of a stack it is.
    """

    steps: tuple[Step, ...]
    picture: Picture | None = None
    recipe: Recipe | None = None
    place: Place | None = None

    @property
    def to_be_drawn(self) -> bool:
        """Whether the thread waits, with the next picture, until this one is drawn."""
        is_done = self.place is not None and self.place.recipe is not None
        return self.picture is not None or is_done


@dataclass(frozen=True)
class Finished:
    """The run came to its end: the (H, W, 3|4) uint8 picture and how it was made."""

    steps: tuple[Step, ...]
    picture: Picture
    recipe: Recipe


@dataclass(frozen=True)
class Stopped:
    """The run was stopped: the picture so far, at the result's size, and how it was made."""

    steps: tuple[Step, ...]
    picture: Picture
    recipe: Recipe


@dataclass(frozen=True)
class Failed:
    """The run broke off with an error, without its frames, which would hold on to the run's memory."""

    error: Exception

    def sentence(self, what: str = "style transfer") -> str:
        """Return what to tell the user; `what` broke off."""
        if isinstance(self.error, StyleTransferError):
            return str(self.error)
        lines = str(self.error).strip().splitlines()
        reason = f"{type(self.error).__name__}: {lines[0]}" if lines else type(self.error).__name__
        return f"The {what} broke off ({reason.rstrip('.')})."


@dataclass(frozen=True)
class StackEnded:
    """The run over a stack came to its end, or was stopped before.

    Attributes
    ----------
    painted
        How many slices it has painted.
    done, total
        How many are done, those done before included, of those to paint.
    left_out
        For each slice that cannot be painted, a sentence on why.
    """

    painted: int
    done: int
    total: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class LearningProgress(Generic[LearningStepT, LearnedT]):
    """The steps of a learning since the last message.

    Attributes
    ----------
    steps
        Without what was learned.
    learned
        What is learned so far, where it is new.
    problem
        A sentence on why it could not be saved; "" where it could.
    """

    steps: tuple[LearningStepT, ...]
    learned: LearnedT | None = None
    problem: str = ""


@dataclass(frozen=True)
class LearningEnded(Generic[LearningStepT, LearnedT]):
    """A learning came to its end, or was stopped before.

    Attributes
    ----------
    steps
        The last ones, without what was learned.
    learned
        The best that was learned.
    problem
        A sentence on why it could not be saved; "" where it could.
    """

    steps: tuple[LearningStepT, ...]
    learned: LearnedT
    problem: str = ""


@dataclass(frozen=True)
class Made:
    """A picture was made in its own type: (H, W) or (H, W, 3|4)."""

    picture: npt.NDArray[Any]


@dataclass(frozen=True)
class AugmentProgress:
    """How far an augmentation is.

    Attributes
    ----------
    step
        The last step.
    seconds_left
        Of this phase; None while that is unknown.
    """

    step: AugmentStep
    seconds_left: float | None = None


@dataclass(frozen=True)
class AugmentEnded:
    """An augmentation came to its end, or was stopped before.

    Attributes
    ----------
    out
        The folder that was chosen.
    folder
        Where the new pictures are: that folder, or one in it.
    made
        Those that this run has made.
    done, total
        How many are there, and how many there are to be.
    finished
        Whether nothing was stopped.
    left_out
        For each picture that could not be made, a sentence on why.
    warning
        A sentence on pictures to which their labels may not fit any more; "" if there are none.
    notes
        What was said on the way, each once.
    sheet
        (H, W, 3), the contact sheet; None where there is none.
    """

    out: Path
    folder: Path
    made: int = 0
    done: int = 0
    total: int = 0
    finished: bool = False
    left_out: tuple[str, ...] = ()
    warning: str = ""
    notes: tuple[str, ...] = ()
    sheet: Picture | None = None


@dataclass(frozen=True)
class Exported:
    """A style is exported.

    Attributes
    ----------
    path
        The file, or the folder of a page.
    size
        Of the file, in bytes; 0 for a page.
    """

    path: Path
    size: int = 0


@dataclass(frozen=True)
class Applied:
    """A whole layer can be translated, slice by slice.

    Attributes
    ----------
    slices
        Its slices, each translated when it is read.
    job
        What is translated.
    seconds
        How long the first one took.
    """

    slices: TranslatedSlices
    job: TranslationJob
    seconds: float


Outcome = Finished | Stopped | StackEnded | Failed
