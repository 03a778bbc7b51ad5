"""``napari-style-transfer augment``: a training set in, and out again as another microscope's."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from napari_style_transfer.cli import INTERRUPTED
from napari_style_transfer.cli.parser import Parser
from napari_style_transfer.cli.report import complain, say
from napari_style_transfer.errors import InputError, StyleTransferError

if TYPE_CHECKING:
    from napari_style_transfer.augment.settings import AugmentStep, Made

#: Pictures that are named when they were left out, at most.
_MOST_TOLD = 10
#: Ways that have an option of their own.
_WAYS = {
    "optimised": "optimise the pixels of each new picture (default for up to 24 of them)",
    "fast": "learn a few crops in minutes, then paint thousands (default for more)",
    "translated": "learn to make the images look like the other pictures, in minutes",
    "colour": "match mean and covariance of the colours only, at once",
    "stain": "match the two stains of slides in bright field only (Macenko), at once",
}


def parser(program: str) -> Parser:
    """Return the subcommand's parser."""
    parser = Parser(
        prog=program,
        surplus="There is a word too many, {}; pictures of styles come after --styles.",
        check=_check_names,
        extend=_add_parameters,
        description="Make new training images in the style of another microscope's pictures. Labels are "
        "copied as they are.",
        epilog="Look at OUT/contact-sheet.png before you train. Ctrl-C keeps what is done, and the same "
        "command goes on.",
    )
    add = parser.add_argument
    add(
        "images",
        metavar="IMAGES",
        help="a folder of images: with x_masks.tif beside x.tif (cellpose), or with the folders images and "
        "masks (StarDist), or with --labels",
    )
    add("--labels", metavar="MASKS", help="a folder of labels that have the images' names")
    add(
        "--styles",
        metavar="REAL",
        nargs="+",
        required=True,
        help="pictures of the other microscope: files, folders, quoted patterns; crops are drawn from them",
    )
    add("-o", "--output", metavar="OUT", required=True, help="the folder for the new pictures")
    ways = parser.add_mutually_exclusive_group()
    for way, text in _WAYS.items():
        ways.add_argument(
            f"--{way}",
            dest="way",
            action="store_const",
            const=way,
            default=argparse.SUPPRESS,
            help=text,
        )
    add(
        "--scheduler",
        metavar="ADDRESS",
        help="make the pictures on the workers of a dask scheduler, such as tcp://host:8786; with local, "
        "on workers started here, one for each GPU, or else for each core",
    )
    add("--quiet", action="store_true", help="show no progress")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Make the pictures and return the exit code."""
    from napari_style_transfer.augment import AugmentSettings, augment
    from napari_style_transfer.augment.record import SHEET_NAME, TABLE_NAME
    from napari_style_transfer.augment.structure import warning
    from napari_style_transfer.cli.options import given_parameters
    from napari_style_transfer.cli.scheduler import client_of
    from napari_style_transfer.cli.terminal import stop_on_interrupt
    from napari_style_transfer.settings import Settings

    settings = AugmentSettings(**given_parameters(arguments, AugmentSettings))
    out = Path(arguments.output)
    with (
        stop_on_interrupt() as stop,
        client_of(arguments.scheduler, Settings(device=settings.device)) as client,
    ):
        steps = augment(
            arguments.images,
            arguments.styles,
            out,
            labels=arguments.labels,
            settings=settings,
            stop=stop.is_set,
            client=client,
        )
        last, made, left_out = _follow(steps, arguments.quiet)
    if last is None or not last.finished:
        complain(f"Stopped; what is done is in {out}, and the same command goes on.")
        return INTERRUPTED
    if not arguments.quiet:
        say(f"Saved {len(made)} new pictures with labels in {out}; look at {out / SHEET_NAME}.")
    if sentence := warning(made, out / TABLE_NAME):
        complain(sentence)
    if left_out:
        more = f"; and {len(left_out) - _MOST_TOLD} more" if len(left_out) > _MOST_TOLD else ""
        raise StyleTransferError(f"Left out: {'; '.join(left_out[:_MOST_TOLD])}{more}.")
    return 0


def _follow(
    steps: Iterator[AugmentStep], quiet: bool
) -> tuple[AugmentStep | None, list[Made], list[str]]:
    """Show the progress; return the last step, what was made, and why the rest was not."""
    from napari_style_transfer.cli.terminal import ProgressBar

    last, made, left_out = None, [], []
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    bars: dict[str, ProgressBar] = {}
    try:
        for last in steps:
            if last.phase not in bars:
                bars[last.phase] = ProgressBar(quiet, bar_format=form)
            bars[last.phase].show(last, done=last.done, total=last.total, doing=last.doing)
            if last.made is not None:
                made.append(last.made)
            if last.left_out:
                left_out.append(last.left_out.rstrip("."))
    finally:
        for bar in bars.values():
            bar.__exit__()
    return last, made, left_out


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    from napari_style_transfer.augment.settings import AugmentSettings
    from napari_style_transfer.cli.options import add_parameters

    add_parameters(parser, AugmentSettings, leave_out=("way",))


def _check_names(arguments: argparse.Namespace) -> None:
    """Refuse folders that are not there, before anything heavy is loaded."""
    if arguments.scheduler is not None:
        from napari_style_transfer.cluster.connect import check_scheduler

        check_scheduler(arguments.scheduler)
    for folder in (arguments.images, arguments.labels):
        if folder is not None and not os.path.isdir(folder):
            raise InputError(f"There is no folder {folder}.")
