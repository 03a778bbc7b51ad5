"""The pictures of the race, scaled once and kept as 8-bit files, so that no party scales them itself.

Their sides are multiples of 16, and what is left over is cut off. Where the poolings of a network round up,
as this package's do, it sees rows and columns of other pictures that it does not see where they round down,
as the other parties' do: then each would minimise another objective, and the judge could be just to one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from napari_style_transfer.engine.tensors import resize, to_array, to_tensor
from napari_style_transfer.geometry import Shape, result_shape
from napari_style_transfer.io.saving import save_picture
from napari_style_transfer.spec import ImageSource

#: Four poolings by two lie before the deepest layer that is looked at.
_GRAIN = 16


@dataclass(frozen=True)
class Pair:
    """Paths of a content and a style, long sides about `size` pixels; `shape` is the content's."""

    content: Path
    style: Path
    size: int
    shape: Shape


def prepare(content: str, style: str, size: int, folder: Path) -> Pair:
    """Scale and crop two pictures, each a path or the name of a sample, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths, shapes = {}, {}
    for what, source in (("content", content), ("style", style)):
        picture = to_tensor(_open(source), what)
        height, width = picture.shape[-2:]
        paths[what] = folder / f"{what}-{size}.png"
        scaled = resize(picture, result_shape((height, width), size))
        if min(scaled.shape[-2:]) < _GRAIN:
            sys.exit(
                f"At {size} px the {what} is narrower than {_GRAIN} px; choose a larger --size."
            )
        cropped = _cropped(scaled)
        shapes[what] = cropped.shape[2], cropped.shape[3]
        save_picture(paths[what], to_array(cropped))
    return Pair(paths["content"], paths["style"], size, shapes["content"])


def _cropped(picture: Tensor) -> Tensor:
    """Return the middle of a (1, 3, H, W) picture, whose sides are multiples of the grain."""
    for axis in (2, 3):
        length = picture.shape[axis] // _GRAIN * _GRAIN
        picture = picture.narrow(axis, (picture.shape[axis] - length) // 2, length)
    return picture


def _open(source: str) -> ImageSource:
    if Path(source).is_file():
        return source
    from napari_style_transfer import samples

    return samples.load(source)
