"""``napari-style-transfer stylize``: pictures in, a picture and its recipe out."""

from __future__ import annotations

import argparse
from typing import Any

from napari_style_transfer.cli.names import check_content, check_picture, may_be_stack
from napari_style_transfer.cli.parser import Parser
from napari_style_transfer.cli.report import say
from napari_style_transfer.io.names import check_output
from napari_style_transfer.samples import find_fast


def parser(program: str) -> Parser:
    """Return the subcommand's parser."""
    parser = Parser(
        prog=program,
        surplus="There is a picture too many, {}; name several styles with --style, once for each.",
        check=_check_names,
        extend=_add_parameters,
        description="Paint one picture in the style of another.",
        epilog="Pictures: PNG, JPEG, TIFF files or sample:NAME. Ctrl-C saves the picture so far.",
    )
    add = parser.add_argument
    add(
        "content",
        metavar="CONTENT",
        nargs="?",
        help="the picture whose forms are kept; or many: a movie, an animated GIF, WebP or PNG, a folder, "
        "a quoted pattern such as 'frames/*.png', or a TIFF file of many pages",
    )
    add("style", metavar="STYLE", nargs="?", help="the picture whose colours and strokes are taken")
    add(
        "--style",
        dest="styles",
        action="append",
        default=[],
        metavar="FILE=SHARE",
        help="one of several styles, instead of STYLE or beside it; after the share may come "
        ",scale=2,angle=30 (its strokes' size and angle) and ,mask=FILE (the part that serves)",
    )
    add(
        "--regions",
        metavar="MASK",
        help="a picture of labels over the content that says where each style goes; 0 is left untouched, "
        "a label of which nothing is said is painted in all styles",
    )
    add(
        "--region",
        dest="table",
        action="append",
        default=[],
        metavar="LABEL=FILE",
        help="the style of one label; or LABEL=mix, or LABEL=none; after it may come ,strength=0.7",
    )
    add(
        "--fast",
        metavar="FILE",
        help="paint in one pass, with a file of the subcommand learn, or by the name of a fast style that "
        "comes with the package; takes --strength, --style-scale, --size, --bits, --device (default size: "
        "the content's own)",
    )
    add(
        "--share",
        dest="shares",
        action="append",
        default=[],
        metavar="NAME=SHARE",
        help="of one of several styles in the file of --fast (default: all the same)",
    )
    add(
        "-o",
        "--output",
        metavar="OUT",
        help="the file, or for many pictures the folder, TIFF file or movie (.mp4, .mov, .mkv, .webm, "
        ".gif, .webp, .apng), to paint to; the recipe goes beside "
        "it: for cat.png to cat.json, or to cat.png.json where cat.json belongs to something else "
        "(default: a new name in this folder)",
    )
    add(
        "--recipe",
        metavar="FILE",
        help="take parameters, and pictures not named here, from the recipe of an earlier result; they "
        "are looked for in this folder, then in the recipe's",
    )
    add("--init", metavar="FILE", help="a picture to start from, instead of what --start says")
    add(
        "--bits",
        type=int,
        choices=(8, 16),
        help="of each value of the result; 16 for PNG and TIFF (default: 8)",
    )
    add(
        "--range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="values of the content to take for black and white, such as 0 4095 for data of 12 bits "
        "(default: all that its type can hold)",
    )
    add(
        "--from",
        dest="cut_from",
        metavar="SECONDS",
        help="paint a movie from here on, such as 83.5 or 1:23.5 (default: its start)",
    )
    add(
        "--to",
        dest="cut_to",
        metavar="SECONDS",
        help="paint a movie up to here (default: its end)",
    )
    add(
        "--every",
        metavar="N",
        help="paint every Nth frame of a movie; each stays N times as long, so its speed is the same",
    )
    add(
        "--rate",
        metavar="NUMBER",
        help="frames per second of the movie that is written (default: as in the content; 25 for pictures)",
    )
    add(
        "--scheduler",
        metavar="ADDRESS",
        help="paint many pictures on the workers of a dask scheduler, such as tcp://host:8786; with local, "
        "on workers started here, one for each GPU, or else for each core. Pages are then independent, "
        "unless --coherence says otherwise",
    )
    add("--list-samples", action="store_true", help="list the sample pictures and exit")
    add("--quiet", action="store_true", help="show no progress")
    add("--version", action=_Version, nargs=0, help="show the version and exit")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked and return the exit code."""
    if arguments.list_samples:
        from napari_style_transfer.cli import samples

        return samples.run(arguments)
    # What is wrong with names and numbers is said before numpy and torch are loaded.
    from napari_style_transfer.cli.job import plan

    job = plan(arguments)
    if job.stack:
        from napari_style_transfer.cli.stack import paint
    else:
        from napari_style_transfer.cli.picture import paint
    return paint(job)


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    from napari_style_transfer.cli.options import add_parameters

    add_parameters(parser)


def _check_names(arguments: argparse.Namespace) -> None:
    """Refuse misspelt names at once; :mod:`job` looks at everything else."""
    if arguments.content is not None:
        check_content(arguments.content)
        if arguments.output is not None and not may_be_stack(arguments.content):
            check_output(arguments.output, arguments.bits or 8)
    if arguments.fast is not None:
        find_fast(arguments.fast)
    for name in (arguments.style, arguments.init, arguments.regions):
        if name is not None:
            check_picture(name)


class _Version(argparse.Action):
    """Shows the version, which is only looked up then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib import metadata

        say(metadata.version("napari-style-transfer"))
        parser.exit()
