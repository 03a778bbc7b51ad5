"""What `make bench-translate` is made from: known maps, the judge with known answers, the page."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").exists(), reason="the source distribution comes without benchmarks/"
)


@pytest.fixture(autouse=True)
def paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def benchmark() -> Any:
    return importlib.import_module("benchmarks.translate")


@pytest.fixture
def known() -> Any:
    """Two pictures whose true map is darker by half."""
    tasks = importlib.import_module("benchmarks.translate_tasks")
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (48, 48), np.uint8) for _ in range(4)]
    halves = [each / 2 for each in pictures]
    target = [each.astype(np.uint8) for each in halves[2:]]
    return tasks.KnownMap(pictures[:2], target, pictures[:1], halves[:1])


def test_the_truth_is_judged_best_and_another_picture_worse(benchmark: Any, known: Any) -> None:
    exact = benchmark.judged(known, lambda picture: picture / 2)
    assert exact["psnr"] > 100
    assert exact["ssim"] == exact["agreement"] == pytest.approx(1)
    off = benchmark.judged(known, lambda picture: picture / 2 + 2.55)
    assert off["psnr"] == pytest.approx(40)
    inverted = benchmark.judged(known, lambda picture: 127 - picture / 2)
    assert inverted["inverted"] == pytest.approx(1, abs=0.01)
    assert inverted["agreement"] < 0.2


def test_a_match_of_histograms_finds_a_map_of_values(benchmark: Any, known: Any) -> None:
    ways = benchmark._instant(known)
    assert set(ways) == {"unchanged", "mean and deviation", "histogram", "colour"}
    for name in ways:  # where each picture has the same values, every one of them finds it
        assert benchmark.judged(known, ways[name])["psnr"] > 30


def test_cells_and_their_nuclei_have_one_place(benchmark: Any) -> None:
    tasks = importlib.import_module("benchmarks.translate_tasks")
    phase, light = tasks._cells(np.random.default_rng(0))
    bright = light > 800
    assert 0.005 < bright.mean() < 0.2
    assert phase[bright].mean() < phase[~bright].mean() - 20


def test_the_page_tells_what_was_reached_and_what_was_not() -> None:
    report = importlib.import_module("benchmarks.translate_report")
    environment = importlib.import_module("benchmarks.environment")
    figure = {"psnr": 20.0, "ssim": 0.5, "agreement": 0.5, "kept": 1.0, "inverted": 0.0}
    figures = {
        "colour": figure,
        "histogram": figure | {"psnr": 23.0},
        "contrastive": figure | {"psnr": 26.0, "seams": 0.0},
        "cycle": figure | {"psnr": 19.0, "seams": 0.0},
    }
    page = report.text(
        {
            "command": "made up",
            "machine": environment.machine("cpu"),
            "minutes": 1,
            "figures": {"restained": figures},
        }
    )
    assert "contrastive: 26.0 dB, above the aim of 25; +6.0 dB beside the matches" in page
    assert "cycle: 19.0 dB, below the aim of 25; -1.0 dB beside the matches" in page
    assert "+3.0 dB beside the best that needs no learning (histogram)" in page
