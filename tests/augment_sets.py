"""Small training sets for tests: discs with labels, as cellpose, StarDist and plain folders have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile


def discs(seed: int = 0, side: int = 64) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return an image of bright discs, (side, side) uint16, and its labels."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    image, labels = np.full((side, side), 300.0), np.zeros((side, side), np.uint16)
    for number, (row, column) in enumerate([(16, 16), (16, 46), (46, 16), (46, 46)], start=1):
        away = np.hypot(rows - row - random.integers(-4, 5), columns - column)
        image += 2000 / (1 + np.exp((away - 8) / 0.7))
        labels[away < 8] = number
    return (image + random.normal(0, 20, image.shape)).astype(np.uint16), labels


def texture(seed: int = 9, side: int = 96) -> np.ndarray[Any, Any]:
    """Return another microscope's picture, (side, side) uint8."""
    random = np.random.default_rng(seed)
    return (
        (random.integers(0, 90, (side, side)) + discs(seed, side)[0] // 20)
        .clip(0, 255)
        .astype(np.uint8)
    )


def cellpose(folder: Path, count: int = 2) -> Path:
    """Write ``n0.tif``, ``n0_masks.tif``, ...; return the folder."""
    folder.mkdir()
    for number in range(count):
        image, labels = discs(number)
        tifffile.imwrite(folder / f"n{number}.tif", image)
        tifffile.imwrite(folder / f"n{number}_masks.tif", labels)
    return folder


def stardist(folder: Path, count: int = 2) -> Path:
    """Write ``images/n0.tif``, ``masks/n0.tif``, ...; return the folder."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        image, labels = discs(number)
        tifffile.imwrite(folder / "images" / f"n{number}.tif", image)
        tifffile.imwrite(folder / "masks" / f"n{number}.tif", labels)
    return folder


def style(path: Path) -> Path:
    """Write a style's picture; return its path."""
    tifffile.imwrite(path, texture())
    return path
