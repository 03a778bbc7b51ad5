"""The job of exporting a fast style: which one, as what, and where to."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_style_transfer.export.export import check_export, check_size
from napari_style_transfer.export.page import check_page, find_runtime

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.plugin.inputs.library import FastEntry


@dataclass(frozen=True)
class ExportKind:
    """As what a style can be exported.

    Attributes
    ----------
    title
        In the menu.
    suffix
        Of the file; "" for a folder with a web page.
    half, int8
        As for :func:`~napari_style_transfer.export_fast_style`.
    sized
        Whether it takes pictures of one size only.
    package
        What must be installed for it to be offered; "" for what the export itself asks for.
    """

    title: str
    suffix: str
    half: bool = False
    int8: bool = False
    sized: bool = False
    package: str = ""

    @property
    def is_page(self) -> bool:
        """Whether it is a folder with a web page."""
        return not self.suffix


PAGE = ExportKind("Web page that paints", "", half=True)
KINDS = (
    ExportKind("ONNX model", ".onnx"),
    ExportKind("ONNX model in half precision", ".onnx", half=True),
    ExportKind("ONNX model in 8 bits", ".onnx", int8=True),
    ExportKind("ExecuTorch program", ".pte", sized=True, package="executorch"),
    PAGE,
)


def offered() -> list[ExportKind]:
    """Return the kinds whose package is installed."""
    return [kind for kind in KINDS if not kind.package or importlib.util.find_spec(kind.package)]


@dataclass(frozen=True, eq=False)
class ExportJob:
    """What is exported.

    Attributes
    ----------
    entry
        The style.
    kind
        As what.
    path
        The file, or the folder of a page.
    size
        Side of the square pictures that a model takes, in pixels; any if None.
    runtime
        Where onnxruntime-web is, for a page.
    """

    entry: FastEntry
    kind: ExportKind
    path: Path
    size: int | None = None
    runtime: Path | None = None

    @property
    def name(self) -> str:
        """What it makes."""
        return f"the export of '{self.entry.name}'"

    @property
    def source(self) -> str | FastStyle:
        """The fast style that has the style, or where it is."""
        return self.entry.source


def export_job(
    entry: FastEntry, kind: ExportKind, path: Path, size: int, runtime: Path | None = None
) -> ExportJob:
    """Check what is asked for, as far as that takes no time, and return the job.

    Raises
    ------
    InputError
        If it cannot be written there, or onnxruntime-web is not found.
    """
    side = size if kind.sized else None
    if kind.is_page:
        runtime = find_runtime(runtime)
        check_page(path)
    else:
        check_size(side)
        path = check_export(path, side, half=kind.half, int8=kind.int8)
    return ExportJob(entry, kind, path, side, runtime)
