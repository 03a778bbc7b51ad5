"""What the engine says after each evaluation: immutable messages, no callbacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from napari_style_transfer.settings import Settings

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

#: (H, W, 3 | 4) uint8; uint16 only at the end of a run that was asked for 16 bits. The name of the
#: type, not the type itself: numpy is not loaded for it.
Picture: TypeAlias = "npt.NDArray[Any]"


class Status(Enum):
    """Where a run stands after a :class:`Step`."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Losses:
    """The objective's terms, each already multiplied by its weight, and their sum."""

    content: float
    style: float
    tv: float

    @property
    def total(self) -> float:
        """The scalar that is minimised."""
        return self.content + self.style + self.tv


@dataclass(frozen=True)
class Step:
    """State of the picture after one evaluation (one forward and backward pass).

    Attributes
    ----------
    evaluation, evaluations
        How many evaluations are done and how many are planned in all, over all scales.
    scale, scales
        Which scale is being painted, from 1 (coarsest) to `scales` (the result's size).
    shape
        (H, W) of that scale in pixels.
    losses
        The terms of the objective at this evaluation. Comparable within one scale.
    device, precision
        Where and how the network is convolved, for example ``"cpu"`` and ``"bfloat16"``.
    tile_size
        Side in pixels of the parts in which the picture is seen; 0 for the whole.
    pixels_left
        Pixels times evaluations still to come: what the time left is in proportion to.
    picture
        (H, W, 3) uint8 at the scale's size when a preview is due, else None. The last Step of a run
        always has it, at the result's size.
    status
        ``RUNNING``, or on the last Step ``FINISHED`` or ``STOPPED``.
    settings
        The parameters in force; where the run is steered they change.
    steered
        Whether anything was changed since the run began.
    note
        A sentence for the user when there is something to say (a fallback, a reset), else "".
    """

    evaluation: int
    evaluations: int
    scale: int
    scales: int
    shape: tuple[int, int]
    losses: Losses
    device: str
    precision: str
    tile_size: int = 0
    pixels_left: int = 0
    picture: Picture | None = None
    status: Status = Status.RUNNING
    settings: Settings = field(default_factory=Settings)
    steered: bool = False
    note: str = ""
