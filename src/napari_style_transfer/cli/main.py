"""The command ``napari-style-transfer``: which subcommand is meant, and what its end means.

As little as possible is loaded before Ctrl-C is heard.
"""

from __future__ import annotations

import os
import signal
import sys

from napari_style_transfer.cli import BAD_INPUT, FAILED, INTERRUPTED
from napari_style_transfer.errors import InputError, StyleTransferError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import NoReturn

PROGRAM = "napari-style-transfer"

#: Every subcommand with its help, and the one that is meant where none is named. Each is a module of this
#: package that has ``parser(program) -> Parser`` and ``run(arguments) -> int``, the exit code.
COMMANDS = {
    "stylize": "paint a picture, or many, in the style of another (also without the word stylize)",
    "learn": "learn a style, to paint any picture in it at once with --fast",
    "export": "write a fast style for phones and other programs, or a web page that paints",
    "augment": "make a training set look like another microscope's pictures",
    "translate": "learn to make pictures of one kind look like another kind, or translate them",
    "samples": "list the sample pictures and the fast styles",
}
DEFAULT = "stylize"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; what is wrong is said in one sentence.

    Parameters
    ----------
    argv
        The words after the command's name. If None they are those of the process, which then is the
        command's own, and ends at once at Ctrl-C as long as nothing is painted.
    """
    try:
        if argv is None:
            signal.signal(signal.SIGINT, _leave)
            _occupy_closed_streams()
        return _run([*(sys.argv[1:] if argv is None else argv)])
    except InputError as error:
        code, message = BAD_INPUT, str(error)
    except (StyleTransferError, MemoryError) as error:
        code, message = FAILED, str(error) or "There is too little memory for this picture."
    except OSError as error:
        code, message = FAILED, _sentence(error)
    except KeyboardInterrupt:
        code, message = INTERRUPTED, "Interrupted."
    from napari_style_transfer.cli.report import complain

    complain(message)
    return code


def _run(words: list[str]) -> int:
    """Run the subcommand that the words name."""
    from importlib import import_module

    named = words[0] if words and words[0] in COMMANDS else None
    command = import_module(f"napari_style_transfer.cli.{named or DEFAULT}")
    parser = command.parser(PROGRAM if named is None else f"{PROGRAM} {named}")
    if named is None:
        parser.describe_commands(COMMANDS)
    try:
        arguments = parser.parse(words if named is None else words[1:])
        return int(command.run(arguments))
    except InputError as error:
        if named is None or not os.path.exists(named):
            raise
        raise InputError(f"{error} The file or folder {named} here is ./{named}.") from None


def _sentence(error: OSError) -> str:
    """Say what the system said."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}." if error.filename is None else f"{error.filename}: {reason}."


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Say that the command was interrupted, and leave.

    Libraries that are being loaded do not see an exception: some swallow it, or print it. Nor is
    sys.stderr used, which may be in the midst of writing.
    """
    try:
        os.write(2, b"Interrupted.\n")
    finally:
        os._exit(INTERRUPTED)


def _occupy_closed_streams() -> None:
    """Open the null device in place of standard streams that are closed.

    The next file that is opened would take their number, and what a library prints would go into it.
    """
    number = 0
    while number <= 2:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
