"""``napari-style-transfer translate``: pictures of one kind in, and out as if they were of another."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_style_transfer.augment.record import make_folder
from napari_style_transfer.cli import INTERRUPTED
from napari_style_transfer.cli.keeper import Keeper
from napari_style_transfer.cli.parser import Parser
from napari_style_transfer.cli.report import complain, say
from napari_style_transfer.errors import InputError, StyleTransferError

if TYPE_CHECKING:
    from napari_style_transfer.io.micrographs import Micrograph
    from napari_style_transfer.translation import TranslationStep
    from napari_style_transfer.translator import Translator

#: Beside translated pictures: by which translator, and which of them are done.
RECORD_NAME = "translation.json"
#: Suffixes of files that hold 8 and 16 bits; others become TIFFs.
_KEPT = {"uint8": (".png", ".jpg", ".jpeg", ".bmp"), "uint16": (".png",)}
#: Pictures that are named when they were left out, at most.
_MOST_TOLD = 10


def parser(program: str) -> Parser:
    """Return the subcommand's parser."""
    parser = Parser(
        prog=program,
        surplus="There is a word too many, {}; pictures of the target come after --like.",
        check=_check_names,
        extend=_add_parameters,
        description="Learn to make pictures of one kind look like those of another, without pairs "
        "(--like), or translate pictures (--with).",
        epilog="Ctrl-C keeps the best translator so far, or the pictures that are done.",
    )
    add = parser.add_argument
    add(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="pictures of the first kind: files, folders, quoted patterns, TIFFs of many pages",
    )
    does = parser.add_mutually_exclusive_group(required=True)
    does.add_argument(
        "--like",
        metavar="TARGET",
        nargs="+",
        help="learn: pictures of the other kind; -o names the .safetensors file to write",
    )
    does.add_argument(
        "--with",
        dest="translator",
        metavar="TRANSLATOR",
        help="translate: a file that was learned; -o names the folder for the pictures",
    )
    add("-o", "--output", metavar="OUT", required=True, help="what to write")
    add(
        "--continue",
        dest="go_on",
        action="store_true",
        help="learn on from OUT, which an earlier call wrote",
    )
    add("--quiet", action="store_true", help="show no progress")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Learn or translate, and return the exit code."""
    _check_names(arguments)
    return _learn(arguments) if arguments.like else _translate(arguments)


def _learn(arguments: argparse.Namespace) -> int:
    """Learn a translator and write its file."""
    from napari_style_transfer.cli.options import given_parameters
    from napari_style_transfer.cli.terminal import stop_on_interrupt
    from napari_style_transfer.methods.domains import MOST_PICTURES
    from napari_style_transfer.methods.translate import iter_translation
    from napari_style_transfer.translation import TranslationSettings
    from napari_style_transfer.translator import Translator

    output = Path(arguments.output)
    given = given_parameters(arguments, TranslationSettings)
    start = Translator.load(output) if arguments.go_on else None
    settings = TranslationSettings() if start is None else start.info.settings
    source, target = (
        # Of many files only so many are read as are learned from; each may be a stack.
        [picture for path in _find(each, MOST_PICTURES) for picture in _read(path)]
        for each in (arguments.sources, arguments.like)
    )
    with stop_on_interrupt() as stop:
        steps = iter_translation(
            source,
            target,
            names=(_named(arguments.sources), _named(arguments.like)),
            settings=settings.replace(**given),
            start=start,
            stop=stop.is_set,
        )
        keeper = Keeper(output)
        try:
            best = _follow(steps, keeper, arguments.quiet)
        except (KeyboardInterrupt, StyleTransferError, MemoryError) as error:
            kept = f" What was learned {keeper.ago} before is in {output}." if keeper.saved else ""
            if isinstance(error, KeyboardInterrupt):
                complain(f"Interrupted.{kept}")
                return INTERRUPTED
            raise type(error)(f"{error}{kept}") from error
    keeper.keep_surely(best)
    for warning in best.info.warnings:
        complain(warning)
    if stop.is_set():
        complain(f"Stopped; the best so far is in {output}, and --continue learns on.")
        return INTERRUPTED
    if not arguments.quiet:
        say(
            f"Saved {output}; {best.info.agreement.kept:.0%} of the edges are kept. Now: "
            f"napari-style-transfer translate PICTURES --with {output} -o FOLDER"
        )
    return 0


def _follow(steps: Iterator[TranslationStep], keeper: Keeper, quiet: bool) -> Translator:
    """Show the progress, and save now and then; return the best translator."""
    from napari_style_transfer.cli.terminal import ProgressBar

    best, unsaved = None, False
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with ProgressBar(quiet, bar_format=form) as bar:
        for step in steps:
            bar.advance(
                step.seconds,
                step.seconds + step.seconds_left,
                f"Step {step.steps}, likeness {step.likeness:.2f}, structure {step.structure:.2f}",
            )
            bar.say(step.note)
            if step.translator is not None and step.is_best:
                best, unsaved = step.translator, True
            if best is not None and unsaved and keeper.due:
                bar.say(keeper.keep(best))
                unsaved = False
    assert best is not None  # the last step has it
    return best


def _translate(arguments: argparse.Namespace) -> int:
    """Translate pictures into a folder."""
    from napari_style_transfer.cli.options import given_parameters
    from napari_style_transfer.cli.terminal import ProgressBar, stop_on_interrupt
    from napari_style_transfer.translation import TranslationSettings
    from napari_style_transfer.translator import Translator

    given = given_parameters(arguments, TranslationSettings)
    if set(given) - {"device"}:
        raise InputError(f"--{min(set(given) - {'device'})} is for learning; leave it out here.")
    translator = Translator.load(arguments.translator)
    for warning in translator.info.warnings:
        complain(warning)
    paths, out = _find(arguments.sources), Path(arguments.output)
    names = _output_names(paths, translator)
    done = _Done(out, Path(arguments.translator), translator)
    left_out = []
    with stop_on_interrupt() as stop, ProgressBar(arguments.quiet) as bar:
        for number, (path, name) in enumerate(zip(paths, names, strict=True), start=1):
            if not done.holds(name, path):
                try:
                    if not _translate_file(path, out / name, translator, given, stop):
                        break
                    done.add(name, path)
                except InputError as error:
                    left_out.append(str(error).rstrip("."))
            bar.advance(number, len(paths), f"Picture {number}/{len(paths)}")
    if stop.is_set():
        complain(f"Stopped; what is done is in {out}, and the same command goes on.")
        return INTERRUPTED
    if left_out:
        more = f"; and {len(left_out) - _MOST_TOLD} more" if len(left_out) > _MOST_TOLD else ""
        raise StyleTransferError(f"Left out: {'; '.join(left_out[:_MOST_TOLD])}{more}.")
    if not arguments.quiet:
        say(f"Saved {len(paths)} synthetic pictures in {out}.")
    return 0


def _translate_file(
    path: Path, output: Path, translator: Translator, given: Any, stop: threading.Event
) -> bool:
    """Translate one file; return False if it was stopped."""
    from napari_style_transfer.io.micrograph_writer import save_micrographs

    pictures = [translator.checked(each, str(path)) for each in _read(path)]
    pages = []
    for each in pictures:
        pages.append(translator(each, stop=stop.is_set, **given))
        if stop.is_set():
            return False
    save_micrographs(output, pages, pictures)
    return True


class _Done:
    """Which pictures in a folder are done, and by which translator."""

    def __init__(self, folder: Path, file: Path, translator: Translator) -> None:
        self._folder, self._path = folder, folder / RECORD_NAME
        info = translator.info
        self._run = {
            "synthetic": True,
            "translator": file.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "source": info.source,
            "target": info.target,
            "edges kept": round(info.agreement.kept, 4),
            "edges invented": round(info.agreement.invented, 4),
            "edges inverted": round(info.agreement.inverted, 4),
            "likeness": round(info.likeness, 4),
            "tones": info.settings.tones,
            "warnings": list(info.warnings),
        }
        make_folder(folder)
        known: dict[str, Any] = {"sha256": self._run["sha256"], "pictures": {}}
        if any(folder.iterdir()):
            try:
                known |= json.loads(self._path.read_text())
            except (OSError, ValueError, TypeError):
                raise InputError(
                    f"The folder {folder} holds something else; choose an empty or a new one."
                ) from None
        if known["sha256"] != self._run["sha256"]:
            raise InputError(
                f"{folder} holds pictures by another translator; choose another place."
            )
        self._pictures: dict[str, str] = dict(known["pictures"])

    def holds(self, name: str, path: Path) -> bool:
        """Return whether a picture is done."""
        return self._pictures.get(name) == str(path) and (self._folder / name).is_file()

    def add(self, name: str, path: Path) -> None:
        """Note that a picture is done."""
        from napari_style_transfer.io.atomic import save_text

        self._pictures[name] = str(path)
        save_text(
            self._path, json.dumps({**self._run, "pictures": self._pictures}, indent=1) + "\n"
        )


def _output_names(paths: list[Path], translator: Translator) -> list[str]:
    """Return what translated pictures are called; no two are called the same."""
    kept = (*_KEPT.get(translator.info.dtype, ()), ".tif", ".tiff")
    names, taken = list[str](), dict[str, Path]()
    for path in paths:
        suffix = path.suffix.lower()
        names.append(f"{path.stem}_synthetic{suffix if suffix in kept else '.tif'}")
        other = taken.setdefault(names[-1].casefold(), path)
        if other is not path:
            raise InputError(f"{other} and {path} would both become {names[-1]}; rename one.")
    return names


def _find(sources: list[str], most: int | None = None) -> list[Path]:
    """Return pictures in files, folders and patterns: `most` at even distances, if there are more."""
    from napari_style_transfer.augment.pairs import find_styles

    paths = list(find_styles(sources))
    if most is None or len(paths) <= most:
        return paths
    return [paths[place * (len(paths) - 1) // (most - 1)] for place in range(most)]


def _read(path: Path) -> list[Micrograph]:
    from napari_style_transfer.io.micrographs import read_micrographs

    return read_micrographs(path)


def _named(sources: list[str]) -> str:
    """Return what the pictures of some sources are called."""
    return ", ".join(Path(each).name or each for each in sources)


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    from napari_style_transfer.cli.options import add_parameters
    from napari_style_transfer.translation import TranslationSettings

    add_parameters(parser, TranslationSettings)


def _check_names(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be read or written, before anything heavy is loaded."""
    if arguments.output is None:
        return
    if arguments.translator is not None:
        if not os.path.isfile(arguments.translator):
            raise InputError(f"There is no file {arguments.translator}.")
        if arguments.go_on:
            raise InputError("--continue is for learning; leave it out here.")
        return
    from napari_style_transfer.io.translator_file import TRANSLATORS

    output = TRANSLATORS.check_output(arguments.output)
    if arguments.go_on and not output.exists():
        raise InputError(f"There is no file {output} to go on with; leave out --continue.")
    if output.exists() and not arguments.go_on:
        raise InputError(
            f"{output} is there already; --continue learns on from it, or choose another name."
        )
