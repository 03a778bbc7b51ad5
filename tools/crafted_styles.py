"""Manners without a brush, for `paint_training_styles`: ink, tesserae, glass, thread, print, microscopy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from paint_styles import ASPECT, Canvas, Field, Sheet, over, ramp, step
from scenes import cells, forms, harbour, head, hexes, landscape, places, sampled, still_life
from scipy.ndimage import gaussian_filter


def lines(sheet: Sheet, turn: Field | float, pitch: float) -> Field:
    """How far from the nearest of parallel lines, from 0 on it to 1 between two."""
    across = sheet.x * np.sin(turn) - sheet.y * np.cos(turn)
    near: Field = np.abs(across / pitch % 1 - 0.5) * 2
    return near


def outlines(picture: Field, sigma: float, low: float) -> Field:
    """Where colours meet."""
    smooth = gaussian_filter(picture, (sigma, sigma, 0))
    down, across, _ = np.gradient(smooth)
    return step(np.hypot(down, across).max(-1) - low, low)


def charcoal(width: int, rng: Generator) -> Field:
    """Hatching in charcoal, heightened with white and sanguine, on ochre paper."""
    canvas = Canvas(width, rng)
    head(
        canvas, hexes("8c8478 b8ac98 6c6458"), hexes("3c3430 8c8070 d8ccb8 fffaf0"),
        hexes("18140f 4c4438 2c241c"), hexes("201c18 5c5448 a09480"),
    )  # fmt: skip
    tone = gaussian_filter(canvas.plan.mean(-1), 0.003 * width)
    tooth, smudge = canvas.noise(260, 195, 2), canvas.noise(6, 5)
    sheet = ramp(0.5 + 0.12 * canvas.noise(180, 300, 2), hexes("a8855c bc9a70 cca97e"))
    coal = 0.22 * step(0.5 - tone + 0.06 * smudge, 0.5)
    for n, turn in enumerate((0.9, -0.6, 0.2, 1.5)):
        hatch = lines(canvas, turn + 0.10 * smudge, 0.0115)
        dark = 0.66 - 0.15 * n - tone + 0.05 * smudge
        coal = np.maximum(coal, step(2.0 * dark - hatch + 0.3 - 0.16 * tooth, 0.5) * 0.9)
    coal = np.maximum(
        coal, outlines(canvas.plan, 0.0015 * width, 0.02) * step(0.9 + 0.4 * tooth, 0.8)
    )
    white = step(2.5 * (tone - 0.74) - lines(canvas, 0.7, 0.010) + 0.4 - 0.3 * tooth, 0.6)
    sanguine = step(0.5 - np.abs(tone - 0.6) * 5 - lines(canvas, 0.45, 0.012) - 0.3 * tooth, 0.7)
    drawn = over(sheet, (150, 58, 36), 0.65 * sanguine)
    return over(over(drawn, (34, 30, 30), np.clip(coal, 0, 0.95)), (250, 246, 236), 0.85 * white)


def ink_wash(width: int, rng: Generator) -> Field:
    """Mountains in wet ink on rice paper, bamboo before them, a red seal."""
    sheet = Sheet(width, rng)
    x, y, noise = sheet.x, sheet.y, sheet.noise
    fibre = noise(200, 60, 3)
    paper = ramp(0.5 + 0.1 * fibre, hexes("dccfb0 ece2c8 f6efdc"))
    ink = np.zeros_like(x)
    for n, base in enumerate((0.20, 0.30, 0.40, 0.50)):
        ridge = sheet.skyline(base, 0.07 - 0.006 * n, 2 + n, 5)
        below = np.clip(y - ridge, 0, 1)
        wash = step(y - ridge + 0.004 * fibre, 0.006) * np.exp(-below / (0.04 + 0.02 * n))
        ink = np.maximum(ink, wash * (0.35 + 0.14 * n) * (1 + 0.25 * noise(9, 7)))
        texture = step(noise(14 + 8 * n, 30, 3) - 0.9, 0.5) * np.exp(-below / 0.06) * (below > 0)
        ink = np.maximum(ink, 0.75 * texture)
    for _ in range(7):
        cx, lean, thick = rng.uniform(0, 1), rng.normal(0, 0.12), rng.uniform(0.006, 0.014)
        u = x - cx - lean * (y - 0.4)
        joints = np.abs((y * 7 + cx * 9) % 1 - 0.5) < 0.46
        stalk = step(thick - np.abs(u), 0.003) * joints
        ink = np.maximum(ink, stalk * (0.35 + 0.5 * np.abs(u) / thick + 0.12 * fibre))
        for _ in range(16):
            ly, turn = rng.uniform(0, 0.75), rng.uniform(0.2, 1.4) * rng.choice((-1, 1))
            lx, long = cx + lean * (ly - 0.4), rng.uniform(0.05, 0.11)
            a = (x - lx) * np.sin(turn) + (y - ly) * np.cos(turn)
            b = (x - lx) * np.cos(turn) - (y - ly) * np.sin(turn)
            t = np.clip(a / long, 0, 1)
            leaf = step(0.011 * t**0.5 * (1 - t) * 2 - np.abs(b), 0.002) * (a > 0)
            ink = np.maximum(ink, leaf * (0.95 - 0.35 * t + 0.15 * fibre))
    bled = gaussian_filter(ink, 0.0015 * width)
    painted = over(paper, (28, 30, 38), np.clip(bled, 0, 0.94))
    rose = step(noise(16, 12, 3) - 1.45, 0.5) * (y > 0.2)
    painted = over(painted, (196, 74, 84), 0.6 * gaussian_filter(rose, 0.002 * width))
    painted = over(painted, (110, 140, 120), 0.35 * step(noise(5, 4) - 0.6, 0.7))
    seal = step(0.03 - np.maximum(np.abs(x - 0.9), np.abs(y - 0.63)) + 0.002 * fibre, 0.003)
    glyph = (np.sin(240 * x) * np.sin(200 * y + 60 * x)) > 0.1
    return over(painted, (190, 36, 28), 0.9 * seal * (1 - 0.85 * glyph))


def mosaic(width: int, rng: Generator) -> Field:
    """A still life of stone and gold tesserae in grey mortar."""
    canvas = Canvas(width, rng)
    still_life(
        canvas, hexes("14346c 1c5c9c 2c88b8"), hexes("8c6c24 c89c38 f0d070"),
        (hexes("5c1418 a82c2c e87860"), hexes("1c5434 3c9058 a0d088"), hexes("e8e0d0 ffffff d0c0a8")),
    )  # fmt: skip
    points = places(canvas, 0.0145, 0.22)
    index, inside = cells(canvas, points)
    colours = sampled(gaussian_filter(canvas.plan, (2, 2, 0)), canvas, points)
    colours = np.clip(colours * np.exp(0.16 * rng.standard_normal((len(points), 1))), 0, 1)
    tilt = rng.normal(0, 1, (len(points), 2))
    away = np.stack([canvas.x, canvas.y], -1) - points[index]
    shade = 1 + 14 * (away * tilt[index]).sum(-1) + 0.05 * canvas.noise(200, 150, 2)
    glint = np.clip(rng.standard_normal(len(points)) - 1.2, 0, 1)[index]
    stone = colours[index] * shade[..., None] + 0.35 * glint[..., None]
    mortar = ramp(0.5 + 0.2 * canvas.noise(160, 120, 2), hexes("6c6458 8c8474 a09888"))
    return over(mortar, stone, step(inside - 0.0016, 0.0012))


def glass(width: int, rng: Generator) -> Field:
    """Leaded glass, lit from behind."""
    canvas = Canvas(width, rng)
    forms(canvas, hexes("0c1c7c 2c5cd8 8c1420 e83828 f0b820 147c3c 7c2c9c f4e8a8"), 3)
    noise = canvas.noise
    points = np.concatenate([places(canvas, 0.085, 0.7), places(canvas, 0.2, 0.7)])
    bent = 0.010
    index, inside = cells(
        canvas, points, canvas.x + bent * noise(6, 5, 2), canvas.y + bent * noise(6, 5, 2)
    )
    colours = sampled(canvas.plan, canvas, points)
    colours *= np.exp(0.3 * rng.standard_normal((len(points), 1)))
    streak = noise(40, 6, 3) * 0.12 + noise(90, 70, 2) * 0.05
    glow = 0.72 + 7.0 * np.clip(inside, 0, 0.06) + streak
    pane = colours[index] ** 0.9 * glow[..., None] + 0.10 * np.clip(streak, 0, 1)[..., None]
    lead = 0.0045 + 0.0008 * noise(20, 15, 2)
    rim = 0.35 * step(0.0015 - np.abs(inside - 0.5 * lead), 0.001)
    came = over(np.zeros_like(pane) + np.float32(0.06), (96, 96, 104), rim)
    return over(came, np.clip(pane, 0, 1), step(inside - lead, 0.0012))


def cubist(width: int, rng: Generator) -> Field:
    """A still life broken into facets, each shaded to one edge."""
    canvas = Canvas(width, rng, linen=0.6)
    still_life(
        canvas, hexes("4c4638 7c6c50 a89470"), hexes("2c3830 5c6c58 98a080 c8b890"),
        (hexes("6c3c20 b07840 e0b878"), hexes("2c4c60 6088a0 b0c8c8"), hexes("8c8474 c8bca0 ece0c4")),
    )  # fmt: skip
    plan = canvas.plan
    canvas.colour = np.zeros_like(plan)
    for gap, share in ((0.16, 1.0), (0.10, 0.65), (0.06, 0.35)):
        points = places(canvas, gap, 0.8)
        # Facets are cut by straight lines, longer one way than the other.
        turn = rng.uniform(0.6, 1.0)
        u = canvas.x * np.cos(turn) + canvas.y * np.sin(turn)
        v = 1.9 * (canvas.y * np.cos(turn) - canvas.x * np.sin(turn))
        moved = np.stack(
            [points @ (np.cos(turn), np.sin(turn)), 1.9 * points @ (-np.sin(turn), np.cos(turn))],
            -1,
        )
        index, inside = cells(canvas, moved, u, v)
        shown = rng.random(len(points)) < share
        tint = sampled(plan, canvas, points + rng.normal(0, 0.3 * gap, points.shape))
        way = rng.uniform(0, 6.3, len(points))
        away = np.stack([canvas.x, canvas.y], -1) - points[index]
        slope = (away * np.stack([np.cos(way), np.sin(way)], -1)[index]).sum(-1) / gap
        facet = tint[index] * (1.0 + 0.75 * slope)[..., None] + 0.12 * plan
        canvas.colour = over(canvas.colour, np.clip(facet, 0, 1), 0.85 * shown[index])
        canvas.colour = over(
            canvas.colour, (24, 20, 18), 0.75 * shown[index] * step(0.0016 - inside, 0.0014)
        )
        canvas.angle = np.where(shown[index], way[index], canvas.angle)
    canvas.plan = canvas.colour.copy()
    canvas.lay(0.75, 0.026, 0.009, hue=0.01, value=0.06, body=0.5, dry=0.7, sway=0.1)
    return canvas.lit(0.7)


def engraving(width: int, rng: Generator) -> Field:
    """A landscape in swelling burin lines, tinted by hand."""
    canvas = Canvas(width, rng)
    landscape(
        canvas, hexes("a8c4d8 d8e4e0 f8ecd0 fcf4e0"), hexes("8898a8 b0b8b8 d0ccc0"),
        hexes("3c4c34 70804c a8a068 d8c890"), (244, 180, 120),
    )  # fmt: skip
    tone = gaussian_filter(canvas.plan.mean(-1), 0.002 * width)
    bulge, fibre = canvas.noise(4, 4, 2), canvas.noise(300, 225, 1)
    relief = 0.012 * bulge + 0.02 * tone
    black = np.zeros_like(tone)
    for n, (u, pitch) in enumerate(
        (
            (canvas.y + relief, 0.0052),
            (canvas.y + 0.8 * canvas.x + 2 * relief, 0.0056),
            (canvas.x - relief, 0.0060),
        )
    ):
        hatch = np.abs(u / pitch % 1 - 0.5) * 2
        weight = np.clip(1.05 - 0.22 * n - tone, 0, 0.9) * (1.0 - 0.1 * n)
        black = np.maximum(black, step(weight - hatch + 0.06 * fibre, 0.25))
    black = np.maximum(black, outlines(canvas.plan, 0.0012 * width, 0.03))
    paper = ramp(0.5 + 0.08 * fibre + 0.1 * canvas.noise(5, 4), hexes("e0d0a8 f0e4c4 f8f0d8"))
    tint = gaussian_filter(canvas.plan, (0.006 * width, 0.006 * width, 0))
    tinted = paper * (1 - 0.55 * (1 - tint) * (1 + 0.2 * bulge[..., None]))
    return over(tinted, (38, 28, 24), 0.92 * black)


def marbled(width: int, rng: Generator) -> Field:
    """Paper marbled in four inks and combed."""
    sheet = Sheet(width, rng)
    x, y = sheet.x.copy(), sheet.y.copy()
    for centre, way, strength, pitch in (
        (0.0, 0.0, 0.035, 0.085), (0.0, 1.57, 0.028, 0.06), (0.3, 0.0, 0.018, 0.040),
    ):  # fmt: skip
        across = x * np.cos(way) + y * np.sin(way)
        tooth = strength * (1 - np.abs((across / pitch + centre) % 2 - 1) * 2)
        x, y = x + tooth * np.sin(way), y + tooth * np.cos(way)
    x += 0.02 * sheet.noise(4, 3, 2)
    y += 0.02 * sheet.noise(4, 3, 2)
    inks = hexes("16305c f2e6c8 b0282c f2e6c8 e0a030 1c6c60 f2e6c8 5c2050 d87058")
    points = places(sheet, 0.075, 0.8)
    index, inside = cells(sheet, points, np.clip(x, -0.1, 1.1), np.clip(y, -0.1, ASPECT + 0.1))
    ring = (inside * 120 + rng.integers(9, size=len(points))[index]) % len(inks)
    table = np.array(inks, np.float32) / 255
    lower = table[ring.astype(int)]
    upper = table[(ring.astype(int) + 1) % len(inks)]
    paint = over(lower, upper, step(ring % 1 - 0.9, 0.12))
    fine = 1 + 0.05 * sheet.noise(150, 110, 3)
    return paint * fine[..., None]


def weave(width: int, rng: Generator) -> Field:
    """A kilim: bands of stepped diamonds in wool."""
    sheet = Sheet(width, rng)
    x, y, noise = sheet.x, sheet.y, sheet.noise
    inks = (
        np.array(hexes("8c1c24 1c2c54 e0b450 f0e4c8 2c6450 c8602c 5c2848 7ca8a8"), np.float32) / 255
    )
    warp_count, weft_count = 150, 260
    u = np.floor(x * warp_count) / warp_count
    v = np.floor(y * weft_count + 0.3 * noise(8, 6, 2)) / weft_count
    band = np.floor(v / 0.125).astype(int)
    period = np.array((0.125, 0.25, 0.1666, 0.0833))[band % 4]
    a = np.abs((u / period + 0.25 * band) % 1 - 0.5) * 2
    b = np.abs((v / 0.125) % 1 - 0.5) * 2
    level = np.floor((0.55 * a * (1 + band % 3) + b) * 4.0).astype(int)
    order = np.stack([rng.permutation(len(inks)) for _ in range(8)])
    colour = inks[order[band % 8, level % len(inks)]]
    border = np.abs((v / 0.125) % 1) < 0.10
    colour = np.where(
        border[..., None], inks[order[band % 8, (np.floor(u * 60) % 2).astype(int)]], colour
    )
    fade = np.exp(0.10 * noise(3, 40, 2) + 0.05 * noise(150, 260, 1))
    over_under = (np.floor(x * warp_count) + np.floor(y * weft_count)) % 2
    across = np.abs(x * warp_count % 1 - 0.5) * 2
    along = np.abs(y * weft_count % 1 - 0.5) * 2
    thread = 1.08 - 0.38 * across**3 - 0.38 * along**3 - 0.14 * over_under * across
    ply = 1 + 0.09 * np.sin(2 * np.pi * (3 * x * warp_count + 1.5 * y * weft_count))
    return colour * (fade * thread * ply)[..., None]


def ukiyoe(width: int, rng: Generator) -> Field:
    """A coast in flat woodblock colours that fade, with a key block's outlines."""
    canvas = Canvas(width, rng)
    harbour(
        canvas, hexes("1c3c70 88b0c0 f0e4c4 f0e0bc"), hexes("1c4878 5890a8 c8dcd0"),
        hexes("a84838 3c5060 c89858 6c7c5c"), hexes("f4ecd4 e8c8a0 d88868"),
    )  # fmt: skip
    x, y, noise = canvas.x, canvas.y, canvas.noise
    for base, tall, ink in (
        (0.30, 0.07, hexes("7890a0 b8c4b8")),
        (0.36, 0.05, hexes("486c58 98a878")),
    ):
        ridge = canvas.skyline(base, tall, 3, 2)
        canvas.put(
            step(y - ridge, 0.002) * (y < 0.385), ramp(np.clip((y - ridge) * 12, 0, 1), ink), 0.0
        )
    for n, base in enumerate((0.50, 0.58, 0.67)):
        crest = (
            base
            - 0.05 * np.abs(np.sin(6 * x + 2.1 * n + 0.5 * noise(4, 1, 1)[:1]))
            - canvas.skyline(0, 0.01, 9, 2)
        )
        depth = y - crest
        bands = np.floor(np.clip(depth * 30, 0, 3)).astype(int)
        inks = np.array(hexes("f2ead2 8cb4c0 3c7098 1c3c70"), np.float32) / 255
        canvas.put(step(depth, 0.001), inks[bands], 0.0)
        fingers = step(0.5 * noise(40, 30, 2) - 0.2 - 30 * np.abs(depth), 0.1)
        canvas.put(fingers, (246, 240, 222), 0.0)
    key = outlines(canvas.plan, 0.0010 * width, 0.035)
    grain = gaussian_filter(rng.standard_normal(x.shape), (0.0008 * width, 0.03 * width))
    printed = canvas.plan * (1 + 0.035 * grain / grain.std() + 0.03 * noise(5, 4))[..., None]
    fibre = 1 - 0.05 * step(noise(120, 300, 2) - 1.3, 0.5)
    return over(printed * fibre[..., None], (30, 34, 48), 0.9 * key)


def comic(width: int, rng: Generator) -> Field:
    """A head in screens of dots with a thick black outline."""
    canvas = Canvas(width, rng)
    head(
        canvas, hexes("1c50c0 58a0f0 f4f0e0"), hexes("f07878 f8b8a0 fce8d8"),
        hexes("e8b800 fcdc30 c88800"), hexes("c01828 f04838 f8e040"),
    )  # fmt: skip
    plan = gaussian_filter(canvas.plan, (1.5, 1.5, 0))
    inks = np.array(hexes("f8f0dc 1c50c0 e02830 fce030 101014 f49aa8"), np.float32) / 255
    printed = np.ones_like(plan) * inks[0]
    for channel, (turn, ink) in enumerate(
        ((0.26, (0.10, 0.62, 0.86)), (1.31, (0.90, 0.16, 0.30)), (0.0, (0.99, 0.88, 0.10)))
    ):
        u = canvas.x * np.cos(turn) + canvas.y * np.sin(turn)
        v = canvas.y * np.cos(turn) - canvas.x * np.sin(turn)
        pitch = 0.0095
        dot = np.hypot(u / pitch % 1 - 0.5, v / pitch % 1 - 0.5)
        amount = np.clip(1.05 - plan[..., channel], 0, 1)
        wet = step(0.80 * np.sqrt(amount) - dot, 0.12)
        printed = printed * (1 - wet[..., None] * (1 - np.float32(ink)))
    printed = over(printed, (18, 16, 22), outlines(plan, 0.0022 * width, 0.022))
    fibre = 1 + 0.025 * canvas.noise(250, 190, 2)
    return printed * (fibre * (1 - 0.06 * np.clip(canvas.noise(3, 3), 0, 2)))[..., None]


def batik(width: int, rng: Generator) -> Field:
    """Cloth dyed in indigo and soga brown, the wax's cracks in it."""
    sheet = Sheet(width, rng)
    x, y, noise = sheet.x, sheet.y, sheet.noise
    dye = ramp(0.5 + 0.3 * noise(4, 3), hexes("14244c 24407c 3c2c5c 5c2430"))
    field = over(
        dye,
        ramp(0.5 + 0.3 * noise(6, 5), hexes("8c4c1c b8742c d8a050")),
        step(noise(4, 3, 2) - 0.2, 0.04),
    )
    for cx, cy in places(sheet, 0.17, 0.15):
        u, v, size = x - cx, y - cy, rng.uniform(0.055, 0.08)
        r, turn = np.hypot(u, v) / size, np.arctan2(v, u)
        petals = rng.integers(5, 10)
        edge = 0.75 + 0.25 * np.cos(petals * turn + rng.uniform(0, 6))
        for scale, ink in (
            (1.0, (240, 228, 196)),
            (0.86, (150, 44, 40)),
            (0.6, (232, 190, 96)),
            (0.35, (24, 40, 88)),
        ):
            field = over(field, ink, step(scale * edge - r, 0.05))
        field = over(
            field,
            (240, 228, 196),
            step(0.012 - np.abs(r - edge - 0.18), 0.01) * (np.sin(30 * turn) > 0),
        )
    stems = np.abs(np.sin(22 * noise(3, 3, 2))) / 22
    field = over(
        field,
        (240, 228, 196),
        step(0.006 - stems, 0.004) * (np.sin(300 * (x + y)) > -0.3),
    )
    points = places(sheet, 0.07, 0.9)
    _, inside = cells(sheet, points, x + 0.012 * noise(20, 15, 3), y + 0.012 * noise(20, 15, 3))
    cracks = step(0.0011 * (1 + noise(7, 5, 2)) - inside, 0.0012)
    field = over(field, (20, 28, 60), 0.7 * cracks)
    threads = (
        1
        + 0.06 * np.sin(2 * np.pi * 230 * x) * np.sin(2 * np.pi * 230 * y)
        + 0.04 * noise(200, 150, 2)
    )
    return field * threads[..., None]


def histology(width: int, rng: Generator) -> Field:
    """A stained section: pink fibres, purple nuclei, white lumina."""
    sheet = Sheet(width, rng)
    x, y, noise = sheet.x, sheet.y, sheet.noise
    stream = noise(3, 3, 2)
    turn = 1.2 * stream
    v = y * np.cos(turn) - x * np.sin(turn)
    fibres = np.sin(320 * v + 3 * noise(12, 9, 3)) * 0.5 + 0.5
    tissue = ramp(
        0.25 + 0.45 * fibres + 0.15 * noise(30, 22, 3), hexes("c85c94 e08cb4 f0b8cc f8dce4")
    )
    gland = noise(5, 4, 2)
    tissue = over(
        tissue,
        ramp(0.5 + 0.25 * noise(40, 30, 2), hexes("9c4c94 b878b0 d0a4cc")),
        step(gland - 0.5, 0.15),
    )
    lumen = step(gland - 1.25 + 0.1 * noise(20, 15), 0.08)
    tissue = over(tissue, (250, 246, 248), lumen)
    red = places(sheet, 0.022, 0.6)
    index, inside = cells(sheet, red)
    blood = step(noise(3, 3, 2) - 1.2, 0.1)
    tissue = over(tissue, (214, 60, 70), 0.8 * blood * step(inside - 0.0035, 0.003))
    for gap, share, where in (
        (0.020, 0.85, step(gland - 0.4, 0.2) * (1 - lumen)),
        (0.034, 0.6, step(0.5 - gland, 0.2)),
    ):
        points = places(sheet, gap, 0.6)
        index, _ = cells(sheet, points)
        size = gap * rng.uniform(0.22, 0.36, len(points))
        way, long = (
            sampled(turn, sheet, points) + rng.normal(0, 0.4, len(points)),
            rng.uniform(1.1, 2.2, len(points)),
        )
        away = np.stack([x, y], -1) - points[index]
        cos, sin = np.cos(way)[index], np.sin(way)[index]
        a, b = away[..., 0] * cos + away[..., 1] * sin, away[..., 1] * cos - away[..., 0] * sin
        r = np.hypot(a / long[index], b) / size[index] + 0.12 * noise(120, 90, 2)
        kept = (rng.random(len(points)) < share)[index]
        chromatin = ramp(
            0.45 + 0.3 * noise(170, 130, 2) + 0.3 * (r - 0.8), hexes("a884cc 6c4ca4 3c2470")
        )
        tissue = over(tissue, chromatin, 0.92 * kept * where * step(1 - r, 0.25))
    return gaussian_filter(tissue, (0.0008 * width, 0.0008 * width, 0))


def fluorescence(width: int, rng: Generator) -> Field:
    """Cells on black: blue nuclei, green filaments, red dots."""
    sheet = Sheet(width, rng)
    x, y, noise = sheet.x, sheet.y, sheet.noise
    points = places(sheet, 0.15, 0.75)
    index, inside = cells(sheet, points, x + 0.02 * noise(6, 5, 2), y + 0.02 * noise(6, 5, 2))
    away = np.stack([x, y], -1) - points[index]
    r = np.hypot(away[..., 0], away[..., 1])
    alive = rng.uniform(0.15, 1.0, len(points))[index]
    body = alive * step(inside - 0.004, 0.02) * np.exp(-((r / 0.11) ** 2))
    green = np.zeros_like(x)
    for n in range(3):
        flow = noise(5 + 3 * n, 4 + 3 * n, 2)
        ridge = np.abs(np.sin(16 * flow)) / (16 * np.hypot(*np.gradient(flow)) * width / 60 + 0.02)
        green = np.maximum(green, np.exp(-((0.9 * ridge / 0.5) ** 2)))
    green = body * (0.25 + 1.1 * green)
    size = rng.uniform(0.024, 0.04, len(points))[index]
    oval = np.hypot(away[..., 0] * (1 + 0.3 * np.sin(index)), away[..., 1]) / size + 0.06 * noise(
        30, 22, 2
    )
    blue = step(1 - oval, 0.2) * (0.65 + 0.22 * noise(70, 50, 3)) * (0.4 + 0.6 * alive)
    spots = (
        step(noise(110, 82, 1) - 1.7, 0.7)
        * np.clip(1.4 * body, 0, 1)
        * (1 - 0.7 * step(1 - oval, 0.2))
    )
    red = gaussian_filter(spots, 0.0012 * width) * 1.6 + 0.35 * body * np.exp(-((r / 0.05) ** 2))
    light = (
        green[..., None] * np.float32((0.15, 1.0, 0.35)) + blue[..., None] * np.float32((0.20, 0.35, 1.0))
        + red[..., None] * np.float32((1.0, 0.25, 0.55))
    )  # fmt: skip
    light = gaussian_filter(light, (0.001 * width, 0.001 * width, 0))
    photons = 0.02 * gaussian_filter(rng.standard_normal(light.shape), (0.7, 0.7, 0))
    return np.clip(light + 0.015 + photons * (0.5 + light), 0, 1) ** 0.8


def scratchboard(width: int, rng: Generator) -> Field:
    """Bright colours scratched free under black wax (for the benchmark alone)."""
    canvas = Canvas(width, rng)
    landscape(
        canvas, hexes("3c1c8c c83c9c f88c5c fce07c"), hexes("1c7cc8 3cc8c0 a0f0c0"),
        hexes("1c8c4c 8cd83c f8e83c f85c3c d83c8c"), (255, 255, 220),
    )  # fmt: skip
    noise = canvas.noise
    tone = gaussian_filter(canvas.plan.mean(-1), 0.002 * width)
    across = (
        canvas.x * np.sin(canvas.angle) - canvas.y * np.cos(canvas.angle) + 0.004 * noise(20, 15, 2)
    )
    scratch = np.abs(across / 0.0095 % 1 - 0.5) * 2
    open_ = step(1.35 * tone - scratch + 0.12 * noise(60, 45, 2) + 0.05, 0.22)
    open_ *= 1 - 0.9 * outlines(canvas.plan, 0.002 * width, 0.03)
    under = np.clip(canvas.plan * (1.1 + 0.12 * noise(6, 5))[..., None], 0, 1)
    wax = ramp(0.5 + 0.2 * noise(90, 70, 2), hexes("100e14 1c1a22 2a2830"))
    return over(wax, under, 0.95 * open_)


PICTURES: dict[str, Callable[[int, Generator], Field]] = {
    "charcoal": charcoal,
    "ink-wash": ink_wash,
    "mosaic": mosaic,
    "glass": glass,
    "cubist": cubist,
    "engraving": engraving,
    "marbled": marbled,
    "weave": weave,
    "ukiyoe": ukiyoe,
    "comic": comic,
    "batik": batik,
    "histology": histology,
    "fluorescence": fluorescence,
}
#: Never learned for the base.
BENCHMARK: dict[str, Callable[[int, Generator], Field]] = {"scratchboard": scratchboard}
