"""The page of the augmentation's benchmark: the aims, and a table for every gap."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.report import machine_text

_TASKS = {
    "nuclei": "Nuclei made here, to real ones of the 2018 Data Science Bowl: mostly a gap of intensity.",
    "debris": "Real nuclei, to the same kind of nuclei among fibres and debris: a gap of texture.",
    "stain": "A slide with haematoxylin and DAB, to the same kind in other stains: a gap of colour.",
}
#: The aims: F1 by which style and jitter are above none in the worst seed, and above jitter in the mean.
_ABOVE_NONE, _ABOVE_JITTER = 0.10, 0.05
_STYLED = ("style and jitter", "fast style and jitter", "translation and jitter")
_NOTES = (
    "*F1*: of objects, at an intersection over union of 0.5, on the half of the other microscope's "
    "picture that gave no style. Every contestant's U-Net takes the same number of steps; those with new "
    "pictures learn from the images and from their new pictures. A seed draws the images, the new "
    "pictures, the network and the crops anew. *Jitter* varies contrast, brightness, gamma and noise of "
    "every crop; all crops are turned and mirrored. Images are normalised by their percentiles 1 and "
    "99.8. *Worst*: the lowest F1 of all seeds. *Gain*: the mean of the differences from *none* and "
    "*jitter*, seed by seed. *Edges kept*: the mean of what the table of `augment` says. *Translation* "
    "learns once for a gap, from the images and the style's pictures of the first seed, and translates "
    "each image of every seed. *Own labels*: learned from labelled pictures of the other microscope, "
    "which nobody has; so it is the most that can be expected. Nothing was chosen by the test's half."
)


def text(data: dict[str, Any]) -> str:
    """Return the page, in Markdown."""
    lines = [
        "# What a segmenter gains by augmentation",
        "",
        f"Made by `{data['command']}`.",
        "",
        machine_text(data["machine"]),
        "",
        _NOTES,
        "",
        "## The aims",
        "",
        "| aim | reached |",
        "| --- | --- |",
        *aims(data),
    ]
    for task, figures in data["figures"].items():
        lines += ["", f"## {task}", "", _TASKS[task], "", *table(figures)]
    return "\n".join(lines) + "\n"


def scores(figures: dict[str, Any], contestant: str) -> np.ndarray[Any, Any]:
    """Return the F1 of a contestant, seed by seed."""
    by_seed = figures[contestant]
    return np.array([by_seed[seed]["f1"] for seed in sorted(by_seed, key=int)])


def table(figures: dict[str, Any]) -> list[str]:
    """Return the rows of a task's table."""
    rows = [
        "| training set | F1, mean | spread (std) | worst | gain over none | over jitter | edges kept | "
        "pictures made in |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for contestant, by_seed in figures.items():
        found = scores(figures, contestant)
        gains = [
            "–" if contestant == other or other not in figures
            else f"{(found - scores(figures, other)).mean():+.3f}"
            for other in ("none", "jitter")
        ]  # fmt: skip
        facts = [each for each in by_seed.values() if "edges_kept" in each]
        kept = f"{np.mean([each['edges_kept'] for each in facts]):.2f}" if facts else "–"
        # The second contestant of a way finds the pictures of the first.
        made = f"{max(each['made_in'] for each in facts):.0f} s" if facts else "–"
        cells = [
            f"{found.mean():.3f}",
            f"{found.std():.3f}",
            f"{found.min():.3f}",
            *gains,
            kept,
            made,
        ]
        rows.append(f"| {contestant} | {' | '.join(cells)} |")
    return rows


def aims(data: dict[str, Any]) -> list[str]:
    """Return a row for each aim that can be judged."""
    rows = []
    for styled in _STYLED:
        for task, figures in data["figures"].items():
            if styled not in figures:
                continue
            if "none" in figures:
                least = float((scores(figures, styled) - scores(figures, "none")).min())
                aim = f"{styled} above none by {_ABOVE_NONE:.2f} in the worst seed, {task}"
                rows.append(_row(aim, least, _ABOVE_NONE))
            if "jitter" in figures and data["texture"][task]:
                mean = float((scores(figures, styled) - scores(figures, "jitter")).mean())
                aim = f"{styled} above jitter by {_ABOVE_JITTER:.2f} in the mean, {task}"
                rows.append(_row(aim, mean, _ABOVE_JITTER))
    return rows


def _row(aim: str, found: float, wanted: float) -> str:
    return f"| {aim} | {'yes' if found >= wanted else 'no'}: {found:+.3f} |"
