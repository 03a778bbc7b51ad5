"""The steps by which a network learns to paint."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random

import torch
from torch import Tensor, nn

from napari_style_transfer.engine.colour import colour_map
from napari_style_transfer.engine.cpu.allocator import Allocate, MapAllocator, allocate_map
from napari_style_transfer.engine.device import Precision
from napari_style_transfer.engine.learning.crops import Contents, Crops
from napari_style_transfer.engine.learning.start import frozen
from napari_style_transfer.engine.losses.base import Term
from napari_style_transfer.engine.losses.tone import ToneTerm
from napari_style_transfer.engine.networks.transformer import Transformer
from napari_style_transfer.engine.networks.vgg import VGG19
from napari_style_transfer.engine.objective import Evaluation
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.settings import Settings, strength_factor

#: Stroke sizes at which the style is looked at; between them the network interpolates.
_STROKE_SIZES = (0.5, 0.7071, 1.0, 1.4142, 2.0)
#: Share of the steps that practise other stroke sizes than 1 and strengths than 0.5, and which strengths:
#: near 0 and 1, where one of the terms is all but gone, little is learned.
_VARIED, _STRENGTHS = 0.4, (0.1, 0.9)
#: Styles that are looked at on the crops held out, at most.
_MEASURED = 4
#: Crops whose statistics a frozen network has.
_FROZEN_CROPS = 16
#: Crops of one step.
_CROPS = 2
#: Steps of Adam (Kingma & Ba 2015): of kernels, and of scales and offsets, which alone tell one style
#: from another. The second moment forgets faster than by default, since there are only hundreds.
_RATE, _CONDITIONAL_RATE, _BETAS = 3e-3, 5e-3, (0.9, 0.99)
#: Share of the time in which the steps grow to their full length.
_WARM_UP = 0.05
#: A gradient this many times as long as the ones before is shortened to it.
_LONGEST = 3.0
#: Bytes of the block that the network's maps are made in, for each pixel of the crops.
_BYTES_PER_PIXEL = 2000


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    """Compute the gradient for kernels in one thread, on a CPU.

    The library's threads spin there while they wait for one another. Two took half the time on an idle
    machine, but five times as long beside one other busy thread, such as the viewer's.
    """
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Trainer:
    """Changes a network so that what it paints meets the objective.

    Parameters
    ----------
    vgg
        Extracts the layers of `settings`.
    precision
        Of the network's maps.
    settings
        The objective's.
    styles
        (1, 3, h, w) pictures, as many as the network has styles.
    contents
        What it learns from.
    tone_weight
        Of the tone, beside the terms of `settings`.
    device
        Where to compute.
    seed
        Of what is drawn at random.

    Attributes
    ----------
    transformer
        The network, once it is there: after :meth:`begin`.
    """

    transformer: Transformer

    def __init__(
        self,
        vgg: VGG19,
        precision: Precision,
        settings: Settings,
        styles: Sequence[Tensor],
        contents: Contents,
        tone_weight: float,
        device: torch.device,
        seed: int,
    ) -> None:
        self.contents, self._tone_weight, self._device = contents, tone_weight, device
        self._vgg, self._dtype, self._settings = vgg, precision.dtype, settings
        self._random, self._styles = Random(seed), styles
        self._maps: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        self._allocate: Allocate = allocate_map
        if self._device.type == "cpu":
            self._allocate = MapAllocator(_BYTES_PER_PIXEL * _CROPS * contents.crop**2)
        self._grams = [
            {size: self._gram_matrices(style, size) for size in _STROKE_SIZES} for style in styles
        ]
        self._usual = math.inf

    def begin(self, transformer: Transformer) -> None:
        """Take the network to change; a copy of it is changed."""
        network = copy.deepcopy(transformer).to(self._device).to(memory_format=torch.channels_last)
        self.transformer = network.train().requires_grad_(True)
        kernels, conditional = list[Tensor](), list[Tensor]()
        for name, parameter in network.named_parameters():
            (kernels if name.endswith("weight") else conditional).append(parameter)
        self._adam = torch.optim.Adam(
            [
                {"params": kernels, "full": _RATE},
                {"params": conditional, "full": _CONDITIONAL_RATE},
            ],
            betas=_BETAS,
        )

    def freeze(self) -> None:
        """Go on with a frozen network, whose statistics are those of crops of the contents."""
        crops = self.contents.draw(_FROZEN_CROPS, self._random).pictures
        crops = crops.to(self._device, self._dtype)
        self.begin(frozen(self.transformer, crops))

    def first_look(self, side: int) -> tuple[Tensor, Callable[[Tensor, int], float]]:
        """Return small crops, and the loss of what a network paints of them, for each style."""
        held_out = self.contents.held_out[..., :side, :side].to(self._device)

        def loss(painted: Tensor, number: int) -> float:
            losses = self._evaluate(painted, held_out, number, 0.5, 1.0).losses.values()
            return float(torch.stack(list(losses)).sum())

        return held_out.to(self._dtype, memory_format=torch.channels_last), loss

    def _gram_matrices(self, style: Tensor, stroke_size: float) -> Mapping[str, Tensor]:
        size = max(16, round(self.contents.size * stroke_size))
        height, width = result_shape((style.shape[-2], style.shape[-1]), size)
        seen = resize(style, (max(16, height), max(16, width))).to(self._device)
        return gram_matrices(
            self._vgg, seen, list(self._settings.style_layers), allocate=self._allocate
        )

    def step(self, progress: float) -> None:
        """Do one step, with crops of contents.

        Parameters
        ----------
        progress
            Of the time to learn, the share that is over, from 0 to 1: the steps become shorter.
        """
        random = self._random
        number = random.randrange(self.transformer.styles)
        strength, stroke_size = 0.5, 1.0
        if random.random() < _VARIED:
            strength, stroke_size = random.uniform(*_STRENGTHS), random.choice(_STROKE_SIZES)
        drawn = self.contents.draw(_CROPS, random)
        crops = drawn.pictures.to(self._device)
        painted = self._paint(crops, number, strength, stroke_size)
        tone = ToneTerm(self._toned(drawn, number), self._tone_weight)
        found = self._evaluate(painted, crops, number, strength, stroke_size, [tone])
        # The heavier of content and style weighs the same at any strength.
        found.gradient.mul_(1 / (len(crops) * max(1.0, strength_factor(strength))))
        self._adam.zero_grad(set_to_none=True)
        with _one_thread(self._device):
            painted.backward(found.gradient)  # type: ignore[no-untyped-call]
        self._move(progress)

    def _move(self, progress: float) -> None:
        """Do Adam's step."""
        longest = _LONGEST * self._usual
        norm = float(nn.utils.clip_grad_norm_(self.transformer.parameters(), longest))
        if not math.isfinite(norm):
            return
        norm = min(norm, longest)
        self._usual = norm if math.isinf(self._usual) else 0.95 * self._usual + 0.05 * norm
        warm = min(1.0, progress / _WARM_UP + 0.02)
        for group in self._adam.param_groups:
            group["lr"] = group["full"] * warm * (0.505 + 0.495 * math.cos(math.pi * progress))
        self._adam.step()

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Return the losses by name on the crops held out, the mean over (at most four) styles."""
        held_out = self.contents.held_out.to(self._device)
        numbers = range(0, self.transformer.styles, -(-self.transformer.styles // _MEASURED))
        sums: dict[str, float] = {}
        for number in numbers:
            painted = self._paint(held_out, number, 0.5, 1.0)
            for name, loss in self._evaluate(painted, held_out, number, 0.5, 1.0).losses.items():
                sums[name] = sums.get(name, 0.0) + float(loss.mean()) / len(numbers)
        return sums

    def _paint(self, crops: Tensor, number: int, strength: float, stroke_size: float) -> Tensor:
        shares = [float(number == each) for each in range(self.transformer.styles)]
        condition = self.transformer.condition(shares, strength, stroke_size)
        pictures = crops.to(self._dtype, memory_format=torch.channels_last)
        painted: Tensor = self.transformer(pictures, condition)
        return painted

    def _toned(self, crops: Crops, number: int) -> Tensor:
        """Return crops in a style's colours, as the optimiser starts: by the map of their whole content."""
        toned = []
        for crop, content in zip(crops.originals, crops.numbers, strict=True):
            if (number, content) not in self._maps:
                picture, _ = self.contents.learned[content]
                self._maps[number, content] = colour_map(picture, self._styles[number])
            matrix, offset = (each.to(crop) for each in self._maps[number, content])
            toned.append(torch.addmm(offset, matrix, crop.flatten(1)).view_as(crop))
        return torch.stack(toned).clamp_(0, 1).to(self._device)

    def _evaluate(
        self,
        painted: Tensor,
        crops: Tensor,
        number: int,
        strength: float,
        stroke_size: float,
        further: Sequence[Term] = (),
    ) -> Evaluation:
        objective = build_objective(
            self._vgg,
            self._settings.replace(strength=strength),
            crops,
            [StyleTarget(self._grams[number][stroke_size])],
            allocate=self._allocate,
            pooled=True,
            further=further,
        )
        return objective.evaluate(painted.detach())

    def copy(self) -> Transformer:
        """Return a copy of the network as it is now, on the CPU."""
        return copy.deepcopy(self.transformer).requires_grad_(False).cpu().eval()
