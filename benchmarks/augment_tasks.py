"""Three gaps between a training set and the pictures that a segmenter meets later.

Of every picture that others annotated, one half is trained with or gives the style, and the other half is
the test's. The styles never show a pixel of the test's half, and nothing was chosen by the test's half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from scipy import ndimage

from benchmarks.environment import fetched

Array = npt.NDArray[Any]

#: Side of training images in pixels.
SIDE = 192


@dataclass(frozen=True)
class Task:
    """What is trained with, whose style is given, and what is tested on.

    Attributes
    ----------
    images, labels
        To train with: (H, W) or (H, W, 3), and (H, W) integers.
    styles
        Pictures of the other microscope, without labels.
    test, truth
        The test's picture, and its labels.
    own_images, own_labels
        Of the other microscope, which nobody has: what they would give is the most that can be gained.
    """

    images: list[Array]
    labels: list[Array]
    styles: list[Array]
    test: Array
    truth: Array
    own_images: list[Array]
    own_labels: list[Array]


def save(task: Task, folder: Path) -> tuple[Path, Path]:
    """Write a task's training set and styles as a user has them; return their folders."""
    train, styles = folder / "train", folder / "styles"
    for each in (train / "images", train / "masks", styles):
        each.mkdir(parents=True, exist_ok=True)
    for number, (image, labels) in enumerate(zip(task.images, task.labels, strict=True)):
        tifffile.imwrite(train / "images" / f"{number:02}.tif", image)
        tifffile.imwrite(train / "masks" / f"{number:02}.tif", labels.astype(np.uint16))
    for number, style in enumerate(task.styles):
        tifffile.imwrite(styles / f"{number}.tif", style)
    return train, styles


def nuclei(count: int, seed: int) -> Task:
    """Nuclei made here, to those of the 2018 Data Science Bowl in StarDist's package.

    The gap is mostly one of intensity: haze, and nuclei of many brightnesses.
    """
    image, labels = _bowl()
    random = np.random.default_rng(seed)
    made = [synthetic_nuclei(random) for _ in range(count)]
    return Task(
        [each for each, _ in made],
        [each for _, each in made],
        [image[:, :256]],
        image[:, 256:],
        labels[:, 256:],
        *_parts(image[:, :256], labels[:, :256], count, random),
    )


def debris(count: int, seed: int) -> Task:
    """Real nuclei, to the same kind of nuclei among fibres and debris: a gap of texture.

    Trained with is the left half, as it is. Fibres and debris are added to the left half to give the style,
    and others of the same kind to the right half, which is the test's.
    """
    image, labels = _bowl()
    random = np.random.default_rng(seed)
    images, masks = _parts(image[:, :256], labels[:, :256], count, random)
    style = add_debris(image[:, :256], random)
    test = add_debris(image[:, 256:], np.random.default_rng(1000))  # the same for every seed
    own = _parts(style, labels[:, :256], count, random)
    return Task(images, masks, [style], test, labels[:, 256:], *own)


def stain(count: int, seed: int) -> Task:
    """A slide with haematoxylin and DAB, to the same kind of slide in other stains, paler: a gap of colour.

    scikit-image's picture has no labels; a threshold of its haematoxylin gives them, before it is stained
    anew.
    """
    from skimage import data

    image = data.immunohistochemistry()
    labels = haematoxylin_objects(image)
    random = np.random.default_rng(seed)
    images, masks = _parts(image[:, :256], labels[:, :256], count, random)
    other = stained_anew(image)
    own = _parts(other[:, :256], labels[:, :256], count, random)
    return Task(images, masks, [other[:, :256]], other[:, 256:], labels[:, 256:], *own)


#: Every task by its name, and whether its gap is one of texture or colour rather than intensity.
TASKS: dict[str, tuple[Callable[[int, int], Task], bool]] = {
    "nuclei": (nuclei, False),
    "debris": (debris, True),
    "stain": (stain, True),
}


def synthetic_nuclei(random: np.random.Generator, side: int = SIDE) -> tuple[Array, Array]:
    """Return an image of nuclei on an even background, (side, side) uint16, and their labels.

    A nucleus is an ellipse with a wavy outline, brighter in places; the image is blurred and has the noise
    of photons.
    """
    rows, columns = np.mgrid[:side, :side]
    image, labels = np.full((side, side), 60.0), np.zeros((side, side), np.uint16)
    clouds = ndimage.gaussian_filter(random.normal(0, 1, (side, side)), 3)
    clouds /= clouds.std()
    for _ in range(random.integers(20, 45)):
        row, column = random.uniform(0, side, 2)
        long, ratio, turn = random.uniform(8, 14), random.uniform(0.65, 1), random.uniform(0, np.pi)
        down, right = rows - row, columns - column
        along = down * np.cos(turn) + right * np.sin(turn)
        across = (right * np.cos(turn) - down * np.sin(turn)) / ratio
        angle = np.arctan2(across, along)
        waves = 1 + 0.06 * np.sin(3 * angle + random.uniform(0, 6)) * random.uniform(0, 1)
        inside = (np.hypot(along, across) < long * waves) & (labels == 0)
        if (
            inside.sum() < 60
            or (np.hypot(along, across) < long * waves).sum() > 1.25 * inside.sum()
        ):
            continue
        labels[inside] = labels.max() + 1
        image[inside] += random.uniform(500, 1500) * (1 + 0.15 * clouds[inside])
    blurred = ndimage.gaussian_filter(image, random.uniform(0.8, 1.4))
    return random.poisson(blurred.clip(0)).astype(np.uint16), labels


def add_debris(image: Array, random: np.random.Generator) -> Array:
    """Return an image with fibres, specks and out-of-focus light between its objects, of its type."""
    shape = image.shape
    object_like = float(np.percentile(image, 92) - np.median(image))
    fibres = np.zeros(shape)
    for turn in random.uniform(0, np.pi, 3):
        noise = random.normal(0, 1, shape)
        long, short = (ndimage.gaussian_filter(noise, sigma) for sigma in (1.0, 2.5))
        band = long / long.std() - short / short.std()
        fibres += np.maximum(_smeared(band, turn), 0)
    fibres /= np.percentile(fibres, 99)
    specks = ndimage.gaussian_filter((random.random(shape) < 0.004).astype(float), 1.0)
    specks /= np.percentile(specks[specks > 0], 95)
    haze = ndimage.gaussian_filter(random.normal(0, 1, shape), 20)
    haze = (haze - haze.min()) / np.ptp(haze)
    added = object_like * (0.5 * fibres + 1.5 * specks + 0.4 * haze)
    noisy = image + added + random.normal(0, 0.05 * object_like, shape)
    return np.rint(noisy.clip(0, np.iinfo(image.dtype).max)).astype(image.dtype)


def _smeared(picture: Array, turn: float, length: int = 21) -> Array:
    """Return a picture blurred along a line."""
    steps = np.linspace(-length / 2, length / 2, length)
    moved = [
        ndimage.shift(picture, (step * np.sin(turn), step * np.cos(turn)), order=1, mode="wrap")
        for step in steps
    ]
    return np.asarray(np.mean(moved, axis=0))


def haematoxylin_objects(image: Array) -> Array:
    """Return the labels of what haematoxylin stains in an RGB slide: a threshold, and a watershed."""
    from skimage import color, feature, filters, measure, morphology, segmentation

    amount = filters.gaussian(color.rgb2hed(image)[..., 0], 1.5)
    inside = amount > filters.threshold_otsu(amount)
    inside = ndimage.binary_opening(inside, morphology.disk(2))
    depth = filters.gaussian(ndimage.distance_transform_edt(inside), 1)
    peaks = feature.peak_local_max(depth, min_distance=6, labels=measure.label(inside))
    seeds = np.zeros(inside.shape, int)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = segmentation.watershed(-depth, seeds, mask=inside)
    sizes = np.bincount(labels.ravel())
    labels[(sizes < 40)[labels]] = 0
    return np.asarray(labels, np.uint16)


def stained_anew(image: Array) -> Array:
    """Return a slide of haematoxylin and DAB in other stains: bluish green and magenta, and paler."""
    from skimage import color

    amounts = np.maximum(color.rgb2hed(image), 0)
    new = np.array([[0.75, 0.45, 0.48], [0.27, 0.57, 0.78], [0.25, 0.92, 0.30]])
    new /= np.linalg.norm(new, axis=1, keepdims=True)
    amounts = amounts * np.array([0.55, 0.6, 0.7])
    anew = color.combine_stains(amounts, new)
    light = np.array([0.93, 0.95, 0.9])
    return np.rint(np.clip(anew * light, 0, 1) * 255).astype(np.uint8)


def _bowl() -> tuple[Array, Array]:
    """Return StarDist's image, (512, 512) uint16, and its labels."""
    folder = Path(fetched("stardist", "stardist==0.9.2")) / "data" / "images"
    return tifffile.imread(folder / "img2d.tif"), tifffile.imread(folder / "mask2d.tif")


def _parts(
    image: Array, labels: Array, count: int, random: np.random.Generator
) -> tuple[list[Array], list[Array]]:
    """Return parts of an annotated picture, at random places."""
    images, masks = [], []
    for _ in range(count):
        top, left = (int(random.integers(0, side - SIDE + 1)) for side in labels.shape)
        place = slice(top, top + SIDE), slice(left, left + SIDE)
        images.append(image[place].copy())
        masks.append(labels[place].copy())
    return images, masks
