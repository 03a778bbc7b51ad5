"""What the subcommands' parsers share, and options made from the parameters' declarations."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin

from napari_style_transfer.cli.report import say
from napari_style_transfer.errors import InputError
from napari_style_transfer.settings import parameters

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class Parser(argparse.ArgumentParser):
    """Reads a command line, and says what is wrong with it in one sentence.

    Parameters
    ----------
    surplus
        A sentence about a word too many, with ``{}`` in its place.
    **settings
        As :class:`argparse.ArgumentParser` takes them.
    """

    def __init__(self, *, surplus: str, **settings: Any) -> None:
        super().__init__(
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **settings,
        )
        self._surplus = surplus

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Read the words of a command line.

        Raises
        ------
        InputError
            If an option or its value cannot be used, or there is a word too many.
        SystemExit
            After ``--help`` and ``--version``.
        """
        arguments, unknown = self.parse_known_args(words)
        if not unknown:
            return arguments
        name = next((text for text in unknown if text.startswith("-")), "").partition("=")[0]
        if not name:
            raise InputError(self._surplus.format(unknown[0]))
        known = re.findall(r"(?<!\S)--?[a-z][\w-]*", self.format_help())
        similar = difflib.get_close_matches(name, known, 1)
        hint = f"perhaps {similar[0]} is meant" if similar else "--help shows those that there are"
        raise InputError(f"There is no option {name}; {hint}.")

    def describe_commands(self, commands: Mapping[str, str]) -> None:
        """List subcommands, each with its help, below the description."""
        lines = [f"  {name:10} {text}" for name, text in commands.items()]
        head = f"commands ({self.prog} COMMAND --help tells more):"
        self.description = "\n".join([f"{self.description}\n", head, *lines])

    def error(self, message: str) -> NoReturn:
        """Raise what argparse complains of as an :class:`InputError`."""
        raise InputError(f"{message[:1].upper()}{message[1:]}.")

    def print_help(self, file: Any = None) -> None:
        """Print the help, whatever the encoding there."""
        if file is None:
            say(self.format_help().rstrip("\n"))
        else:
            super().print_help(file)


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Add an option for every parameter; what is given is text, and validated later."""
    basic = parser.add_argument_group("parameters")
    advanced = parser.add_argument_group("advanced parameters")
    for name, field in parameters().items():
        extra = field.json_schema_extra
        group = advanced if isinstance(extra, dict) and extra["advanced"] else basic
        group.add_argument(f"--{name.replace('_', '-')}", **_option(name, field))


def given_parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters that the command line names."""
    return {name: value for name, value in vars(arguments).items() if name in parameters()}


def _option(name: str, field: FieldInfo) -> dict[str, Any]:
    """Return the arguments of ``add_argument`` for a parameter."""
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
