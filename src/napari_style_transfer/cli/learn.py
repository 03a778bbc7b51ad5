"""``napari-style-transfer learn``: paintings in, a fast style out."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_style_transfer.cli import INTERRUPTED
from napari_style_transfer.cli.keeper import Keeper
from napari_style_transfer.cli.names import SAMPLE, check_content, check_picture, is_stack
from napari_style_transfer.cli.parser import Parser
from napari_style_transfer.cli.report import complain, say
from napari_style_transfer.errors import InputError, StyleTransferError

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.learning import LearningSettings, LearningStep


def parser(program: str) -> Parser:
    """Return the subcommand's parser."""
    parser = Parser(
        prog=program,
        surplus="There is a word too many, {}; contents come after --contents.",
        check=_check_names,
        extend=_add_parameters,
        description="Learn the style of one picture or several, to paint any picture in it at once.",
        epilog="Ctrl-C keeps the best so far. Then: napari-style-transfer photo.jpg --fast OUT",
    )
    add = parser.add_argument
    add(
        "styles",
        metavar="STYLE",
        nargs="+",
        help="a picture whose style is learned, or sample:NAME",
    )
    add(
        "--contents",
        nargs="+",
        metavar="CONTENT",
        help="what to learn from: pictures, folders, quoted patterns such as 'frames/*.png', TIFF files of "
        "many pages, sample:NAME (default: the sample photographs)",
    )
    add("-o", "--output", metavar="OUT", required=True, help="the .safetensors file to write")
    add(
        "--continue",
        dest="go_on",
        action="store_true",
        help="learn on from OUT, which an earlier call wrote for these styles",
    )
    add("--quiet", action="store_true", help="show no progress")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Learn, write the file and return the exit code."""
    _check_names(arguments)
    from napari_style_transfer.cli.options import given_parameters
    from napari_style_transfer.io.fast_file import read_info
    from napari_style_transfer.learning import LearningSettings

    output = Path(arguments.output)
    start = None
    given = given_parameters(arguments, LearningSettings)
    if arguments.go_on:
        known = read_info(output)
        settings = known.settings.replace(**given)
        from napari_style_transfer.fast_style import FastStyle

        start = FastStyle.load(output)
    else:
        settings = LearningSettings(**given)
    return _learn(arguments, output, settings, start)


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    from napari_style_transfer.cli.options import add_parameters
    from napari_style_transfer.learning import LearningSettings

    add_parameters(parser, LearningSettings)


def _check_names(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be read or written, before anything heavy is loaded."""
    for name in arguments.styles:
        check_picture(name)
    for name in arguments.contents or ():
        check_content(name)
    if arguments.output is None:
        return
    from napari_style_transfer.io.fast_file import FILES

    output = FILES.check_output(arguments.output)
    if arguments.go_on and not os.path.lexists(output):
        raise InputError(f"There is no file {output} to go on with; leave out --continue.")
    if os.path.lexists(output) and not arguments.go_on:
        raise InputError(
            f"{output} is there already; --continue learns on from it, or choose another name."
        )


def _learn(
    arguments: argparse.Namespace,
    output: Path,
    settings: LearningSettings,
    start: FastStyle | None,
) -> int:
    from napari_style_transfer import samples
    from napari_style_transfer.cli.inputs import load
    from napari_style_transfer.cli.terminal import stop_on_interrupt
    from napari_style_transfer.methods import learn

    names = arguments.contents or [f"{SAMPLE}{name}" for name in samples.CONTENTS]
    contents = Contents(names)
    styles = {name: load(source) for name, source in _named(arguments.styles).items()}
    keeper = Keeper(output)
    with stop_on_interrupt() as stop:
        steps = learn.iter_learn(
            styles,
            contents,
            settings=settings,
            base=start,
            content_names=contents.names,
            stop=stop.is_set,
        )
        try:
            last = _follow(steps, keeper, arguments.quiet)
        except (KeyboardInterrupt, StyleTransferError, MemoryError) as error:
            kept = f" What was learned {keeper.ago} before is in {output}." if keeper.saved else ""
            if isinstance(error, KeyboardInterrupt):
                complain(f"Interrupted.{kept}")
                return INTERRUPTED
            raise type(error)(f"{error}{kept}") from error
    return _finish(last, keeper, stop, quiet=arguments.quiet)


def _follow(steps: Any, keeper: Keeper, quiet: bool) -> LearningStep:
    """Show the progress, and save now and then; return the last step."""
    from napari_style_transfer.cli.terminal import ProgressBar

    last: LearningStep | None = None
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with ProgressBar(quiet, bar_format=form) as bar:
        for last in steps:
            bar.show(
                last,
                done=last.seconds,
                total=last.seconds + last.seconds_left,
                doing=f"Step {last.steps}",
            )
            if (
                last.fast_style is not None
                and keeper.due
                and (said := keeper.keep(last.fast_style))
            ):
                bar.say(said)
    assert last is not None  # a learning has a last step, with the best
    return last


def _finish(last: LearningStep, keeper: Keeper, stop: threading.Event, *, quiet: bool) -> int:
    """Save the best, and say so."""
    assert last.fast_style is not None
    keeper.keep_surely(last.fast_style)
    if stop.is_set():
        complain(
            f"Stopped after {last.seconds:.0f} s; the best so far is in {keeper.path}, and --continue "
            "learns on."
        )
        return INTERRUPTED
    if not quiet:
        say(f"Saved {keeper.path}. Now: napari-style-transfer PICTURE --fast {keeper.path}")
    return 0


class Contents(Sequence[Any]):
    """The pictures of several sources, each read when it is asked for.

    Parameters
    ----------
    sources
        Files, folders, patterns, TIFFs of many pages, and samples.

    Attributes
    ----------
    names
        What each picture is called.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        from napari_style_transfer.cli.inputs import load
        from napari_style_transfer.io.stacks import read_stack

        self._readers: list[Callable[[], Any]] = []
        names: list[str] = []
        for source in sources:
            if not is_stack(source):
                self._readers.append(partial(load, source))
                names.append(source.removeprefix(SAMPLE))
                continue
            pages = read_stack(source)
            for number, page in enumerate(pages.pages):
                self._readers.append(partial(pages.__getitem__, number))
                names.append(page.label)
        self.names = tuple(names)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._readers)

    def __getitem__(self, position: Any) -> Any:
        """Read one, (H, W, 3 | 4) float32 in [0, 1], or several for a slice."""
        if isinstance(position, slice):
            return [read() for read in self._readers[position]]
        return self._readers[position]()


def _named(sources: Sequence[str]) -> dict[str, str]:
    """Return the style pictures by the names that their styles get: those of the files, each once."""
    named: dict[str, str] = {}
    for source in sources:
        stem = source.removeprefix(SAMPLE) if source.startswith(SAMPLE) else Path(source).stem
        name, number = stem, 1
        while name in named:
            number += 1
            name = f"{stem} {number}"
        named[name] = source
    return named
