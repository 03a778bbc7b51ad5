"""Making one new picture: read, changed, measured, and saved with its labels."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_style_transfer.augment.draw import Draw
from napari_style_transfer.augment.pairs import Pair
from napari_style_transfer.augment.settings import AugmentSettings, Made
from napari_style_transfer.augment.structure import measure
from napari_style_transfer.augment.values import output_range
from napari_style_transfer.augment.ways import Painter, Painting
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.io.labels import read_labels
from napari_style_transfer.io.micrograph_writer import save_micrograph
from napari_style_transfer.io.micrographs import read_micrograph
from napari_style_transfer.value_range import ValueRange


@dataclass(frozen=True)
class Task:
    """One new picture that is to be made; names of files are relative to the output folder."""

    pair: Pair
    copy: int
    picture: str
    labels: str


@dataclass(frozen=True)
class Maker:
    """Makes new pictures, in this process or another.

    Attributes
    ----------
    draw
        Draws a crop and a strength for each.
    settings
        Of the augmentation.
    folder
        Where they go.
    painter
        The way from an image to a new picture.
    """

    draw: Draw
    settings: AugmentSettings
    folder: Path
    painter: Painter

    def make(self, task: Task, stop: Callable[[], bool]) -> Made | None:
        """Make one picture and save it with its labels; None if it was stopped.

        Raises
        ------
        ContentError
            If its image or its labels cannot be used; the message names the file.
        InputError
            If a file cannot be written.
        """
        began = time.monotonic()
        if stop():
            return None
        try:
            image, labels = read_micrograph(task.pair.image), read_labels(task.pair.labels)
        except InputError as error:
            raise ContentError(str(error)) from None
        unit = ValueRange.of(image).to_unit(image.planes)
        try:
            drawn = self.draw.draw(task.pair, task.copy, image)
            painting = Painting(unit, drawn.planes, image.colour, drawn.strength, drawn.number)
            planes = self.painter(painting, stop)
        except ContentError as error:
            raise ContentError(f"{task.pair.image}: {error}") from None
        if planes is None:
            return None
        kept, added = measure(unit, planes, labels, image.colour)
        style = read_micrograph(drawn.style)
        values = output_range(image, style, self.settings.values)
        folder = self.folder
        save_micrograph(folder / task.picture, values.from_unit(planes, image.planes.dtype), image)
        save_bytes(folder / task.labels, task.pair.labels.read_bytes())
        return Made(
            task.picture,
            task.labels,
            str(task.pair.image),
            str(task.pair.labels),
            task.copy,
            self.settings.way,
            str(drawn.style),
            drawn.crop.top,
            drawn.crop.left,
            drawn.crop.height,
            drawn.crop.width,
            strength=round(drawn.strength, 4),
            seed=self.settings.seed,
            edges_kept=None if kept is None else round(kept, 4),
            edges_added=None if added is None else round(added, 4),
            seconds=round(time.monotonic() - began, 2),
        )
