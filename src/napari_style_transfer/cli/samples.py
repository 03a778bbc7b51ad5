"""``napari-style-transfer samples``: the sample pictures and the fast styles."""

from __future__ import annotations

from argparse import Namespace

from napari_style_transfer.cli.names import SAMPLE
from napari_style_transfer.cli.parser import Parser
from napari_style_transfer.cli.report import say
from napari_style_transfer.samples import CONTENTS, STYLES, fast_styles


def parser(program: str) -> Parser:
    """Return the subcommand's parser."""
    return Parser(
        prog=program,
        description="List the sample pictures and the fast styles, with their licences.",
        surplus="The list of samples takes no more words; leave out {}.",
    )


def run(_arguments: Namespace) -> int:
    """Print the list and return the exit code."""
    from napari_style_transfer.io.fast_file import read_info

    for sample in (*CONTENTS.values(), *STYLES.values()):
        name = f"{SAMPLE}{sample.name}"
        say(f"{name:28} {sample.kind:8} {sample.title}. {sample.licence}.")
    for name, path in fast_styles().items():
        info = read_info(path)
        say(f"--fast {name:21} fast     {', '.join(info.names)}. {info.note}".rstrip())
    return 0
