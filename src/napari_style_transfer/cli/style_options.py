"""How styles and regions are written on the command line and in recipes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.recipe import RegionEntry, RegionsEntry, StyleEntry
from napari_style_transfer.spec import Region, Regions, Style, styles_of

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_STYLE = re.compile(
    rf"(?P<picture>.+?)(?:=(?P<share>{_NUMBER}))?"
    rf"(?:,scale=(?P<scale>{_NUMBER}))?(?:,angle=(?P<angle>{_NUMBER}))?(?:,mask=(?P<mask>.+))?"
)
_REGION = re.compile(rf"(?P<label>\d+)=(?P<style>.+?)(?:,strength=(?P<strength>{_NUMBER}))?")
#: In place of a style: all of them by their shares, and none.
_MIX, _NONE = "mix", "none"


def parse_styles(texts: Iterable[str]) -> list[StyleEntry]:
    """Read ``A.jpg``, ``A.jpg=0.7`` or ``A.jpg=0.7,scale=2,angle=30,mask=part.png``."""
    notes = []
    for text in texts:
        match = _STYLE.fullmatch(text)
        if match is None or re.search(r"=[^/\\]*,\w+=?", match["picture"]):
            raise InputError(
                "Write a style as FILE=SHARE, such as A.jpg=0.7, after which may come ,scale=2 then "
                f",angle=30 then ,mask=FILE; got {text!r}."
            )
        given = {name: value for name, value in match.groupdict().items() if value is not None}
        notes.append(StyleEntry.model_validate(given))
    return notes


def parse_regions(
    labels: str | None, texts: Sequence[str], styles: list[StyleEntry]
) -> tuple[RegionsEntry | None, list[StyleEntry]]:
    """Read ``1=A.jpg`` or ``2=mix,strength=0.7`` or ``0=none``.

    Parameters
    ----------
    labels
        The file of labels, if one was named.
    texts
        One for each region.
    styles
        Those named otherwise.

    Returns
    -------
    regions, styles
        The table, and the styles with those that only a region names, which have no share in the mix
        unless no other style has.
    """
    if labels is None:
        if texts:
            raise InputError("To say what goes where, name a picture of labels with --regions.")
        return None, styles
    styles = list(styles)
    mixed = len(styles)
    table = {}
    for text in texts:
        match = _REGION.fullmatch(text)
        if match is None:
            raise InputError(f"Write a region as LABEL=FILE, such as 1=A.jpg; got {text!r}.")
        if int(match["label"]) in table:
            raise InputError(f"Label {match['label']} is given twice; name one style for it.")
        style: int | str | None = match["style"]
        if style == _NONE:
            style = None
        elif style != _MIX:
            names = [note.picture for note in styles]
            if style not in names:
                styles.append(StyleEntry(picture=str(style), share=0 if mixed else 1))
                names.append(str(style))
            style = names.index(str(style))
        table[int(match["label"])] = RegionEntry.model_validate(
            {"style": style, "strength": match["strength"] or 0.5}
        )
    return RegionsEntry(labels=labels, table=table), styles


def load_styles(notes: Iterable[StyleEntry], load: Callable[[str], Any]) -> list[Style]:
    """Return the styles that are noted, their pictures read by `load`; one of them has a share."""
    return [
        *styles_of(
            [
                Style(
                    load(note.picture),
                    note.share,
                    note.scale,
                    note.angle,
                    None if note.mask is None else load_labels(note.mask),
                )
                for note in notes
            ]
        )
    ]


def load_regions(note: RegionsEntry | None) -> Regions | None:
    """Return the regions that are noted, their labels read from the file."""
    if note is None:
        return None
    table = {label: Region(each.style, each.strength) for label, each in note.table.items()}
    regions = Regions(load_labels(note.labels), table, note.labels)
    present = set(np.unique(regions.labels).tolist())
    for label in table:
        if label not in present:
            raise InputError(
                f"There is no label {label} in {note.labels}; its labels are "
                f"{', '.join(map(str, sorted(present)[:20]))}."
            )
    if all(regions.region(label).style is None for label in present):
        raise InputError(f"By the labels in {note.labels} nothing would be painted.")
    return regions


def load_labels(path: str) -> npt.NDArray[Any]:
    """Read a picture of labels: grey levels or palette indices.

    Returns
    -------
    ndarray
        (H, W) integers.

    Raises
    ------
    InputError
        If the file cannot be read or has colours.
    """
    from PIL import Image

    try:
        if Path(path).suffix.lower() in (".tif", ".tiff"):
            import tifffile

            labels = tifffile.imread(path)
        else:
            with Image.open(path) as file:
                labels = np.asarray(file.convert("L") if file.mode == "LA" else file)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (OSError, ValueError):
        raise InputError(f"The labels in {path} cannot be read.") from None
    if labels.ndim != 2 or labels.dtype.kind not in "bui":
        raise InputError(
            f"The labels in {path} should be grey levels, one for each region, without colours."
        )
    return labels
