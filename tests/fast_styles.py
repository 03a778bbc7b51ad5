"""Fast styles for tests: networks of random numbers, as the learning would leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_style_transfer.engine.networks.transformer import Transformer
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.learning import FastStyleInfo, LearningSettings


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def fast_style(
    *names: str, seed: int = 0, width: int = 4, blocks: int = 1, sides: tuple[int, int] = (24, 32)
) -> FastStyle:
    """Return a small one whose strength and stroke size change something."""
    names = names or ("night",)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Transformer(len(names), width, blocks)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.3 * parameter.abs().mean() * torch.randn_like(parameter)
    info = FastStyleInfo(
        names=names,
        thumbnails=tuple(picture(*sides, seed=seed + number) for number in range(len(names))),
        settings=LearningSettings(minutes=2, seed=seed),
        contents=("coffee",),
        figures={"style": 1.5},
        versions={"torch": "2"},
        seconds=12.5,
        note="CC0",
    )
    return FastStyle(network, info)


def saved(path: Path, *names: str, **options: Any) -> Path:
    fast_style(*names, **options).save(path)
    return path
