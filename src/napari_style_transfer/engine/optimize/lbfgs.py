"""L-BFGS, one evaluation at a time, with safeguards that never let it stall in silence.

Liu & Nocedal (1989), with the history as one matrix and the two-loop recursion run on its table of
inner products (the vector-free form of Chen et al. 2014): a step reads the history twice, for its
products with the new gradient and for the direction, and makes one transfer to the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

#: x -> (terms, gradient): f(x) is the sum of the terms, a tensor of any shape; df/dx is shaped as x.
Evaluate = Callable[[Tensor], tuple[Tensor, Tensor]]
Numbers = npt.NDArray[np.float64]

#: Refusals in a row after which the history is dropped, and after which there is no way down.
_FAILURES_TO_FORGET = 3
_FAILURES_TO_GIVE_UP = 12
#: A pair whose curvature s·y is below this share of y·y would blow up the inverse Hessian.
_MIN_CURVATURE = 1e-10
#: Vectors are gone through so many values at a time, which costs no long copies of them: fewer where the
#: history is of another type, and a part of it must be copied.
_PART, _COPIED_PART = 1 << 22, 1 << 15


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
    history_dtype
        Type in which the history is kept; x's if None.
    """

    def __init__(
        self,
        x: Tensor,
        *,
        history: int = 6,
        first_step: float = 0.01,
        tolerance: float = 0.0,
        history_dtype: torch.dtype | None = None,
    ) -> None:
        self.x = x.detach().clone(memory_format=torch.contiguous_format)
        self._history, self._tolerance = history, tolerance
        self._first_step = first_step
        # Row i holds a step s, row `slots + i` its gradient change y. One slot is spare: there lies the
        # direction, and there arises the change, which become the next pair.
        self._slots = history + 1
        self._rows = self.x.new_zeros(2 * self._slots, self.x.numel(), dtype=history_dtype)
        self._copy: Tensor | None = None
        self._part = _PART if self._rows.dtype is x.dtype else _COPIED_PART
        self._spare = 0
        self.restart()

    def restart(self) -> None:
        """Forget values and curvature, because the function has changed; keep the point."""
        self._best = self._value = math.inf
        self._forget(self._first_step)

    def _forget(self, steepest_step: float) -> None:
        self._steepest_step = steepest_step
        self._order: list[int] = []  # slots of the pairs in use, oldest first
        # Row by column: inner products of all rows with rows y, as far as the recursion needs them.
        self._inner: Numbers = np.zeros((2 * self._slots, self._slots))
        self._length = 1.0
        self._failures = 0

    @property
    def _direction(self) -> Tensor:
        """Where the next step goes, shaped as x; a view."""
        return self._rows[self._spare].view(self.x.shape)

    def step(self, evaluate: Evaluate) -> Outcome:
        """Evaluate the function once, at the next trial point, and move there if it is better."""
        starts = math.isinf(self._value)
        trial = self.x if starts else self.x.add(self._direction, alpha=self._length)
        terms_, gradient_ = evaluate(trial)
        gradient = gradient_.reshape(-1)
        if starts:
            self._gradient = gradient
        report = self._report(gradient, terms_)
        mean, squared = report[:2]
        end = 2 + 2 * len(self._rows)
        products, terms = np.array(report[2:end]).reshape(2, -1), tuple(report[end:])
        value = sum(terms)
        finite = all(map(math.isfinite, (value, squared, mean)))
        if starts and not finite:
            return Outcome(terms, False, True, "The loss of the starting picture is not finite.")
        if not finite or value > self._best + self._tolerance * abs(self._best):
            return self._refuse(terms, finite)
        with_gradient, with_y = products
        s, y = self._spare, self._slots + self._spare
        with_y[s] *= self._length
        if not starts and with_y[s] > _MIN_CURVATURE * with_y[y] > 0:
            self._keep_pair(with_y)
            with_gradient[s] *= self._length
        self.x, self._value, self._best = trial, value, min(value, self._best)
        self._squared, self._mean, self._with_gradient = squared, mean, with_gradient
        self._failures, self._gradient = 0, gradient
        self._aim()
        return Outcome(terms, True, stationary=squared == 0)

    def _report(self, gradient: Tensor, terms: Tensor) -> list[float]:
        """Return all that the host has to know of an evaluation, in one transfer.

        The mean of |g|; g·g; the products of every row with g, and with y; the terms. The change y of the
        gradient is left in its row.
        """
        products = gradient.new_zeros(2, len(self._rows))
        y = self._rows[self._slots + self._spare]
        for part in self._parts():
            g = gradient[part]
            torch.sub(g, self._gradient[part], out=y[part])
            rows = self._rows_of(part)
            products.addmm_(torch.stack((g, rows[self._slots + self._spare])), rows.T)
        mean = gradient.norm(1) / len(gradient)
        numbers = (torch.stack((mean, gradient @ gradient)), products.flatten(), terms.reshape(-1))
        report: list[float] = torch.cat(numbers).tolist()
        return report

    def _parts(self) -> Iterator[slice]:
        for start in range(0, self.x.numel(), self._part):
            yield slice(start, start + self._part)

    def _rows_of(self, part: slice) -> Tensor:
        """Return a part of all rows, in x's type."""
        rows = self._rows[:, part]
        if rows.dtype is self.x.dtype:
            return rows
        if self._copy is None:
            self._copy = self.x.new_empty(len(rows), self._part)
        return self._copy[:, : rows.shape[1]].copy_(rows)

    def _keep_pair(self, with_y: Numbers) -> None:
        """Make the step just taken and its gradient change a pair; `with_y` are its inner products."""
        s, y = self._spare, self._slots + self._spare
        self._rows[s] *= self._length
        self._inner[:, s] = with_y
        self._inner[y] = with_y[self._slots :]
        self._order.append(s)
        if len(self._order) > self._history:
            self._order.pop(0)
        self._spare = next(slot for slot in range(self._slots) if slot not in self._order)

    def _aim(self) -> None:
        """Choose the next direction from the point just kept.

        The two-loop recursion on coefficients: `weights` weigh the rows, and `own` the gradient.
        """
        self._length = 1.0
        if not self._order:
            self._descend_steepest()
            return
        n, inner = self._slots, self._inner
        weights, own = np.zeros(2 * n), -1.0
        alphas = {}
        for i in reversed(self._order):  # so far only rows y are weighed
            alphas[i] = (weights[n:] @ inner[i] + own * self._with_gradient[i]) / inner[i, i]
            weights[n + i] -= alphas[i]
        newest = self._order[-1]
        scale = inner[newest, newest] / inner[n + newest, newest]
        weights, own = weights * scale, own * scale
        for i in self._order:
            beta = (weights @ inner[:, i] + own * self._with_gradient[n + i]) / inner[i, i]
            weights[i] += alphas[i] - beta
        self._slope = float(weights @ self._with_gradient + own * self._squared)
        if not self._slope < 0:  # rounding has spoilt the history
            self._forget(self._steepest_step)
            self._descend_steepest()
            return
        coefficients = torch.from_numpy(weights).to(self._gradient)
        direction = self._rows[self._spare]
        for part in self._parts():
            g = self._gradient[part]
            direction[part] = torch.addmv(g, self._rows_of(part).T, coefficients, beta=own)

    def _descend_steepest(self) -> None:
        factor = self._steepest_step / self._mean if self._squared else 0.0
        torch.mul(self._gradient, -factor, out=self._rows[self._spare])
        self._slope = -factor * self._squared

    def _refuse(self, terms: tuple[float, ...], finite: bool) -> Outcome:
        """Shorten the step; drop the history when that has not helped; at last, give up."""
        self._failures += 1
        if self._failures >= _FAILURES_TO_GIVE_UP:
            return Outcome(terms, False, stationary=True)
        if self._failures == _FAILURES_TO_FORGET and self._order:
            failures = self._failures
            self._forget(self._steepest_step / 4)
            self._failures = failures
            self._descend_steepest()
            return Outcome(terms, False, note="The step failed; its curvature was dropped.")
        shorter = 0.1
        if finite:  # the minimum of the parabola through both values and the slope
            rise = sum(terms) - self._value - self._slope * self._length
            shorter = min(max(-self._slope * self._length / (2 * rise), 0.1), 0.5)
        self._length *= shorter
        return Outcome(terms, False)
