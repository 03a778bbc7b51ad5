"""What is done, kept beside the new pictures: a record to go on from, and a table to read."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from napari_style_transfer.augment.settings import Made
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import save_text
from napari_style_transfer.stack.output import Record

#: The files in the output folder.
RECORD_NAME, TABLE_NAME, SHEET_NAME = "augmentation.json", "augmentation.csv", "contact-sheet.png"

_RUN, _MADE = "napari_style_transfer_augmentation", "made"
#: Seconds between two tables, at least, while pictures are made.
_TABLE_EVERY = 5.0
_FIELDS = {field.name for field in fields(Made)}


class Augmentation:
    """The new pictures in a folder, and what they were made from.

    Parameters
    ----------
    folder
        Made where it is missing; if it holds a record, the run goes on.
    run
        What must be the same for that.

    Raises
    ------
    InputError
        If the folder cannot be written, or holds something else or another run's pictures.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any]) -> None:
        self.folder, self._run = folder, dict(run)
        self._made: dict[str, Made] = {}
        self._table_saved = -math.inf
        known = _read(folder)
        if known is not None:
            Record(known[_RUN]).check(self._run, folder)
            for values in known[_MADE]:
                made = Made(**values)
                if all((folder / name).is_file() for name in (made.picture, made.labels)):
                    self._made[made.picture] = made
        make_folder(folder)
        self._save_record()

    @property
    def made(self) -> list[Made]:
        """What was made so far, in the order of its making."""
        return list(self._made.values())

    def holds(self, picture: str) -> bool:
        """Return whether a picture is done."""
        return picture in self._made

    def add(self, made: Made) -> None:
        """Note that a picture and its labels are saved."""
        self._made[made.picture] = made
        self._save_record()
        if time.monotonic() - self._table_saved > _TABLE_EVERY:
            self.save_table()

    def save_table(self) -> None:
        """Write the table; a row for each picture that is done."""
        text = io.StringIO()
        writer = csv.DictWriter(text, [field.name for field in fields(Made)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in self.made)
        save_text(self.folder / TABLE_NAME, text.getvalue())
        self._table_saved = time.monotonic()

    def _save_record(self) -> None:
        values = {_RUN: self._run, _MADE: [asdict(each) for each in self.made]}
        save_text(self.folder / RECORD_NAME, json.dumps(values) + "\n")


def make_folder(folder: Path) -> None:
    """Make a folder where it is missing; raises InputError if that cannot be."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {folder}: {error.strerror}.") from None


def begun_way(folder: Path) -> Any:
    """Return the way in which the pictures in a folder were begun; None where there is no record."""
    known = _read(folder)
    return None if known is None else known[_RUN].get("way")


def _read(folder: Path) -> dict[str, Any] | None:
    """Return the record of an earlier run; None where the folder is new or empty."""
    path = folder / RECORD_NAME
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"The folder {folder} holds something else; choose an empty or a new one."
            ) from None
        return None
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from None
    except ValueError:
        values = None
    if not _is_record(values):
        raise InputError(f"{path} is damaged; choose another place for the output.")
    return dict(values)


def _is_record(values: Any) -> bool:
    return (
        isinstance(values, dict)
        and isinstance(values.get(_RUN), dict)
        and isinstance(values.get(_MADE), list)
        and all(isinstance(each, dict) and each.keys() == _FIELDS for each in values[_MADE])
    )
