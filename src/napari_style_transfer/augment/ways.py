"""Ways from an image and a crop of a style to a new picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from napari_style_transfer.augment.settings import AugmentSettings, Instant
from napari_style_transfer.augment.stain import match_stain
from napari_style_transfer.augment.values import output_range, style_planes
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.colour import match_colours
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.fast_style import STROKE_SIZES, FastStyle
from napari_style_transfer.io.micrographs import Micrograph
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.methods.optimize import Optimize
from napari_style_transfer.progress import Picture, Status
from napari_style_transfer.settings import Settings
from napari_style_transfer.translator import Translator
from napari_style_transfer.value_range import Planes, ValueRange


@dataclass(frozen=True, eq=False)
class Painting:
    """What a new picture is made from.

    Attributes
    ----------
    image
        (C, H, W), about 0 to 1.
    style
        (C, h, w), a crop of a style's picture, its planes as the image's.
    colour
        Whether the three planes are red, green and blue; else each is painted by itself.
    strength
        0 to 1.
    number
        Which of the crops that were learned it is, where crops are learned.
    """

    image: Planes
    style: Planes
    colour: bool
    strength: float
    number: int = 0

    @property
    def parts(self) -> list[tuple[Planes, Planes]]:
        """What is painted at once, (H, W, 3) or (H, W) in [0, 1], each beside the style's."""
        image, style = np.clip(self.image, 0, 1), np.clip(self.style, 0, 1)
        if self.colour:
            return [(np.moveaxis(image, 0, 2), np.moveaxis(style, 0, 2))]
        return list(zip(image, style, strict=True))


#: Returns a new picture, (C, H, W) and about 0 to 1; None once the function that it is given answers true.
Painter = Callable[[Painting, Callable[[], bool]], Planes | None]


class Optimised:
    """Moves the pixels of each picture; at full size from the start, so that every form stays in place.

    Parameters
    ----------
    settings
        Of the augmentation.
    cache
        Keeps the network.
    """

    def __init__(self, settings: AugmentSettings, cache: Cache) -> None:
        self._settings, self._method = settings, Optimize(cache)

    def __call__(self, painting: Painting, stop: Callable[[], bool]) -> Planes | None:
        """Return a new picture."""
        size = max(painting.image.shape[1:])
        scale = self._settings.style_scale * max(painting.style.shape[1:]) / size
        settings = Settings(
            size=size,
            coarsest_size=size,
            strength=painting.strength,
            steps=self._settings.steps,
            style_scale=min(max(scale, 0.05), 8),
            device=self._settings.device,
            weights=self._settings.weights,
        )
        painted = []
        for image, style in painting.parts:
            request = Request.of(image, style, settings=settings, bits=16)
            controls = Controls(stop=stop, preview_interval=math.inf)
            *_, last = self._method.run(request, controls)
            assert last.picture is not None
            if last.status is Status.STOPPED:
                return None
            painted.append(_planes(last.picture, painting.colour))
        return np.concatenate(painted)


class Fast:
    """Paints by a fast style that has learned the crops.

    Parameters
    ----------
    fast_style
        Its styles are the crops in their order; of grey pictures, the channels of each one by one.
    crops
        How many crops it has learned.
    learned_at
        Long side in pixels at which it has seen the pictures.
    device
        Where to compute.
    """

    def __init__(self, fast_style: FastStyle, crops: int, learned_at: int, device: str) -> None:
        self._fast_style, self._device = fast_style, device
        self._channels, self._learned_at = len(fast_style.names) // crops, learned_at

    def __call__(self, painting: Painting, stop: Callable[[], bool]) -> Planes | None:
        """Return a new picture."""
        if len(painting.parts) != self._channels:
            raise ContentError(
                "It has other channels than the first image, from which the style was learned; optimise "
                "such pictures."
            )
        # Small images were enlarged when it learned.
        stroke_size = max(painting.image.shape[1:]) / self._learned_at
        painted = []
        for channel, (image, _) in enumerate(painting.parts):
            if stop():
                return None
            shares = [0.0] * len(self._fast_style.names)
            shares[painting.number * self._channels + channel] = 1.0
            picture = self._fast_style(
                image,
                strength=painting.strength,
                stroke_size=min(1.0, max(STROKE_SIZES[0], stroke_size)),
                shares=shares,
                bits=16,
                device=self._device,
            )
            painted.append(_planes(picture, painting.colour))
        return np.concatenate(painted)


def match(
    image: Micrograph,
    style: Micrograph,
    way: Instant,
    strength: float = 1.0,
    values: Literal["input", "style"] = "input",
) -> npt.NDArray[Any]:
    """Return the planes of an image with the colours or the stains of a style's picture, in its own type.

    Parameters
    ----------
    image, style
        The pictures.
    way
        What is matched.
    strength
        Share of the way, from 0, the image, to 1.
    values
        Whose range the result has.

    Raises
    ------
    StyleTransferError
        If they have other channels, or one of them has no stains.
    """
    unit = ValueRange.of(image).to_unit(image.planes)
    painting = Painting(unit, style_planes(style, image), image.colour, strength)
    planes = (match_colour if way == "colour" else restain)(painting, lambda: False)
    return output_range(image, style, values).from_unit(planes, image.planes.dtype)


class Translated:
    """Translates images to what the other microscope's pictures look like, a share of the way.

    Parameters
    ----------
    translator
        Learned from images and styles whose values are about 0 to 1.
    device
        Where to compute.
    """

    def __init__(self, translator: Translator, device: str) -> None:
        self._translator, self._device = translator, device

    def __call__(self, painting: Painting, stop: Callable[[], bool]) -> Planes | None:
        """Return a new picture."""
        image = painting.image
        try:
            made = self._translator(
                Micrograph(image, painting.colour), device=self._device, stop=stop
            )
        except InputError as error:  # it has other channels than the first image
            raise ContentError(str(error)) from None
        return (
            None if stop() else np.asarray(image + painting.strength * (made - image), np.float32)
        )


def match_colour(painting: Painting, _stop: Callable[[], bool]) -> Planes:
    """Return the image with the mean and the covariance of the style's colours."""
    image, style = painting.image, painting.style
    if painting.colour:
        one, two = (torch.from_numpy(np.ascontiguousarray(each))[None] for each in (image, style))
        matched = match_colours(one, two)[0].numpy()
    else:
        spread, wanted = (each.std(axis=(1, 2), keepdims=True) for each in (image, style))
        means = [each.mean(axis=(1, 2), keepdims=True) for each in (image, style)]
        matched = (image - means[0]) * (wanted / np.maximum(spread, 1 / 255)) + means[1]
    return np.asarray(image + painting.strength * (matched - image), np.float32)


def restain(painting: Painting, _stop: Callable[[], bool]) -> Planes:
    """Return the image of a slide in the stains of the style."""
    if not painting.colour:
        raise ContentError("It has no colours; only slides in red, green and blue have stains.")
    ((image, style),) = painting.parts
    return np.moveaxis(match_stain(image, style, painting.strength), 2, 0)


def _planes(picture: Picture, colour: bool) -> Planes:
    """Return an (H, W, 3) uint16 result as planes in [0, 1]: three, or their mean."""
    values = np.divide(np.moveaxis(picture, 2, 0), 65535, dtype=np.float32)
    return values if colour else np.asarray(values.mean(0, keepdims=True), np.float32)
