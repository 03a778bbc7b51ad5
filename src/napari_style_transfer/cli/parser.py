"""The parser of every subcommand."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from napari_style_transfer.cli.report import say
from napari_style_transfer.errors import InputError


class Parser(argparse.ArgumentParser):
    """Reads a command line, and says what is wrong with it in one sentence.

    Parameters
    ----------
    surplus
        A sentence about a word too many, with ``{}`` in its place.
    check
        Looks at names, before anything slow is loaded; may raise :class:`InputError`.
    extend
        Adds the options whose declarations are slow to load.
    **settings
        As :class:`argparse.ArgumentParser` takes them.
    """

    def __init__(
        self,
        *,
        surplus: str,
        check: Callable[[argparse.Namespace], None] | None = None,
        extend: Callable[[argparse.ArgumentParser], None] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **settings,
        )
        self._surplus, self._check, self._extend = surplus, check, extend

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Read the words of a command line.

        Raises
        ------
        InputError
            If an option or its value cannot be used, or there is a word too many.
        SystemExit
            After ``--help`` and ``--version``.
        """
        options = {word.partition("=")[0] for word in words if word.startswith("-")}
        if self._check is not None and options <= {*self._names()} - {"-h", "--help"}:
            self._check(self.parse_known_args(words)[0])
        if self._extend is not None:
            self._extend(self)
        arguments, unknown = self.parse_known_args(words)
        if not unknown:
            return arguments
        name = next((text for text in unknown if text.startswith("-")), "").partition("=")[0]
        if not name:
            raise InputError(self._surplus.format(unknown[0]))
        similar = difflib.get_close_matches(name, self._names(), 1)
        hint = f"perhaps {similar[0]} is meant" if similar else "--help shows those that there are"
        raise InputError(f"There is no option {name}; {hint}.")

    def _names(self) -> list[str]:
        """Return the names of the options there are."""
        return list(self._option_string_actions)

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
