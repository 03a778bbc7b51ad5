"""The picture's parametrisation: in gamut by construction, exact to a grey level, differentiable."""

import pytest
import torch

from napari_style_transfer.engine.optimize.parametrization import Parametrization


@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (64, 40)])
def test_a_picture_survives_to_within_one_grey_level(shape):
    picture = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0))
    picture[..., :4, :] = 0
    picture[..., 4:8, :] = 1
    canvas = Parametrization(shape)
    assert (canvas.decode(canvas.encode(picture)) - picture).abs().max() <= 1.01 / 255


def test_no_parameters_lead_out_of_the_gamut():
    canvas = Parametrization((20, 24))
    parameters = canvas.encode(torch.rand(1, 3, 20, 24))
    wild = canvas.decode(parameters + 50 * torch.randn(parameters.shape))
    assert wild.min() >= 0
    assert wild.max() <= 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white_pictures_still_feel_the_gradient(value):
    canvas = Parametrization((16, 16))
    picture, back = canvas.record(canvas.encode(torch.full((1, 3, 16, 16), value)))
    assert (back(torch.ones_like(picture)).abs() > 0).all()


@pytest.mark.parametrize("shape", [(6, 5), (16, 16), (17, 40)])
def test_the_backward_pass_agrees_with_finite_differences(shape):
    generator = torch.Generator().manual_seed(0)
    canvas = Parametrization(shape)
    picture = torch.rand(1, 3, *shape, dtype=torch.float64, generator=generator)
    parameters = canvas.encode(picture)
    upstream = torch.randn(picture.shape, dtype=torch.float64, generator=generator)
    gradient = canvas.record(parameters)[1](upstream)
    for _ in range(5):
        direction = torch.randn(parameters.shape, dtype=torch.float64, generator=generator)
        ahead, behind = (canvas.decode(parameters + d * direction) for d in (1e-6, -1e-6))
        difference = ((ahead - behind) * upstream).sum() / 2e-6
        assert gradient @ direction == pytest.approx(float(difference), rel=1e-5)


def test_one_coarse_parameter_moves_a_whole_region():
    canvas = Parametrization((64, 64))
    parameters = canvas.encode(torch.full((1, 3, 64, 64), 0.5))
    before = canvas.decode(parameters)
    parameters[-1] += 0.2
    changed = (canvas.decode(parameters) - before).abs() > 1e-3
    assert changed.sum() >= 64
