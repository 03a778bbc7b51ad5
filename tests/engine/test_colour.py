"""Colour control: whose colours a picture has, to the digit, and that no picture breaks it."""

import itertools

import pytest
import torch

from napari_style_transfer import samples
from napari_style_transfer.engine.colour import (
    luminance,
    match_colours,
    match_luminance,
    with_chrominance_of,
)
from napari_style_transfer.engine.tensors import to_array, to_tensor

PAIRS = [("night", "astronaut"), ("papercut", "coffee"), ("woodcut", "chelsea")]


def noise(height=24, width=32, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def flat(*colour):
    return torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 20, 28).contiguous()


def grey():
    return noise()[:, :1].repeat(1, 3, 1, 1)


FLAT_AND_GREY = {
    "black": flat(0.0, 0.0, 0.0),
    "white": flat(1.0, 1.0, 1.0),
    "orange": flat(1.0, 0.5, 0.0),
    "grey": grey(),
    "two colours": torch.where(grey() > 0.5, flat(1.0, 0.0, 0.0)[..., :1, :1], 0.0),
    "one pixel": torch.full((1, 3, 1, 1), 0.3),
}


def statistics(picture):
    colours = picture[0].flatten(1).double()
    return colours.mean(1), torch.cov(colours, correction=0)


def sample(name):
    return to_tensor(samples.load(name)[::2, ::2], name)


@pytest.mark.parametrize(("style", "content"), [*PAIRS, ("noise", "noise")])
def test_matched_colours_have_the_mean_and_the_covariance_of_the_content(style, content):
    if style == "noise":
        style, content = noise(seed=1), noise(17, 9, seed=2) ** 3
    else:
        style, content = sample(style), sample(content)
    matched = match_colours(style, content)
    assert matched.shape == style.shape
    assert matched.dtype == torch.float32
    for found, wanted in zip(statistics(matched), statistics(content), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-6)


def test_matching_the_colours_of_a_picture_to_themselves_changes_nothing():
    torch.testing.assert_close(match_colours(noise(), noise()), noise(), rtol=0, atol=1e-5)


def test_a_faint_style_is_matched_too_as_far_as_its_grey_levels_go():
    content = noise(seed=1)
    faint = 0.5 + (noise() - 0.5) / 20
    torch.testing.assert_close(
        statistics(match_colours(faint, content))[1], statistics(content)[1], rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize(("style", "content"), list(itertools.product(FLAT_AND_GREY, repeat=2)))
def test_flat_and_grey_pictures_of_either_side_stay_finite_with_the_contents_mean(style, content):
    style, content = FLAT_AND_GREY[style], FLAT_AND_GREY[content]
    for matched, wanted in (
        (match_colours(style, content), content),
        (match_luminance(style, content), luminance(content)),
    ):
        assert torch.isfinite(matched).all()
        torch.testing.assert_close(statistics(matched)[0], statistics(wanted)[0], rtol=0, atol=1e-4)


def test_the_rounding_of_a_grey_style_does_not_become_specks_of_colour():
    content = noise(seed=1)
    rounded = to_tensor(to_array(grey() + (noise(seed=2) - 0.5) / 255), "style")
    specks, colours = (
        each - luminance(each) for each in (match_colours(rounded, content), content)
    )
    assert specks.std() < colours.std()


def test_luminance_is_grey_and_weighs_green_most():
    light = luminance(noise())
    assert light.shape == (1, 3, 24, 32)
    assert (light == light[:, :1]).all()
    red, green, blue = (luminance(flat(*colour))[0, 0, 0, 0] for colour in torch.eye(3).tolist())
    assert (red, green, blue) == pytest.approx((0.299, 0.587, 0.114))
    torch.testing.assert_close(luminance(grey()), grey())


@pytest.mark.parametrize(("style", "content"), PAIRS)
def test_matched_luminance_is_the_styles_with_the_contents_mean_and_spread(style, content):
    style, content = sample(style), sample(content)
    matched, light = match_luminance(style, content), luminance(content)
    assert (matched == matched[:, :1]).all()
    assert matched.mean() == pytest.approx(float(light.mean()), abs=1e-3)
    assert matched.std() == pytest.approx(float(light.std()), rel=1e-3)
    both = torch.stack([matched[:, 0].flatten(), luminance(style)[:, 0].flatten()])
    assert torch.corrcoef(both)[0, 1] == pytest.approx(1, abs=1e-4)


PICTURES = {
    "random": noise(seed=4),
    "saturated": (noise(seed=3) > 0.5).float(),
    "vivid": noise(seed=5) ** 4,
    "black and white": (grey() > 0.5).float(),
    "grey": grey(),
}


@pytest.mark.parametrize(("painted", "content"), list(itertools.product(PICTURES, repeat=2)))
def test_the_result_is_in_gamut_and_has_the_chrominance_of_the_content(painted, content):
    painted, content = PICTURES[painted], PICTURES[content]
    coloured = with_chrominance_of(painted, content)
    assert coloured.min() >= 0
    assert coloured.max() <= 1
    shown = to_tensor(to_array(coloured), "result")
    for result, allowed in ((coloured, 1e-6), (shown, 1 / 255)):
        error = (result - luminance(result)) - (content - luminance(content))
        assert error.abs().max() <= allowed


def test_luminance_is_the_painted_one_wherever_the_chrominance_allows_it():
    painted, content = noise(), 0.5 + (noise(seed=1) - 0.5) / 10
    light = 0.2 + 0.6 * luminance(painted)
    torch.testing.assert_close(luminance(with_chrominance_of(light, content)), light)


def test_a_picture_keeps_its_own_colours_and_pure_colours_leave_no_choice():
    torch.testing.assert_close(with_chrominance_of(noise(), noise()), noise())
    red = flat(1.0, 0.0, 0.0)
    for painted in (torch.zeros_like(red), torch.ones_like(red)):
        torch.testing.assert_close(with_chrominance_of(painted, red), red, rtol=0, atol=1e-6)
