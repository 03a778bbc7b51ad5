"""Make the pictures of docs/method.md: ``python tools/explain.py style content trade``.

They show what Gatys, Ecker & Bethge (2015) show in their figures 1 and 3, on this package's own samples.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_style_transfer import Cache, Settings, samples, stylize

DOCS = Path(__file__).parent.parent / "docs"
CONTENT, STYLE = "chelsea", "night"
SIZE, STEPS = 160, 80
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
#: The layers up to each, all of one weight, as in the paper.
ALIKE = [dict.fromkeys(LAYERS[: number + 1], 1.0) for number in range(len(LAYERS))]
STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
GAP, LINE = 6, 16

CACHE = Cache()


def picture(content: str, style: str, **settings: object) -> Image.Image:
    """Paint at one size, from noise: nothing but the losses says what comes out."""
    values = Settings(size=SIZE, coarsest_size=SIZE, steps=STEPS, start="noise").replace(**settings)
    loaded = samples.load(content), samples.load(style)
    return Image.fromarray(stylize(*loaded, settings=values, cache=CACHE))


def fitted(source: str, size: tuple[int, int]) -> Image.Image:
    """Load a sample, cut to the aspect ratio of `size`."""
    image = Image.fromarray(samples.load(source))
    scale = max(size[0] / image.width, size[1] / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    return image.crop((0, 0, *size))


def sheet(rows: list[list[tuple[str, Image.Image]]]) -> NDArray[np.uint8]:
    """Lay pictures of one size out, each with a line of text above it."""
    width, height = rows[0][0][1].size
    columns = max(map(len, rows))
    page = Image.new(
        "RGB",
        (columns * (width + GAP) - GAP, len(rows) * (height + LINE + GAP) - GAP),
        "white",
    )
    draw = ImageDraw.Draw(page)
    for y, row in enumerate(rows):
        for x, (text, image) in enumerate(row):
            place = x * (width + GAP), y * (height + LINE + GAP)
            draw.text(place, text, "black")
            page.paste(image, (place[0], place[1] + LINE))
    return np.asarray(page)


def save(name: str, rows: list[list[tuple[str, Image.Image]]]) -> None:
    Image.fromarray(sheet(rows)).save(DOCS / name, quality=85)


def style() -> None:
    """Noise with the style's Gram matrices up to each layer."""
    row = [
        (
            f"up to {LAYERS[number]}",
            picture(CONTENT, STYLE, content_weight=0, style_layers=layers),
        )
        for number, layers in enumerate(ALIKE)
    ]
    save("method-style.jpg", [[(STYLE, fitted(STYLE, row[0][1].size)), *row]])


def content() -> None:
    """Noise with the content's activations at one layer."""
    row = [
        (layer, picture(CONTENT, STYLE, style_weight=0, content_layers={layer: 1}))
        for layer in ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
    ]
    save("method-content.jpg", [[(CONTENT, fitted(CONTENT, row[0][1].size)), *row]])


def trade() -> None:
    """The content's weight against the style's, for more and more layers of the style."""
    rows = []
    for number in (0, 2, 4):
        rows.append(
            [
                (
                    f"up to {LAYERS[number]}, strength {strength}",
                    picture(CONTENT, STYLE, strength=strength, style_layers=ALIKE[number]),
                )
                for strength in STRENGTHS
            ]
        )
    save("method-trade.jpg", rows)


if __name__ == "__main__":
    for name in sys.argv[1:] or ("style", "content", "trade"):
        globals()[name]()
