"""The translators that can be chosen: the user's own, each in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.io import translator_file
from napari_style_transfer.plugin.inputs.own_files import (
    copy_file,
    delete_file,
    files_in,
    folder_of,
    new_file_in,
)
from napari_style_transfer.translation import TranslationInfo

if TYPE_CHECKING:
    from napari_style_transfer.translator import Translator

#: The key of what is not in a file yet.
_LEARNED = "learned"


@dataclass(frozen=True, eq=False)
class TranslatorEntry:
    """A translator that can be chosen.

    Attributes
    ----------
    source
        Its file, or the translator itself.
    info
        What is known of it.
    """

    source: str | Translator
    info: TranslationInfo

    own, total = True, 1

    @property
    def name(self) -> str:
        """What it does."""
        return f"{self.info.source} as {self.info.target}"

    @property
    def key(self) -> str:
        """What tells it from others."""
        return self.source if isinstance(self.source, str) else _LEARNED

    @property
    def path(self) -> Path | None:
        """Its file."""
        return Path(self.source) if isinstance(self.source, str) else None


def folder() -> Path:
    """Return where translators are kept; it may not be there yet."""
    return folder_of("translators")


def entries() -> tuple[list[TranslatorEntry], list[str]]:
    """Return the user's translators, and a sentence for each file that cannot be read.

    Only the headers of the files are read.
    """
    found, wrong = list[TranslatorEntry](), list[str]()
    for path in files_in(folder()):
        try:
            found.append(_entry(path))
        except StyleTransferError as error:
            wrong.append(str(error))
    return found, wrong


def new_file(source: str, target: str) -> Path:
    """Return a file for a translator between two layers, which is not there yet.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    return new_file_in(folder(), [f"{source} as {target}"], "translator")


def add(path: Path) -> list[TranslatorEntry]:
    """Copy a file into the user's folder, and return its translator, alone in a list.

    Raises
    ------
    InputError
        If it holds no translator, or cannot be copied.
    """
    entry = _entry(path)
    if path.parent == folder():
        return [entry]
    copy = new_file_in(folder(), [path.stem], "translator")
    copy_file(path, copy)
    return [_entry(copy)]


def save(entry: TranslatorEntry, path: Path) -> None:
    """Save a translator in another file.

    Raises
    ------
    InputError
        If it cannot be read or saved, or the name does not end in .safetensors.
    """
    translator_file.TRANSLATORS.check_output(path)
    if isinstance(entry.source, str):
        copy_file(Path(entry.source), path)
    else:
        entry.source.save(path)


def remove(entry: TranslatorEntry) -> None:
    """Delete the file of a translator.

    Raises
    ------
    InputError
        If it cannot be deleted.
    """
    if entry.path is not None:
        delete_file(entry.path)


def _entry(path: Path) -> TranslatorEntry:
    return TranslatorEntry(str(path), translator_file.read_translator_info(path))
