"""What the training styles show: a landscape, a still life, a head, a harbour, or nothing but forms.

Each plans colours, and the way that the brush goes, on a canvas of `paint_styles`; chance shapes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from paint_styles import ASPECT, Canvas, Field, Ink, Sheet, over, ramp, step
from scipy.spatial import cKDTree

Palette = Sequence[Ink]


def hexes(text: str) -> Palette:
    """Inks written as in style sheets: ``"1a2b3c ffeedd"``."""
    return tuple((int(h[:2], 16), int(h[2:4], 16), int(h[4:], 16)) for h in text.split())


def ball(sheet: Sheet, cx: float, cy: float, rx: float, ry: float) -> tuple[Field, Field]:
    """A round body: where it is, and how light, from 0 in its shade to 1."""
    u, v = (sheet.x - cx) / rx, (sheet.y - cy) / ry
    r = np.hypot(u, v)
    return step((1 - r) * min(rx, ry), 0.004), np.clip(
        0.62 - 0.42 * u - 0.42 * v - 0.2 * r**2, 0, 1
    )


def places(sheet: Sheet, gap: float, shake: float = 0.5) -> Field:
    """(n, 2) points x, y, about `gap` apart, also a little beyond the picture."""
    grid = np.mgrid[-gap : 1 + 2 * gap : gap, -gap : ASPECT + 2 * gap : gap].reshape(2, -1).T
    shaken: Field = grid + gap * shake * sheet.rng.uniform(-1, 1, grid.shape)
    return shaken


def cells(
    sheet: Sheet, points: Field, x: Field | None = None, y: Field | None = None
) -> tuple[Field, Field]:
    """Voronoi's cells: which point is nearest, and how far it is to the cell's border."""
    at = np.stack([sheet.x if x is None else x, sheet.y if y is None else y], -1)
    distances, indices = cKDTree(points).query(at, k=2)
    return indices[..., 0], ((distances[..., 1] - distances[..., 0]) / 2).astype(np.float32)


def sampled(field: Field, sheet: Sheet, points: Field) -> Field:
    """Values of a picture at points (n, 2); those outside take the border's."""
    rows, columns = sheet.x.shape
    row = np.clip(points[:, 1] * columns, 0, rows - 1).astype(int)
    column = np.clip(points[:, 0] * columns, 0, columns - 1).astype(int)
    found: Field = field[row, column]
    return found


def landscape(canvas: Canvas, sky: Palette, far: Palette, near: Palette, sun: Ink) -> None:
    """Ridges behind one another, trees, a path, a house or two."""
    x, y, noise, put, rng = canvas.x, canvas.y, canvas.noise, canvas.put, canvas.rng
    drift = noise(3, 5)
    put(np.ones_like(x), ramp(np.clip(2.0 * y + 0.22 * drift, 0, 1), sky), 0.25 * noise(3, 4, 2))
    cx, cy = rng.uniform(0.2, 0.8), rng.uniform(0.08, 0.2)
    disc, _ = ball(canvas, cx, cy, 0.05, 0.05)
    put(disc, sun, 0.0)
    horizon = rng.uniform(0.27, 0.36)
    for n, base in enumerate(np.linspace(horizon, 0.62, 5)):
        ridge = canvas.skyline(base, 0.05 - 0.005 * n, 2 + n)
        inks = far if n < 2 else near
        shade = 0.5 + 0.3 * noise(4 + 3 * n, 6 + 3 * n) + 0.4 * np.sin((y - ridge) * 60 + 3 * n)
        slope = np.arctan(np.gradient(ridge, axis=1) * canvas.width)
        put(step(y - ridge, 0.004), ramp(np.clip(shade, 0, 1), inks), slope + 0.3 * noise(6, 6, 2))
        for _ in range(rng.integers(2, 5) if n > 0 else 0):
            tx, size = rng.uniform(0, 1), (0.018 + 0.016 * n) * rng.uniform(0.8, 1.3)
            ty = float(ridge[0, int(tx * (canvas.width - 1))])
            if rng.random() < 0.25:
                wall = step(np.minimum(size - np.abs(x - tx), size * 0.7 - np.abs(y - ty)), 0.003)
                put(wall, sky[-1], np.pi / 2)
                roof = size * 1.3 - np.abs(x - tx) - 1.4 * np.abs(y - ty + 1.25 * size)
                put(step(roof, 0.003) * (y < ty - 0.6 * size), sun, 0.4)
                continue
            put(
                step(0.15 * size - np.abs(x - tx), 0.002) * (np.abs(y - ty) < size),
                near[0],
                np.pi / 2,
            )
            for _ in range(3):
                where, light = ball(
                    canvas, tx + rng.normal(0, 0.5) * size, ty - rng.uniform(0.8, 2.0) * size, size, size
                )  # fmt: skip
                put(where, ramp(light, near), 2.5 * light + noise(9, 9, 2))
    middle = 0.5 + 0.25 * np.sin(5 * y + rng.uniform(0, 6))
    path = step(0.16 * (y - 0.5) - np.abs(x - middle), 0.004)
    put(path, sky[-1], np.pi / 2 + 0.4 * np.cos(5 * y))


def still_life(canvas: Canvas, wall: Palette, cloth: Palette, fruits: Sequence[Palette]) -> None:
    """A jug with flowers, and fruit on a cloth."""
    x, y, noise, put, rng = canvas.x, canvas.y, canvas.noise, canvas.put, canvas.rng
    put(
        np.ones_like(x),
        ramp(np.clip(0.5 + 0.3 * noise(3, 3) + 0.3 * (x - 0.5), 0, 1), wall),
        0.8 + 0.8 * noise(3, 3, 2),
    )
    edge = canvas.skyline(0.46, 0.012, 3)
    folds = 0.5 + 0.4 * np.sin(26 * (x + 0.8 * y) + 2 * noise(4, 4)) + 0.2 * noise(12, 10)
    put(step(y - edge, 0.004), ramp(np.clip(folds, 0, 1), cloth), 0.9 + 0.5 * noise(4, 4, 2))
    jug = rng.uniform(0.3, 0.7)
    for cx, cy, rx, ry in ((jug, 0.36, 0.05, 0.15), (jug, 0.46, 0.11, 0.12)):
        where, light = ball(canvas, cx, cy, rx, ry)
        put(
            where,
            ramp(light, (*wall[:1], *cloth[-2:], (250, 246, 236))),
            np.pi / 2 + 0.5 * noise(5, 5, 2),
        )
    for n in range(16):
        cx, cy = jug + rng.normal(0, 0.15), 0.18 + rng.normal(0, 0.07)
        size = rng.uniform(0.03, 0.06)
        where, light = ball(canvas, cx, cy, size, size)
        turn = np.arctan2(y - cy, x - cx)
        petals = step(np.cos(9 * turn + n) + 1.1 - 1.2 * np.hypot(x - cx, y - cy) / size, 0.3)
        put(where * petals, ramp(light, fruits[n % len(fruits)]), turn)
        heart, _ = ball(canvas, cx, cy, 0.3 * size, 0.3 * size)
        put(heart, fruits[(n + 1) % len(fruits)][0], turn + np.pi / 2)
    for n in range(11):
        cx, cy = rng.uniform(0.03, 0.97), rng.uniform(0.5, 0.68)
        size = rng.uniform(0.04, 0.065)
        shadow, _ = ball(canvas, cx + 0.4 * size, cy + 0.6 * size, 1.3 * size, 0.5 * size)
        put(0.7 * shadow, cloth[0], 0.0)
        where, light = ball(canvas, cx, cy, size, 0.95 * size)
        turn = np.arctan2(y - cy, x - cx) + np.pi / 2
        put(where, ramp(light, fruits[n % len(fruits)]), turn)


def head(canvas: Canvas, back: Palette, skin: Palette, hair: Palette, coat: Palette) -> None:
    """A head and shoulders before a wall."""
    x, y, noise, put, rng = canvas.x, canvas.y, canvas.noise, canvas.put, canvas.rng
    swirl = noise(3, 3)
    put(np.ones_like(x), ramp(np.clip(0.5 + 0.35 * swirl, 0, 1), back), 2 * swirl)
    cx = rng.uniform(0.42, 0.58)
    body, light = ball(canvas, cx, 0.85, 0.38, 0.36)
    folds = np.clip(light + 0.3 * np.sin(40 * (x + 0.6 * y) + 2 * noise(4, 4)), 0, 1)
    put(body, ramp(folds, coat), np.arctan2(y - 0.85, x - cx) + np.pi / 2)
    strands = np.clip(0.5 + 0.5 * np.sin(90 * (x - cx) + 3 * noise(5, 5)), 0, 1)
    where, _ = ball(canvas, cx, 0.30, 0.19, 0.24)
    put(where, ramp(strands, hair), np.arctan2(y - 0.1, x - cx))
    for bx, by, rx, ry in ((cx, 0.50, 0.06, 0.14), (cx, 0.33, 0.135, 0.18)):
        where, light = ball(canvas, bx, by, rx, ry)
        put(
            where,
            ramp(np.clip(light + 0.1 * noise(8, 8), 0, 1), skin),
            np.arctan2(y - by, x - bx) + np.pi / 2,
        )
    for side in (-1, 1):
        for size, ink in ((0.030, hair[0]), (0.022, (244, 240, 232)), (0.012, hair[0])):
            where, _ = ball(canvas, cx + 0.055 * side, 0.30, size, 0.55 * size)
            put(where, ink, 0.0)
        brow = step(0.007 - np.abs(y - 0.262 - 0.2 * (x - cx - 0.055 * side) * side), 0.003)
        put(brow * (np.abs(x - cx - 0.055 * side) < 0.034), hair[0], 0.0)
    put(
        step(0.007 - np.abs(x - cx - 0.10 * (y - 0.30)), 0.004) * (np.abs(y - 0.345) < 0.04),
        skin[0],
        np.pi / 2,
    )
    where, _ = ball(canvas, cx, 0.425, 0.05, 0.016)
    put(where, coat[-1], 0.0)
    put(where * step(0.003 - np.abs(y - 0.425), 0.002), hair[0], 0.0)


def harbour(canvas: Canvas, sky: Palette, water: Palette, hulls: Palette, sails: Palette) -> None:
    """Boats before a town, mirrored in the water."""
    x, y, noise, put, rng = canvas.x, canvas.y, canvas.noise, canvas.put, canvas.rng
    put(
        np.ones_like(x),
        ramp(np.clip(2.2 * y + 0.25 * noise(3, 6), 0, 1), sky),
        0.2 * noise(4, 5, 2),
    )
    shore = 0.36
    for n, left in enumerate(np.arange(-0.05, 1.0, 0.075)):
        tall = rng.uniform(0.05, 0.15)
        house = np.minimum(0.04 - np.abs(x - left), y - shore + tall)
        put(step(house, 0.003), hulls[n % len(hulls)], np.pi / 2)
        windows = (np.sin(190 * (x - left)) > 0.4) & (np.sin(160 * y) > 0.2)
        put(step(house - 0.006, 0.003) * windows, sails[n % len(sails)], np.pi / 2)
        roof = step(0.05 - np.abs(x - left) - 0.8 * np.abs(y - shore + tall), 0.003)
        put(roof * (y < shore - tall), hulls[(n + 2) % len(hulls)], 0.5)
    for n in range(6):
        bx, by = rng.uniform(0.05, 0.95), shore + rng.uniform(-0.02, 0.02)
        size = rng.uniform(0.05, 0.09)
        sail = np.minimum(x - bx - 0.004, 1.1 * (y - by + 2.8 * size) - 1.5 * (x - bx))
        put(step(np.minimum(sail, by - 0.15 * size - y), 0.003), sails[n % len(sails)], 1.1)
        put(
            step(0.003 - np.abs(x - bx), 0.002) * (y < by) * (y > by - 3 * size),
            hulls[0],
            np.pi / 2,
        )
        hull = np.minimum(size - np.abs(x - bx) - 0.5 * (y - by), 0.3 * size - np.abs(y - by))
        put(step(hull, 0.003), hulls[n % len(hulls)], 0.0)
    mirrored = np.clip((2 * (shore + 0.03) - y) * canvas.width + 5 * noise(6, 40), 0, len(y) - 1)
    reflected = canvas.plan[mirrored.astype(int), np.arange(canvas.width)]
    waves = np.clip(0.5 + 0.4 * np.sin(190 * np.sqrt(y) + 2 * noise(5, 14)), 0, 1)
    put(
        step(y - shore - 0.03, 0.004),
        over(ramp(waves, water), reflected, 0.45),
        0.08 * noise(6, 14),
    )


def forms(canvas: Canvas, inks: Palette, across: int = 4) -> None:
    """Nothing but forms: patches of colour that flow into one another."""
    noise = canvas.noise
    angle = 1.5 * noise(across, across, 2)
    canvas.put(
        np.ones_like(canvas.x), ramp(np.clip(0.5 + 0.33 * noise(across, across), 0, 1), inks), angle
    )
    for ink in inks:
        canvas.put(step(noise(2 * across, 2 * across, 2) - 1.2, 0.05), ink, angle + 1)
