"""Does a device paint what the CPU paints? Checked before its times are worth anything."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from napari_style_transfer import Region, Regions, Settings, Steering, iter_stylize, samples
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.device import Precision
from napari_style_transfer.engine.guides import guides
from napari_style_transfer.engine.networks.build import build_network
from napari_style_transfer.engine.networks.vgg import VGG19
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.objective import Evaluation, Objective
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tensors import resize, to_tensor
from napari_style_transfer.memory import needed_bytes

#: How far from the CPU's float32 a loss may be, relatively, and how near its gradient's direction: in the
#: device's own float32, which on CUDA rounds convolutions to TF32 unless told not to; and in bfloat16.
_BOUNDS = {
    "float32, exact": (1e-3, 0.9999),
    "float32": (1e-2, 0.999),
    "bfloat16": (5e-2, 0.97),
}
_SETTINGS = Settings(tv_weight=0.1)
_LAYERS = {**_SETTINGS.style_layers, **_SETTINGS.content_layers}


@dataclass(frozen=True)
class Check:
    """What was checked, whether it holds, and by how much."""

    name: str
    passed: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok    ' if self.passed else 'FAILED'} {self.name}: {self.detail}"


def checks(device: torch.device, size: int) -> Iterator[Check]:
    """Check losses and gradients, and then runs, at `size` px."""
    yield from _evaluations(device, size)
    cache = Cache()
    for check in (_same_run, _steering, _out_of_memory):
        yield _told(check.__name__.strip("_").replace("_", " "), lambda: check(device, size, cache))  # noqa: B023


def _told(name: str, check: Callable[[], tuple[bool, str]]) -> Check:
    """Run a check; an error is a result, too."""
    try:
        return Check(name, *check())
    except Exception as error:
        return Check(name, False, f"{type(error).__name__}: {error}")


def _evaluations(device: torch.device, size: int) -> Iterator[Check]:
    weights = load_weights()
    content, style = _pictures(size)
    noisy = (content + 0.1 * torch.randn(content.shape, generator=_generator())).clamp(0, 1)
    mask = torch.zeros(content.shape[2:], dtype=torch.bool)
    mask[:, : size // 2] = True
    reference = build_network(weights, _LAYERS, strict_locality=True)
    for what, region in (("everywhere", None), ("in a region", mask)):
        expected = _evaluate(reference, content, style, noisy, 0, region)
        for precision, (bound, cosine) in _BOUNDS.items():
            with torch.backends.cudnn.flags(allow_tf32="exact" not in precision):
                network = VGG19(
                    weights, _LAYERS, dtype=Precision(precision.split(",")[0]).dtype, device=device
                )
                for tile in (0, size // 2):
                    name = f"{precision}, {what}, {'tiles' if tile else 'whole'}"
                    yield _told(
                        name,
                        lambda: _compare(  # the loop waits for it
                            expected,  # noqa: B023
                            _evaluate(network, content, style, noisy, tile, region),  # noqa: B023
                            bound,  # noqa: B023
                            cosine,  # noqa: B023
                        ),
                    )


def _evaluate(
    network: VGG19,
    content: Tensor,
    style: Tensor,
    picture: Tensor,
    tile_size: int,
    region: Tensor | None,
) -> Evaluation:
    device = network.mean.device
    found = None if region is None else guides(region, _SETTINGS.style_layers)
    grams = gram_matrices(network, style.to(device), _SETTINGS.style_layers)
    target = StyleTarget(grams, 1.0, found)
    objective = build_objective(network, _SETTINGS, content.to(device), [target], tile_size)
    return objective.evaluate(picture.to(device))


def _compare(
    expected: Evaluation, found: Evaluation, bound: float, cosine: float
) -> tuple[bool, str]:
    off = max(
        abs(float(found.losses[name]) / float(loss) - 1) for name, loss in expected.losses.items()
    )
    pair = (each.gradient.cpu().double().flatten() for each in (expected, found))
    direction = float(torch.cosine_similarity(*pair, dim=0))
    detail = (
        f"losses within {off:.1e} (bound {bound:g}), gradients' cosine {direction:.6f} ({cosine:g})"
    )
    return off <= bound and direction >= cosine, detail


def _same_run(device: torch.device, size: int, cache: Cache) -> tuple[bool, str]:
    """A short run in float32 ends near the CPU's loss."""
    content, style = (_array(picture) for picture in _pictures(size))
    last = {}
    for name in ("cpu", str(device)):
        settings = Settings(
            size=size, coarsest_size=size, steps=8, precision="float32", device=name
        )
        *_, last[name] = iter_stylize(content, style, settings=settings, cache=cache)
    totals = [step.losses.total for step in last.values()]
    ratio = totals[-1] / totals[0]
    return abs(ratio - 1) < 0.05, f"after 8 evaluations {ratio:.4f} times the CPU's loss"


def _steering(device: torch.device, size: int, cache: Cache) -> tuple[bool, str]:
    """A weight, and then regions, are changed on the way; what is left out stays to the bit."""
    content, style = (_array(picture) for picture in _pictures(size))
    settings = Settings(size=size, coarsest_size=size, steps=6, device=str(device))
    steering = Steering()
    labels = np.ones(content.shape[:2], np.uint8)
    labels[: labels.shape[0] // 2] = 0
    losses = []
    for step in iter_stylize(
        content, style, settings=settings, steering=steering, cache=cache, preview_interval=0
    ):
        losses.append(step.losses.style)
        if step.evaluation == 2:
            steering.change(settings=settings.replace(style_weight=50 * settings.style_weight))
        if step.evaluation == 4:
            steering.change(regions=Regions(labels, {1: Region()}))
    kept = np.array_equal(step.picture[: labels.shape[0] // 2], content[: labels.shape[0] // 2])
    rise = losses[2] / losses[1]
    passed = kept and step.steered and 10 < rise < 60
    return passed, f"the style's loss times {rise:.1f} at 50 times its weight; label 0 kept: {kept}"


def _out_of_memory(device: torch.device, size: int, cache: Cache) -> tuple[bool, str]:
    """Too little memory is noticed, and the run goes on in tiles to the same loss."""
    size = max(4 * size, 272)  # tiles have to be smaller than the whole
    content, style = (_array(picture) for picture in _pictures(size))
    settings = Settings(
        size=size, coarsest_size=size, steps=4, precision="float32", device=str(device)
    )
    *_, whole = iter_stylize(content, style, settings=settings, cache=cache)
    shape = content.shape[:2]
    needed = needed_bytes(shape, settings, value_bytes=4, tile_size=0, cpu=False)
    with _starved(device, int(0.75 * needed)):
        steps = list(iter_stylize(content, style, settings=settings, cache=cache))
    notes = " ".join(step.note for step in steps if step.note)
    ratio = steps[-1].losses.total / whole.losses.total
    passed = "in tiles of" in notes and len(steps) == 4 and abs(ratio - 1) < 0.05
    return passed, f"“{notes}” Loss {ratio:.4f} times that of the whole."


@contextlib.contextmanager
def _starved(device: torch.device, most: int) -> Iterator[None]:
    """Let torch have no more than so many bytes of the device; on a CPU, as if."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, most / total), device)
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
        return
    evaluate, calls = Objective.evaluate, itertools.count()

    def cramped(self: Objective, pictures: Tensor) -> Evaluation:
        if len(self.tiles) == 1 and next(calls) > 1:
            raise torch.OutOfMemoryError("out of memory, as if")
        return evaluate(self, pictures)

    with mock.patch.object(Objective, "evaluate", cramped):
        yield


def _pictures(size: int) -> tuple[Tensor, Tensor]:
    """Return a content and a style, (1, 3, H, W) on the CPU, of sides that poolings do not divide."""
    content, style = (to_tensor(samples.load(name), name) for name in ("astronaut", "night"))
    return resize(content, (size - 1, size)), resize(style, (size, size))


def _array(picture: Tensor) -> np.ndarray:
    return (picture[0].permute(1, 2, 0) * 255).round().byte().numpy()


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
