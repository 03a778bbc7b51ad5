"""Files of fast styles: safetensors with what is known of them in the header. Loads no torch.

The header's metadata has one entry of ours, a JSON text. So have the ONNX models that were exported, which
are read as well. Nothing in a file is executed.
"""

from __future__ import annotations

import base64
import io
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.io.names import check_folder, check_name
from napari_style_transfer.io.onnx_file import is_onnx, read_onnx
from napari_style_transfer.learning import FastStyleInfo, LearningSettings
from napari_style_transfer.progress import Picture

SUFFIX = ".safetensors"
#: Long side of thumbnails, in pixels.
THUMBNAIL_SIZE = 128

#: Entry of the header's metadata, and the version of what is in it.
FAST_STYLE_KEY, _FORMAT = "napari_style_transfer.fast_style", 1
#: Bytes that a header, and the numbers after it, have at most.
_MOST_HEADER, _MOST_NUMBERS = 16_000_000, 1_000_000_000
#: Names of contents that are kept.
_MOST_CONTENTS = 1000
#: Largest error of a half-precision number that is stored, relative to the largest of its tensor.
_HALF_ERROR = 1e-3

Tensors = Mapping[str, npt.NDArray[Any]]


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
        entries, _ = read_onnx(path)
    else:
        entries = _entries(_read(path, numbers=False)[0])
    return _info(_description(entries, path), path)


def read_fast_file(path: str | os.PathLike[str]) -> FastFile:
    """Read a file of a fast style.

    Raises
    ------
    InputError
        If it is none, is damaged, or was written by a later version.
    """
    if is_onnx(path):
        entries, tensors = read_onnx(path)
        description = _description(entries, path)
    else:
        header, data = _read(path, numbers=True)
        description = _description(_entries(header), path)
        tensors = _tensors(data, path)
    info = _info(description, path)
    architecture = description.get("architecture")
    if not isinstance(architecture, dict) or not all(
        type(value) is int and 0 <= value <= 4096 for value in architecture.values()
    ):
        _refuse(path, "its description is damaged")
    tensors = {name: np.array(values, np.float32) for name, values in tensors.items()}
    if not all(np.isfinite(values).all() for values in tensors.values()):
        _refuse(path, "it has numbers that are not finite")
    return FastFile(architecture, info, tensors)


def save_fast_file(path: str | os.PathLike[str], file: FastFile) -> None:
    """Write a file of a fast style, whole or not at all.

    Numbers are stored in half precision where that changes the tensor's by no more than a thousandth of
    its largest, else in single precision.

    Raises
    ------
    InputError
        If it cannot be written, for example on a full disk, or the network has numbers that are not
        finite.
    """
    from safetensors.numpy import save

    target = check_fast_output(path)
    if not all(np.isfinite(values).all() for values in file.tensors.values()):
        raise InputError(
            f"Cannot save {target}: the network has numbers that are not finite; learn it again."
        )
    text = json.dumps(described(file))
    tensors = {name: stored(values) for name, values in file.tensors.items()}
    save_bytes(target, save(tensors, {FAST_STYLE_KEY: text}))


def check_fast_output(path: str | os.PathLike[str]) -> Path:
    """Return `path` if a fast style can be written there, before any work is done.

    Raises
    ------
    InputError
        If its name does not end in .safetensors or is impossible, or its folder is missing or read-only.
    """
    target = Path(path)
    if target.suffix.lower() != SUFFIX:
        raise InputError(
            f"Cannot write {target.name!r}: the name of a fast style ends in {SUFFIX}."
        )
    check_name(target)
    if os.path.isdir(target):
        raise InputError(f"Cannot write {target}: it is a folder; give the name of a file.")
    check_folder(target)
    return target


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


def _refuse(path: str | os.PathLike[str], reason: str) -> NoReturn:
    raise InputError(f"Cannot read the fast style {os.fspath(path)}: {reason}.") from None


def _read(path: str | os.PathLike[str], *, numbers: bool) -> tuple[dict[str, Any], bytes]:
    """Return the header, and where asked for all bytes of a file that has one of ours."""
    try:
        if os.path.isdir(path):
            _refuse(path, "it is a folder")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(8)
            if len(start) < 8:
                _refuse(path, "it is no safetensors file")
            (length,) = struct.unpack("<Q", start)
            if not 2 <= length <= min(size - 8, _MOST_HEADER):
                _refuse(path, "it is no safetensors file, or cut short")
            text = file.read(length)
            try:
                header = json.loads(text)
            except (ValueError, RecursionError):
                header = None
            if not isinstance(header, dict):
                _refuse(path, "it is no safetensors file")
            if not numbers:
                return header, b""
            _description(_entries(header), path)  # before anything large is read
            if size - 8 - length > _MOST_NUMBERS:
                _refuse(path, "it is too large")
            return header, start + text + file.read()
    except FileNotFoundError:
        raise InputError(f"There is no file {os.fspath(path)}.") from None
    except OSError as error:
        _refuse(path, (error.strerror or str(error)).lower())
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"There is no file {os.fspath(path)!r}.") from None


def _entries(header: dict[str, Any]) -> Mapping[str, Any]:
    """Return the metadata in a header."""
    entries = header.get("__metadata__")
    return entries if isinstance(entries, dict) else {}


def _tensors(data: bytes, path: str | os.PathLike[str]) -> Tensors:
    """Return the tensors in the bytes of a file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except (SafetensorError, KeyError, TypeError, ValueError):
        _refuse(path, "it is damaged or cut short")


def _description(entries: Mapping[str, Any], path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return our entry of a file's metadata."""
    text = entries.get(FAST_STYLE_KEY)
    if not isinstance(text, str):
        kind = "an ONNX model" if is_onnx(path) else "a safetensors file"
        _refuse(
            path,
            f"it is {kind} of something else; its metadata lack the entry {FAST_STYLE_KEY}",
        )
    try:
        description = json.loads(text)
        version = int(description["format"])
    except (ValueError, TypeError, KeyError, RecursionError):
        _refuse(path, "its description is damaged")
    if version > _FORMAT:
        _refuse(path, f"version {description.get('version')} wrote it; update this package")
    return dict(description)


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
        _refuse(path, "its description is damaged")


def described(file: FastFile) -> dict[str, Any]:
    """Return all that a file says beside its tensors, to be written as JSON."""
    info, contents = file.info, list(file.info.contents)
    if len(contents) > _MOST_CONTENTS:
        more = len(contents) - _MOST_CONTENTS
        contents = [*contents[:_MOST_CONTENTS], f"and {more} more"]
    return {
        "format": _FORMAT,
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


def stored(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a tensor in half precision where that is good enough, else in single precision."""
    full = np.ascontiguousarray(values, np.float32)
    with np.errstate(over="ignore"):
        half = full.astype(np.float16)
        error = np.abs(half.astype(np.float32) - full)
    # Infinite errors, of numbers that are too large, are refused by this, too.
    return half if not full.size or error.max() <= _HALF_ERROR * np.abs(full).max() else full
