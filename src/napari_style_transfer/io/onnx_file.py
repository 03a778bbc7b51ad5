"""What an ONNX model says of itself, and its numbers; its graph is not looked at. Loads no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError

ONNX_SUFFIX = ".onnx"
#: After the name of a tensor that is quantised to 8 bits: the tensor of its channels' scales.
SCALE_SUFFIX = "_scale"

#: Bytes that a model has at most.
_MOST = 1_000_000_000


def is_onnx(path: str | os.PathLike[str]) -> bool:
    """Return whether a name is that of an ONNX model."""
    return Path(path).suffix.lower() == ONNX_SUFFIX


def read_onnx(
    path: str | os.PathLike[str],
) -> tuple[Mapping[str, str], Mapping[str, npt.NDArray[Any]]]:
    """Return the metadata of a model, and its initialisers by name; those of 8 bits as float32.

    Raises
    ------
    InputError
        If it is no ONNX model, has numbers in other files, or the package onnx is not installed.
    """
    try:
        if os.path.isdir(path):
            _refuse(path, "it is a folder")
        if os.path.getsize(path) > _MOST:
            _refuse(path, "it is too large")
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {os.fspath(path)}.") from None
    except OSError as error:
        _refuse(path, (error.strerror or str(error)).lower())
    if not data:
        _refuse(path, "it is empty")
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError:
        raise InputError(
            "Reading ONNX needs one more package: pip install 'napari-style-transfer[export]'."
        ) from None
    try:
        model = onnx.load_model_from_string(data)
        entries = {entry.key: entry.value for entry in model.metadata_props}
    except Exception:  # others' bytes: which exceptions the parser raises depends on its version
        _refuse(path, "it is no ONNX model, or cut short")
    initializers = model.graph.initializer
    if any(each.data_location == onnx.TensorProto.EXTERNAL for each in initializers):
        _refuse(path, "its numbers are in other files")
    try:
        found = {each.name: numpy_helper.to_array(each) for each in initializers}
        return entries, {
            name: values * found[name + SCALE_SUFFIX] if values.dtype == np.int8 else values
            for name, values in found.items()
            if not name.endswith(SCALE_SUFFIX)
        }
    except Exception:  # shapes and types that do not go with the bytes, and scales that are missing
        _refuse(path, "it is damaged")


def _refuse(path: str | os.PathLike[str], reason: str) -> NoReturn:
    raise InputError(f"Cannot read the fast style {os.fspath(path)}: {reason}.") from None
