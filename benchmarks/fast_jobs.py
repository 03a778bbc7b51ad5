"""What a process of the fast styles' benchmark is asked, and what it leaves behind."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.launch import run_job


@dataclass(frozen=True)
class FastJob:
    """One task for one style, in a process of its own.

    Attributes
    ----------
    task
        ``"optimise"``, ``"learn"``, ``"example"``, ``"paint"`` or ``"apply"``.
    folder
        Where pictures, networks and the record go.
    style
        Path of the style picture, already scaled.
    contents
        Paths of the contents to paint, already scaled.
    device
        Such as ``"cpu"`` or ``"cuda"``.
    learn_from
        Paths of the pictures to learn from.
    minutes
        How long to learn; for the example, several times at which it paints.
    start
        ``"base"`` or ``"scratch"``.
    steps, full_size
        After how many evaluations of the optimiser to keep a picture: in all, each a run of its own; and
        at full size, of the longest of these runs.
    painter
        Who paints: ``"ours"``, ``"example"``, ``"peer"``, or ``"peer-26"`` with one of its built-in styles.
    network
        A file, or the name of a shipped fast style.
    size
        Long side of the pictures, px.
    """

    task: str
    folder: str
    style: str = ""
    contents: tuple[str, ...] = ()
    device: str = "cpu"
    learn_from: tuple[str, ...] = ()
    minutes: tuple[float, ...] = ()
    start: str = "base"
    steps: tuple[int, ...] = ()
    full_size: tuple[int, ...] = ()
    painter: str = "ours"
    network: str = ""
    size: int = 512

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_command_line(cls) -> FastJob:
        fields = json.loads(sys.argv[1])
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})

    def picture(self, content: str, label: str) -> Path:
        """Return where the picture painted from a content is kept."""
        return Path(self.folder) / f"{Path(content).stem}-{label}.png"

    def finish(self, **facts: Any) -> None:
        """Leave the record."""
        (Path(self.folder) / "record.json").write_text(json.dumps(facts))

    def run(self, again: bool = False) -> dict[str, Any]:
        """Do it in a process of its own and return its record; with `again`, a former one's if there."""
        path = Path(self.folder) / "record.json"
        if not (again and path.exists()):
            run_job("fast_party", self)
        record: dict[str, Any] = json.loads(path.read_text())
        return record
