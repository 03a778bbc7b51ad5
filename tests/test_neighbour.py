"""A slice after its neighbour: its own content wherever something moved, the same strokes elsewhere."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch

from napari_style_transfer import samples, stylize, stylize_stack
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.base import Neighbour, Request
from napari_style_transfer.methods.neighbour import agreement, gaussian_blur
from napari_style_transfer.methods.optimize import Optimize
from napari_style_transfer.settings import Settings

Array = np.ndarray[Any, Any]

SIZE = 96
SETTINGS = Settings(size=SIZE, steps=24, coarsest_size=48, device="cpu")


def disc(y: float, x: float, radius: float) -> Array:
    """Return (SIZE, SIZE) bool, true inside a disc."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    inside: Array = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    return inside


def blobs(count: int) -> Array:
    """Return a time-lapse of bright blobs that move by their own size: (count, SIZE, SIZE) uint8."""
    random = np.random.default_rng(0)
    places = random.uniform(10, SIZE - 10, (12, 2))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    frames = []
    for _ in range(count):
        light = sum(np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 40) for y, x in places)
        frames.append(np.clip(light, 0, 1) * 255)
        places = (places + random.normal(0, 8, places.shape)) % SIZE
    return np.stack(frames).astype(np.uint8)


def scene(noise: float = 0.0, count: int = 3) -> Array:
    """Return a still photo over whose right side a red disc moves: (count, SIZE, SIZE, 3) uint8."""
    photo = samples.load("coffee")[:384, 100:484, :3][::4, ::4].astype(float)
    random = np.random.default_rng(1)
    frames = []
    for number in range(count):
        frame = photo.copy()
        frame[disc(20 + 28 * number, 80, 10)] = (230, 40, 30)
        frames.append(frame + random.normal(0, noise, frame.shape))
    return np.clip(np.stack(frames), 0, 255).astype(np.uint8)


def agreement_of(content: Array, before: Array, size: int = SIZE) -> Array:
    mask = agreement(to_tensor(content, "content"), to_tensor(before, "content"), size)
    return mask[0, 0].numpy()


# ---- where two contents agree --------------------------------------------------------------------


def test_the_same_content_agrees_everywhere() -> None:
    frame = scene()[0]
    np.testing.assert_allclose(agreement_of(frame, frame), 1, atol=1e-5)


@pytest.mark.parametrize("noise", [0, 4, 12, 20])
def test_what_moved_is_found_in_noise_and_the_rest_agrees(noise: float) -> None:
    frames = scene(noise)
    mask = agreement_of(frames[1], frames[0])
    moved = disc(20, 80, 10) | disc(48, 80, 10)
    assert mask[moved].mean() < 0.1
    assert mask[:, :55].mean() > 0.97


def test_noise_that_grows_with_the_light_is_no_movement() -> None:
    random = np.random.default_rng(0)
    light = blobs(1)[0].astype(float)
    first, second = (np.clip(random.poisson(light / 8) * 8.0, 0, 255) / 255 for _ in range(2))
    assert agreement_of(first, second).mean() > 0.9


def test_a_large_result_is_compared_at_a_bounded_size() -> None:
    frame = scene()[0]
    assert agreement_of(frame, frame, 4096).shape == (512, 512)


def test_a_blur_keeps_the_mean_and_a_flat_picture() -> None:
    flat = torch.full((1, 3, 20, 30), 0.3)
    torch.testing.assert_close(gaussian_blur(flat, 4.0), flat)
    point = torch.zeros(1, 1, 41, 61)
    point[0, 0, 20, 30] = 1
    blurred = gaussian_blur(point, 2.0)
    assert blurred.sum().item() == pytest.approx(1, abs=1e-5)
    assert blurred[0, 0, 20, 30].item() == pytest.approx(1 / (8 * np.pi), rel=0.02)
    torch.testing.assert_close(blurred[0, 0, 20], blurred[0, 0, 20].flip(0))


# ---- what is asked for ---------------------------------------------------------------------------


def following(content: Array, before: Array, settings: Settings = SETTINGS) -> Request:
    request = Request.of(content, content, settings=settings)
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    return Optimize().following(request, Neighbour(lambda: before, picture))


def test_a_slice_that_shows_the_same_is_painted_at_full_size_with_a_third_of_the_steps() -> None:
    frame = scene()[0]
    settings = following(frame, frame).settings
    assert (settings.steps, settings.coarsest_size) == (8, SIZE)
    assert following(frame, frame, SETTINGS.replace(steps=1)).settings.steps == 1


def test_what_moved_gets_evaluations_and_coarse_scales() -> None:
    frames = scene()
    settings = following(frames[1], frames[0]).settings
    assert 8 < settings.steps < 24
    assert settings.coarsest_size == 48
    assert following(blobs(2)[1], blobs(2)[0]).settings.steps == 24


@pytest.mark.parametrize("before", ["another scene", "another form"])
def test_a_slice_that_has_nothing_in_common_is_painted_as_the_first_one(before: str) -> None:
    frame = scene()[0]
    other = 255 - frame if before == "another scene" else frame[:50]
    request = following(frame, other)
    assert (request.init, request.init_mask, request.settings) == (None, None, SETTINGS)


def test_a_content_that_is_no_picture_is_refused() -> None:
    frame = scene()[0]
    with pytest.raises(InputError, match="content picture"):
        following(frame * np.nan, frame)


# ---- with the engine -----------------------------------------------------------------------------

STACKS = {"blobs": blobs, "scene": scene, "noisy scene": lambda count: scene(8, count)}


@functools.cache
def painted(name: str) -> tuple[Array, Array, Array]:
    """Return a stack, its results, and those of its slices painted alone: (T, SIZE, SIZE, 3) each."""
    frames = STACKS[name](3)
    style = samples.load("night")[::4, ::4, :3]
    cache = Cache()
    out = np.zeros((len(frames), SIZE, SIZE, 3), np.uint8)
    list(stylize_stack(frames, style, out=out, settings=SETTINGS, cache=cache))
    alone = [stylize(frame, style, settings=SETTINGS, cache=cache) for frame in frames[1:]]
    return frames, out, np.stack([out[0], *alone])


def correlation(picture: Array, content: Array) -> float:
    grey = content if content.ndim == 2 else content.mean(-1)
    return float(np.corrcoef(picture.mean(-1).ravel(), grey.ravel())[0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("name", STACKS)
def test_every_slice_shows_its_own_content_as_if_painted_alone(name: str) -> None:
    frames, out, alone = painted(name)
    own = [correlation(*pair) for pair in zip(out, frames, strict=True)]
    wanted = [correlation(*pair) for pair in zip(alone, frames, strict=True)]
    assert all(each >= 0.9 * other for each, other in zip(own, wanted, strict=True)), (own, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scene", "noisy scene"])
def test_neighbours_agree_where_nothing_moved(name: str) -> None:
    _, out, alone = painted(name)
    still, moving = np.s_[:, :, :55], np.s_[:, :, 65:]

    def change(pictures: Array, part: Any) -> float:
        return float(np.abs(np.diff(pictures[part].astype(float), axis=0)).mean())

    together, apart = change(out, still), change(alone, still)
    assert together < 0.5 * apart, (together, apart)
    assert change(out, moving) > 2 * together
