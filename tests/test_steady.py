"""Steady frames: strokes go with what they are painted on, and what stands still stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from fake_method import FakeMethod
from test_neighbour import SETTINGS, SIZE, disc, scene

from napari_style_transfer import samples, stylize_stack
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.losses.base import PICTURE
from napari_style_transfer.engine.losses.temporal import TemporalTerm
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.methods.base import Neighbour, Request
from napari_style_transfer.methods.optimize import Optimize
from napari_style_transfer.methods.steady import Painted, carry
from napari_style_transfer.stack.scenes import Scenes
from napari_style_transfer.steering import Steering

Array = np.ndarray[Any, Any]

STEADY = SETTINGS.replace(coherence="steady")


def pan(count: int, pixels: int) -> Array:
    """Return a photo that moves to the left: (count, SIZE, SIZE, 3) uint8."""
    photo = samples.load("coffee")[:384:4, ::4, :3]
    return np.stack([photo[:SIZE, n * pixels : n * pixels + SIZE] for n in range(count)])


def painted(content: Array, seed: int = 0) -> Painted:
    """Return a frame with noise for a result: strokes that belong to it alone."""
    strokes = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
    return Painted(to_tensor(content, "content"), strokes)


def test_strokes_go_with_a_moving_camera() -> None:
    first, second = pan(2, 6)
    before = painted(first)
    carried = carry(to_tensor(second, "content"), before, [], SIZE)
    assert carried.moving > 0.6
    inner = carried.mask[..., 16:-16, 16:-24]
    assert float(inner.mean()) > 0.8
    error = (carried.picture[..., :-6] - before.picture[..., 6:]).abs() * carried.mask[..., :-6]
    in_place = (carried.picture - before.picture).abs() * carried.mask
    assert float(error[..., 16:-16, 16:-16].mean()) < 0.35 * float(
        in_place[..., 16:-16, 16:-16].mean()
    )
    assert float(carried.mask[..., -4:].mean()) < 0.3  # came into the picture


def test_what_stands_still_has_the_anchors_strokes_to_the_last_digit() -> None:
    """Not those of the frame before, which may have drifted."""
    first, middle, last = scene(count=3)
    anchor, before = painted(first, 1), painted(middle, 2)
    carried = carry(to_tensor(last, "content"), before, [anchor], SIZE)
    away = torch.from_numpy(~(disc(20, 80, 24) | disc(48, 80, 24) | disc(76, 80, 24)))
    error = (carried.picture - anchor.picture).abs()[0].amax(0)
    assert float((error[away] < 1e-6).float().mean()) > 0.95


def test_noise_stands_still() -> None:
    first, second = scene(noise=12, count=2)
    second[:, 60:] = first[:, 60:]  # without the disc
    carried = carry(to_tensor(second, "content"), painted(first), [], SIZE)
    assert float(carried.mask[..., :50].mean()) > 0.9


def test_noise_alone_moves_nothing() -> None:
    """A grey field with noise: whatever flow is found in it, no stroke is moved."""
    field = np.full((2, SIZE, SIZE), 100.0) + np.random.default_rng(0).normal(
        0, 12, (2, SIZE, SIZE)
    )
    first, second = np.clip(field, 0, 255).astype(np.uint8)
    before = painted(first)
    carried = carry(to_tensor(second, "content"), before, [], SIZE)
    assert float(carried.mask.mean()) > 0.9
    assert float(((carried.picture - before.picture).abs().amax(1) < 0.05).float().mean()) > 0.8


def test_a_very_slow_pan_is_followed() -> None:
    """Half a pixel a frame, which smoothed contents hardly show."""
    frames = [to_tensor(each, "content") for each in pan(2, 1)]
    second = (frames[0] + frames[1]) / 2
    before = Painted(frames[0], frames[0])
    carried = carry(second, before, [], SIZE)
    inner = (..., slice(12, -12), slice(12, -12))
    error, still = ((each - second)[inner].square().mean() for each in (carried.picture, frames[0]))
    assert float(error) < 0.6 * float(still)


def test_a_slow_pan_is_not_frozen() -> None:
    """One pixel a frame: the strokes of the anchor, where it was 16 frames ago, would lag behind."""
    frames = pan(17, 1)
    before, anchor = painted(frames[15], 1), painted(frames[0], 2)
    carried = carry(to_tensor(frames[16], "content"), before, [anchor], SIZE)
    anchored = ((carried.picture - anchor.picture).abs().amax(1) < 1e-3).float().mean()
    assert float(anchored) < 0.2


def test_the_temporal_term_holds_pixels_as_firmly_as_their_weights_say() -> None:
    target = torch.full((1, 3, 4, 4), 0.5)
    weights = torch.zeros(1, 1, 4, 4)
    weights[..., :2] = 1
    term = TemporalTerm(target, weights, 10.0)
    picture = torch.full((1, 3, 4, 4), 0.7)
    loss = term.loss(term.measure({PICTURE: picture}, {}))
    torch.testing.assert_close(loss, torch.tensor([0.5 * 0.04]))
    picture[..., 2:] = 0.1  # where nothing is held
    torch.testing.assert_close(term.loss(term.measure({PICTURE: picture}, {})), loss)


def request_after(content: Array, before: Array) -> Request:
    first = Request.of(content, samples.load("night"), settings=STEADY)
    result = np.zeros((SIZE, SIZE, 3), np.uint8)
    return Optimize().following(first, Neighbour(lambda: before, result))


def test_a_still_scene_takes_a_tenth_of_the_evaluations_and_is_held() -> None:
    (content,) = scene(count=1)
    request = request_after(content, content)
    assert request.settings.steps == round(STEADY.steps / 10)
    assert request.init_weights is not None
    assert request.init_weights.min() > 0.99


def test_where_nothing_is_the_same_a_frame_is_painted_anew() -> None:
    (content,) = scene(count=1)
    request = request_after(255 - content, content)
    assert request.init is None
    assert request.settings == STEADY


@pytest.mark.slow
def test_still_places_do_not_drift_and_moving_ones_are_painted() -> None:
    frames = scene(count=4)
    out = np.zeros_like(frames)
    for _ in stylize_stack(frames, samples.load("night"), out=out, settings=STEADY, cache=Cache()):
        pass
    away = ~np.logical_or.reduce([disc(20 + 28 * n, 80, 26) for n in range(4)])
    change = np.abs(out[3].astype(float) - out[0])
    assert change[away].mean() < 2
    # The disc is where it is in the content, not where it was.
    assert change[disc(20, 80, 9)].mean() > 20


def test_the_work_to_come_is_foreseen_by_the_coherence() -> None:
    request = Request.of((), samples.load("night"), settings=SETTINGS.replace(steps=100))
    method, found = Optimize(), {}
    for coherence in ("independent", "neighbour", "steady"):
        settings = request.settings.replace(coherence=coherence)
        found[coherence] = method.evaluations(request.replace(settings=settings), follows=True)
    assert found["independent"] == 100 > found["neighbour"] > found["steady"]


# ---- scenes ---------------------------------------------------------------------------------------


def test_frames_before_and_anchors_are_of_the_same_scene() -> None:
    frames = np.concatenate(
        [np.zeros((40, 20, 20), np.uint8), np.full((20, 20, 20), 200, np.uint8)]
    )
    scenes = Scenes.find([(n,) for n in range(60)], lambda index: frames[index], lambda: False)
    every = {(n,) for n in range(60)}
    assert scenes.before((0,), every) == ()
    assert scenes.before((1,), every) == ((0,),)
    assert scenes.before((20,), every) == ((19,), (16,), (0,))
    assert scenes.before((17,), every) == ((16,), (0,))
    assert scenes.before((40,), every) == ()
    assert scenes.before((41,), every) == ((40,),)
    assert scenes.before((20,), every - {(19,), (16,)}) == ((18,), (0,))
    assert scenes.references((50,)) == ((40,), (45,), (50,), (54,), (59,))


def test_time_is_the_first_axis() -> None:
    frames = np.zeros((3, 2, 20, 20), np.uint8)
    indices = list(np.ndindex(3, 2))
    scenes = Scenes.find(indices, lambda index: frames[index], lambda: False)
    assert scenes.before((2, 1), set(indices)) == ((1, 1), (0, 1))


@pytest.mark.parametrize(
    ("coherence", "befores"), [("independent", 0), ("neighbour", 3), ("steady", 3)]
)
def test_coherence_says_what_slices_start_from(
    coherence: str, befores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeMethod()
    monkeypatch.setattr("napari_style_transfer.methods.create", lambda: fake)
    frames = scene(count=4)
    out = np.zeros_like(frames)
    settings = SETTINGS.replace(coherence=coherence)
    for _ in stylize_stack(frames, samples.load("night"), out=out, settings=settings):
        pass
    assert len(fake.befores) == befores


@pytest.mark.slow
def test_a_steady_run_that_was_stopped_goes_on_to_the_same_bytes() -> None:
    frames, style = pan(5, 5), samples.load("night")
    settings = STEADY.replace(size=48, steps=6)
    whole, parts = (np.zeros((5, 48, 48, 3), np.uint8) for _ in range(2))
    for _ in stylize_stack(frames, style, out=whole, settings=settings):
        pass
    for message in stylize_stack(frames[:4], style, out=parts[:4], settings=settings):
        if message.finished and message.position == 2:
            break
    done = [(0,), (1,), (2,)]
    for _ in stylize_stack(frames, style, out=parts, done=done, settings=settings):
        pass
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.slow
def test_what_is_steered_holds_for_later_frames() -> None:
    (frame,) = scene(count=1)
    frames, steering = np.stack([frame] * 4), Steering()
    out = np.zeros_like(frames)
    settings = STEADY.replace(steps=60)
    for message in stylize_stack(
        frames, samples.load("night"), out=out, settings=settings, steering=steering
    ):
        if message.index == (1,) and message.step.evaluation == 2:
            steering.change(settings=settings.replace(strength=0.0))
    change = np.abs(np.diff(out.astype(float), axis=0)).mean((1, 2, 3))
    assert change[0] > 3  # of the change
    assert change[1:].max() < 0.5 * change[0]
