"""Paint the style pictures that come with the plugin: ``python tools/paint_styles.py [OUTDIR]``.

Every picture has its own seed. Lengths are fractions of the picture's width, so that a small one
has the composition of the large one.

A style is matched through correlations of features at several scales, so each picture has structure
at all of them: bold forms, marks of the hand within the forms, and bristles, linen or paper fibre
within the marks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.color import hsv2rgb, rgb2hsv

Field = NDArray[np.floating[Any]]
Ink = tuple[int, int, int]
Box = tuple[slice, slice]

WIDTH, ASPECT = 1056, 0.75
OVERSAMPLING = 1.5
QUALITY = 90
STYLES = Path(__file__).parents[1] / "src" / "napari_style_transfer" / "samples" / "styles"


def step(signed: Field, soft: float) -> Field:
    """1 where `signed` is positive, 0 where it is negative, and a ramp `soft` wide between."""
    slope: Field = signed / soft + 0.5
    return slope.clip(0, 1)


def ramp(position: Field, inks: Sequence[Ink]) -> Field:
    """Colours along a palette, evenly spaced over positions from 0 to 1."""
    table = np.array(inks, np.float32).T / 255
    stops = np.linspace(0, 1, len(inks))
    return np.stack([np.interp(position, stops, c) for c in table], -1).astype(np.float32)


def over(below: Field, above: Field | Ink, mask: Field | float) -> Field:
    """`above` laid on `below` where `mask` is 1."""
    colour = np.divide(above, 255, dtype=np.float32) if isinstance(above, tuple) else above
    mixed: Field = below + (colour - below) * np.asarray(mask)[..., None]
    return mixed.astype(np.float32)


class Sheet:
    """What a picture is made on: its pixels' places, and the chance that shapes it."""

    def __init__(self, width: int, rng: Generator) -> None:
        self.width, self.rng = width, rng
        places = np.mgrid[0 : round(width * ASPECT), 0:width].astype(np.float32)
        self.y, self.x = (places + 0.5) / width

    def noise(self, across: int, down: int, octaves: int = 4) -> Field:
        """Smooth noise of about unit variance, with `across` by `down` cells at its coarsest."""
        total: Field = np.zeros_like(self.x)
        for octave in range(octaves):
            nx, ny = across << octave, down << octave
            lattice = Image.fromarray(self.rng.standard_normal((ny + 3, nx + 3), np.float32))
            box = (1, 1, nx + 1, ny + 1)
            total += np.asarray(lattice.resize(total.shape[::-1], 3, box=box)) / 2**octave
        total /= 0.87
        return total

    def skyline(self, base: float, tall: float, across: int, octaves: int = 3) -> Field:
        """The height y of a ridge at every x."""
        return np.broadcast_to((base - tall * self.noise(across, 1, octaves))[:1], self.x.shape)


class Canvas(Sheet):
    """A plan (which colour where, and which way the brush goes) and the paint laid on after it."""

    def __init__(self, width: int, rng: Generator, linen: float = 0) -> None:
        super().__init__(width, rng)
        shape = self.x.shape
        self.plan, self.angle = np.zeros((*shape, 3), np.float32), np.zeros_like(self.x)
        self.colour, self.height = np.zeros_like(self.plan), np.zeros_like(self.x)
        # Threads are uneven: noise drawn out along the weft plus noise drawn out along the warp.
        thread = (0.0009 * width, 0.025 * width)
        threads = [gaussian_filter(rng.standard_normal(shape), s) for s in (thread, thread[::-1])]
        self.linen = linen * sum(t / t.std() for t in threads)
        hairs = rng.standard_normal((512, 512))
        hairs = gaussian_filter(hairs, (width / 1500, width / 40), mode="wrap")
        self.bristles: Field = (hairs / hairs.std()).astype(np.float32)

    def put(self, mask: Field, colour: Field | Ink, angle: Field | float) -> None:
        """Plan another thing in front of what is there."""
        self.plan = over(self.plan, colour, mask)
        self.angle = np.where(mask > 0.5, angle, self.angle)

    def grain(self, u: Field, v: Field) -> Field:
        """Bristle marks along `u`, in pixels, begun anywhere on the brush."""
        i, j = self.rng.integers(512, size=2) + 8192
        row, column = (v + i).astype(np.int32) & 511, (u + j).astype(np.int32) & 511
        marks: Field = self.bristles[row, column]
        return marks

    def stroke(
        self, x: float, y: float, angle: float, bend: float, length: float, width: float,
        colour: Field, *, body: float, dry: float,
    ) -> None:  # fmt: skip
        """Draw the brush over the canvas, along an arc about (x, y) of curvature `bend`."""
        rows, columns = self.height.shape
        half, radius, cx, cy = (columns * s for s in (0.5 * length, 0.5 * width, x, y))
        cos, sin, bend = np.cos(angle), np.sin(angle), bend / columns
        sag = 1.3 * radius + 0.5 * abs(bend) * half**2
        ex, ey = half * abs(cos) + sag * abs(sin), half * abs(sin) + sag * abs(cos)
        top, bottom = max(0, int(cy - ey)), min(rows, int(cy + ey) + 2)
        left, right = max(0, int(cx - ex)), min(columns, int(cx + ex) + 2)
        if top >= bottom or left >= right:
            return
        box = slice(top, bottom), slice(left, right)
        dx = np.arange(left, right, dtype=np.float32) - np.float32(cx)
        dy = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(cy)
        u = dx * np.float32(cos) + dy * np.float32(sin)
        v = dy * np.float32(cos) - dx * np.float32(sin) - np.float32(0.5 * bend) * u * u
        grain = self.grain(u, v)
        along, across = u / np.float32(half), np.abs(v) / np.float32(radius)
        side = radius * (1 - across + 0.10 * grain)
        tip = half * (1 - np.abs(along)) - radius * (0.7 * across**2 - 0.45 * grain)
        # The brush empties on its way: the hairs that carry least leave the canvas bare first.
        wet = 1.6 + grain - dry * (1.4 + 1.4 * along)
        cover = np.clip(side, 0, 1) * np.clip(tip / 2, 0, 1) * np.clip(wet, 0, 1)
        paint = colour * (1 + 0.09 * grain)[..., None]
        self.colour[box] += (paint - self.colour[box]) * (0.94 * cover)[..., None]
        # Bristles plough the paint; the brush pushes it to its sides and leaves a lip at its end.
        lip = 0.5 * across**3 + np.clip(along - 0.5, 0, 0.5) ** 2
        film = radius * body * (0.5 + 0.16 * grain + lip)
        self.height[box] += cover * (film - 0.75 * self.height[box])

    def lay(
        self, where: Field | float, length: float, width: float, *, ink: Ink | None = None,
        angle: Field | None = None, hue: float = 0.03, value: float = 0.10, body: float = 0.6,
        dry: float = 0.5, sway: float = 0.12, grow: Field | float = 1.0,
    ) -> None:  # fmt: skip
        """Cover the region `where` (a probability) with strokes of one brush.

        Colour and angle are the plan's unless given. `grow` enlarges the strokes, and thins them
        out, by the local factor it gives.
        """
        rng, (rows, columns) = self.rng, self.height.shape
        angle = self.angle if angle is None else angle
        gap = 0.62 * np.sqrt(length * width)
        centres = np.mgrid[-gap : 1 + gap : gap, -gap : ASPECT + gap : gap].reshape(2, -1).T
        rng.shuffle(centres)
        x, y = (centres + gap * rng.uniform(-0.6, 0.6, centres.shape)).T

        def at(field: Field | float, x: Field, y: Field) -> Field:
            row = (y * columns).clip(0, rows - 1).astype(int)
            column = (x * columns).clip(0, columns - 1).astype(int)
            everywhere = np.broadcast_to(field, (rows, columns, *np.shape(field)[2:]))
            found: Field = everywhere[row, column]
            return found

        keep = rng.random(len(x)) < at(where, x, y) / at(grow, x, y) ** 2
        x, y = x[keep], y[keep]
        lengths = at(grow, x, y) * length * np.exp(0.35 * rng.standard_normal(len(x)))
        widths = at(grow, x, y) * width * np.exp(0.25 * rng.standard_normal(len(x)))
        middle = at(angle, x, y)
        dx, dy = lengths / 3 * np.cos(middle), lengths / 3 * np.sin(middle)
        turn = at(angle, x + dx, y + dy) - at(angle, x - dx, y - dy)
        turn = (turn + np.pi / 2) % np.pi - np.pi / 2
        bends = np.clip(1.5 * turn, -1.2, 1.2) / lengths
        middle = middle + sway * rng.standard_normal(len(x))
        planned = at(self.plan, x, y) if ink is None else np.divide(ink, 255) + 0 * x[:, None]
        paints = rgb2hsv(np.clip(planned, 0, 1))
        paints += rng.standard_normal(paints.shape) * (hue, value, value)
        paints[:, 0] %= 1
        # No paint is as pure as a screen's primaries.
        paints = hsv2rgb(np.clip(paints, 0, (1, 0.88, 1))).astype(np.float32)
        for each in zip(x, y, middle, bends, lengths, widths, paints, strict=True):
            self.stroke(*each, body=body, dry=dry)

    def lit(self, strength: float) -> Field:
        """The picture under a lamp at the upper left."""
        relief = gaussian_filter(self.height, 0.8) + self.linen * np.exp(-self.height)
        rake = np.tanh(strength * np.add(*np.gradient(relief)))[..., None]
        lit: Field = self.colour * (1 - 0.35 * rake) + 0.10 * np.clip(-rake - 0.35, 0, 1) ** 2
        return lit


def night(width: int, rng: Generator) -> Field:
    """A lake and cypresses under a swirling sky, thickly painted."""
    canvas = Canvas(width, rng, linen=0.2)
    x, y, noise, put = canvas.x, canvas.y, canvas.noise, canvas.put
    stream = y + 0.03 * np.sin(9 * x + 1) + 0.018 * noise(3, 3)
    vortices = (0.39, 0.20, 0.26, 0.10), (0.60, 0.31, -0.13, 0.055), (0.88, 0.40, 0.1, 0.05)
    for cx, cy, spin, size in vortices:
        stream = stream + spin * np.exp(-((x - cx) ** 2 + 1.5 * (y - cy) ** 2) / size**2)
    down, right = np.gradient(stream, 1 / width)
    bands = 0.36 * np.sin(58 * stream + 0.8 * noise(5, 5)) + 0.35 * y + 0.09 * noise(8, 8)
    blues = (
        (14, 16, 66), (24, 38, 118), (30, 70, 160), (62, 124, 186), (140, 190, 190), (222, 222, 170),
    )  # fmt: skip
    put(np.ones_like(x), ramp(0.28 + bands, blues), np.arctan2(-right, down))
    halo = (
        (255, 244, 190), (252, 206, 70), (240, 160, 40), (214, 196, 110), (120, 170, 160), (40, 84, 160),
    )  # fmt: skip
    moon, *stars = (
        (0.82, 0.15, 0.046), (0.10, 0.09, 0.019), (0.27, 0.045, 0.010), (0.52, 0.065, 0.017),
        (0.665, 0.15, 0.010), (0.29, 0.34, 0.013), (0.95, 0.35, 0.016), (0.77, 0.37, 0.009),
        (0.47, 0.385, 0.010), (0.975, 0.05, 0.009), (0.40, 0.105, 0.007), (0.045, 0.25, 0.008),
    )  # fmt: skip
    fine = np.zeros_like(x)
    for cx, cy, size in (moon, *stars):
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy * rng.uniform(0.9, 1.15)) / size * (1 + 0.14 * noise(8, 8, 2))
        near = np.exp(-((r / 2.4) ** 4))
        ring = r / rng.uniform(2.5, 3.3) + 0.06 * np.sin(7 * r) + rng.uniform(-0.05, 0.12)
        fx = (1 - near) * np.cos(canvas.angle) - near * 12 * dy / size
        fy = (1 - near) * np.sin(canvas.angle) + near * 12 * dx / size
        put(np.clip(1.5 - r / 2, 0, 1), ramp(ring, halo), canvas.angle)
        canvas.angle = np.arctan2(fy, fx)
        fine = np.maximum(fine, near)
    cx, cy, size = moon
    disc = step(1.12 - np.hypot(x - cx, y - cy) / size, 0.1)
    bite = step(0.85 - np.hypot(x - cx + 0.4 * size, y - cy + 0.12 * size) / size, 0.1)
    put(disc, (255, 246, 200), canvas.angle)
    put(disc * bite, (226, 120, 30), canvas.angle)

    shore = 0.535
    mirrored = np.clip((2 * shore - y) * width, 0, len(y) - 1).astype(int), np.arange(width)
    ripple = 0.5 + 0.35 * np.sin(150 * np.sqrt(y) + 2.5 * noise(3, 14))
    lake = 0.75 * ramp(ripple, ((8, 14, 56), (16, 40, 96), (40, 92, 130)))
    lake += 0.4 * canvas.plan[mirrored]
    for cx, _, size in (moon, *stars[4:8]):
        column = np.exp(-(((x - cx) / (size * (0.7 + 4 * (y - shore)))) ** 2))
        glint = step(np.sin(300 * np.sqrt(y) + 2 * noise(4, 30)) - 0.1, 1.0)
        lake = over(lake, (250, 190, 80), 0.85 * column * glint)
    for base, tall, inks in (
        (0.43, 0.05, ((20, 34, 96), (50, 74, 140), (90, 110, 160))),
        (0.50, 0.035, ((8, 20, 44), (16, 50, 74), (40, 84, 80))),
    ):
        ridge = canvas.skyline(base, tall, 4)
        folds = 0.5 + 0.4 * np.sin((y - 0.6 * ridge) * 150 + 1.5 * noise(6, 6))
        put(
            step(y - ridge, 0.004), ramp(folds, inks), np.arctan(np.gradient(ridge, axis=1) * width)
        )
    put(step(y - shore - 0.003 * noise(12, 1, 2), 0.004), lake, 0.08 * noise(5, 12))
    dark = step(y - 0.05 * x - canvas.skyline(0.68, 0.012, 6), 0.004)
    grass = ramp(
        0.5 + 0.3 * noise(30, 14), ((10, 18, 30), (26, 50, 36), (84, 84, 40), (150, 104, 44))
    )
    put(dark, grass, -1.2 + 0.9 * noise(7, 4, 2))
    flames = noise(12, 5, 3)
    for cx, tip, wide in ((0.235, 0.42, 0.030), (0.065, 0.33, 0.036), (0.145, 0.13, 0.050)):
        t = np.clip((y - tip) / (ASPECT - tip), 0, 1)
        lean = x - cx - 0.012 * np.sin(14 * y + 30 * cx) - 0.15 * wide * flames
        outline = wide * t**0.75 * (1.6 - 0.75 * t) - np.abs(lean) + 0.12 * wide * flames
        tree = step(outline, 0.004) * (t > 0)
        shade = 0.42 - 7 * lean + 0.3 * np.sin(lean * 300 + 20 * y + 2 * flames)
        leaves = ramp(shade, ((8, 10, 22), (12, 30, 34), (26, 62, 48), (74, 96, 44)))
        put(tree, leaves, 9 * lean * (1 - 0.5 * t) + 0.55 * np.sin(40 * y + 3 * flames) - np.pi / 2)
        dark = np.maximum(dark, tree)

    canvas.colour = 0.8 * canvas.plan
    canvas.lay(1.0, 0.10, 0.024, hue=0.02, body=0.35, dry=0.2)
    canvas.lay(1.0, 0.062, 0.0125, hue=0.025, value=0.12)
    canvas.lay(0.75, 0.042, 0.0075, value=0.13, body=0.8)
    canvas.plan *= 1.1
    canvas.lay(np.maximum(fine, 0.16 + 0.7 * dark), 0.024, 0.0058, value=0.12, body=1.0)
    return canvas.lit(1.0)


def meadow(width: int, rng: Generator) -> Field:
    """Poppies, a pond and a blossoming branch in dabs of broken colour."""
    canvas = Canvas(width, rng, linen=0.4)
    x, y, noise, put = canvas.x, canvas.y, canvas.noise, canvas.put
    horizon = 0.25
    depth = np.clip((y - horizon) / (ASPECT - horizon), 0, 1)  # 0 far away, 1 at our feet
    drift = noise(3, 5)
    air = ((74, 128, 200), (108, 164, 216), (160, 196, 220), (226, 210, 200), (246, 204, 164))
    sky = ramp(0.25 + 1.3 * y, air)
    clouds = ((176, 166, 208), 0.25, 0.5), ((246, 214, 196), 0.6, 0.6), ((250, 242, 226), 0.95, 0.8)
    for ink, low, soft in clouds:
        sky = over(sky, ink, 0.9 * step(drift + 0.25 * noise(8, 14) - low, soft))
    put(np.ones_like(x), sky, -0.2 + 0.35 * noise(4, 6, 2))
    haze = ramp(0.5 + 0.3 * noise(9, 20), ((112, 120, 182), (140, 158, 200), (176, 190, 190)))
    put(step(y - canvas.skyline(0.205, 0.022, 3, 2), 0.006), haze, 0.0)
    crowns = y - canvas.skyline(0.205, -0.035, 3, 2) + 0.020 * np.abs(noise(12, 10, 3))
    shade = 0.5 + 0.28 * noise(22, 22) - 9 * (y - 0.215)
    greens = ramp(shade, ((34, 58, 82), (52, 92, 82), (98, 134, 74), (170, 176, 90)))
    put(step(crowns, 0.006), greens, np.pi / 2 + 0.7 * noise(20, 20, 2))

    swathes = 26 * np.sqrt(depth + 0.02) + 2.2 * x + noise(3, 4, 2)
    grass = ramp(
        0.5 + 0.22 * noise(6, 16) + 0.3 * np.sin(swathes),
        ((30, 66, 70), (56, 100, 66), (104, 142, 74), (164, 176, 92), (222, 198, 120)),
    )
    grass = over(grass, (70, 84, 130), 0.45 * step(noise(5, 9) - 0.7, 0.8))
    ground = step(y - horizon - 0.006, 0.006)
    put(ground, grass, 0.45 * noise(8, 8, 2) + 0.5 * (x - 0.5) - np.pi / 2)
    middle = 0.60 + 0.28 * np.sin(3.4 * depth + 0.4)
    reach = 0.03 + 0.19 * np.sin(np.pi * np.clip((y - 0.29) / 0.25, 0, 1))
    pond = step(reach - np.abs(x - middle) + 0.014 * noise(14, 16, 2), 0.004)
    pond *= step(y - 0.285, 0.006) * step(0.545 - y, 0.008)
    up = np.clip((horizon - 0.85 * (y - 0.285)) * width + 6 * noise(8, 50), 0, len(y) - 1)
    water = over(canvas.plan[up.astype(int), np.arange(width)], (86, 130, 190), 0.3)
    for ink in ((252, 214, 186), (60, 88, 120)):
        water = over(water, ink, 0.75 * step(noise(5, 38) - 0.75, 0.8))
    put(pond, water, 0.05 * noise(6, 20))

    ground *= 1 - pond
    grow = 0.5 + 0.75 * depth
    canvas.colour = over(canvas.plan, (214, 190, 160), 0.55)
    canvas.lay(1 - ground, 0.034, 0.013, value=0.07, body=0.4)
    canvas.lay(1 - ground, 0.020, 0.0075, value=0.09)
    canvas.lay(ground, 0.044, 0.012, body=0.45, sway=0.3, grow=grow)
    canvas.lay(ground, 0.034, 0.006, hue=0.04, value=0.14, body=0.7, sway=0.3, grow=grow)
    poppies = noise(7, 12, 3)
    flowers = (
        ((128, 112, 186), -0.4, 0.9, 0.35), ((240, 206, 110), -0.4, 1.1, 0.25),
        ((240, 172, 172), -0.4, 1.0, 0.30), ((150, 30, 40), 1.0, 0.5, 0.45),
        ((212, 48, 36), 1.0, 0.55, 0.55), ((240, 104, 62), 1.0, 0.9, 0.30),
        ((246, 236, 214), -0.4, 1.3, 0.20),
    )  # fmt: skip
    for ink, company, rare, share in flowers:
        where = share * ground * step(company * poppies + 0.7 * noise(7, 14, 3) - rare, 0.5)
        canvas.lay(
            where * (depth > 0.03), 0.013, 0.010, ink=ink, angle=0.6 * drift, hue=0.02, body=0.7,
            dry=0.0, sway=0.6, grow=grow,
        )  # fmt: skip
    lilies = pond * step(noise(9, 34, 2) - 1.0, 0.2)
    canvas.lay(lilies, 0.016, 0.006, ink=(120, 160, 110), body=0.9)
    canvas.lay(0.2 * lilies, 0.009, 0.006, ink=(250, 206, 216), body=1.2)

    # A branch reaches in from the upper left, over everything else.
    for start, slope, reach in (
        (0.02, 0.22, 0.52),
        (0.12, 0.05, 0.36),
        (-0.02, 0.5, 0.3),
        (0.07, 0.62, 0.22),
    ):
        line = start + slope * x - 0.25 * x**2 + canvas.skyline(0, 0.012, 7)
        wood = 0.008 * np.clip(1 - x / reach, 0, 1) ** 0.7 - np.abs(y - line)
        along = np.arctan(np.gradient(line, axis=1) * width)
        for ink, side in (((50, 36, 58), 0.0), ((112, 82, 90), 0.002)):
            thin = step(wood - 0.001 - side, 0.002) * (y < line + 0.003 - side)
            canvas.lay(2.2 * thin, 0.026, 0.006, ink=ink, angle=along, body=0.9, dry=0.2)
        puffs = np.exp(-((np.abs(y - line) / 0.04) ** 2)) * step(reach * 1.1 - x, 0.08)
        puffs *= step(noise(14, 12, 3) - 0.1, 0.6)
        for ink, share in (((196, 130, 170), 0.35), ((246, 186, 200), 0.5), ((255, 240, 236), 0.4)):
            canvas.lay(
                share * puffs, 0.012, 0.0105, ink=ink, angle=3 * drift, body=0.7, dry=0.0, sway=1.5
            )
    return canvas.lit(0.55)


def papercut(width: int, rng: Generator) -> Field:
    """Leaves and seaweed cut from painted paper, pasted over a patchwork of sheets."""
    canvas = Canvas(width, rng)
    x, y = canvas.x, canvas.y
    fibre, wander = canvas.noise(300, 225, 2), canvas.noise(16, 12, 2)
    canvas.colour = over(canvas.colour, (246, 236, 214), 1.0)
    inks = np.array(
        [(24, 72, 160), (222, 66, 42), (243, 176, 44), (14, 118, 92), (234, 122, 150), (28, 34, 62),
         (246, 236, 214), (126, 186, 196), (108, 62, 128), (166, 190, 72)], np.float32
    )  # fmt: skip

    def paste(inside: Field, box: Box, ink: int) -> None:
        """Lay down the paper where `inside`, a distance to its cut edge, is positive."""
        sheet = step(inside + 0.0012 * wander[box] + 0.0004 * fibre[box], 1.2 / width)
        drop = max(1, round(0.005 * width))
        shadow = np.pad(gaussian_filter(sheet, 0.6 * drop), ((drop, 0), (drop, 0)))[:-drop, :-drop]
        turn = rng.uniform(0, np.pi)
        u = x[box] * np.cos(turn) + y[box] * np.sin(turn) + 0.006 * wander[box]
        v = y[box] * np.cos(turn) - x[box] * np.sin(turn) + 0.003 * wander[box]
        streaks = canvas.grain(0.5 * width * u, 0.5 * width * v)
        gouache = 1 + 0.045 * streaks + 0.03 * fibre[box] + 0.05 * wander[box]
        paint = inks[ink] / 255 * np.exp(0.05 * rng.standard_normal(3)) * gouache[..., None]
        canvas.colour[box] *= (1 - 0.5 * shadow)[..., None]
        canvas.colour[box] = over(canvas.colour[box], paint, sheet)
        film = 1.5 + 0.15 * fibre[box] + 0.12 * streaks
        canvas.height[box] += (film - canvas.height[box]) * sheet

    def around(cx: float, cy: float, reach: float) -> Box:
        """The pixels up to `reach` from (cx, cy)."""
        ends = (int(max(0, c + r) * width) for c in (cy, cx) for r in (-reach, reach))
        top, bottom, left, right = ends
        return slice(top, bottom), slice(left, right)

    def frond(cx: float, cy: float, size: float, ink: int) -> None:
        """A leaf: a curved stem with rounded fingers on both sides."""
        box = around(cx, cy, 1.5 * size)
        u, v = x[box] - cx, y[box] - cy
        pairs, heading, bend = rng.integers(3, 7), rng.uniform(0, 2 * np.pi), rng.uniform(-0.9, 0.9)
        union = np.zeros_like(u)
        for t in np.linspace(-0.75, 0.75, pairs):
            turn = heading + bend * t
            stem_u, stem_v = u - size * t * np.cos(turn), v - size * t * np.sin(turn)
            for side in (-1, 1, 0):
                way = turn + side * rng.uniform(0.75, 1.15)
                finger = 0.75 * np.sqrt(1 - t**2) * rng.uniform(0.7, 1.1)
                long = size * (finger if side else 1.7 / (pairs - 1))
                ex, ey = long * np.cos(way), long * np.sin(way)
                p = np.clip((stem_u * ex + stem_v * ey) / long**2, 0, 1)
                thick = size * (0.07 + 0.085 * p * abs(side)) * (5 / pairs) ** 0.7
                union += np.exp(55 / size * (thick - np.hypot(stem_u - p * ex, stem_v - p * ey)))
        paste(np.log(union + 1e-20) * size / 55, box, ink)

    def contrasting(cx: float, cy: float) -> int:
        """One of the papers that stand out against what lies at (cx, cy)."""
        row, column = (np.clip((cy, cx), 0, (ASPECT, 1)) * (width - 2)).astype(int)
        apart = np.abs(inks - 255 * canvas.colour[row, column]).sum(1)
        return int(rng.choice(np.argsort(apart)[3:]))

    lefts = np.linspace(-0.04, 1.04, 6) + rng.uniform(-0.05, 0.05, 6)
    tops = np.linspace(-0.04, ASPECT + 0.04, 5) + rng.uniform(-0.03, 0.03, 5)
    for n in rng.permutation(20):
        x0, x1, y0, y1 = *lefts[n % 5 : n % 5 + 2], *tops[n // 5 : n // 5 + 2]
        box = around((x0 + x1) / 2, (y0 + y1) / 2, 0.25)
        u, v, skew = x[box], y[box], rng.uniform(-0.06, 0.06, 4)
        sides = (
            u - x0 + skew[0] * (v - y0), x1 - u + skew[1] * (v - y0),
            v - y0 + skew[2] * (u - x0), y1 - v + skew[3] * (u - x0),
        )  # fmt: skip
        paste(np.minimum.reduce(sides) + 0.014, box, contrasting(x0, y0))
    for size, gap, share in ((0.13, 0.20, 0.85), (0.07, 0.14, 0.6), (0.034, 0.09, 0.4)):
        spots = np.mgrid[0 : 1 + gap : gap, 0 : ASPECT + gap : gap].reshape(2, -1).T
        rng.shuffle(spots)
        for cx, cy in spots + rng.uniform(-0.35, 0.35, spots.shape) * gap:
            if rng.random() < share:
                frond(cx, cy, size * rng.uniform(0.8, 1.2), contrasting(cx, cy))
    return canvas.lit(0.9)


class Block(Sheet):
    """A wood block: `white` is where its surface has been cut away."""

    def __init__(self, width: int, rng: Generator) -> None:
        super().__init__(width, rng)
        self.white = np.zeros_like(self.x)

    def cut(
        self, mask: Field | float, light: Field, across: Field, along: Field, pitch: float, length: float
    ) -> None:  # fmt: skip
        """Cut gouge marks, `pitch` apart and about `length` long, as wide as `light` is near 1."""
        across = across / pitch + 0.14 * self.noise(45, 34, 3)
        line = np.floor(across).astype(int) % 991
        start, stretch = 50 * self.rng.random(991), np.exp(0.4 * self.rng.standard_normal(991))
        t = (along / (length * stretch[line]) + start[line]) % 1
        # A gouge enters the wood thin, widens, and lifts out short.
        taper = np.clip(np.minimum(t / 0.4, (1 - t) / 0.1), 0, 1) ** 0.6
        middle = 2 * np.abs(across % 1 - 0.5)
        marks = step(np.clip(light, 0, 1.05) * taper - middle, 5 / (pitch * self.width))
        self.white = self.white + (marks - self.white) * mask

    def leave(self, mask: Field) -> None:
        """Take back what was cut, so that the surface prints black."""
        self.white = self.white * (1 - mask)


def woodcut(width: int, rng: Generator) -> Field:
    """A red sun over mountains and waves, cut in wood and printed in two colours."""
    block = Block(width, rng)
    x, y, noise, cut = block.x, block.y, block.noise, block.cut
    sun_x, sun_y = 0.64, 0.22
    r, turn = np.hypot(x - sun_x, y - sun_y), np.arctan2(y - sun_y, x - sun_x)
    bulge, bark, crumbs = noise(4, 4, 2), noise(14, 12, 3), noise(30, 24, 3)
    light = 1.1 - 1.3 * r + 0.18 * np.sin(55 * r + 2 * bulge) + 0.1 * bulge
    cut(1.0, light, r + 0.012 * bulge, 0.35 * turn, 0.0105, 0.09)
    for cx, cy, wide in (
        (0.30, 0.10, 0.24),
        (0.95, 0.17, 0.20),
        (0.50, 0.32, 0.11),
        (0.80, 0.045, 0.12),
    ):
        drop = (y - cy) / (0.17 * wide)
        cloud = 1 - ((x - cx) / wide) ** 2 - np.where(drop < 0, 1, 5) * drop**2 + 0.4 * bark
        block.leave(step(cloud + 0.12, 0.02))
        cut(step(cloud, 0.02), 0.95 - 0.5 * drop, y + 0.004 * bark, x, 0.0065, 0.12)

    peaks = (
        (0.44, 0.25, 0.95), (0.93, 0.27, 0.9), (0.16, 0.21, 0.85), (0.75, 0.36, 0.6),
        (0.31, 0.345, 0.7), (1.03, 0.36, 0.7), (0.55, 0.395, 0.5), (0.0, 0.33, 0.7),
    )  # fmt: skip
    for cx, top, steep in peaks:
        sunward, off = np.sign(sun_x - cx), np.abs(x - cx)
        crest = sunward * (x - cx + 0.03 * bark - 0.12 * np.sin(9 * (y - top)))
        rock = y - top - steep * off * (1 - 0.4 * off) + 0.010 * crumbs + 0.006 * bark
        sunny = (crest > 0) ^ (bark + 6 * crest > 1.5)
        light = np.where(sunny, 1.1 - 1.5 * rock, 0.30 - rock) + 0.14 * bark
        block.leave(step(rock, 0.001))
        slant = np.where(sunny, 0.4, -0.75) * x * sunward + 0.7 * y
        cut(step(rock - 0.005, 0.002), light, slant, x - 0.4 * y, 0.0085, 0.07)

    shore = 0.46
    depth = np.clip((y - shore) / (ASPECT - shore), 0, 1)
    far = np.sqrt(depth + 0.03)
    phase = 34 * far + 1.6 * np.sin(7 * x + 9 * far) + 0.9 * bulge + 3.0 * x
    wave = np.sin(phase + 0.6 * np.sin(phase))
    glitter = np.exp(-(((x - sun_x) / (0.05 + 0.08 * depth)) ** 2))
    light = 0.45 + 0.45 * wave - 0.2 * depth + 0.3 * glitter
    sea, foam = step(y - shore - 0.003, 0.001), wave - 0.80 + 0.20 * bark
    block.leave(step(y - shore, 0.001))
    cut(sea, light, 0.55 * far + 0.022 * depth * wave, x, 0.0085, 0.11)
    block.leave(sea * step(foam + 0.12, 0.05))
    cut(sea * step(foam, 0.05), 1.0 + bark, y, x, 0.012, 0.05)

    # A pine on a rock stands in front; the cutter clears a rim around it.
    trunk = 0.10 + 0.05 * np.sin(6 * y + 0.4)
    stem = 0.003 + 0.035 * np.clip(y - 0.1, 0, 1) - np.abs(x - trunk - 0.003 * bark)
    shore_line = 0.22 * np.exp(-(((x - 0.05) / 0.17) ** 2)) - 0.04 * np.exp(
        -(((x - 0.6) / 0.2) ** 2)
    )
    cliff = y - 0.70 + shore_line + 0.014 * bark + 0.010 * crumbs
    pine, rock = step(stem, 0.002) * (y > 0.08), step(cliff, 0.001)
    pads = []
    for cx, cy, wide in (
        (0.13, 0.10, 0.09), (0.22, 0.20, 0.10), (0.03, 0.235, 0.10), (0.16, 0.325, 0.085),
        (-0.01, 0.41, 0.09),
    ):  # fmt: skip
        rise = (y - cy) / wide - 0.2 * bark
        pad = 1 - ((x - cx) / wide) ** 2 - np.where(rise < 0, 7, 49) * rise**2 + 0.35 * crumbs
        limb = step(0.004 - np.abs(y - cy - 0.5 * np.abs(x - trunk)), 0.002)
        limb *= np.abs(x - (cx + trunk) / 2) < np.abs(cx - trunk) / 2
        pads.append(
            (step(pad, 0.1), np.maximum(limb, step(pad, 0.1)), rise, x - cx, y - cy - 0.6 * wide)
        )
    front = np.maximum.reduce([pine, rock, *(whole for _, whole, *_ in pads)])
    rim = step(gaussian_filter(front, 0.003 * width) - 0.12, 0.1)
    block.white = np.maximum(block.white, rim)
    cut(pine, 0.35 + 0.3 * bark, x - trunk, y, 0.006, 0.05)
    for pad, whole, rise, u, v in pads:
        block.leave(whole)
        needles = 0.13 * np.arctan2(v, u)
        cut(pad, 0.25 * bark - 1.7 * rise, needles, np.hypot(u, v), 0.006, 0.028)
    block.leave(rock)
    facing = bark + 0.5 * bulge > 0
    light, slant = np.where(facing, 0.85, 0.2) - 1.5 * cliff, np.where(facing, 0.3, -0.9)
    cut(step(cliff - 0.005, 0.002), light, slant * x + 0.6 * y, x + y, 0.010, 0.06)

    # Printing: paper fibre, the wood's own grain in the ink, specks, and a red block out of register.
    specks, pressure, behind = noise(420, 315, 1), noise(5, 4), 1 - front
    black = gaussian_filter(1 - block.white, 0.0006 * width)
    black = step(black - 0.5 + 0.06 * specks, 0.35) * (
        1 - step(0.078 - r + 0.002 * bark, 0.002) * behind
    )
    wood = gaussian_filter(rng.standard_normal(x.shape), (0.0007 * width, width / 25))
    black *= np.clip(0.95 + 0.04 * pressure + 0.02 * wood / wood.std(), 0, 1)
    black *= 1 - 0.8 * step(specks - 2.5 + 0.3 * pressure, 0.5)
    fibres = 0.08 * specks + 0.12 * noise(60, 300, 2)
    paper = ramp(0.5 + fibres, ((226, 208, 170), (240, 226, 194), (248, 238, 212)))
    disc = step(0.082 - np.hypot(x - sun_x + 0.002, y - sun_y - 0.0015) + 0.002 * bark, 0.002)
    ripples = np.sin(110 * far + 0.5 * bark + 4 * bulge) + 0.5 * bark
    dashes = step(glitter - 0.45 - 0.35 * ripples, 0.04) * (y > shore + 0.004)
    red = np.maximum(disc, dashes) * behind * (0.92 + 0.05 * np.tanh(specks + pressure))
    return over(over(paper, (206, 58, 36), red), (26, 24, 30), black)


PICTURES: dict[str, Callable[[int, Generator], Field]] = {
    "night": night,
    "papercut": papercut,
    "woodcut": woodcut,
    "meadow": meadow,
}


def sized(painter: Callable[[int, Generator], Field], name: str, width: int) -> NDArray[np.uint8]:
    """What a painter paints, `width` pixels wide, with the seed that its name gives."""
    rng = np.random.default_rng(list(name.encode()))
    large = np.clip(painter(round(OVERSAMPLING * width), rng), 0, 1)
    image = Image.fromarray((255 * large).astype(np.uint8))
    small = image.resize((width, round(width * ASPECT)), Image.Resampling.LANCZOS)
    return np.asarray(small)


def paint(name: str, width: int = WIDTH) -> NDArray[np.uint8]:
    """The picture `name`, `width` pixels wide; always the same for the same width."""
    return sized(PICTURES[name], name, width)


def main(folder: Path) -> None:
    """Write every picture as a JPEG file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        path = folder / f"{name}.jpg"
        Image.fromarray(paint(name)).save(path, quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else STYLES)
