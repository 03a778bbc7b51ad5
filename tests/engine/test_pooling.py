"""Poolings and their ways back, against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_style_transfer.engine.cpu.pooling import average_pool, max_pool


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(8, 6), (7, 5), (1, 9)])
@pytest.mark.parametrize(
    ("pool", "torchs"), [(max_pool, functional.max_pool2d), (average_pool, functional.avg_pool2d)]
)
def test_pooling_and_its_way_back_are_torchs(pool, torchs, shape, dtype):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, *shape, generator=generator, dtype=dtype)
    x = x.to(memory_format=torch.channels_last).requires_grad_()
    expected = torchs(x, 2, ceil_mode=True)
    gradient = torch.randn(expected.shape, generator=generator, dtype=dtype)
    gradient = gradient.to(memory_format=torch.channels_last)
    (torchs_gradient,) = torch.autograd.grad(expected, x, gradient)

    pooled, back = pool(x.detach())

    torch.testing.assert_close(pooled, expected.detach())
    torch.testing.assert_close(back(gradient), torchs_gradient)


def test_of_equal_maxima_in_bfloat16_only_the_first_gets_the_gradient():
    x = torch.tensor([[0.0, 2.0], [2.0, 1.0]], dtype=torch.bfloat16).view(1, 1, 2, 2)
    pooled, back = max_pool(x.to(memory_format=torch.channels_last))

    assert pooled.item() == 2
    returned = back(torch.full((1, 1, 1, 1), -3.0, dtype=torch.bfloat16))
    assert returned.flatten().tolist() in ([0, -3, 0, 0], [0, 0, -3, 0])
