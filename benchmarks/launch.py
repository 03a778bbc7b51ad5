"""Start a party's process and read the record that it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks import INHERITED
from benchmarks.environment import HOME
from benchmarks.recorder import Job


@dataclass(frozen=True)
class Record:
    """What :meth:`benchmarks.recorder.Recorder.finish` wrote.

    Attributes
    ----------
    seconds
        Evaluation to the time at which it was done.
    peak_bytes, start_bytes, device_peak_bytes
        Resident memory of the process, at its peak and before the clock started, and the most that
        torch had allocated on a CUDA device.
    threads
        Of torch.
    facts
        What only this party says of itself.
    """

    seconds: dict[int, float]
    peak_bytes: int
    start_bytes: int
    device_peak_bytes: int | None
    threads: int
    facts: dict[str, Any]

    @property
    def wall(self) -> float:
        """Seconds of the whole run."""
        return max(self.seconds.values())


class Launchable(Protocol):
    """A job whose process works in `folder`."""

    folder: str

    def to_json(self) -> str: ...


class PartyError(Exception):
    """A party's process ended without a record."""


def launch(module: str, job: Job, python: str = sys.executable) -> Record:
    """Run a party of the race in a process of its own; raises PartyError if it fails."""
    run_job(module, job, python)
    return read_record(Path(job.folder))


def run_job(module: str, job: Launchable, python: str = sys.executable) -> None:
    """Run `benchmarks.<module>` in a process of its own; raises PartyError if it fails."""
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in (*folder.glob("*.png"), *folder.glob("record.json")):
        left_over.unlink()
    began = time.monotonic()
    print(f"{folder.name} ...", end=" ", file=sys.stderr, flush=True)
    finished = subprocess.run(
        [python, "-W", "ignore", "-m", f"benchmarks.{module}", job.to_json()],
        cwd=HOME.parent,
        env=INHERITED,
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    if finished.returncode:
        last = finished.stderr.strip().splitlines()[-1:] or [f"ended with {finished.returncode}"]
        raise PartyError(f"{folder.name}: {last[0]}")


def read_record(folder: Path) -> Record:
    """Return what a party that ran in `folder` has left there."""
    fields = json.loads((folder / "record.json").read_text())
    return Record(
        seconds=dict(zip(fields.pop("evaluations"), fields.pop("seconds"), strict=True)),
        **{name: fields.pop(name) for name in Record.__annotations__ if name in fields},
        facts=fields,
    )
