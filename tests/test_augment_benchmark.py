"""What `make bench-augment` is made from: gaps, the judge with known answers, the page."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from augment_sets import discs

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").exists(), reason="the source distribution comes without benchmarks/"
)


@pytest.fixture(autouse=True)
def paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def tasks() -> Any:
    return importlib.import_module("benchmarks.augment_tasks")


@pytest.fixture
def segmenter() -> Any:
    return importlib.import_module("benchmarks.augment_segmenter")


def test_f1_counts_objects_that_overlap_by_more_than_half(segmenter: Any) -> None:
    truth = np.zeros((40, 40), int)
    truth[2:12, 2:12], truth[2:12, 20:30], truth[20:30, 2:12] = 5, 9, 200
    assert segmenter.f1(truth, truth) == 1
    assert segmenter.f1(0 * truth, truth) == 0
    assert segmenter.f1(0 * truth, 0 * truth) == 1
    found = np.where(truth == 9, 0, truth)
    assert segmenter.f1(found, truth) == pytest.approx(2 * 2 / 5)
    assert segmenter.f1(np.roll(truth, 3, 1), truth) == 1  # 7 of 13 columns
    assert segmenter.f1(np.roll(truth, 4, 1), truth) == 0  # 6 of 14
    assert segmenter.f1((truth > 0).astype(int), truth) == 0  # all in one
    with_another = truth.copy()
    with_another[30:36, 30:36] = 1
    assert segmenter.f1(with_another, truth) == pytest.approx(2 * 3 / 7)


@pytest.mark.slow
def test_the_judge_learns_what_it_is_shown(segmenter: Any) -> None:
    images, labels = zip(*(discs(seed, 96) for seed in range(3)), strict=True)
    network = segmenter.train(images[:2], labels[:2], steps=20, seed=0, jitter=False)
    assert segmenter.f1(segmenter.segment(network, images[2]), labels[2]) == 1
    again = segmenter.train(images[:2], labels[:2], steps=2, seed=0, jitter=True)
    same = segmenter.train(images[:2], labels[:2], steps=2, seed=0, jitter=True)
    assert all((a == b).all() for a, b in zip(again.parameters(), same.parameters(), strict=True))


def test_touching_objects_have_a_border_between_them(segmenter: Any) -> None:
    labels = np.zeros((20, 20), int)
    labels[4:16, 4:10], labels[4:16, 10:16] = 1, 2
    found = segmenter.classes(labels)
    assert (found[6:14, 6:9] == 1).all()
    assert (found[4:16, 9:11] == 2).all()
    assert not found[:3].any()


def test_nuclei_that_are_made_have_their_labels(tasks: Any) -> None:
    image, labels = tasks.synthetic_nuclei(np.random.default_rng(0))
    assert image.shape == labels.shape == (tasks.SIDE, tasks.SIDE)
    assert 8 < labels.max() < 60
    assert image[labels > 0].mean() > 5 * image[labels == 0].mean()
    again, _ = tasks.synthetic_nuclei(np.random.default_rng(0))
    np.testing.assert_array_equal(image, again)


def test_debris_leaves_objects_where_they_are(tasks: Any) -> None:
    image, _ = tasks.synthetic_nuclei(np.random.default_rng(0))
    random = np.random.default_rng(1)
    once, twice = tasks.add_debris(image, random), tasks.add_debris(image, random)
    assert once.dtype == image.dtype
    assert np.corrcoef(once.ravel(), image.ravel())[0, 1] > 0.7
    assert (once != twice).mean() > 0.5


def test_what_gives_the_style_and_what_is_tested_are_two_halves(
    tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = np.tile(
        np.arange(512, dtype=np.uint16), (512, 1)
    )  # every value says where it is from
    monkeypatch.setattr(tasks, "_bowl", lambda: (columns, columns + 1))
    for name in ("nuclei", "debris"):
        task = tasks.TASKS[name][0](3, 0)
        assert task.truth.min() == 257
        assert task.test.shape == task.truth.shape == (512, 256)
        if name == "debris":
            assert max(each.max() for each in task.images) < 256
            assert max(each.max() for each in task.labels) < 257
        else:
            assert task.styles[0].max() < 256
            assert task.test.min() == 256


def test_the_page_says_which_aims_are_reached() -> None:
    report = importlib.import_module("benchmarks.augment_report")

    def seeds(*values: float, **facts: float) -> dict[str, Any]:
        return {str(n): {"f1": value, **facts} for n, value in enumerate(values)}

    figures = {
        "none": seeds(0.3, 0.5),
        "jitter": seeds(0.6, 0.6),
        "style and jitter": seeds(0.7, 0.62, edges_kept=0.9, made_in=12.0),
    }
    data = {"figures": {"debris": figures}, "texture": {"debris": True}}
    assert report.aims(data) == [
        "| style and jitter above none by 0.10 in the worst seed, debris | yes: +0.120 |",
        "| style and jitter above jitter by 0.05 in the mean, debris | yes: +0.060 |",
    ]
    *_, row = report.table(figures)
    assert row == "| style and jitter | 0.660 | 0.040 | 0.620 | +0.260 | +0.060 | 0.90 | 12 s |"
