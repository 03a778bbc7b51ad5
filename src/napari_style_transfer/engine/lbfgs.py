"""L-BFGS, one evaluation at a time, with safeguards that never let it stall in silence.

Liu & Nocedal (1989), with the history as one matrix and the two-loop recursion run on its table of
inner products (the vector-free form of Chen et al. 2014): a step costs two matrix products and one
transfer to the host, on any device.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

#: x -> (terms, gradient): f(x) is the sum of the terms, a tensor of any shape; df/dx is shaped as x.
Evaluate = Callable[[Tensor], tuple[Tensor, Tensor]]

#: Refusals in a row after which the history is dropped, and after which there is no way down.
_FAILURES_TO_FORGET = 3
_FAILURES_TO_GIVE_UP = 12
#: A pair whose curvature s·y is below this share of y·y would blow up the inverse Hessian.
_MIN_CURVATURE = 1e-10
#: Inner products are taken over so many values at a time, which costs no copies of a large vector.
_PART = 1 << 22


@dataclass(frozen=True)
class Outcome:
    """What one evaluation did.

    Attributes
    ----------
    terms
        The terms of the function at the trial point; may be infinite or NaN.
    accepted
        Whether the trial point was kept.
    stationary
        Whether there is no way down from the point kept, to this function's precision.
    note
        A sentence where something went wrong, else "".
    """

    terms: tuple[float, ...]
    accepted: bool
    stationary: bool = False
    note: str = ""

    @property
    def value(self) -> float:
        """The function at the trial point, the sum of its terms."""
        return sum(self.terms)


class LBFGS:
    """Minimise a function of one float tensor; each call of `step` evaluates it once.

    A trial point that is not finite, or worse than the best one, is refused: the step is shortened,
    then the history dropped, and at last `Outcome.stationary` says that there is no way down. `x` is
    always the last point kept.

    Parameters
    ----------
    x
        Starting point of any shape; not changed.
    history
        How many pairs of steps and gradient changes are kept.
    first_step
        Mean absolute change of the values in a step of steepest descent, which has no scale of its
        own (0.01 of values in [0, 1]; crowsonkb's Adam moves as much).
    tolerance
        How much worse than the best value, relatively, a trial may be: room for the rounding of a
        function in low precision.
    """

    def __init__(
        self, x: Tensor, *, history: int = 6, first_step: float = 0.01, tolerance: float = 0.0
    ) -> None:
        self.x = x.detach().clone(memory_format=torch.contiguous_format)
        self._history, self._tolerance = history, tolerance
        self._first_step = first_step
        # Row i holds a step s, row `slots + i` its gradient change y. One slot is spare: a pair is
        # written there before it is known whether its trial point is kept.
        self._slots = history + 1
        self._rows = self.x.new_zeros(2 * self._slots, self.x.numel())
        self.restart()

    def restart(self) -> None:
        """Forget values and curvature, because the function has changed; keep the point."""
        self._best = math.inf
        self._value = math.inf
        self._gradient: Tensor | None = None
        self._forget(self._first_step)

    def _forget(self, steepest_step: float) -> None:
        self._steepest_step = steepest_step
        self._order: list[int] = []  # slots of the pairs in use, oldest first
        self._inner: npt.NDArray[np.float64] = np.zeros((2 * self._slots, 2 * self._slots))
        self._length = 1.0
        self._failures = 0

    def step(self, evaluate: Evaluate) -> Outcome:
        """Evaluate the function once, at the next trial point, and move there if it is better."""
        if self._gradient is None:
            return self._start(evaluate)
        trial = self.x.add(self._direction, alpha=self._length)
        terms_, gradient_ = evaluate(trial)
        gradient = gradient_.reshape(-1)
        spare = next(slot for slot in range(self._slots) if slot not in self._order)
        s, y = self._rows[spare], self._rows[self._slots + spare]
        torch.mul(self._direction.view(-1), self._length, out=s)
        torch.sub(gradient, self._gradient, out=y)
        # One transfer: g·g, the mean of |g|, every inner product with s, y and g, and the terms.
        report = torch.cat((_norms(gradient), self._products(s, y, gradient), terms_.reshape(-1)))
        squared, mean, *numbers = report.tolist()
        terms = tuple(numbers[6 * self._slots :])
        value = sum(terms)
        finite = bool(np.isfinite((value, squared, mean)).all())
        if not finite or value > self._best + self._tolerance * abs(self._best):
            self._rows[[spare, self._slots + spare]] = 0  # a NaN here would poison every product
            return self._refuse(terms, finite)
        inner = np.array(numbers[: 6 * self._slots]).reshape(-1, 3)
        self._keep_pair(spare, inner)
        self.x, self._value, self._best = trial, value, min(value, self._best)
        self._gradient = gradient
        self._failures = 0
        return self._aim(terms, inner[:, 2], squared, mean)

    def _products(self, *vectors: Tensor) -> Tensor:
        """Return the inner products of every row with each vector, row by row, in one flat tensor."""
        products = self._rows.new_zeros(len(self._rows), len(vectors))
        for start in range(0, self._rows.shape[1], _PART):
            part = slice(start, start + _PART)
            products.addmm_(self._rows[:, part], torch.stack([v[part] for v in vectors], dim=1))
        return products.flatten()

    def _start(self, evaluate: Evaluate) -> Outcome:
        terms_, gradient_ = evaluate(self.x)
        gradient = gradient_.reshape(-1)
        squared, mean, *numbers = torch.cat((_norms(gradient), terms_.reshape(-1))).tolist()
        terms = tuple(numbers)
        value = sum(terms)
        if not math.isfinite(value) or not math.isfinite(mean):
            return Outcome(terms, False, True, "The loss of the starting picture is not finite.")
        self._gradient = gradient
        self._value = self._best = value
        return self._aim(terms, np.zeros(2 * self._slots), squared, mean)

    def _keep_pair(self, slot: int, inner: npt.NDArray[np.float64]) -> None:
        """Record the inner products of the pair in `slot`, if its curvature is positive."""
        s, y = slot, self._slots + slot
        if inner[s, 1] <= _MIN_CURVATURE * inner[y, 1]:
            return
        self._inner[:, s] = self._inner[s, :] = inner[:, 0]
        self._inner[:, y] = self._inner[y, :] = inner[:, 1]
        self._order.append(slot)
        if len(self._order) > self._history:
            self._order.pop(0)

    def _aim(
        self,
        terms: tuple[float, ...],
        with_gradient: npt.NDArray[np.float64],
        squared: float,
        mean: float,
    ) -> Outcome:
        """Choose the next direction from the point just kept.

        The two-loop recursion on coefficients: `steps`, `changes` and `own` weigh the rows s, the
        rows y and the gradient; `with_gradient` holds the inner products of the rows with it.
        """
        assert self._gradient is not None
        self._length = 1.0
        if squared == 0:
            self._descend_steepest(squared, mean)
            return Outcome(terms, True, stationary=True)
        if not self._order:
            self._descend_steepest(squared, mean)
            return Outcome(terms, True)
        n, inner = self._slots, self._inner
        weights, own = np.zeros(2 * n), -1.0
        alphas = {}
        for i in reversed(self._order):
            alphas[i] = (weights @ inner[:, i] + own * with_gradient[i]) / inner[i, n + i]
            weights[n + i] -= alphas[i]
        newest = self._order[-1]
        scale = inner[newest, n + newest] / inner[n + newest, n + newest]
        weights, own = weights * scale, own * scale
        for i in self._order:
            beta = (weights @ inner[:, n + i] + own * with_gradient[n + i]) / inner[i, n + i]
            weights[i] += alphas[i] - beta
        self._slope = float(weights @ with_gradient + own * squared)
        if not self._slope < 0:  # rounding has spoilt the history
            self._forget(self._steepest_step)
            self._descend_steepest(squared, mean)
            return Outcome(terms, True)
        coefficients = torch.from_numpy(weights).to(self._rows)
        flat = torch.addmv(self._gradient, self._rows.T, coefficients, beta=own)
        self._direction = flat.view(self.x.shape)
        return Outcome(terms, True)

    def _descend_steepest(self, squared: float, mean: float) -> None:
        assert self._gradient is not None
        factor = self._steepest_step / mean if squared else 0.0
        self._direction = (self._gradient * -factor).view(self.x.shape)
        self._slope = -factor * squared

    def _refuse(self, terms: tuple[float, ...], finite: bool) -> Outcome:
        """Shorten the step; drop the history when that has not helped; at last, give up."""
        assert self._gradient is not None
        self._failures += 1
        if self._failures >= _FAILURES_TO_GIVE_UP:
            return Outcome(terms, False, stationary=True)
        if self._failures == _FAILURES_TO_FORGET and self._order:
            failures = self._failures
            self._forget(self._steepest_step / 4)
            self._failures = failures
            self._descend_steepest(*_norms(self._gradient).tolist())
            return Outcome(terms, False, note="The step failed; its curvature was dropped.")
        shorter = 0.1
        if finite:  # the minimum of the parabola through both values and the slope
            rise = sum(terms) - self._value - self._slope * self._length
            shorter = min(max(-self._slope * self._length / (2 * rise), 0.1), 0.5)
        self._length *= shorter
        return Outcome(terms, False)


def _norms(gradient: Tensor) -> Tensor:
    """Return g·g and the mean of |g|, (2,)."""
    return torch.stack((gradient.dot(gradient), gradient.norm(1) / gradient.numel()))
