"""Two kinds of pictures between which the true map is known: ``known_maps``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.augment_tasks import stained_anew, synthetic_nuclei

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class KnownMap:
    """Pictures to learn from, of which none has a partner, and pictures to test with, which have.

    Attributes
    ----------
    source, target
        What is learned from.
    test
        Of the source's kind, which nothing is learned from.
    truth
        What the true map makes of each, without noise.
    negative
        Whether objects that are dark in the source are bright in the target.
    """

    source: list[Array]
    target: list[Array]
    test: list[Array]
    truth: list[Array]
    negative: bool = False


def recoloured() -> KnownMap:
    """Photographs, to those of a camera with other colours, more contrast, blur and noise.

    Of each photograph one half is learned from as it is and the other one as that camera sees it, so both
    kinds show the same sort of thing. Two photographs are the test's alone.
    """
    from skimage import data

    names = "astronaut", "rocket", "retina", "hubble_deep_field", "colorwheel"
    photographs = [_small(getattr(data, name)()) for name in names]
    photographs.append(_small(data.stereo_motorcycle()[0]))
    random = np.random.default_rng(0)
    source, target = [], []
    for place, photograph in enumerate(photographs):
        halves = np.array_split(photograph, 2, axis=1)
        source.append(halves[place % 2])
        target.append(_noisy(_other_camera(halves[1 - place % 2]), random))
    test = [_small(each()) for each in (data.coffee, data.chelsea)]
    return KnownMap(source, target, test, [_other_camera(each) for each in test])


def _small(picture: Array, side: int = 384) -> Array:
    """Return a photograph with its short side at a length, (H, W, 3) uint8."""
    from skimage.transform import resize

    scale = side / min(picture.shape[:2])
    shape = tuple(round(length * scale) for length in picture.shape[:2])
    scaled = resize(picture[..., :3], shape, anti_aliasing=True)
    return np.rint(255 * scaled).astype(np.uint8)


def _other_camera(picture: Array) -> Array:
    """Return what the other camera sees, (H, W, 3) float of 0 to 255."""
    mix = np.array([[0.70, 0.25, 0.05], [0.10, 0.75, 0.15], [0.05, 0.20, 0.60]])
    blurred = ndimage.gaussian_filter(picture / 255, (1, 1, 0))
    seen = 0.85 * blurred**1.4 @ mix.T + np.array([0.05, 0.10, 0.15])
    return np.asarray(255 * np.clip(seen, 0, 1))


def _noisy(picture: Array, random: np.random.Generator, deviation: float = 5) -> Array:
    noisy = picture + random.normal(0, deviation, picture.shape)
    return np.rint(np.clip(noisy, 0, 255)).astype(np.uint8)


def restained() -> KnownMap:
    """A slide with haematoxylin and DAB, to the same kind of slide in other stains, paler."""
    from skimage import data

    slide = data.immunohistochemistry()
    third = slide.shape[1] // 3
    parts = [slide[:, place * third : (place + 1) * third] for place in range(3)]
    whole = stained_anew(slide)
    target = whole[:, third : 2 * third]
    return KnownMap(
        [parts[0]], [target], [parts[2]], [whole[:, 2 * third : 3 * third].astype(float)]
    )


def fluorescent() -> KnownMap:
    """Cells in phase contrast, to their nuclei in fluorescence: another microscope's 16-bit values."""
    random = np.random.default_rng(0)
    source, target = [], []
    for _ in range(12):
        source.append(_cells(random)[0])
        clean = _cells(random)[1]
        target.append(random.poisson(clean).astype(np.uint16))
    tests = [_cells(random) for _ in range(3)]
    return KnownMap(source, target, *map(list, zip(*tests, strict=True)), negative=True)


def widefield() -> KnownMap:
    """Nuclei in focus, made here, to a microscope with out-of-focus light, blur and other 16-bit values."""
    random = np.random.default_rng(0)
    source, others = ([synthetic_nuclei(random)[0] for _ in range(12)] for _ in range(2))
    target = [random.poisson(_out_of_focus(each)).astype(np.uint16) for each in others]
    test = [synthetic_nuclei(random)[0] for _ in range(3)]
    return KnownMap(source, target, test, [_out_of_focus(each) for each in test])


def _out_of_focus(picture: Array) -> Array:
    """Return what a microscope sees whose light comes from above and below as well, float."""
    light = picture.astype(float)
    near, far = (ndimage.gaussian_filter(light, sigma) for sigma in (2.0, 12.0))
    return np.asarray(300 + 0.3 * near + 0.5 * far)


def _cells(random: np.random.Generator, side: int = 192) -> tuple[Array, Array]:
    """Return cells in phase contrast, (side, side) uint8, and their nuclei's light, float."""
    rows, columns = np.mgrid[:side, :side]
    bodies, nuclei = np.zeros((side, side)), np.zeros((side, side))
    for _ in range(14):
        row, column = random.uniform(0, side, 2)
        radius, ratio, turn = (
            random.uniform(13, 19),
            random.uniform(0.7, 1),
            random.uniform(0, np.pi),
        )
        down, right = rows - row, columns - column
        along = down * np.cos(turn) + right * np.sin(turn)
        across = (right * np.cos(turn) - down * np.sin(turn)) / ratio
        distance = np.hypot(along, across)
        if (bodies[distance < radius] > 0).mean() > 0.1:
            continue
        bodies[distance < radius] = 1
        nuclei[distance < 0.5 * radius] = random.uniform(0.7, 1.3)
    edge = ndimage.gaussian_filter(bodies, 1)
    halo = ndimage.gaussian_filter(bodies, 5) - edge
    grain = ndimage.gaussian_filter(random.normal(0, 1, bodies.shape), 1.2)
    seen = ndimage.gaussian_filter(np.minimum(nuclei, 1), 1)
    phase = 130 - 35 * edge + 60 * np.maximum(halo, 0) - 40 * seen + 12 * edge * grain
    phase = np.rint(np.clip(phase + random.normal(0, 3, phase.shape), 0, 255)).astype(np.uint8)
    return phase, 100 + 1500 * ndimage.gaussian_filter(nuclei, 1.5)


#: Every task by its name.
KNOWN_MAPS: dict[str, Callable[[], KnownMap]] = {
    "recoloured": recoloured,
    "restained": restained,
    "fluorescent": fluorescent,
    "widefield": widefield,
}
