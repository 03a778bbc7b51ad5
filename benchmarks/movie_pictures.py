"""The sheet of frames and the clip that is played: what the figures mean to the eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from benchmarks.movie_clips import Clip, sampled
from benchmarks.movie_flow import warp
from benchmarks.movie_measures import levels
from benchmarks.movie_report import name

Frame = npt.NDArray[Any]

_CELL, _CAPTION, _GAP = 210, 16, 4
#: Most bytes of the sheet and of the clip.
_SHEET_LIMIT, _CLIP_LIMIT = 1_000_000, 2_000_000
#: By what differences are multiplied.
_AMPLIFIED = 4


@dataclass(frozen=True, eq=False)
class Row:
    """Pictures of one contestant beside one another, each with what it is called."""

    label: str
    pictures: Mapping[str, Frame | None]


def sheet_rows(clip: Clip, by_contestant: Mapping[str, Mapping[int, Frame]]) -> list[Row]:
    """Return a row for each contestant: two neighbours, what changed between them, and later frames."""
    chosen = sampled(clip)
    (shot, *_) = sorted(clip.shots(), key=len, reverse=True)
    within = [t for t in chosen if t in shot]
    late = next((t for t in within[1:] if t - 1 in within), None)
    later = [t for t in within if late is not None and t > late and (t - late) % 10 == 0]
    columns = ([late - 1, late] if late is not None else [within[0]]) + later[:2]
    rows = []
    for contestant, frames in by_contestant.items():
        pictures: dict[str, Frame | None] = {}
        for t in columns:
            pictures[f"frame {t}"] = levels(frames[t]) if t in frames else None
            if t == late and {t, t - 1} <= frames.keys():
                motion = clip.motion(t, t - 1)
                apart = np.abs(levels(frames[t]) - warp(levels(frames[t - 1]), motion.flow))
                pictures[f"changed, {_AMPLIFIED} times"] = (
                    _AMPLIFIED * apart * motion.valid[..., None]
                )
        rows.append(Row(f"{clip.name}: {name(contestant)}", pictures))
    return rows


def sheet(rows: Sequence[Row]) -> Image.Image:
    """Return the rows below one another, each with captions."""
    wide = max(len(row.pictures) for row in rows)
    strips = []
    for row in rows:
        cells = {
            label: _fitted(picture)
            for label, picture in row.pictures.items()
            if picture is not None
        }
        high = max((cell.height for cell in cells.values()), default=0)
        strip = Image.new("RGB", (wide * (_CELL + _GAP), _CAPTION + high + _GAP), "white")
        draw, font = ImageDraw.Draw(strip), ImageFont.load_default(11)
        for column, label in enumerate(row.pictures):
            left = column * (_CELL + _GAP)
            said = f"{row.label}, {label}" if column == 0 else label
            draw.text((left + 2, 1), said, fill="black", font=font)
            if label in cells:
                strip.paste(cells[label], (left, _CAPTION))
        strips.append(strip)
    whole = Image.new("RGB", (strips[0].width, sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        whole.paste(strip, (0, top))
        top += strip.height
    return whole


def save_small(picture: Image.Image, path: Path) -> None:
    """Save a JPEG of at most a megabyte, in the best quality for that."""
    for quality in range(85, 0, -10):
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size <= _SHEET_LIMIT:
            return


def play(panes: Mapping[str, Sequence[Frame]], path: Path, rate: float) -> None:
    """Save an animated WebP of at most two megabytes, with the panes beside one another."""
    font, shown = ImageFont.load_default(11), []
    for frames in zip(*panes.values(), strict=True):
        cells = [_fitted(levels(frame)) for frame in frames]
        size = (len(cells) * (_CELL + _GAP) - _GAP, _CAPTION + cells[0].height)
        canvas = Image.new("RGB", size, "white")
        for column, (label, cell) in enumerate(zip(panes, cells, strict=True)):
            left = column * (_CELL + _GAP)
            ImageDraw.Draw(canvas).text((left + 2, 1), label, fill="black", font=font)
            canvas.paste(cell, (left, _CAPTION))
        shown.append(canvas)
    for quality in range(80, 0, -15):
        shown[0].save(
            path,
            save_all=True,
            append_images=shown[1:],
            duration=round(1000 / rate),
            loop=0,
            quality=quality,
            method=4,
        )
        if path.stat().st_size <= _CLIP_LIMIT:
            return


def _fitted(picture: Frame) -> Image.Image:
    values = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    scale = _CELL / values.shape[1]
    return Image.fromarray(values).resize(
        (_CELL, max(1, round(values.shape[0] * scale))), Image.Resampling.LANCZOS
    )
