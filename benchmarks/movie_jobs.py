"""What a process of the movies' benchmark is asked, and what it leaves behind, frame by frame."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.launch import run_job

#: Who paints: the method, and how slices follow one another.
CONTESTANTS: dict[str, tuple[str, Literal["independent", "neighbour", "steady"]]] = {
    "independent": ("optimise", "independent"),
    "neighbour": ("optimise", "neighbour"),
    "steady": ("optimise", "steady"),
    "fast-independent": ("fast", "independent"),
    "fast-steady": ("fast", "steady"),
}


@dataclass(frozen=True)
class Lap:
    """What one frame took.

    Attributes
    ----------
    seconds
        Without reading and writing painted frames on the disk.
    processor
        Seconds of all its threads on the processor, which a busy neighbour changes less.
    evaluations
        Of the objective; 1 for a pass of a fast style.
    resident, peak
        Memory of the process after it, bytes.
    """

    seconds: float
    processor: float
    evaluations: int
    resident: int
    peak: int


@dataclass(frozen=True)
class MovieJob:
    """One clip painted by one contestant, in a process of its own; what is painted already stays.

    Attributes
    ----------
    folder
        Where frames and records go.
    frames
        Where the clip's frames lie.
    contestant
        One of :data:`CONTESTANTS`.
    indices
        The frames to paint.
    style
        Path of the painting, already scaled.
    network
        A file, or the name of a shipped fast style.
    size
        Long side of the frames, px.
    steps
        Evaluations of a frame at most.
    device
        Such as ``"cpu"`` or ``"cuda"``.
    """

    folder: str
    frames: str
    contestant: str
    indices: tuple[int, ...]
    style: str
    network: str
    size: int
    steps: int
    device: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_command_line(cls) -> MovieJob:
        fields = json.loads(sys.argv[1])
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})

    def run(self) -> dict[int, Lap]:
        """Paint what is not painted yet, and return the laps of all frames."""
        if not set(self.indices) <= laps(self.folder).keys():
            run_job("movie_party", self)
        return laps(self.folder)


class Frames(Sequence[npt.NDArray[Any]]):
    """The frames of a clip, each read when it is asked for, so that memory does not grow with them."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.glob("*.npy"))

    @classmethod
    def keep(cls, frames: Sequence[npt.NDArray[Any]], folder: Path) -> Frames:
        """Write frames to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.npy"):
            old.unlink()
        for number, frame in enumerate(frames):
            np.save(folder / f"{number:04d}.npy", frame)
        return cls(folder)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: Any) -> Any:
        return np.load(self._paths[index])


def picture_path(folder: str | Path, frame: int) -> Path:
    """Return where a painted frame is kept."""
    return Path(folder) / "frames" / f"{frame:04d}.png"


def painted(folder: str | Path, frame: int) -> npt.NDArray[np.uint8]:
    """Read a painted frame."""
    return np.asarray(Image.open(picture_path(folder, frame)))


def note(folder: str | Path, frame: int, lap: Lap) -> None:
    """Note that a frame is painted."""
    with (Path(folder) / "laps.jsonl").open("a") as file:
        file.write(json.dumps({"frame": frame, **asdict(lap)}) + "\n")


def laps(folder: str | Path) -> dict[int, Lap]:
    """Return the laps of the frames that are painted, in the order of painting.

    One that was painted twice took the time of both.
    """
    path = Path(folder) / "laps.jsonl"
    found: dict[int, Lap] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        fields = json.loads(line)
        frame = fields.pop("frame")
        before = found.get(frame)
        if before is not None:
            for what in ("seconds", "processor", "evaluations"):
                fields[what] += getattr(before, what)
        found[frame] = Lap(**fields)
    return found
