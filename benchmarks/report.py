"""The tables that the benchmark prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.judge import Verdict
from benchmarks.race import Point, Result
from benchmarks.scaling import Cost

#: The shared objective, or this package's own.
Yardstick = Literal["total", "balanced"]


@dataclass(frozen=True)
class Comparison:
    """How long a party of ours takes to the least loss that another comes to.

    Not to the loss that the other ends with: pixel optimisers may diverge on the way.

    Attributes
    ----------
    evaluations, loss, seconds_other
        Of the other's best picture among those judged.
    seconds_ours
        When a judged picture of ours first had `loss` or less; None where none had.
    final_other, final_ours
        The losses that they end with.
    """

    yardstick: Yardstick
    ours: str
    other: str
    evaluations: int
    loss: float
    seconds_other: float
    seconds_ours: float | None
    final_other: float
    final_ours: float

    @property
    def times_faster(self) -> float | None:
        """How many times sooner ours are there."""
        return None if self.seconds_ours is None else self.seconds_other / self.seconds_ours

    @property
    def times_lower(self) -> float:
        """How many times lower ours end."""
        return self.final_other / self.final_ours


def compare(ours: Result, other: Result, yardstick: Yardstick) -> Comparison:
    """Compare two parties of one race."""
    best = min(other.curve, key=lambda point: loss_of(point, yardstick))
    aim = loss_of(best, yardstick)
    return Comparison(
        yardstick=yardstick,
        ours=ours.party.label,
        other=other.party.label,
        evaluations=best.evaluation,
        loss=aim,
        seconds_other=best.seconds,
        seconds_ours=next((p.seconds for p in ours.curve if loss_of(p, yardstick) <= aim), None),
        final_other=loss_of(other.final, yardstick),
        final_ours=loss_of(ours.final, yardstick),
    )


def loss_of(point: Point, yardstick: Yardstick) -> float:
    """Return a judged picture's loss by one yardstick."""
    return point.verdict.total if yardstick == "total" else point.verdict.balanced


def text(
    title: str,
    where: str,
    results: list[Result],
    start: Verdict,
    comparisons: list[Comparison],
    costs: list[Cost],
    rates: dict[str, Any],
) -> str:
    """Return the whole report, in Markdown."""
    return "\n\n".join(
        [
            f"# {title}",
            where,
            "Losses are of the 8-bit picture, by one float32 network: content, style and their total in "
            "pastiche’s units, and this package’s balanced objective; PyTorch’s tutorial minimises another "
            "of its own. Seconds leave out imports, reading the network’s parameters and waking the "
            "device.",
            parties_table(results, start),
            comparisons_table(comparisons),
            memory_text(results[0], next(r for r in results if r.party.name == "pastiche")),
            "What one evaluation of ours costs, painting at one size alone:",
            costs_table(costs),
            rates_text(rates),
        ]
    )


def machine_text(machine: dict[str, Any]) -> str:
    """Say on what and with which versions it ran."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['processor']} ({machine['vector_instructions']}), cores: {machine['cores']}, "
        f"threads: {machine['threads']}, load before: {machine['load_before']}, "
        f"{machine['memory_gb']:g} GB; device {machine['device']}; "
        f"{machine['system']}, Python {machine['python']}; {versions}."
    )


def parties_table(results: list[Result], start: Verdict) -> str:
    """Tell how every party did: cost, then losses of its final 8-bit picture."""
    on_device = any(result.device_peak_bytes for result in results)
    head = ["party", "evaluations", "precision", "seconds", "s/evaluation, full size"]
    head += ["first picture, s", "peak memory (before), GB"] + ["on the device, GB"] * on_device
    head += ["content", "style", "total", "balanced"]
    rows = [["the content itself", *["–"] * (len(head) - 5), *_losses(start)]]
    for result in results:
        memory = [f"{result.peak_bytes / 1e9:.2f} ({result.start_bytes / 1e9:.2f})"]
        memory += [f"{(result.device_peak_bytes or 0) / 1e9:.2f}"] * on_device
        rows.append(
            [
                result.party.label,
                str(result.final.evaluation),
                result.facts["precision"],
                _seconds(result.final.seconds) + _spread(result.walls),
                f"{result.seconds_per_evaluation:.3g}",
                _seconds(result.first_picture),
                *memory,
                *_losses(result.final.verdict),
            ]
        )
    return _table(head, rows)


def comparisons_table(comparisons: Iterable[Comparison]) -> str:
    """Set the times to equal loss, and the final losses, side by side."""
    head = ["as good as the best of", "by its", "takes, s", "party", "takes, s", "times faster"]
    return _table(
        [*head, "final loss, times lower"],
        [
            [
                f"{each.other}, after {each.evaluations} evaluations",
                f"{each.yardstick}, {_loss(each.loss, each.yardstick)}",
                _seconds(each.seconds_other),
                each.ours,
                "not reached" if each.seconds_ours is None else _seconds(each.seconds_ours),
                "–" if each.times_faster is None else f"{each.times_faster:.1f}",
                f"{each.times_lower:.2f}",
            ]
            for each in comparisons
        ],
    )


def memory_text(ours: Result, other: Result) -> str:
    """Compare the peaks of two processes."""
    return (
        f"At its peak, {ours.party.label} takes {ours.peak_bytes / other.peak_bytes:.2f} times the "
        f"memory of {other.party.label}."
    )


def costs_table(costs: list[Cost]) -> str:
    """Tell what one evaluation of ours costs at each size."""
    best = min((c.seconds_per_megapixel for c in costs if not c.failure), default=1.0)
    rows = []
    for cost in costs:
        figures = ["–", "–", "–", cost.failure]
        if not cost.failure:
            device = cost.device_peak_bytes
            figures = [
                f"{cost.seconds_per_evaluation:.3g}",
                f"{cost.seconds_per_megapixel:.3g}",
                f"{cost.seconds_per_megapixel / best:.2f}",
                f"{cost.peak_bytes / 1e9:.2f}" + (f" + {device / 1e9:.2f}" if device else ""),
            ]
        rows.append([str(cost.size), *figures])
    head = ["size, px", "s/evaluation", "s/evaluation/megapixel", "times the best"]
    return _table([*head, "peak memory, GB"], rows)


def rates_text(rates: dict[str, Any]) -> str:
    """Say which share of the device's matrix rate the convolutions reach."""
    matrix, convolution, evaluation = (
        rates[name] for name in ("matrix_rate", "convolution_rate", "evaluation_rate")
    )
    return (
        f"In {rates['matrix_type']} a large matrix product runs at {matrix:.3g} TFLOP/s here. The "
        f"convolutions ({rates['precision']}) reach {convolution:.3g} TFLOP/s, "
        f"{convolution / matrix:.0%} of it; over a whole evaluation, with all else in it, "
        f"{evaluation:.3g} TFLOP/s, {evaluation / matrix:.0%}."
    )


def _losses(verdict: Verdict) -> list[str]:
    shared = (verdict.content, verdict.style, verdict.total)
    return [*(_loss(value, "total") for value in shared), _loss(verdict.balanced, "balanced")]


def _loss(value: float, yardstick: Yardstick) -> str:
    return f"{value:,.0f}" if yardstick == "total" else f"{value:.3f}"


def _spread(walls: list[float]) -> str:
    return f" ({_seconds(min(walls))}–{_seconds(max(walls))})" if len(walls) > 1 else ""


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 100 else f"{seconds:#.3g}".rstrip(".")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
