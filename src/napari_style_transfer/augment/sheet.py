"""A picture of pictures, to look at before a segmenter is trained with them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from napari_style_transfer.augment.settings import Made
from napari_style_transfer.augment.values import Crop
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.io.labels import read_labels
from napari_style_transfer.io.micrographs import Micrograph, read_micrograph
from napari_style_transfer.value_range import Planes, ValueRange

#: Rows, side of a picture, gap and height of a line of text, in pixels.
_ROWS, _SIDE, _GAP, _LINE = 8, 256, 6, 14
_HEADINGS = ("image", "crop of the style", "new picture", "outlines of the labels")
_PAPER, _INK, _OUTLINE = (255, 255, 255), (0, 0, 0), (255, 210, 0)


def save_sheet(path: Path, folder: Path, made: Sequence[Made]) -> None:
    """Write a contact sheet: image, crop of the style, new picture, and outlines of the labels over it.

    Parameters
    ----------
    path
        The PNG file.
    folder
        The new pictures' names are relative to it.
    made
        All new pictures; eight at even distances are shown.
    """
    count = min(_ROWS, len(made))
    rows = [made[int(at)] for at in np.linspace(0, len(made) - 1, count)]
    height = _LINE + _GAP + count * (_SIDE + _LINE + _GAP)
    sheet = Image.new("RGB", (_GAP + len(_HEADINGS) * (_SIDE + _GAP), height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, heading in enumerate(_HEADINGS):
        draw.text((_GAP + column * (_SIDE + _GAP), 2), heading, _INK)
    for row, each in enumerate(rows):
        top = _LINE + _GAP + row * (_SIDE + _LINE + _GAP)
        for column, picture in enumerate(_pictures(folder, each)):
            sheet.paste(_fitted(picture), (_GAP + column * (_SIDE + _GAP), top))
        draw.text((_GAP, top + _SIDE), _caption(each), _INK)
    encoded = io.BytesIO()
    sheet.save(encoded, "PNG")
    save_bytes(path, encoded.getvalue())


def _caption(made: Made) -> str:
    kept = "no edges" if made.edges_kept is None else f"{made.edges_kept:.0%} of the edges kept"
    text = f"{made.picture}   {made.way}, strength {made.strength:.2f}, {kept}"
    return text.encode("ascii", "replace").decode()  # Pillow's own font has no other letters


def _pictures(folder: Path, made: Made) -> list[npt.NDArray[np.uint8]]:
    """Return the four pictures of a row, (h, w, 3) each."""
    image, style = read_micrograph(made.image), read_micrograph(made.style)
    picture = read_micrograph(folder / made.picture)
    crop = Crop(made.top, made.left, made.height, made.width)
    shown = _shown(picture)
    outlined = shown.copy()
    outlined[_outlines(read_labels(folder / made.labels))] = _OUTLINE
    part = crop.of(_unit(style))
    return [_shown(image), _as_rgb(part, style.colour), shown, outlined]


def _unit(picture: Micrograph) -> Planes:
    return ValueRange.of(picture).to_unit(picture.planes)


def _shown(picture: Micrograph) -> npt.NDArray[np.uint8]:
    return _as_rgb(_unit(picture), picture.colour)


def _as_rgb(planes: Planes, colour: bool) -> npt.NDArray[np.uint8]:
    """Return planes as (H, W, 3): colours as they are, channels as red, green and blue, one as grey."""
    if not colour and len(planes) > 1:
        shown = np.zeros((3, *planes.shape[1:]), np.float32)
        shown[: min(3, len(planes))] = planes[:3]
    else:
        shown = np.broadcast_to(planes, (3, *planes.shape[1:]))
    return (np.clip(np.moveaxis(shown, 0, 2), 0, 1) * 255).astype(np.uint8)


def _outlines(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return the pixels that have another label to the right or below."""
    outlines = np.zeros(labels.shape, bool)
    outlines[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    outlines[:-1] |= labels[:-1] != labels[1:]
    return outlines


def _fitted(picture: npt.NDArray[np.uint8]) -> Image.Image:
    """Return a picture with a long side as long as the sheet has room for."""
    image = Image.fromarray(picture)
    scale = _SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    kind = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    return image.resize((width, height), kind)
