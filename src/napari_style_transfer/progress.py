"""What the engine says after each evaluation: immutable messages, no callbacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


class Losses(Mapping[str, float]):
    """The losses of the objective's terms by their names, each already multiplied by its weight.

    ``losses["style"]`` and ``losses.style`` are the same; `content`, `style` and `tv` are 0 where the
    objective has no such term.

    Parameters
    ----------
    by_name
        Name of the terms, such as ``"style"``, to their loss.
    """

    def __init__(self, by_name: Mapping[str, float]) -> None:
        self._by_name = dict(by_name)

    def __getitem__(self, name: str) -> float:
        """Return the loss of the terms of one name."""
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._by_name)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._by_name)

    def __repr__(self) -> str:
        """Return how to make it."""
        return f"Losses({self._by_name})"

    @property
    def total(self) -> float:
        """The scalar that is minimised."""
        return sum(self._by_name.values())

    @property
    def content(self) -> float:
        """The loss of the content terms."""
        return self.get("content", 0.0)

    @property
    def style(self) -> float:
        """The loss of the style terms."""
        return self.get("style", 0.0)

    @property
    def tv(self) -> float:
        """The loss of the total variation."""
        return self.get("tv", 0.0)


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
