"""The time left is judged by the pixels still to be painted."""

from __future__ import annotations

import pytest

from napari_style_transfer.plugin.runs.eta import ETA, format_duration
from napari_style_transfer.progress import Losses, Step


def step(evaluation: int, scale: int, side: int) -> Step:
    """Of a run with ten evaluations each at 100, 200 and 400 px."""
    left = sum(
        min(10, max(0, 10 * number - evaluation)) * (50 * 2**number) ** 2 for number in (1, 2, 3)
    )
    losses = Losses({"content": 1, "style": 1})
    return Step(evaluation, 30, scale, 3, (side, side), losses, "cpu", "float32", pixels_left=left)


def test_later_scales_count_by_their_pixels() -> None:
    time = [0.0]
    clock = ETA(now=lambda: time[0])
    clock.tick((step(1, 1, 100),))
    assert clock.left(step(1, 1, 100)) is None
    for evaluation in range(2, 6):
        time[0] += 1
        clock.tick((step(evaluation, 1, 100),))
    # 5 more at 100 px take 5 s, 10 at 200 px 40 s, 10 at 400 px 160 s.
    assert clock.left(step(5, 1, 100)) == pytest.approx(205)


def test_nothing_is_left_at_the_end() -> None:
    time = [0.0]
    clock = ETA(now=lambda: time[0])
    for evaluation in (29, 30):
        clock.tick((step(evaluation, 3, 400),))
        time[0] += 1
    assert clock.left(step(30, 3, 400)) == 0


def test_in_words() -> None:
    told = [format_duration(seconds) for seconds in (3.2, 42, 200, 9000)]
    assert told == ["a few seconds", "about 40 s", "about 3 min", "about 2 h 30 min"]
