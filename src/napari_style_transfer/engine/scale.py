"""Painting one scale: canvas, objective and optimiser, and what to do when a step fails."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_style_transfer.engine.canvas import Canvas
from napari_style_transfer.engine.images import Shape, resize
from napari_style_transfer.engine.lbfgs import LBFGS, Outcome
from napari_style_transfer.engine.objective import Objective
from napari_style_transfer.engine.step import Losses
from napari_style_transfer.engine.studio import Studio, is_out_of_memory
from napari_style_transfer.memory import LARGE

#: How much worse than the best a step may be, where the loss is rounded to bfloat16.
_BFLOAT16_TOLERANCE = 1e-3


class ScalePainter:
    """Paints a picture of one size, one evaluation at a time.

    Parameters
    ----------
    studio
        The means of the run.
    shape
        (H, W) of this scale.
    picture
        (1, 3, h, w) to start from, of any size.
    """

    def __init__(self, studio: Studio, shape: Shape, picture: Tensor) -> None:
        self._studio, self._shape = studio, shape
        self.dtype = studio.dtype
        self.losses = Losses(math.inf, math.inf, math.inf)
        large = shape[0] * shape[1] > LARGE  # see `memory`: there each copy counts
        self._canvas = Canvas(shape)
        self._objective, self._note = self._build_objective()
        self._optimiser = LBFGS(
            self._canvas.encode(resize(picture, shape)),
            history=2 if large else 10,
            tolerance=_BFLOAT16_TOLERANCE if self.dtype is torch.bfloat16 else 0.0,
        )

    @property
    def picture(self) -> Tensor:
        """The best picture so far, (1, 3, H, W) in [0, 1]."""
        with torch.no_grad():
            return self._canvas.decode(self._optimiser.x)

    def advance(self) -> tuple[Outcome, str]:
        """Evaluate once, and return what happened and a sentence for the user, or "".

        Where bfloat16 finds no way down, the scale goes on in float32; where memory is too small, in
        smaller tiles. Neither loses the picture.
        """
        outcome = self._step()
        notes = [self._note, outcome.note]
        self._note = ""
        if outcome.accepted:
            self.losses = self._objective.losses
        if outcome.stationary and self.dtype is torch.bfloat16:
            self.dtype = torch.float32
            self._objective, note = self._build_objective()
            self._optimiser.restart()
            outcome = Outcome(outcome.value, outcome.accepted)
            notes += ["bfloat16 found no way down; this scale goes on in float32.", note]
        return outcome, " ".join(filter(None, notes))

    def _step(self) -> Outcome:
        while True:
            try:
                return self._optimiser.step(self._evaluate)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # Out of the handler, whose traceback keeps the failed evaluation's memory.
            self._note = self._studio.shrink_tiles(self._shape)
            self._objective, _ = self._build_objective()

    def _build_objective(self) -> tuple[Objective, str]:
        note = ""
        while True:
            try:
                return self._studio.objective(self._shape, self.dtype), note
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            note = self._studio.shrink_tiles(self._shape)

    def _evaluate(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        leaf = parameters.detach().requires_grad_(True)
        picture = self._canvas.decode(leaf)
        value, gradient = self._objective.evaluate(picture)
        (pulled_back,) = torch.autograd.grad(picture, leaf, gradient)
        return value, pulled_back
