"""The backward pass in integers is that of the convolution, to the rounding of a byte."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_style_transfer import iter_stylize, samples
from napari_style_transfer.engine.cpu import int8
from napari_style_transfer.engine.cpu.convolution import FusedConvolution
from napari_style_transfer.engine.cpu.int8 import Int8Backward
from napari_style_transfer.engine.cpu.vgg import CpuVGG19
from napari_style_transfer.engine.device import Precision, choose_precision
from napari_style_transfer.engine.networks.weights import load_weights

pytestmark = pytest.mark.skipif(
    choose_precision("mixed", torch.device("cpu")) is not Precision.MIXED,
    reason="this CPU, or this build of torch, has no fast convolution of bytes (AVX-512 VNNI)",
)


def normal(*shape, seed):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return values.to(memory_format=torch.channels_last)


def layer_of(channels, filters):
    weight = normal(filters, channels, 3, 3, seed=1)
    return Int8Backward(FusedConvolution(weight, torch.linspace(-9, 9, filters)), weight), weight


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (7, 3), (40, 33), (9, 600)])
@pytest.mark.parametrize(("channels", "filters"), [(3, 64), (128, 256)])
def test_it_is_the_transpose(shape, channels, filters, dtype, monkeypatch):
    monkeypatch.setattr(int8, "_GIVEN_TOGETHER", 33 * channels * 3)  # several bands of rows
    monkeypatch.setattr(int8, "_TOGETHER", 1 << 14)
    layer, weight = layer_of(channels, filters)
    gradient = normal(1, filters, *shape, seed=0).to(dtype)
    expected = functional.conv_transpose2d(gradient.double(), weight.double(), padding=1)

    result = layer.backward(gradient)

    assert result.dtype is torch.bfloat16
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert (result - expected).norm() < 0.03 * expected.norm()


def test_the_layer_itself_is_exact():
    layer, weight = layer_of(8, 16)
    x = normal(1, 8, 9, 7, seed=0)
    expected = functional.conv2d(x, weight, torch.linspace(-9, 9, 16), padding=1).relu()
    torch.testing.assert_close(layer.rectified(x), expected)


def test_where_there_is_no_gradient_none_arises():
    layer, _ = layer_of(8, 16)
    gradient = normal(1, 16, 9, 12, seed=0)
    gradient[..., 5:] = 0
    assert bool((layer.backward(gradient)[..., 6:] == 0).all())
    assert bool((layer.backward(torch.zeros(1, 16, 4, 4)) == 0).all())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_does_not_become_one(bad):
    layer, _ = layer_of(8, 16)
    gradient = normal(1, 16, 5, 5, seed=0)
    gradient[0, 3, 2, 2] = bad
    assert not bool(layer.backward(gradient).isfinite().all())


def test_the_networks_gradient_keeps_its_direction():
    picture = torch.rand(1, 3, 75, 98, generator=torch.Generator().manual_seed(0))

    def gradient(**choices):
        network = CpuVGG19(load_weights(), ["relu1_1", "relu3_1", "relu5_1"], **choices)

        def add(layer, features, onto):
            onto += features.sign()

        return network.record(picture)(add), network(picture)

    exact, features = gradient()
    rounded, same = gradient(int8_backward=True)
    assert rounded.dtype is torch.float32
    assert torch.cosine_similarity(exact.flatten(), rounded.flatten(), dim=0) > 0.998
    for layer, exactly in features.items():
        assert (same[layer] - exactly).norm() < 2e-3 * exactly.norm()


@pytest.mark.slow
@pytest.mark.parametrize(("size", "steps"), [(64, 40), (96, 60)])
def test_it_paints_as_well_as_float32(size, steps):
    content, style = samples.load("coffee"), samples.load("papercut")
    settings = {"size": size, "coarsest_size": size, "steps": steps, "device": "cpu"}
    losses = {}
    for precision in ("float32", "mixed"):
        for step in iter_stylize(content, style, **settings, precision=precision):
            assert step.precision == precision
        losses[precision] = step.losses.total
    assert losses["mixed"] == pytest.approx(losses["float32"], rel=0.02)
