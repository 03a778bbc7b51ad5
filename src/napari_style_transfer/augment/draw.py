"""What chance gives each new picture: a crop of a style, and a strength."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from random import Random

import numpy as np
import torch

from napari_style_transfer.augment.pairs import Pair, Pairs
from napari_style_transfer.augment.settings import AugmentSettings
from napari_style_transfer.augment.stain import stains
from napari_style_transfer.augment.values import Crop, draw_crop, style_planes
from napari_style_transfer.cautions import exposure_caution, size_caution
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.io.micrographs import Micrograph, micrograph_shape, read_micrograph
from napari_style_transfer.settings import MIN_SIDE
from napari_style_transfer.value_range import Planes

#: Long sides in pixels at which pictures are seen while a style is learned.
_SIZES = 128, 512
#: Images and styles that are looked at before the work, at most.
_LOOKED_AT = 8


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a new picture gets.

    Attributes
    ----------
    style
        The file of the style.
    crop
        The part of it.
    planes
        (C, h, w), that part, about 0 to 1, its planes as the image's.
    strength
        0 to 1.
    number
        Which of the crops that are learned it is, where crops are learned.
    """

    style: Path
    crop: Crop
    planes: Planes
    strength: float = 0.5
    number: int = 0


@dataclass(frozen=True)
class Draw:
    """Draws by the seed: the same for a picture, in whatever order and run it is made.

    Attributes
    ----------
    pairs
        The images.
    styles
        Files of the styles.
    settings
        Of the augmentation.
    """

    pairs: Pairs
    styles: Sequence[Path]
    settings: AugmentSettings

    @cached_property
    def first(self) -> Micrograph:
        """The first image, whose channels a fast style is learned for."""
        return read_micrograph(self.pairs.pairs[0].image)

    @cached_property
    def learning_size(self) -> int:
        """Long side in pixels at which pictures are seen while a style is learned."""
        sides = [max(micrograph_shape(pair.image)) for pair in self.pairs.pairs]
        return min(max(int(np.median(sides)), _SIZES[0]), _SIZES[1])

    def check_styles(self) -> None:
        """Look at all styles before the work.

        Raises
        ------
        InputError
            If one cannot be read, is too small or of one value, or has other channels than the images.
        """
        if self.settings.way == "stain" and not self.first.colour:
            raise InputError(
                "The images have no colours; only slides in red, green and blue have stains."
            )
        for path in self.styles:
            style = read_micrograph(path)
            if min(style.shape) < MIN_SIDE:
                raise InputError(
                    f"The style {path} is {style.shape[1]} × {style.shape[0]} px; it must have {MIN_SIDE} "
                    "px on each side."
                )
            if (style.planes == style.planes[:, :1, :1]).all():
                raise InputError(f"The style {path} has one value only; choose another picture.")
            planes = style_planes(style, self.first)
            if self.settings.way == "stain" and not _is_stained(planes):
                raise InputError(
                    f"The style {path} has no two stains; choose a slide in bright field, in colour."
                )

    def caution(self) -> str:
        """Return what a user should know of images and styles before the work, or ""."""
        paths = [pair.image for pair in self.pairs.pairs], self.styles
        images, styles = ([*_readable(each[:: -(-len(each) // _LOOKED_AT)])] for each in paths)
        if not images or not styles:
            return ""
        scale = self.settings.style_scale
        found = [
            exposure_caution(images, "images"),
            exposure_caution(styles, "styles"),
            size_caution(images, styles, ("images", "styles"), scale),
        ]
        return " ".join(filter(None, found))

    def draw(self, pair: Pair, copy: int, image: Micrograph) -> Drawn:
        """Return what the new picture of an image gets.

        Raises
        ------
        ContentError
            If it has other channels than the styles.
        """
        random = Random(f"{self.settings.seed}/{pair.image.name}/{copy}")
        strength = random.uniform(*self.settings.strengths)
        if self.settings.way == "fast":
            number = random.randrange(self.settings.crops)
            drawn = self.learned_crop(number)
        else:
            try:
                number, drawn = 0, self._crop(random, image, image.shape)
            except InputError as error:
                raise ContentError(str(error)) from None
        return Drawn(drawn.style, drawn.crop, drawn.planes, strength, number)

    @property
    def whole_styles(self) -> list[Planes]:
        """The styles' planes as the first image's, magnified as the settings say."""
        found = []
        for path in self.styles:
            planes = style_planes(read_micrograph(path), self.first)
            height, width = (round(side * self.settings.style_scale) for side in planes.shape[1:])
            scaled = resize(torch.from_numpy(planes)[None], (height, width))
            found.append(scaled[0].numpy())
        return found

    def learned_crop(self, number: int) -> Drawn:
        """Return one of the crops that are learned."""
        random = Random(f"{self.settings.seed}/crop/{number}")
        return self._crop(random, self.first, (self.learning_size, self.learning_size))

    def _crop(self, random: Random, image: Micrograph, shape: tuple[int, int]) -> Drawn:
        """Draw a part of a style that shows as much as a picture of a shape."""
        style = self.styles[random.randrange(len(self.styles))]
        planes = style_planes(_read(style, style.stat().st_mtime_ns), image)
        height, width = (max(MIN_SIDE, round(side / self.settings.style_scale)) for side in shape)
        crop = draw_crop(planes, (height, width), random)
        if self.settings.way == "stain" and not _is_stained(crop.of(planes)):
            crop = Crop(0, 0, *planes.shape[1:])
        return Drawn(style, crop, crop.of(planes))


def _is_stained(planes: Planes) -> bool:
    """Return whether red, green and blue planes show two stains."""
    try:
        stains(np.clip(np.moveaxis(planes, 0, 2), 0, 1))
    except ContentError:
        return False
    return True


def _readable(paths: Iterable[Path]) -> Iterator[Micrograph]:
    """Yield the pictures that can be read; the others are told of when it is their turn."""
    for path in paths:
        with contextlib.suppress(InputError):
            yield read_micrograph(path)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> Micrograph:
    return read_micrograph(path)
