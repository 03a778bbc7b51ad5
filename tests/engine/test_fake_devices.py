"""Runs on a device that is not here: nothing meets a tensor of the CPU, and little waits for the device."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from fake_device import DEVICE, FakeDevice
from torch.nn import functional

from napari_style_transfer import Region, Regions, Settings, Steering, Style, iter_stylize
from napari_style_transfer.engine import cache as cache_module
from napari_style_transfer.engine import state as state_module
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.losses.gram import GramTerm
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.methods import optimize as method_module

#: Two scales of two evaluations; sides that are no multiples of anything, as most pictures' are not.
FAST = {"size": 94, "coarsest_size": 47, "steps": 4, "preview_interval": math.inf}
SHALLOW = {"style_layers": "relu1_1 relu2_1 relu3_1", "content_layers": "relu2_2"}
LABELS = np.zeros((66, 94), np.uint8)
LABELS[:, :30], LABELS[33:, 30:] = 1, 2  # a quarter stays as it is
REGIONS = Regions(LABELS, {1: Region(0), 2: Region("mix", 0.7)})


def picture(seed, shape=(66, 94)):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def cache():
    """Networks and targets on the device, made once of parameters that are read once."""
    weights = load_weights()
    weights = dataclasses.replace(weights, state=dict(weights.state))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache_module, "load_weights", lambda _: weights)
        yield Cache()


@pytest.fixture(params=["cuda", "mps"])
def device(request, monkeypatch):
    """The device that every run chooses."""
    monkeypatch.setattr(method_module, "choose_device", lambda _: (DEVICE, ""))
    monkeypatch.setattr(state_module, "free_memory", lambda _: 1 << 40)
    return FakeDevice(mps=request.param == "mps")


def run(device, cache, **options):
    """Return the steps of a run, each with what the host read and sent for it, and kernels started."""
    styles = [picture(1), Style(picture(2, (40, 60)), 0.3, angle=20, mask=np.eye(40))]
    found, kernels = [], 0
    with device:
        for step in iter_stylize(picture(0), styles, cache=cache, **FAST | options):
            started = device.kernels.total() - kernels
            found.append((step, tuple(device.reads), len(device.writes), started))
            device.reads.clear()
            device.writes.clear()
            kernels += started
    return found


def check(steps):
    """Find one report of L-BFGS a step, one picture where a scale follows or ends, and no more."""
    assert [step.scale for step, *_ in steps] == [1, 1, 2, 2]
    for step, reads, writes, _ in steps:
        assert step.device == str(DEVICE)
        pictures = [shape for _, shape in reads if len(shape) > 1]
        assert len(pictures) == (step.evaluation == 3) + (step.picture is not None)
        assert len(reads) == len(pictures) + 1, f"the host read {reads}"
        # Targets are computed anew at both scales; later, only L-BFGS's coefficients are sent.
        assert writes <= 1 or step.evaluation in (1, 3) or step.picture is not None


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "float32", "colours": "luminance", "pooling": "average"},
        {"precision": "float32", "tile_size": 64, "start": "noise", "weighting": "gatys"},
        {"precision": "float32", "regions": REGIONS, "borders": "strict", "colours": "match"},
        {"precision": "bfloat16", "tile_size": 64, "regions": REGIONS, "tv_weight": 1.0},
    ],
    ids=["luminance", "tiles noise", "regions strict", "bfloat16 tiles regions tv"],
)
def test_the_host_reads_one_report_a_step_and_one_picture_a_scale(device, cache, options):
    if device.mps and options["precision"] == "bfloat16":
        pytest.skip("MPS paints in float32, unless it is told otherwise")
    check(run(device, cache, **SHALLOW | options))


@pytest.mark.parametrize("device", ["cuda"], indirect=True)
def test_previews_are_read_once_each_and_an_evaluation_starts_few_kernels(device, cache):
    steps = run(device, cache, precision="bfloat16", preview_interval=0)
    check(steps)
    for *_, kernels in steps[1::2]:
        assert 150 < kernels < 300  # about 250, with those of the preview; see docs/benchmark.md


@pytest.mark.parametrize("device", ["cuda"], indirect=True)
def test_what_is_changed_on_the_way_waits_for_nothing(device, cache):
    given = SHALLOW | {"size": 94, "coarsest_size": 94, "steps": 3, "precision": "float32"}
    settings, steering = Settings(**given), Steering()
    with device:
        for step in iter_stylize(
            picture(0), picture(1), settings=settings, steering=steering, cache=cache,
            preview_interval=math.inf,
        ):  # fmt: skip
            assert step.steered == (step.evaluation > 1)
            assert len(device.reads) == 1 + (step.picture is not None)
            device.reads.clear()
            steering.change(settings=settings.replace(style_weight=9.0), regions=REGIONS)


@pytest.mark.parametrize("device", ["cuda"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (lambda loss: loss * torch.ones(1), "got tensors of the CPU"),
        (lambda loss: loss * loss.mean().item(), "the host read"),
        (lambda loss: loss if loss.any() else 0 * loss, "the host read"),
        (lambda loss: loss * sum(loss.tolist()), "the host read"),
        (lambda loss: loss.cpu().to(loss.device), "the host read"),
    ],
    ids=["a tensor of the CPU", "item", "bool", "tolist", "cpu"],
)
def test_a_planted_fault_is_found(device, cache, monkeypatch, fault, found):
    """Without this, nobody would know whether the tests above can fail."""
    loss = GramTerm.loss
    monkeypatch.setattr(GramTerm, "loss", lambda *args: fault(loss(*args)))
    with pytest.raises(AssertionError, match=found):
        check(run(device, cache, precision="bfloat16", **SHALLOW))


@pytest.mark.parametrize("device", ["mps"], indirect=True)
@pytest.mark.parametrize(
    "fault",
    [
        lambda maps: maps.double(),
        lambda maps: functional.interpolate(maps, size=(9, 9), mode="area"),
        lambda maps: functional.interpolate(maps, size=(9, 9), mode="bicubic", antialias=True),
    ],
    ids=["float64", "area", "antialias"],
)
def test_what_mps_cannot_is_refused(device, fault):
    with device, pytest.raises(AssertionError, match="MPS"):
        fault(torch.rand(1, 3, 20, 20, device=DEVICE))
