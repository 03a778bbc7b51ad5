"""A fast style in a file of another runtime, which the name of the file chooses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_style_transfer.errors import InputError
from napari_style_transfer.geometry import Shape
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.io.names import check_folder, check_name
from napari_style_transfer.io.onnx_file import ONNX_SUFFIX, is_onnx

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.translator import Translator

PTE_SUFFIX = ".pte"
#: Sides of pictures, in pixels, that a model can be made for.
SIDES = (16, 8192)


def export_fast_style(
    fast_style: FastStyle,
    path: str | os.PathLike[str],
    *,
    size: int | Shape | None = None,
    half: bool = False,
    int8: bool = False,
    name: str = "",
    licence: str = "",
) -> Path:
    """Write a fast style as a model that other programs run, without this package and without torch.

    Its input ``picture`` is (1, H, W, 3) uint8, as is its output ``painted``. Its other inputs are float32:
    ``strength`` (1,) from 0 to 1, ``stroke_size`` (1,) from 0.5 to 2, and ``shares`` (styles,) of the mix,
    relative to one another. :meth:`FastStyle.load` reads ONNX files back.

    Parameters
    ----------
    fast_style
        What is exported.
    path
        The file to write: .onnx for ONNX, .pte for ExecuTorch.
    size
        Side in pixels of the square pictures that the model takes, or their (H, W); any if None. ExecuTorch
        needs it.
    half
        Whether ONNX stores numbers in half precision, which halves the file. A tensor that this would
        change by more than a thousandth of its largest stays in single precision.
    int8
        Whether ONNX stores kernels in 8 bits, a scale for each channel, and all else as `half` does: a
        quarter of the file. Pictures change by a fraction of a grey level on average, and a few by ten.
    name, licence
        What the model says of itself; the styles' names and the fast style's note if empty.

    Returns
    -------
    Path
        Of what was written.

    Raises
    ------
    InputError
        If it cannot be written, or a package for it is not installed.
    """
    target = check_export(path, size, half=half, int8=int8)
    shape = check_size(size)
    if target.suffix.lower() == PTE_SUFFIX:
        from napari_style_transfer.export.executorch import executorch_program

        assert shape is not None  # as checked
        save_bytes(target, executorch_program(fast_style, shape, name=name, licence=licence))
        return target
    from napari_style_transfer.export.onnx import onnx_model

    model = onnx_model(fast_style, size=shape, half=half, int8=int8, name=name, licence=licence)
    save_bytes(target, model.SerializeToString())
    return target


def export_translator(
    translator: Translator,
    path: str | os.PathLike[str],
    *,
    half: bool = False,
    int8: bool = False,
    licence: str = "",
) -> Path:
    """Write a translator as an ONNX model.

    Its input ``picture`` and its output ``translated`` are (1, C, H, W) float32, from 48 pixels a side: the
    values of the source's microscope, and those of the target's.

    Parameters
    ----------
    translator
        What is exported.
    path
        The .onnx file to write.
    half, int8, licence
        As for :func:`export_fast_style`.

    Returns
    -------
    Path
        Of what was written.

    Raises
    ------
    InputError
        If it cannot be written, or the package onnx is not installed.
    """
    target = check_export(path, half=half, int8=int8)
    from napari_style_transfer.export.translator import translator_model

    model = translator_model(translator, half=half, int8=int8, licence=licence)
    save_bytes(target, model.SerializeToString())
    return target


def check_export(
    path: str | os.PathLike[str],
    size: int | Shape | None = None,
    *,
    half: bool = False,
    int8: bool = False,
) -> Path:
    """Return `path` if a model can be written there, before any work is done.

    Parameters
    ----------
    path, size, half, int8
        As for :func:`export_fast_style`.

    Raises
    ------
    InputError
        If the name does not end in .onnx or .pte or is impossible, if its folder is missing or read-only,
        or if the other parameters do not go with it.
    """
    target = Path(path)
    is_program = target.suffix.lower() == PTE_SUFFIX
    if not is_onnx(target) and not is_program:
        raise InputError(
            f"Cannot export to {target.name!r}: the name of a model ends in {ONNX_SUFFIX} or {PTE_SUFFIX}, "
            "and that of a web page's folder in /."
        )
    check_precision(half=half, int8=int8)
    if is_program and (half or int8):
        raise InputError("Half precision and 8 bits are for ONNX; leave them out for ExecuTorch.")
    if is_program and size is None:
        raise InputError("ExecuTorch needs the size of the pictures, such as 512.")
    check_name(target)
    if os.path.isdir(target):
        raise InputError(f"Cannot write {target}: it is a folder; give the name of a file.")
    check_folder(target)
    return target


def check_precision(*, half: bool, int8: bool) -> None:
    """Refuse both ways to make a model smaller at once.

    Raises
    ------
    InputError
        If both are asked for.
    """
    if half and int8:
        raise InputError("Numbers are stored in half precision or in 8 bits; choose one.")


def check_size(size: int | Shape | None) -> Shape | None:
    """Return the (H, W) of pictures that a model is made for, or None for any.

    Raises
    ------
    InputError
        If a side is too small or too large.
    """
    if size is None:
        return None
    shape = (size, size) if isinstance(size, int) else (size[0], size[1])
    low, high = SIDES
    if not all(low <= side <= high for side in shape):
        raise InputError(f"Sides of pictures should be {low} to {high} pixels, got {size}.")
    return shape
