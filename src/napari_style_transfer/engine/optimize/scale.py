"""Optimising one scale: parametrization, objective and optimiser, and what to do when a step fails."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.device import Precision, is_out_of_memory
from napari_style_transfer.engine.objective import Objective
from napari_style_transfer.engine.optimize.lbfgs import LBFGS, Outcome
from napari_style_transfer.engine.optimize.parametrization import Parametrization
from napari_style_transfer.engine.optimize.scale_objective import ScaleTargets
from napari_style_transfer.engine.state import RunState
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.geometry import Shape
from napari_style_transfer.memory import history_length
from napari_style_transfer.progress import Losses

#: How much worse than the best a step may be, where the loss is rounded to bfloat16.
_BFLOAT16_TOLERANCE = 1e-3
#: Over how many evaluations the loss must still fall; `Settings.tolerance` says by how much.
_PATIENCE = 20


class ScaleOptimizer:
    """Optimises a picture of one size, one evaluation at a time.

    Parameters
    ----------
    state
        What the run is asked for.
    shape
        (H, W) of this scale.
    picture
        (1, 3, h, w) to start from, of any size, on the CPU.
    """

    def __init__(self, state: RunState, shape: Shape, picture: Tensor) -> None:
        self._state, self._shape = state, shape
        self.precision = state.precision
        self.losses = Losses({"content": math.inf, "style": math.inf})
        self._names: tuple[str, ...] = ()
        self._parametrization = Parametrization(shape)
        self._best: list[float] = []  # after each evaluation in this precision
        self._allocate: Allocate = state.allocator(shape, self.precision)
        self._objective, self._note = self._build_objective()
        self._find_untouched()
        self._lbfgs = LBFGS(
            self._parametrization.encode(resize(picture, shape)).to(state.device),
            history=history_length(shape),
            tolerance=_BFLOAT16_TOLERANCE if self.precision is Precision.BFLOAT16 else 0.0,
            # Elsewhere that is untried, and would take more kernels a step.
            history_dtype=torch.bfloat16 if state.device.type == "cpu" else None,
        )

    @property
    def picture(self) -> Tensor:
        """The best picture so far, (1, 3, H, W) in [0, 1]."""
        return self._with_untouched(self._parametrization.decode(self._lbfgs.x))

    def change(self) -> None:
        """Go on from this picture towards what is asked for now."""
        self._objective, self._note = self._build_objective()
        self._find_untouched()
        self._lbfgs.restart()
        self._best.clear()

    def advance(self) -> tuple[Outcome, str]:
        """Evaluate once, and return what happened and a sentence for the user, or "".

        Where bfloat16 finds no way down, the scale goes on in float32; where memory is too small, in
        smaller tiles. Neither loses the picture.
        """
        outcome = self._step()
        notes = [self._note, outcome.note]
        self._note = ""
        if outcome.accepted:
            self.losses = Losses(dict(zip(self._names, outcome.terms, strict=True)))
        if outcome.stationary and self._all_untouched:
            return Outcome(outcome.terms, outcome.accepted), "Every region is left as it is."
        plateau = self._on_plateau(outcome)
        # A plateau from the start on is a stall: bfloat16's tolerance lets a step wander.
        stalled = outcome.stationary or (plateau and len(self._best) == _PATIENCE + 1)
        if stalled and self.precision is Precision.BFLOAT16:
            self.precision = Precision.FLOAT32
            del self._objective  # which refers to the maps' memory
            self._allocate = self._state.allocator(self._shape, self.precision)
            self._objective, note = self._build_objective()
            self._lbfgs.restart()
            outcome = Outcome(outcome.terms, outcome.accepted)
            self._best.clear()
            notes += ["bfloat16 found no way down; this scale goes on in float32.", note]
        elif plateau:
            outcome = Outcome(outcome.terms, outcome.accepted, stationary=True)
            notes.append(f"The last {_PATIENCE} evaluations gained next to nothing; enough.")
        return outcome, " ".join(filter(None, notes))

    def _on_plateau(self, outcome: Outcome) -> bool:
        """Note the best value so far, and tell whether the loss has all but stopped falling."""
        before = self._best[-1] if self._best else math.inf
        self._best.append(min(outcome.value, before) if outcome.accepted else before)
        if len(self._best) <= _PATIENCE:
            return False
        first, last = self._best[-_PATIENCE - 1], self._best[-1]
        return first - last < self._state.settings.tolerance * first

    def _step(self) -> Outcome:
        while True:
            try:
                return self._lbfgs.step(self._evaluate)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # Out of the handler, whose traceback keeps the failed evaluation's memory.
            self._note = self._shrink_tiles()
            self._objective, _ = self._build_objective()

    def _shrink_tiles(self) -> str:
        """See the picture in smaller tiles from now on, and return a sentence on it."""
        self._allocate = allocate_map
        if hasattr(self, "_objective"):
            del (
                self._objective
            )  # which refers to the maps' memory; that goes before there is another
        note = self._state.shrink_tiles(self._shape)
        self._allocate = self._state.allocator(self._shape, self.precision)
        return note

    def _build_objective(self) -> tuple[Objective, str]:
        note = ""
        while True:
            try:
                objective, told = ScaleTargets(
                    self._state, self._shape, self.precision, self._allocate
                ).objective()
                return objective, " ".join(filter(None, (note, told)))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            note = self._shrink_tiles()

    def _evaluate(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        picture, backward = self._parametrization.record(parameters)
        losses, gradient = self._objective.evaluate(self._with_untouched(picture))
        if self._untouched is not None:
            gradient.masked_fill_(self._untouched, 0)
        self._names = tuple(losses)
        values = torch.cat(list(losses.values())) if losses else gradient.new_zeros(0)
        return values, backward(gradient)

    def _with_untouched(self, picture: Tensor) -> Tensor:
        """Return the picture with the content where that is left as it is."""
        if self._untouched is None:
            return picture
        return torch.where(self._untouched, self._content, picture)

    def _find_untouched(self) -> None:
        self._untouched: Tensor | None = None
        self._all_untouched = False
        untouched = self._state.untouched(self._shape)
        if untouched is not None:
            self._all_untouched = bool(untouched.all())
            self._untouched = untouched.to(self._state.device)
            self._content = self._state.content(self._shape).to(self._state.device)
