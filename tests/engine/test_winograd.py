"""Winograd's convolution is the convolution."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_style_transfer.engine.cpu.convolution import WinogradConvolution
from napari_style_transfer.engine.cpu.vgg import CpuVGG19
from napari_style_transfer.engine.cpu.winograd import Winograd
from napari_style_transfer.engine.networks.weights import load_weights


def normal(*shape, seed):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return values.to(memory_format=torch.channels_last)


@pytest.fixture(scope="module", params=[torch.float32, torch.float16])
def winograd(request):
    return Winograd(request.param)


def share(winograd):
    """Return how far off results may be, of the largest."""
    exact = winograd.values_of(torch.ones(1, 1, 3, 3)).dtype is torch.float32
    return 1e-5 if exact else 2e-3


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (7, 3), (40, 33), (9, 600)])
@pytest.mark.parametrize(("channels", "filters"), [(8, 5), (128, 256)])
def test_it_convolves_and_rectifies_as_torch_does(winograd, shape, channels, filters):
    x = normal(1, channels, *shape, seed=0)
    weight, bias = normal(filters, channels, 3, 3, seed=1), torch.linspace(-9, 9, filters)
    expected = functional.conv2d(x.double(), weight.double(), bias.double(), padding=1).relu()

    result = winograd.rectified(x, winograd.values_of(weight), bias)

    assert result.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(
        result.double(), expected, rtol=0, atol=share(winograd) * float(expected.max() + 1)
    )


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (7, 3), (40, 33), (9, 600)])
@pytest.mark.parametrize(("channels", "filters"), [(8, 5), (128, 256)])
def test_the_backward_pass_is_the_transpose(winograd, shape, channels, filters):
    gradient = normal(1, filters, *shape, seed=0)
    weight = normal(filters, channels, 3, 3, seed=1)
    expected = functional.conv_transpose2d(gradient.double(), weight.double(), padding=1)

    result = winograd.backward(gradient, winograd.values_of(weight))

    torch.testing.assert_close(
        result.double(), expected, rtol=0, atol=share(winograd) * float(expected.abs().max())
    )


def test_only_wide_layers_in_float32_on_a_cpu_go_that_way():
    def those_of(**choices):
        stages = CpuVGG19(load_weights(), ["relu5_1"], **choices).stages
        return [name for name, layer in stages.items() if isinstance(layer, WinogradConvolution)]

    wide = ["relu2_2", "relu3_1", "relu3_2", "relu3_3", "relu3_4", "relu4_1", "relu4_2", "relu4_3"]
    assert those_of() == [*wide, "relu4_4"]
    assert not those_of(dtype=torch.bfloat16)
    assert not those_of(winograd=False)
