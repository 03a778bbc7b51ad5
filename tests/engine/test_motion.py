"""Flow between frames, where it is trusted, and where scenes begin."""

import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_style_transfer import samples
from napari_style_transfer.engine.motion.flow import find_flows, trusted
from napari_style_transfer.engine.motion.scenes import change, find_cuts, thumbnail
from napari_style_transfer.engine.motion.warp import resize_flow, warp
from napari_style_transfer.engine.tensors import to_tensor


def texture(height=96, width=128, seed=0):
    """A (1, 3, H, W) picture that a flow can be found in."""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    smooth = gaussian_filter(noise, 2)
    light = (smooth - smooth.min()) / np.ptp(smooth)
    return torch.from_numpy(light).float().expand(1, 3, height, width).contiguous()


def shifted(right, down, **kwargs):
    """A frame and the one before, in which all moved so many pixels."""
    large = texture(160, 192, **kwargs)
    return large[..., 32:128, 32:160], large[..., 32 + down : 128 + down, 32 + right : 160 + right]


@pytest.fixture(params=["OpenCV", "scikit-image"])
def finder(request, monkeypatch):
    if request.param == "OpenCV":
        pytest.importorskip("cv2", reason="OpenCV is not installed")
    else:
        monkeypatch.setitem(sys.modules, "cv2", None)


def test_a_flow_leads_to_where_things_were(finder):
    frame, before = shifted(3, -2)
    backward, forward = find_flows(frame, before)
    inner = backward[..., 16:-16, 16:-16].mean((2, 3))[0]
    # `before` is cut 3 px to the right and 2 px up: what it shows lies as much to the left and down.
    torch.testing.assert_close(inner, torch.tensor([-3.0, 2.0]), atol=0.2, rtol=0)
    torch.testing.assert_close(
        forward[..., 16:-16, 16:-16].mean((2, 3)), -inner[None], atol=0.2, rtol=0
    )
    error = (warp(before, backward) - frame)[..., 16:-16, 16:-16].abs().mean()
    assert error < 0.1 * (before - frame)[..., 16:-16, 16:-16].abs().mean()


def test_a_dim_picture_has_a_flow_like_a_bright_one(finder):
    frame, before = shifted(3, 0)
    dim, _ = find_flows(frame * 0.1, before * 0.1)
    assert float(dim[0, 0, 16:-16, 16:-16].mean()) == pytest.approx(-3, abs=0.3)


def test_what_comes_into_sight_is_not_trusted():
    """A textured square moves to the right over a still background."""
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    background, square = texture(seed=1), texture(48, 48, seed=2)
    before, frame = background.clone(), background.clone()
    before[..., 24:72, 24:72], frame[..., 24:72, 34:82] = square, square
    certain = trusted(*find_flows(frame, before))[0, 0]
    assert certain[30:66, 26:32].mean() < 0.5  # uncovered
    assert certain[42:54, 54:66].mean() > 0.9  # the square
    assert certain[84:94].mean() > 0.95  # the background


def test_what_was_outside_the_picture_is_not_trusted():
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0] = -3
    certain = trusted(flow, -flow)[0, 0]
    assert not certain[:, :3].any()
    assert certain[:, 3:].all()


def test_pictures_too_small_for_a_flow_stand_still():
    backward, forward = find_flows(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))
    assert not backward.any()
    assert not forward.any()


def test_warping_by_whole_pixels_is_exact():
    picture = torch.rand(1, 3, 20, 30)
    flow = torch.zeros(1, 2, 20, 30)
    torch.testing.assert_close(warp(picture, flow), picture)
    flow[:, 0], flow[:, 1] = 4, -2
    torch.testing.assert_close(
        warp(picture, flow)[..., 2:, :-4], picture[..., :-2, 4:], atol=1e-4, rtol=0
    )


def test_a_flow_grows_with_its_picture():
    flow = torch.tensor([3.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 10, 20)
    grown = resize_flow(flow, (30, 40))
    torch.testing.assert_close(grown.mean((2, 3)), torch.tensor([[6.0, -3.0]]))


def test_a_cut_begins_a_scene_and_a_fast_pan_does_not():
    one, two = (to_tensor(samples.load(name), "frame") for name in ("coffee", "chelsea"))
    frames = [each[..., 8 * n : 8 * n + 300] for each in (one, two) for n in range(10)]
    seen = [thumbnail(frame) for frame in frames]
    assert find_cuts([change(b, a) for a, b in pairwise(seen)]) == [0, 10]


def test_noise_and_a_frame_that_cannot_be_read_are_no_cuts():
    noisy = [thumbnail(texture() + 0.2 * torch.rand(1, 3, 96, 128)) for _ in range(6)]
    seen = [*noisy[:3], None, *noisy[3:]]
    assert find_cuts([change(b, a) for a, b in pairwise(seen)]) == [0]
    assert find_cuts([]) == [0]
