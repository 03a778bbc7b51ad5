"""The pictures of the race, scaled once and kept as 8-bit files, so that no party scales them itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_style_transfer.engine.commission import ImageSource
from napari_style_transfer.engine.images import (
    Shape,
    resize,
    result_shape,
    save_image,
    to_array,
    to_tensor,
)


@dataclass(frozen=True)
class Pair:
    """Paths of a content and a style whose long sides are `size` pixels; `shape` is the content's."""

    content: Path
    style: Path
    size: int
    shape: Shape


def prepare(content: str, style: str, size: int, folder: Path) -> Pair:
    """Scale two pictures, each a path or the name of a sample, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths, shapes = {}, {}
    for what, source in (("content", content), ("style", style)):
        picture = to_tensor(_open(source), what)
        height, width = picture.shape[-2:]
        paths[what] = folder / f"{what}-{size}.png"
        shapes[what] = result_shape((height, width), size)
        save_image(paths[what], to_array(resize(picture, shapes[what])))
    return Pair(paths["content"], paths["style"], size, shapes["content"])


def _open(source: str) -> ImageSource:
    if Path(source).is_file():
        return source
    from napari_style_transfer import samples

    return samples.load(source)
