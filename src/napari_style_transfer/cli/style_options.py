"""How styles and regions are written on the command line. Loads no numpy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from napari_style_transfer.errors import InputError
from napari_style_transfer.recipe import RegionEntry, RegionsEntry, StyleEntry

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
