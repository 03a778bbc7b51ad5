"""What the process of every party does alike: take its job, keep its clock, hand in pictures.

Imports torch, numpy and pillow only, so that it also runs in the environment of another package.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from benchmarks.environment import resident_bytes

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Job:
    """What a party is to do.

    Attributes
    ----------
    content, style
        Paths of the pictures, already of the size to paint.
    folder
        Where pictures and the record go.
    device
        Such as ``"cpu"`` or ``"cuda"``.
    evaluations
        How many, in all.
    checkpoints
        The evaluations after which the picture is handed in, while the clock stands.
    settings
        Settings of this package that differ from its defaults; nothing for the other parties.
    """

    content: str
    style: str
    folder: str
    device: str
    evaluations: int
    checkpoints: tuple[int, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_command_line(cls) -> Job:
        return cls(**json.loads(sys.argv[1]))


class Recorder:
    """The clock of one run, and the record that the run leaves behind."""

    def __init__(self, job: Job) -> None:
        self._folder = Path(job.folder)
        self._device = torch.device(job.device)
        self._checkpoints = frozenset(job.checkpoints)
        self._laps: dict[int, float] = {}
        self._before = 0.0  # seconds on the clock when it last started
        _wake(self._device)
        self._resident_at_start = resident_bytes()["now"]

    def start(self) -> None:
        """Start the clock, or let it go on."""
        synchronise(self._device)
        self._started = time.perf_counter()

    def lap(self, evaluation: int) -> bool:
        """Note the time after so many evaluations; true, with the clock stopped, if `save` is due."""
        synchronise(self._device)
        seconds = self._before + time.perf_counter() - self._started
        self._laps[evaluation] = seconds
        if evaluation not in self._checkpoints:
            return False
        self._before = seconds
        return True

    def save(self, evaluation: int, picture: Picture) -> None:
        """Keep the picture of a checkpoint, and start the clock again."""
        Image.fromarray(picture).save(picture_path(self._folder, evaluation), compress_level=1)
        self.start()

    def finish(self, **facts: Any) -> None:
        """Leave the record; `facts` is what only this party knows."""
        cuda = self._device.type == "cuda"
        record = {
            "evaluations": list(self._laps),
            "seconds": list(self._laps.values()),
            "peak_bytes": resident_bytes()["peak"],
            "start_bytes": self._resident_at_start,
            "device_peak_bytes": torch.cuda.max_memory_allocated(self._device) if cuda else None,
            "threads": torch.get_num_threads(),
            **facts,
        }
        (self._folder / "record.json").write_text(json.dumps(record))


def picture_path(folder: Path, evaluation: int) -> Path:
    """Return where the picture after so many evaluations is kept."""
    return folder / f"{evaluation:06d}.png"


def to_bytes(picture: Tensor) -> Picture:
    """Return a (1, 3, H, W) picture in 0..255 as it is saved: clipped, rounded, (H, W, 3)."""
    values = torch.nan_to_num(picture.detach()[0]).clamp(0, 255).round().to(torch.uint8)
    array: Picture = values.permute(1, 2, 0).cpu().contiguous().numpy()
    return array


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _wake(device: torch.device) -> None:
    """Let the device load its libraries, which takes as long for every party."""
    x = torch.zeros(1, 8, 32, 32, device=device, requires_grad=True)
    y = torch.nn.functional.conv2d(x, torch.zeros(8, 8, 3, 3, device=device))
    (y.flatten(2) @ y.flatten(2).mT).sum().backward()
    synchronise(device)
