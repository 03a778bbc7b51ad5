"""The time left is judged by how fast the last evaluations were, whatever came before them."""

from __future__ import annotations

import pytest

from napari_style_transfer.plugin.runs.eta import ETA, format_duration
from napari_style_transfer.progress import Losses, Step

#: Seconds for each of 60 evaluations at 64 x 96, 128 x 192 and 255 x 384 px, as a CPU of two cores with
#: other work took them; the first of each scale is dearer, and the very first loads the network.
SCALES = {
    (64, 96): (3.18, 0.09, 0.07, 0.12, 0.17, 0.07, 0.08, 0.13, 0.09, 0.09),
    (128, 192): (0.39, 0.18, 0.24, 0.14, 0.16, 0.17, 0.14, 0.24, 0.19, 0.11),
    (255, 384): (
        1.02, 0.39, 0.46, 0.49, 0.37, 0.52, 0.52, 0.46, 0.43, 0.38, 0.44, 0.48, 0.38, 0.59, 0.57, 0.55,
        0.54, 0.45, 1.00, 1.02, 0.88, 0.59, 0.58, 0.49, 0.55, 0.53, 0.57, 0.48, 0.48, 0.49, 0.39, 0.32,
        0.61, 0.61, 0.90, 0.80, 0.86, 0.94, 0.72, 0.69,
    ),
}  # fmt: skip
SECONDS = [(shape, each) for shape, times in SCALES.items() for each in times]


class Clock:
    """The time, as the test tells it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.eta = ETA(now=lambda: self.now)

    def evaluate(self, shape: tuple[int, int], seconds: float) -> None:
        self.now += seconds
        losses = Losses({"style": 1.0})
        self.eta.tick((Step(1, 60, 1, 3, shape, losses, "cpu", "float32"),))

    def left(self, done: int) -> float | None:
        to_come = SECONDS[done:]
        pixels = sum(height * width for (height, width), _ in to_come)
        return self.eta.left(pixels, len(to_come))


def test_right_within_a_factor_of_two_after_ten_evaluations_and_before() -> None:
    clock = Clock()
    for done, (shape, seconds) in enumerate(SECONDS, start=1):
        clock.evaluate(shape, seconds)
        left, true = clock.left(done), sum(each for _, each in SECONDS[done:])
        if done < 3:
            assert left is None
        elif done < 59:
            assert left is not None
            assert true / 2 < left < true * 2, done


def test_loading_does_not_count() -> None:
    clock = Clock()
    for seconds in (100, 0.5, 0.5):
        clock.evaluate((256, 256), seconds)
    assert clock.eta.left(10 * 256**2, 10) == pytest.approx(5)


def test_a_pause_does_not_count() -> None:
    clock = Clock()
    for _ in range(3):
        clock.evaluate((256, 256), 0.5)
    clock.eta.interrupt()
    clock.now += 1000
    for _ in range(3):
        clock.evaluate((256, 256), 0.5)
        assert clock.eta.left(10 * 256**2, 10) == pytest.approx(5)


def test_one_slow_evaluation_counts_for_little() -> None:
    clock = Clock()
    for seconds in (0.5, 20, 0.5, 0.5):
        clock.evaluate((256, 256), seconds)
    assert clock.eta.left(10 * 256**2, 10) == pytest.approx(5)


def test_nothing_is_left_at_the_end() -> None:
    clock = Clock()
    for _ in range(3):
        clock.evaluate((256, 256), 0.5)
    assert clock.eta.left(0, 0) == 0


def test_in_words() -> None:
    told = [format_duration(seconds) for seconds in (3.2, 42, 200, 9000)]
    assert told == ["a few seconds", "about 40 s", "about 3 min", "about 2 h 30 min"]
