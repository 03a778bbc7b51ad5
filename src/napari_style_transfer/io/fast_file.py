"""Files of fast styles, and what they say of them. Loads no torch.

The ONNX models that were exported say the same in their metadata, and are read as well.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from PIL import Image

from napari_style_transfer.io.network_file import NetworkFiles, Tensors
from napari_style_transfer.io.onnx_file import is_onnx, read_onnx
from napari_style_transfer.learning import FastStyleInfo, LearningSettings
from napari_style_transfer.progress import Picture

#: Long side of thumbnails, in pixels.
THUMBNAIL_SIZE = 128

#: Entry of a file's metadata.
FAST_STYLE_KEY = "napari_style_transfer.fast_style"
FILES = NetworkFiles("fast style", FAST_STYLE_KEY, 1)
#: Names of contents that are kept.
_MOST_CONTENTS = 1000


@dataclass(frozen=True, eq=False)
class FastFile:
    """What a file of a fast style holds.

    Attributes
    ----------
    architecture
        Numbers that the network is made with, by their names: styles, width, blocks, frozen.
    info
        What is known of it.
    tensors
        The network's state by name, float32.
    """

    architecture: Mapping[str, int]
    info: FastStyleInfo
    tensors: Tensors


def read_info(path: str | os.PathLike[str]) -> FastStyleInfo:
    """Read what a file says of its styles; without its network, in milliseconds, if it is no ONNX model.

    Raises
    ------
    InputError
        If it is no file of a fast style.
    """
    if is_onnx(path):
        description = FILES.description(read_onnx(path)[0], path, "ONNX model")
    else:
        description = FILES.read_description(path)
    return _info(description, path)


def read_fast_file(path: str | os.PathLike[str]) -> FastFile:
    """Read a file of a fast style.

    Raises
    ------
    InputError
        If it is none, is damaged, or was written by a later version.
    """
    if is_onnx(path):
        entries, tensors = read_onnx(path)
        description = FILES.description(entries, path, "ONNX model")
    else:
        description, tensors = FILES.read(path)
    info = _info(description, path)
    architecture = description.get("architecture")
    if not isinstance(architecture, dict) or not all(
        type(value) is int and 0 <= value <= 4096 for value in architecture.values()
    ):
        FILES.refuse(path, "its description is damaged")
    return FastFile(architecture, info, FILES.numbers(tensors, path))


def save_fast_file(path: str | os.PathLike[str], file: FastFile) -> None:
    """Write a file of a fast style, as :meth:`NetworkFiles.save` does it.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    FILES.save(path, described(file), file.tensors)


def thumbnail(picture: Picture) -> Picture:
    """Return an (H, W, 3) uint8 picture made smaller, so that its long side is at most 128 pixels."""
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    image.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def blended(one: Picture, two: Picture, share: float) -> Picture:
    """Return a thumbnail between two, of the first one's shape, with a share of the second one."""
    first, second = (Image.fromarray(np.ascontiguousarray(each)) for each in (one, two))
    return np.asarray(
        Image.blend(first, second.resize(first.size, Image.Resampling.LANCZOS), share)
    )


def _info(description: dict[str, Any], path: str | os.PathLike[str]) -> FastStyleInfo:
    try:
        settings = {
            name: value
            for name, value in description["settings"].items()
            if name in LearningSettings.model_fields  # a later version may know more
        }
        names = tuple(map(str, description["names"]))
        thumbnails = tuple(map(_decoded, description["thumbnails"]))
        if not names or len(names) != len(thumbnails):
            raise ValueError
        return FastStyleInfo(
            names=names,
            thumbnails=thumbnails,
            settings=LearningSettings(**settings),
            contents=tuple(map(str, description["contents"])),
            figures={str(name): float(value) for name, value in description["figures"].items()},
            versions={str(name): str(value) for name, value in description["versions"].items()},
            seconds=float(description["seconds"]),
            note=str(description["note"]),
        )
    except Exception:  # others' text and pictures: decoders raise nearly anything
        FILES.refuse(path, "its description is damaged")


def described(file: FastFile) -> dict[str, Any]:
    """Return all that a file says beside its tensors, to be written as JSON."""
    info, contents = file.info, list(file.info.contents)
    if len(contents) > _MOST_CONTENTS:
        more = len(contents) - _MOST_CONTENTS
        contents = [*contents[:_MOST_CONTENTS], f"and {more} more"]
    return {
        "format": FILES.version,
        "version": metadata.version("napari-style-transfer"),
        "architecture": dict(file.architecture),
        "names": list(info.names),
        "thumbnails": [_encoded(each) for each in info.thumbnails],
        "settings": info.settings.model_dump(mode="json"),
        "contents": contents,
        "figures": {name: float(value) for name, value in info.figures.items()},
        "versions": dict(info.versions),
        "seconds": float(info.seconds),
        "note": info.note,
    }


def _encoded(picture: Picture) -> str:
    data = io.BytesIO()
    Image.fromarray(thumbnail(picture)).save(data, "JPEG", quality=90, subsampling=0)
    return base64.b64encode(data.getvalue()).decode("ascii")


def _decoded(text: str) -> Picture:
    data = base64.b64decode(text, validate=True)
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        if max(image.size) > THUMBNAIL_SIZE:
            raise ValueError
        return np.asarray(image.convert("RGB"))
