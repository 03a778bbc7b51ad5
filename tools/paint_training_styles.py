"""Paint the pictures that the base of the fast styles learns manners from.

``python tools/paint_training_styles.py FOLDER [NAME ...]``: about twenty manners, as unlike one another as
can be in stroke, palette and scale. Those in `BENCHMARK` are for the benchmark alone: the base never sees
them. Every picture has its own seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import crafted_styles as crafted
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from paint_styles import Canvas, Field, over, ramp, sized, step
from scenes import forms, harbour, head, hexes, landscape, places, sampled, still_life
from scipy.ndimage import gaussian_filter

WIDTH = 700


def impasto(width: int, rng: Generator) -> Field:
    """Sunflowers in ridges of paint."""
    canvas = Canvas(width, rng, linen=0.2)
    still_life(
        canvas, hexes("2f8f8a 5fb3a1 9fd0b0 d8dca0"), hexes("7a4a1c c9902f e6b84a f4dc8c"),
        (hexes("6b3410 d98a16 f6c324 fff0a0"), hexes("8a2a12 d8541e f59a3c ffd9a0"),
         hexes("2e5a22 5c8f2c a8c048 e8e49a")),
    )  # fmt: skip
    canvas.colour = 0.85 * canvas.plan
    canvas.lay(1.0, 0.09, 0.03, hue=0.02, body=0.9, dry=0.2)
    canvas.lay(0.9, 0.06, 0.02, value=0.14, body=1.4)
    canvas.lay(0.5, 0.035, 0.012, value=0.18, body=1.8)
    return canvas.lit(1.3)


def pointillism(width: int, rng: Generator) -> Field:
    """A harbour in dots of unmixed paint, each beside its complement."""
    canvas = Canvas(width, rng, linen=0.3)
    harbour(
        canvas, hexes("7fb0e0 c4d8ec fbe3b0 f6c48c"), hexes("1f4f9c 3f86c4 7cc0d8"),
        hexes("c8553d 7a4f9c e0a030 3a7a6a d87c9c"), hexes("fff2d0 f8c860 f09878"),
    )  # fmt: skip
    canvas.colour = over(canvas.plan, (240, 232, 212), 0.6)
    plan = canvas.plan.copy()
    canvas.lay(1.0, 0.014, 0.012, hue=0.05, value=0.16, body=0.5, dry=0.0, sway=2.0)
    canvas.lay(1.0, 0.009, 0.0085, hue=0.07, value=0.2, body=0.6, dry=0.0, sway=2.0)
    canvas.plan = 1.05 - plan
    canvas.lay(0.16, 0.0085, 0.008, hue=0.05, value=0.1, body=0.6, dry=0.0, sway=2.0)
    canvas.plan = np.clip(plan * 1.25, 0, 1)
    canvas.lay(0.7, 0.0085, 0.008, hue=0.08, value=0.2, body=0.7, dry=0.0, sway=2.0)
    return canvas.lit(0.5)


def fauve(width: int, rng: Generator) -> Field:
    """A head in patches of violent colour, canvas between them."""
    canvas = Canvas(width, rng, linen=0.5)
    head(
        canvas, hexes("0c6b52 1f9a62 e2d23a e4572e"), hexes("274b9f 3fae6a f4b04a ff8fa0 fff0c0"),
        hexes("2a1460 c8252f 1b7fb8"), hexes("8a1538 e0347a f58a1f 2bb0a8"),
    )  # fmt: skip
    canvas.colour = over(canvas.plan, (240, 228, 200), 0.9)
    canvas.lay(0.85, 0.085, 0.045, hue=0.06, value=0.1, body=0.5, dry=0.7, sway=0.5)
    canvas.lay(0.5, 0.06, 0.028, hue=0.10, value=0.14, body=0.6, dry=0.5, sway=0.5)
    canvas.lay(0.10, 0.09, 0.008, ink=(24, 22, 70), body=0.6, sway=0.2)
    return canvas.lit(0.8)


def tenebrist(width: int, rng: Generator) -> Field:
    """A head that lamp light picks out of the dark, in glazes and thick lights."""
    canvas = Canvas(width, rng, linen=0.5)
    head(
        canvas, hexes("0a0806 1c120a 32200f"), hexes("2a140a 7a4526 c98a54 f4d4a0"),
        hexes("0c0806 2a180c 5a3516"), hexes("140a0a 4a1210 8c2a18 c9923c"),
    )  # fmt: skip
    fall = np.exp(-(((canvas.x - 0.40) / 0.32) ** 2) - ((canvas.y - 0.30) / 0.34) ** 2)
    canvas.plan *= (0.3 + 0.95 * fall)[..., None]
    canvas.colour = 0.7 * canvas.plan
    canvas.lay(1.0, 0.07, 0.03, hue=0.01, value=0.05, body=0.2, dry=0.3, sway=0.3)
    canvas.lay(1.0, 0.04, 0.016, hue=0.015, value=0.06, body=0.3, sway=0.3)
    canvas.plan *= 1.15
    canvas.lay(step(fall - 0.55, 0.5), 0.022, 0.009, hue=0.02, value=0.10, body=1.4)
    return canvas.lit(0.8)


def knife(width: int, rng: Generator) -> Field:
    """An autumn landscape in broad slabs laid with the knife."""
    canvas = Canvas(width, rng, linen=0.6)
    landscape(
        canvas, hexes("5c86a8 9cb8c0 e8d8b8 f4e8cc"), hexes("4c5c78 7888a0 a8a0a0"),
        hexes("3c2418 8c3a1c c8702c e0a848 6c7038"), (252, 238, 190),
    )  # fmt: skip
    canvas.colour = 0.8 * canvas.plan
    canvas.lay(1.0, 0.10, 0.055, hue=0.02, value=0.09, body=0.3, dry=0.9, sway=0.6)
    canvas.lay(0.8, 0.075, 0.035, hue=0.03, value=0.12, body=0.5, dry=1.0, sway=0.8)
    canvas.lay(0.35, 0.05, 0.022, hue=0.04, value=0.2, body=0.9, dry=0.8, sway=1.0)
    return canvas.lit(1.1)


def pastel(width: int, rng: Generator) -> Field:
    """Soft chalks over grey paper, whose grain shows."""
    canvas = Canvas(width, rng)
    still_life(
        canvas, hexes("8878a8 a8a0d0 d0b8d8 f0d0d0"), hexes("5878a0 88b0c8 c8e0e0 f8f4e8"),
        (hexes("a03858 e06880 f8a8a8 ffe0d8"), hexes("c88838 f0c060 fce8a0"),
         hexes("487860 80b890 c8e0b0")),
    )  # fmt: skip
    grain = canvas.noise(260, 195, 2)
    paper = ramp(0.5 + 0.1 * canvas.noise(200, 150, 2), hexes("78746e 8c8880 9c9890"))
    chalk = Canvas(width, rng)
    chalk.plan, chalk.angle = canvas.plan, 0.25 * canvas.angle - 0.9
    chalk.colour = canvas.plan.copy()
    for length, wide in ((0.07, 0.016), (0.05, 0.010), (0.035, 0.006)):
        chalk.lay(0.9, length, wide, hue=0.03, value=0.10, body=0.0, dry=0.9, sway=0.25)
    cover = step(0.42 * chalk.colour.mean(-1) - 0.12 + 0.26 * grain, 0.6)
    return over(paper, chalk.colour, cover)


def crayon(width: int, rng: Generator) -> Field:
    """A landscape scribbled in wax crayon on rough white paper."""
    canvas = Canvas(width, rng)
    landscape(
        canvas, hexes("3a8ee0 6cc0f0 c0e8f8 fff4c0"), hexes("7a50b0 b070c8 e088b8"),
        hexes("1c8a3c 58b838 b8d030 f0b020 d84828"), (255, 210, 30),
    )  # fmt: skip
    paper = canvas.noise(230, 170, 2)
    plan, scribbled = canvas.plan, np.ones_like(canvas.plan) * (0.98, 0.97, 0.93)
    for turn, pitch in ((0.5, 0.011), (-0.7, 0.014), (1.3, 0.010)):
        turning = turn + 0.4 * canvas.noise(3, 3, 2)
        across = (
            canvas.x * np.sin(turning)
            - canvas.y * np.cos(turning)
            + 0.003 * canvas.noise(20, 15, 2)
        )
        line = np.abs((across / pitch) % 1 - 0.5) * 2
        pressed = 0.40 + 0.25 * canvas.noise(5, 4, 2) - 0.22 * paper - line
        wax = step(pressed + 0.2 * (1 - plan.min(-1)), 0.35)
        hue = plan * (1 + 0.15 * canvas.noise(8, 6, 2))[..., None]
        scribbled = over(scribbled, scribbled * 0.25 + hue * 0.75, 0.85 * wax)
    edges = np.hypot(*np.gradient(gaussian_filter(plan, (2, 2, 0)).sum(-1)))
    return over(scribbled, (40, 30, 60), 0.8 * step(edges - 0.12, 0.1) * step(0.8 - paper, 1.0))


def drips(width: int, rng: Generator) -> Field:
    """Enamel thrown and dripped over raw canvas, line over line."""
    canvas = Canvas(width, rng, linen=0.25)
    canvas.colour = ramp(0.5 + 0.2 * canvas.noise(4, 3), hexes("b8a080 d0bc98 e0d0b0"))
    inks = hexes("181614 f4f0e4 b83a24 e8b828 2c6078 181614 88a098 f4f0e4")
    for n in range(240):
        ink = np.array(inks[rng.integers(len(inks))], np.float32) / 255
        start, turn, speed = rng.uniform(-0.1, 1.1, 2), rng.uniform(0, 6.3), rng.uniform(-6, 6)
        thick, bend = rng.uniform(0.0015, 0.006), 0.0
        for k in range(rng.integers(12, 50)):
            bend = 0.85 * bend + rng.normal(0, 14)
            turn += 0.028 * (bend + speed)
            start = start + 0.028 * np.array((np.cos(turn), np.sin(turn)))
            thick = np.clip(thick * np.exp(0.22 * rng.standard_normal()), 0.001, 0.009)
            canvas.stroke(
                *start, turn, bend + speed, 0.04, 2 * thick, ink, body=1.2, dry=0.0,
            )  # fmt: skip
            if k % 6 == 0 and n % 2:
                drop = start + rng.normal(0, 0.02, 2)
                size = rng.uniform(0.003, 0.010)
                canvas.stroke(*drop, turn, 0.0, size, size, ink, body=1.4, dry=0.0)
    return canvas.lit(0.9)


def watercolour(width: int, rng: Generator) -> Field:
    """A harbour in washes that run, dry with dark rims, and leave the paper white."""
    canvas = Canvas(width, rng)
    harbour(
        canvas, hexes("5a8cc8 a8c8e8 f4e8e0 f8d0b0"), hexes("28608c 5098b0 a0d0c8"),
        hexes("b0604c 6c5890 c8a058 588068 c07888"), hexes("fdfaf0 f6dca0 e8a090"),
    )  # fmt: skip
    noise = canvas.noise
    paper, light = noise(220, 165, 2), np.ones_like(canvas.plan)
    for n, (soft, strength) in enumerate(((0.014, 0.7), (0.004, 0.75), (0.001, 0.7))):
        run = (
            0.012
            * width
            * np.stack([noise(7 + 6 * n, 5 + 5 * n, 3), noise(7 + 6 * n, 5 + 5 * n, 3)])
        )
        rows = np.clip(np.arange(len(paper))[:, None] + run[0], 0, len(paper) - 1).astype(int)
        columns = np.clip(np.arange(width) + run[1], 0, width - 1).astype(int)
        wet = gaussian_filter(canvas.plan[rows, columns], (soft * width, soft * width, 0))
        pool = noise(4 + 3 * n, 3 + 3 * n)
        wash = step(pool + 0.7 - 0.35 * n, 0.10 + 0.1 * n)
        rim = step(0.16 - np.abs(pool + 0.7 - 0.35 * n), 0.12)
        pigment = strength * wash * (0.75 + 0.22 * pool) + 0.35 * rim + 0.06 * paper * wash
        light *= 1 - np.clip(pigment, 0, 1.2)[..., None] * (1 - wet)
    pencil = crafted.outlines(canvas.plan, 0.001 * width, 0.05) * step(paper + 0.6, 1.0)
    light = over(light, (70, 66, 80), 0.45 * pencil)
    splashes = step(noise(60, 45, 2) - 2.3, 0.15)
    light = over(light, canvas.plan, 0.5 * splashes)
    return light * (1 - 0.05 * np.tanh(np.add(*np.gradient(paper))))[..., None]


def orchard(width: int, rng: Generator) -> Field:
    """A hillside in parallel slanting touches that build planes (for the benchmark alone)."""
    canvas = Canvas(width, rng, linen=0.5)
    landscape(
        canvas, hexes("7c9cc0 a8bcc8 d8d4c0 e8dcc0"), hexes("5870a0 7c90b0 9ca8a8 b0a088"),
        hexes("2c4c3c 54804c 90a058 c8a860 b87848"), (236, 212, 168),
    )  # fmt: skip
    canvas.colour = over(canvas.plan, (226, 212, 184), 0.6)
    slant = -0.95 + 0.18 * canvas.noise(4, 4, 1)
    canvas.lay(0.9, 0.045, 0.016, angle=slant, hue=0.03, value=0.08, body=0.3, dry=0.6, sway=0.08)
    canvas.lay(0.8, 0.034, 0.010, angle=slant, hue=0.04, value=0.10, body=0.4, dry=0.6, sway=0.08)
    canvas.lay(0.10, 0.06, 0.004, ink=(36, 52, 96), hue=0.02, body=0.4, dry=0.5)
    return canvas.lit(0.6)


def storm(width: int, rng: Generator) -> Field:
    """Ships in a gale of smeared gold and slate, scratched with the brush's end (benchmark alone)."""
    canvas = Canvas(width, rng, linen=0.3)
    harbour(
        canvas, hexes("3c4450 9c8c70 f0c868 fce8b0"), hexes("20343c 50646c b0a078"),
        hexes("3c2820 5c3c2c 806048"), hexes("e8d8b0 c8a870"),
    )  # fmt: skip
    x, y = canvas.x - 0.55, canvas.y - 0.33
    r = np.hypot(x, 1.3 * y)
    whirl = np.arctan2(y, x) + np.pi / 2 + 0.5 * canvas.noise(3, 3, 2)
    glow = np.exp(-((r / 0.2) ** 2))
    canvas.plan = over(
        canvas.plan, ramp(1 - 1.6 * r, hexes("28303c 6c6c68 d8b060 fff0c0")), 0.55 + 0.35 * glow
    )
    canvas.colour = canvas.plan.copy()
    canvas.lay(1.0, 0.16, 0.05, angle=whirl, hue=0.01, value=0.06, body=0.15, dry=0.8)
    canvas.lay(0.8, 0.10, 0.020, angle=whirl, hue=0.02, value=0.08, body=0.3, dry=0.9)
    canvas.lay(0.04, 0.08, 0.003, angle=whirl, ink=(250, 236, 200), body=0.5, sway=0.4)
    canvas.lay(0.02, 0.06, 0.003, angle=whirl + 1, ink=(30, 28, 34), body=0.2, sway=0.5)
    return canvas.lit(0.7)


def arabesque(width: int, rng: Generator) -> Field:
    """Flowing forms in flat gouache with gold outlines."""
    canvas = Canvas(width, rng)
    forms(canvas, hexes("1c2c5c 8c2c4c d87c4c f0d090 3c8c84 f4ecd8"))
    canvas.colour = canvas.plan.copy()
    canvas.lay(0.9, 0.05, 0.02, hue=0.015, value=0.05, body=0.2, dry=0.4)
    level = canvas.noise(5, 4, 2)
    lines = np.abs(np.sin(14 * level)) / (14 * np.hypot(*np.gradient(level)) * width / 700 + 1e-3)
    gold = ramp(0.5 + 0.35 * canvas.noise(30, 22, 2), hexes("8c6420 d0a040 fce8a0"))
    canvas.colour = over(canvas.colour, gold, step(1.6 - lines, 1.0))
    dots = sampled(level, canvas, spots := places(canvas, 0.03, 0.2))
    for (px, py), value in zip(spots, dots, strict=True):
        if np.sin(7 * value) > 0.3:
            canvas.stroke(
                px, py, 0.0, 0.0, 0.010, 0.010, np.float32((0.96, 0.92, 0.8)), body=1.0, dry=0.0
            )
    return canvas.lit(0.6)


PICTURES: dict[str, Callable[[int, Generator], Field]] = {
    "impasto": impasto,
    "pointillism": pointillism,
    "fauve": fauve,
    "tenebrist": tenebrist,
    "knife": knife,
    "pastel": pastel,
    "crayon": crayon,
    "drips": drips,
    "watercolour": watercolour,
    "arabesque": arabesque,
    **crafted.PICTURES,
}
#: Unlike any of the others, and never learned for the base.
BENCHMARK: dict[str, Callable[[int, Generator], Field]] = {
    "orchard": orchard,
    "storm": storm,
    **crafted.BENCHMARK,
}


def paint(name: str, width: int = WIDTH) -> NDArray[np.uint8]:
    """The picture `name`, `width` pixels wide; always the same for the same width."""
    return sized({**PICTURES, **BENCHMARK}[name], name, width)


def main(folder: Path, names: list[str]) -> None:
    """Write pictures as PNG files."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name in names or PICTURES:
        Image.fromarray(paint(name)).save(folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
