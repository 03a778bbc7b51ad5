"""``napari-style-transfer export``: a fast style in, a model for other runtimes or a web page out."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_style_transfer import samples
from napari_style_transfer.cli.parser import Parser
from napari_style_transfer.cli.report import say
from napari_style_transfer.errors import InputError
from napari_style_transfer.export.export import check_export, check_precision, check_size

if TYPE_CHECKING:
    from napari_style_transfer.geometry import Shape


def parser(program: str) -> Parser:
    """Return the subcommand's parser."""
    parser = Parser(
        prog=program,
        surplus="There is a word too many, {}; the file to write comes after -o.",
        check=_check_names,
        description="Write a fast style as a model for other runtimes, or several as a web page.",
        epilog="The guide docs/export.md says how phones, browsers and a Raspberry Pi run it.",
    )
    add = parser.add_argument
    add(
        "styles",
        metavar="FAST",
        nargs="+",
        help="a fast style: its file, or the name of a shipped one; a web page takes several",
    )
    add(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="the .onnx or .pte (ExecuTorch) file to write, or a folder for a page, with / at its end",
    )
    add(
        "--size",
        metavar="N | WxH",
        help="pixels of the pictures that the model takes: a side of squares, or width x height "
        "(default: any; .pte needs it)",
    )
    add("--half", action="store_true", help="store numbers in half precision: half the size")
    add("--int8", action="store_true", help="store kernels in 8 bits: a quarter of the size")
    add("--licence", default="", metavar="TEXT", help="a line that the model says of its licence")
    add(
        "--onnxruntime-web",
        metavar="FOLDER",
        help="where npm put onnxruntime-web, for a web page (default: the current folder)",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write the model or the page and return the exit code."""
    _check_names(arguments)
    from napari_style_transfer.export.export import export_fast_style
    from napari_style_transfer.fast_style import FastStyle

    fast_styles = [FastStyle.load(source) for source in arguments.styles]
    how = {"half": arguments.half, "int8": arguments.int8, "licence": arguments.licence}
    if _is_page(arguments.output):
        from napari_style_transfer.export.page import write_page

        runtime = arguments.onnxruntime_web
        written = write_page(
            fast_styles,
            Path(arguments.output),
            onnxruntime_web=None if runtime is None else Path(runtime),
            **how,
        )
        say(f"Saved {written}. Now: python -m http.server --directory {arguments.output}")
        return 0
    size = _size(arguments.size)
    written = export_fast_style(fast_styles[0], arguments.output, size=size, **how)
    say(f"Saved {written} ({written.stat().st_size / 1e6:.2f} MB).")
    return 0


def _check_names(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be read or written, before anything heavy is loaded."""
    for source in arguments.styles:
        samples.find_fast(source)
    size = _size(arguments.size)
    if arguments.output is None:
        return
    if _is_page(arguments.output):
        if size is not None:
            raise InputError("A web page paints pictures of any size; leave --size out.")
        check_precision(half=arguments.half, int8=arguments.int8)
        return
    check_export(arguments.output, size, half=arguments.half, int8=arguments.int8)
    if len(arguments.styles) > 1:
        raise InputError(
            "A model has one fast style; for several, write a web page: -o page/, with / at its end."
        )


def _is_page(output: str) -> bool:
    """Return whether an output is a folder."""
    return output.endswith(("/", os.sep)) or os.path.isdir(output)


def _size(text: str | None) -> Shape | None:
    """Read ``512`` or ``640x480``."""
    if text is None:
        return None
    width, sign, height = text.lower().partition("x")
    try:
        return check_size((int(height if sign else width), int(width)))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"Write a size as 512, or as width x height such as 640x480; got {text!r}."
        ) from None
