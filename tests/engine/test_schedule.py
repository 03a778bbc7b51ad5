"""Which scales are painted, and how many evaluations each gets."""

import itertools

import pytest

from napari_style_transfer.engine.optimize.schedule import plan_scales
from napari_style_transfer.settings import Settings


def plan(shape=(512, 512), **settings):
    return plan_scales(shape, Settings(**settings))


def test_scales_double_from_the_coarsest_to_the_result():
    assert [s.shape for s in plan(size=512, coarsest_size=128)] == [
        (128, 128),
        (256, 256),
        (512, 512),
    ]


def test_every_evaluation_is_planned_and_none_more():
    for steps in (1, 2, 3, 7, 150):
        scales = plan(steps=steps)
        assert sum(s.evaluations for s in scales) == steps
        assert all(s.evaluations > 0 for s in scales)


def test_coarse_scales_get_an_equal_share_and_no_more_than_they_need():
    assert [s.evaluations for s in plan(size=1024, steps=15)] == [5, 5, 5]
    assert [s.evaluations for s in plan(size=512, steps=150)] == [10, 140]
    assert [s.evaluations for s in plan(size=1024, steps=150)] == [10, 10, 130]


def test_the_last_scale_is_always_the_result_in_the_contents_aspect():
    for size in (16, 100, 511, 700):
        assert plan((300, 400), size=size)[-1].shape == (round(300 * size / 400), size)


def test_a_coarsest_scale_of_the_full_size_is_one_scale():
    assert len(plan(size=512, coarsest_size=512)) == 1
    assert len(plan(size=100, coarsest_size=4000)) == 1


def test_scales_too_narrow_for_the_network_are_dropped():
    scales = plan((60, 1600), size=1600, coarsest_size=100)
    assert all(min(s.shape) >= 32 for s in scales)


@pytest.mark.parametrize("size", [256, 512, 1024, 2048])
def test_neighbouring_scales_differ_by_two(size):
    longest = [max(s.shape) for s in plan(size=size)]
    assert all(b / a == pytest.approx(2, rel=0.02) for a, b in itertools.pairwise(longest))
