"""The optimiser finds known minima and never stalls without saying so."""

import math

import numpy as np
import pytest
import torch

from napari_style_transfer.engine.optimize import lbfgs
from napari_style_transfer.engine.optimize.lbfgs import LBFGS


def with_gradient(function):
    def evaluate(x):
        leaf = x.detach().requires_grad_(True)
        value = function(leaf)
        (gradient,) = torch.autograd.grad(value, leaf)
        return value.detach(), gradient

    return evaluate


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def minimise(function, x, evaluations, **options):
    optimiser = LBFGS(x, **options)
    outcomes = [optimiser.step(with_gradient(function)) for _ in range(evaluations)]
    return optimiser, outcomes


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_reaches_the_minimum_of_an_ill_conditioned_quadratic(dtype):
    scales = torch.logspace(0, 3, 30, dtype=dtype)
    optimiser, _ = minimise(
        lambda x: (scales * (x - 2) ** 2).sum(), torch.zeros(30, dtype=dtype), 120
    )
    assert (optimiser.x - 2).abs().max() < 1e-2


@pytest.mark.parametrize("part", [7, 1 << 15])
def test_a_history_in_half_as_many_bytes_serves_as_well(part, monkeypatch):
    monkeypatch.setattr(lbfgs, "_COPIED_PART", part)
    scales = torch.logspace(0, 3, 30)
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        optimiser, outcomes = minimise(
            lambda x: (scales * (x - 2) ** 2).sum(), torch.zeros(30), 120, history_dtype=dtype
        )
        assert optimiser._rows.dtype is dtype
        assert optimiser.x.dtype is torch.float32
        found[dtype] = min(outcome.value for outcome in outcomes)
    assert found[torch.float32] < 1e-7 * float((scales * 4).sum())
    assert found[torch.bfloat16] < 5 * found[torch.float32]


def test_reaches_the_minimum_of_rosenbrock():
    start = torch.tensor([-1.2, 1.0, -0.5, 0.8], dtype=torch.float64)
    optimiser, _ = minimise(rosenbrock, start, 200, history=10)
    torch.testing.assert_close(optimiser.x, torch.ones(4, dtype=torch.float64), atol=1e-4, rtol=0)


def test_direction_is_that_of_the_textbook_two_loop_recursion():
    """On a quadratic, the product of inverse Hessian and gradient equals Nocedal's recursion."""
    scales = torch.linspace(1, 9, 12, dtype=torch.float64)
    function = with_gradient(lambda x: (scales * x**2).sum() / 2)
    optimiser = LBFGS(torch.linspace(-1, 2, 12, dtype=torch.float64), history=3)
    points = []
    while len(points) < 6:
        if optimiser.step(function).accepted:
            points.append(optimiser.x.clone())
    gradients = [scales * x for x in points]
    pairs = [
        (b - a, hb - ha)
        for a, b, ha, hb in zip(points, points[1:], gradients, gradients[1:], strict=False)
    ][-3:]
    q, alphas = gradients[-1].clone(), []
    for s, y in reversed(pairs):
        alphas.append(s.dot(q) / s.dot(y))
        q -= alphas[-1] * y
    q *= pairs[-1][0].dot(pairs[-1][1]) / pairs[-1][1].dot(pairs[-1][1])
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        q += s * (alpha - y.dot(q) / s.dot(y))
    torch.testing.assert_close(optimiser._direction, -q)


def test_first_step_changes_values_by_the_amount_asked_for_whatever_the_loss_is_scaled_by():
    for factor in (1e-9, 1.0, 1e9):
        optimiser, _ = minimise(lambda x, f=factor: f * (x - 3).square().sum(), torch.zeros(50), 2)
        assert optimiser.x.abs().mean() == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_refused_and_the_run_goes_on(bad):
    calls = 0

    def spoilt(x):
        nonlocal calls
        calls += 1
        value = (x - 2).square().sum()
        return value * bad if calls in (2, 7, 8) else value

    optimiser, outcomes = minimise(spoilt, torch.zeros(20), 60)
    assert [outcomes[k].accepted for k in (1, 6, 7)] == [False] * 3
    assert (optimiser.x - 2).abs().max() < 1e-3


def test_a_gradient_that_is_not_finite_is_refused():
    calls = 0

    def evaluate(x):
        nonlocal calls
        calls += 1
        gradient = 2 * (x - 2)
        if calls == 5:
            gradient[3] = math.nan
        return (x - 2).square().sum(), gradient

    optimiser = LBFGS(torch.zeros(20))
    outcomes = [optimiser.step(evaluate) for _ in range(60)]
    assert not outcomes[4].accepted
    assert (optimiser.x - 2).abs().max() < 1e-3


def test_a_failing_first_step_is_shortened_until_it_goes_down():
    """The valley is far narrower than the first step: torch's own L-BFGS would return in silence."""
    start = torch.full((10,), 1e-4)
    optimiser, outcomes = minimise(lambda x: (1e4 * x).square().sum(), start, 30)
    assert not outcomes[1].accepted
    assert optimiser.x.abs().max() < 1e-6


def test_the_kept_value_never_rises():
    generator = torch.Generator().manual_seed(1)

    def noisy(x):
        return rosenbrock(x) * (1 + 0.2 * torch.rand((), generator=generator))

    _, outcomes = minimise(noisy, torch.zeros(6), 80)
    kept = [outcome.value for outcome in outcomes if outcome.accepted]
    assert kept == sorted(kept, reverse=True)
    assert len(kept) > 3


def test_no_way_down_is_said_and_the_best_point_kept():
    calls = 0

    def walled(x):
        """Falls for a while, then every trial is worse."""
        nonlocal calls
        calls += 1
        return rosenbrock(x) + (1e6 if calls > 8 else 0)

    start = torch.tensor([-1.2, 1.0, -0.5, 0.8])
    optimiser, outcomes = minimise(walled, start, 40)
    assert outcomes[-1].stationary
    assert any(outcome.note for outcome in outcomes)
    assert rosenbrock(optimiser.x) == pytest.approx(min(o.value for o in outcomes))


def test_a_plateau_is_said_at_once():
    _, outcomes = minimise(lambda x: (0 * x).sum() + 3, torch.zeros(5), 1)
    assert outcomes[0].stationary


def test_a_start_that_is_not_finite_is_said():
    _, outcomes = minimise(lambda x: (x * math.nan).sum(), torch.zeros(5), 1)
    assert outcomes[0].stationary
    assert not outcomes[0].accepted
    assert "not finite" in outcomes[0].note


def test_a_changed_function_is_followed_after_a_restart():
    optimiser, _ = minimise(lambda x: (x - 1).square().sum(), torch.zeros(8), 20)
    optimiser.restart()
    for _ in range(30):
        optimiser.step(with_gradient(lambda x: (x + 4).square().sum() + 100))
    assert np.allclose(optimiser.x, -4, atol=1e-3)
