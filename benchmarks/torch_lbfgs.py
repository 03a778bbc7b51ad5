"""torch's L-BFGS, stopped after exactly so many evaluations and looked at in between."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, optim

from benchmarks.recorder import Job, Recorder, to_bytes


class _Enough(Exception):
    """Leaves the optimiser, whose steps are of 20 evaluations."""


def load_optimiser() -> None:
    """Make torch import all that its optimisers need, its compiler included, before a clock starts."""
    optim.LBFGS([torch.zeros(1, requires_grad=True)])


def minimise(image: Tensor, closure: Callable[[], Tensor], job: Job, recorder: Recorder) -> None:
    """Change the pixels `image` (a leaf, in [0, 1]) for `job.evaluations` calls of `closure`.

    `torch.optim.LBFGS` is at its defaults: 100 pairs of history, no line search.
    """
    evaluations = 0

    def counted() -> Tensor:
        nonlocal evaluations
        if evaluations and recorder.lap(evaluations):
            recorder.save(evaluations, to_bytes(image * 255))
        if evaluations == job.evaluations:
            raise _Enough
        evaluations += 1
        return closure()

    optimiser = optim.LBFGS([image])
    try:
        while True:
            optimiser.step(counted)
    except _Enough:
        return
