"""One run: the scales painted one after another, each from what the one before left."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from functools import cached_property

import torch
from torch import Tensor

from napari_style_transfer.engine.canvas import Canvas
from napari_style_transfer.engine.device import choose_device, convolution_dtype, describe
from napari_style_transfer.engine.images import Shape, resize, result_shape, to_array
from napari_style_transfer.engine.lbfgs import LBFGS
from napari_style_transfer.engine.objective import Objective, build_objective
from napari_style_transfer.engine.schedule import plan_scales
from napari_style_transfer.engine.step import Losses, Status, Step
from napari_style_transfer.engine.vgg import VGG19
from napari_style_transfer.engine.weights import load_weights
from napari_style_transfer.errors import OutOfMemoryError, StyleTransferError
from napari_style_transfer.settings import MIN_SIDE, Settings

#: How much worse than the best a step may be, where the loss is rounded to bfloat16.
_BFLOAT16_TOLERANCE = 1e-3


def run(
    settings: Settings,
    pictures: dict[str, Tensor],
    stop: Callable[[], bool],
    preview_interval: float,
) -> Iterator[Step]:
    """Paint; see :func:`~napari_style_transfer.iter_stylize`.

    Parameters
    ----------
    settings
        The parameters.
    pictures
        ``"content"``, ``"style"`` and perhaps ``"init"``, each (1, 3, H, W) in [0, 1] on the CPU.
    stop
        Asked after each evaluation.
    preview_interval
        Seconds between previews; infinite for none.
    """
    device, note = choose_device(settings.device)
    try:
        painter = _Painter(settings, pictures, device, stop, _Pacer(preview_interval))
        yield from painter.paint(note)
    except StyleTransferError:
        raise
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise OutOfMemoryError(
            f"There is too little memory on {describe(device)} for {settings.size} px; choose a "
            "smaller size, or another device."
        ) from error
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()


class _Pacer:
    """Says when the next preview is due."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = float("inf") if interval == float("inf") else 0.0

    def due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._interval
        return True


class _Painter:
    """What stays the same over the scales of a run, and where the run stands."""

    def __init__(
        self,
        settings: Settings,
        pictures: dict[str, Tensor],
        device: torch.device,
        stop: Callable[[], bool],
        pacer: _Pacer,
    ) -> None:
        self.settings, self.device, self.pictures = settings, device, pictures
        self.stop, self.pacer = stop, pacer
        height, width = pictures["content"].shape[-2:]
        self.result = result_shape((height, width), settings.size)
        self.scales = plan_scales((height, width), settings)
        self.dtype = convolution_dtype(settings.precision, device)
        self.evaluation = 0

    @cached_property
    def network(self) -> VGG19:
        """The network in the precision of the run."""
        return self._build_network(self.dtype)

    @cached_property
    def exact_network(self) -> VGG19:
        """The network in float32, for where bfloat16 finds no way down."""
        return self._build_network(torch.float32)

    def _build_network(self, dtype: torch.dtype) -> VGG19:
        settings = self.settings
        layers = [
            layer
            for weights in (settings.content_layers, settings.style_layers)
            for layer, weight in weights.items()
            if weight
        ]
        weights = load_weights(settings.weights)
        return VGG19(weights, layers, pooling=settings.pooling, dtype=dtype).to(self.device)

    def paint(self, note: str) -> Iterator[Step]:
        """Yield the steps of all scales; `note` goes with the first."""
        picture: Tensor | None = self._start(self.scales[0].shape)
        for index in range(len(self.scales)):
            if picture is not None:
                picture = yield from self._paint_scale(index, picture, note)
            note = ""

    def _start(self, shape: Shape) -> Tensor:
        """Return the picture to start from, at `shape`, on the device."""
        if "init" in self.pictures:
            start = resize(self.pictures["init"], shape)
        elif self.settings.start == "content":
            start = resize(self.pictures["content"], shape)
        else:
            generator = torch.Generator().manual_seed(self.settings.seed)
            start = torch.randn(1, 3, *shape, generator=generator).mul_(0.15).add_(0.5).clamp_(0, 1)
        return start.to(self.device)

    def _objective(self, network: VGG19, shape: Shape) -> Objective:
        style = self.pictures["style"]
        longest = max(shape) * self.settings.style_scale
        height, width = result_shape((style.shape[-2], style.shape[-1]), max(1, round(longest)))
        # A very narrow style is widened: the deep layers need a few positions to average over.
        style_shape = max(height, 2 * MIN_SIDE), max(width, 2 * MIN_SIDE)
        return build_objective(
            network,
            self.settings,
            resize(self.pictures["content"], shape).to(self.device),
            resize(style, style_shape).to(self.device),
            shape,
        )

    def _paint_scale(
        self, index: int, picture: Tensor, note: str
    ) -> Generator[Step, None, Tensor | None]:
        """Paint one scale from `picture`; return the picture for the next, or None at the end."""
        scale = self.scales[index]
        network = self.network
        canvas, objective = Canvas(scale.shape), self._objective(network, scale.shape)
        low_precision = self.dtype is torch.bfloat16
        optimiser = LBFGS(
            canvas.encode(resize(picture, scale.shape)),
            tolerance=_BFLOAT16_TOLERANCE if low_precision else 0.0,
        )

        def evaluate(parameters: Tensor) -> tuple[Tensor, Tensor]:
            leaf = parameters.detach().requires_grad_(True)
            painted = canvas.decode(leaf)
            value, gradient = objective.evaluate(painted)
            (pulled_back,) = torch.autograd.grad(painted, leaf, gradient)
            return value, pulled_back

        losses = Losses(float("inf"), float("inf"), float("inf"))
        for remaining in reversed(range(scale.evaluations)):
            outcome = optimiser.step(evaluate)
            self.evaluation += 1
            if outcome.accepted:
                losses = objective.losses
            notes, note = [note, outcome.note], ""
            converged = outcome.stationary
            if converged and network.dtype is torch.bfloat16:
                network = self.exact_network
                objective = self._objective(network, scale.shape)
                optimiser.restart()
                converged = False
                notes.append("bfloat16 found no way down; this scale goes on in float32.")
            last = index == len(self.scales) - 1 and (converged or not remaining)
            stopped = self.stop() or self.evaluation == self.settings.stop_after
            status = Status.FINISHED if last else Status.STOPPED if stopped else Status.RUNNING
            array = None
            if status is not Status.RUNNING:
                array = to_array(resize(self._shown(canvas, optimiser), self.result))
            elif self.pacer.due():
                array = to_array(self._shown(canvas, optimiser))
            later = sum(each.evaluations for each in self.scales[index + 1 :])
            yield Step(
                evaluation=self.evaluation,
                evaluations=self.evaluation + later + (0 if converged else remaining),
                scale=index + 1,
                scales=len(self.scales),
                shape=scale.shape,
                losses=losses,
                device=describe(self.device),
                precision=str(network.dtype).removeprefix("torch."),
                picture=array,
                status=status,
                note=" ".join(filter(None, notes)),
            )
            if status is not Status.RUNNING:
                return None
            if converged:
                break
        return self._shown(canvas, optimiser)

    @staticmethod
    def _shown(canvas: Canvas, optimiser: LBFGS) -> Tensor:
        with torch.no_grad():
            return canvas.decode(optimiser.x)
