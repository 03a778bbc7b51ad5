"""The options of the command ``napari-style-transfer``, made from the parameters' declarations."""

from __future__ import annotations

import argparse
import difflib
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin

from napari_style_transfer.errors import InputError
from napari_style_transfer.settings import parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic.fields import FieldInfo

#: Exit code for bad input.
BAD_INPUT = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one sentence, without the usage."""
        self.exit(BAD_INPUT, f"{message[:1].upper()}{message[1:]}.\n")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Raises
    ------
    InputError
        If there is an option that is none, or a picture too many.
    SystemExit
        If a value is missing or not among an option's choices; or after ``--help`` and ``--version``.
    """
    parser = build_parser()
    arguments, unknown = parser.parse_known_args(argv)
    if not unknown:
        return arguments
    name = next((text for text in unknown if text.startswith("-")), "").partition("=")[0]
    if not name:
        raise InputError(
            f"There is a picture too many, {unknown[0]}; name several styles with --style, once for each."
        )
    similar = difflib.get_close_matches(name, parser._option_string_actions, 1)
    hint = f"perhaps {similar[0]} is meant" if similar else "--help shows those that there are"
    raise InputError(f"There is no option {name}; {hint}.")


def build_parser() -> argparse.ArgumentParser:
    """Return the command's parser; texts of parameters are validated later."""
    parser = _Parser(
        prog="napari-style-transfer",
        description="Paint one picture in the style of another.",
        epilog="Pictures: PNG, JPEG, TIFF files or sample:NAME. Ctrl-C saves the picture so far.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "content",
        metavar="CONTENT",
        nargs="?",
        help="the picture whose forms are kept; or many: a folder, a quoted pattern such as "
        "'frames/*.png', or a TIFF file of many pages",
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
        "-o",
        "--output",
        metavar="OUT",
        help="the file, or for many pictures the folder or TIFF file, to paint to; OUT with the "
        "suffix .json gets the recipe (default: a new name in this folder)",
    )
    add(
        "--recipe",
        metavar="FILE",
        help="take parameters, and pictures not named here, from the recipe of an earlier result; they "
        "are looked for in this folder, then in the recipe's",
    )
    add(
        "--init",
        metavar="FILE",
        help="a picture to start from, instead of what --start says",
    )
    add("--list-samples", action="store_true", help="list the sample pictures and exit")
    add("--quiet", action="store_true", help="show no progress")
    add("--version", action="version", version=metadata.version("napari-style-transfer"))
    basic = parser.add_argument_group("parameters")
    advanced = parser.add_argument_group("advanced parameters")
    for name, field in parameters().items():
        extra = field.json_schema_extra
        group = advanced if isinstance(extra, dict) and extra["advanced"] else basic
        group.add_argument(f"--{name.replace('_', '-')}", **_option(name, field))
    return parser


def _option(name: str, field: FieldInfo) -> dict[str, Any]:
    """Return the arguments of ``add_argument`` for a parameter; its text is validated later."""
    default = field.default
    if isinstance(default, dict):
        default = ",".join(f"{layer}={weight:g}" for layer, weight in default.items())
    text = f"{field.description} (default: {default})"
    # Absent unless given, so that a recipe's values stay where the user says nothing.
    option: dict[str, Any] = {"default": argparse.SUPPRESS, "help": text.replace("%", "%%")}
    if get_origin(field.annotation) is Literal:
        return option | {"choices": get_args(field.annotation)}
    metavars: dict[Any, str] = {float: "NUMBER", int: "N", str: name.upper()}
    return option | {"metavar": metavars.get(field.annotation, "LAYER=WEIGHT,...")}
