"""Where painting starts: the content, already in the colours of what it is to become."""

import numpy as np
import pytest
import torch

from napari_style_transfer import samples
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.initial import InitialPicture
from napari_style_transfer.engine.state import RunState
from napari_style_transfer.engine.tensors import resize, to_tensor
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Region, Regions, Style

SHAPE = (64, 64)
CONTENT = samples.load("astronaut")[::8, ::8]
BLUE, GOLD = [24, 48, 160], [200, 160, 40]


def painting(colour):
    """A picture whose colours spread around one."""
    noise = np.random.default_rng(0).integers(-20, 20, (64, 64, 3))
    return (np.array(colour) + noise).clip(0, 255).astype(np.uint8)


def initial(*styles, content=CONTENT, regions=None, init=None, init_mask=None, **settings):
    state = RunState(
        Settings(size=64, device="cpu", **settings),
        to_tensor(content, "content"),
        tuple(style if isinstance(style, Style) else Style(style) for style in styles),
        regions,
        Cache(),
        torch.device("cpu"),
    )
    return InitialPicture(
        state,
        None if init is None else to_tensor(init, "init"),
        None if init_mask is None else torch.from_numpy(init_mask)[None, None],
    )


def start(*styles, **settings):
    """The picture to start from, (64, 64, 3) in grey levels."""
    return initial(*styles, **settings).at(SHAPE)[0].permute(1, 2, 0).numpy() * 255


def mean(picture):
    return np.asarray(picture, float).reshape(-1, 3).mean(0)


def test_the_content_starts_in_the_colours_of_the_style():
    found = start(painting(BLUE), style_weight=1e6)
    assert mean(found) == pytest.approx(BLUE, abs=4)
    assert found.reshape(-1, 3).std(0) == pytest.approx(
        painting(BLUE).reshape(-1, 3).std(0), rel=0.2
    )
    light, before = found.mean(2), CONTENT.mean(2)
    assert np.corrcoef(light.ravel(), before.ravel())[0, 1] > 0.8  # the forms are the content's


def test_a_hint_of_style_starts_nearer_to_the_contents_colours():
    distance = [
        abs(mean(start(painting(BLUE), strength=strength)) - mean(CONTENT)).sum()
        for strength in (0, 0.5, 1)
    ]
    assert distance[0] < distance[1] / 2 < distance[1] < distance[2]


def test_without_a_style_weight_the_content_starts_as_it_is():
    assert np.array_equal(start(painting(BLUE), style_weight=0).round(), CONTENT)


@pytest.mark.parametrize("colours", ["match", "luminance"])
def test_colours_that_are_kept_are_not_changed_at_the_start(colours):
    found = start(painting(BLUE), colours=colours)
    wanted = CONTENT if colours == "match" else (CONTENT @ [0.299, 0.587, 0.114])[..., None]
    assert abs(found - wanted).max() < 1


def test_a_mix_starts_in_the_colours_of_both_by_their_shares():
    mixed = start(Style(painting(BLUE), share=3), Style(painting(GOLD), share=1), style_weight=1e6)
    assert mean(mixed) == pytest.approx(0.75 * np.array(BLUE) + 0.25 * np.array(GOLD), abs=6)


def test_only_the_part_of_a_style_that_serves_gives_its_colours():
    both = np.hstack([painting(BLUE), painting(GOLD)])
    mask = np.zeros((64, 128), bool)
    mask[:, 66:] = True
    assert mean(start(Style(both, mask=mask), style_weight=1e6)) == pytest.approx(GOLD, abs=6)


def test_each_region_starts_in_the_colours_of_its_style():
    labels = np.repeat([0, 1, 2, 3], 16)[None].repeat(64, 0)
    table = {1: Region(style=0), 2: Region(style=1), 3: Region(style=None)}
    found = start(
        painting(BLUE),
        painting(GOLD),
        regions=Regions(labels, table),
        style_weight=1e6,
        content_weight=1,
    )
    assert np.array_equal(found[:, :16].round(), CONTENT[:, :16])
    assert np.array_equal(found[:, 48:].round(), CONTENT[:, 48:])
    blue, gold = mean(found[:, 16:32]), mean(found[:, 32:48])
    assert blue[2] > blue[0]
    assert gold[0] > gold[2]


def test_noise_and_a_given_picture_start_as_they_are():
    noise = start(painting(BLUE), start="noise")
    assert np.array_equal(noise, start(painting(GOLD), start="noise"))
    assert np.array_equal(start(painting(BLUE), init=CONTENT).round(), CONTENT)


def test_the_noise_of_a_grey_content_does_not_become_specks_of_colour():
    grey = CONTENT.mean(2, keepdims=True) + np.random.default_rng(0).normal(0, 1, CONTENT.shape)
    found = start(samples.load("papercut")[::8, ::8], content=grey.clip(0, 255).astype(np.uint8))
    hue = found - found.mean(2, keepdims=True)
    specks = np.diff(hue, axis=1).std()
    assert specks < 20


@pytest.mark.parametrize("init", [None, CONTENT[::-1]])
def test_the_next_scale_gets_what_was_painted_and_its_own_detail(init):
    coarse, fine = (32, 32), SHAPE
    wanted = initial(painting(BLUE), init=init)
    painted = (wanted.at(coarse) * 0.8 + 0.1).clamp(0, 1)
    carried = wanted.refined(painted, fine)
    detail = wanted.at(fine) - resize(wanted.at(coarse), fine)
    assert float(detail.abs().mean()) > 0.02
    inside = (carried > 0) & (carried < 1)
    torch.testing.assert_close(carried[inside], (resize(painted, fine) + detail)[inside])
    # What nobody has painted on starts at each scale as if it were the first.
    torch.testing.assert_close(wanted.refined(wanted.at(coarse), fine), wanted.at(fine))


def test_noise_is_not_laid_over_what_was_painted():
    wanted = initial(painting(BLUE), start="noise")
    painted = to_tensor(CONTENT[::2, ::2], "painted")
    assert torch.equal(wanted.refined(painted, SHAPE), resize(painted, SHAPE))


def test_a_masked_start_is_the_given_picture_in_the_mask_and_the_content_elsewhere():
    flat = np.full((64, 64, 3), 90, np.uint8)
    mask = np.zeros(SHAPE, np.float32)
    mask[:, :32] = 1
    own = start(painting(BLUE))
    found = start(painting(BLUE), init=flat, init_mask=mask)
    np.testing.assert_allclose(found[:, :32], 90, atol=0.01)
    np.testing.assert_allclose(found[:, 32:], own[:, 32:], atol=0.01)


def test_beside_the_mask_only_the_fine_strokes_of_the_given_picture_are_taken_over():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 40  # fine strokes on a ground whose brightness is far from the content's
    own = start(painting(BLUE))
    found = start(painting(BLUE), init=stripes, init_mask=np.zeros(SHAPE, np.float32))
    inner = found[8:-8, 8:-8]
    assert mean(inner) == pytest.approx(mean(own[8:-8, 8:-8]), abs=2)
    assert (inner[::2] - inner[1::2]).mean() > (own[8:-8:2] - own[9:-8:2]).mean() + 10
