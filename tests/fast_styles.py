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


def frozen(*names: str) -> FastStyle:
    """Return one whose statistics are those of no picture."""
    live = fast_style(*names)
    network = Transformer(len(names), live.transformer.width, live.transformer.blocks, frozen=True)
    state = network.state_dict() | live.transformer.state_dict()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for name, values in state.items():
            if name.endswith(".mean"):
                state[name] = 0.2 * torch.randn_like(values)
            elif name.endswith(".variance"):
                state[name] = 0.05 + 0.1 * torch.rand_like(values)
    network.load_state_dict(state)
    return FastStyle(network.requires_grad_(False).eval(), live.info)


def saved(path: Path, *names: str, **options: Any) -> Path:
    fast_style(*names, **options).save(path)
    return path
