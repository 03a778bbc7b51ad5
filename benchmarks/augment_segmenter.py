"""The judge: a small U-Net, trained and tested, and the F1 of its objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from napari_style_transfer.engine.device import has_fast_bfloat16

Array = npt.NDArray[Any]

#: Channels at full size; sides of the training crops and how many there are in a step; Adam's rate.
_WIDTH, _CROP, _BATCH, _RATE = 16, 96, 8, 2e-3
#: How much a pixel of each class counts: background, inside, border.
_CLASS_WEIGHTS = 1.0, 1.0, 2.0
#: Objects of fewer pixels are none.
_LEAST_AREA = 25


class UNet(nn.Module):
    """Three channels in; scores of background, inside and border out (Ronneberger et al. 2015)."""

    def __init__(self) -> None:
        super().__init__()
        widths = [_WIDTH, 2 * _WIDTH, 4 * _WIDTH]
        self.down = nn.ModuleList(
            _block(before, after) for before, after in zip([3, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            _block(deep + shallow, shallow)
            for deep, shallow in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(_WIDTH, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for number, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if number else x)
            kept.append(x)
        kept.pop()
        for block in self.up:
            larger = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([larger, kept.pop()], 1))
        scores: Tensor = self.head(x)
        return scores


def _block(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(),
    )  # fmt: skip


def normalised(image: Array) -> Array:
    """Return an image as (3, H, W) float32: percentiles 1 and 99.8 become 0 and 1, as StarDist has it."""
    values = image.astype(np.float32)
    low, high = map(float, np.percentile(values, (1, 99.8)))
    values = (values - low) / max(high - low, 1e-6)
    return (
        np.broadcast_to(values, (3, *values.shape))
        if values.ndim == 2
        else values.transpose(2, 0, 1)
    )


def classes(labels: Array) -> Array:
    """Return 0 for background, 1 for the inside of objects, 2 for their borders, (H, W)."""
    largest, least = (
        each(labels, footprint=np.ones((3, 3)))
        for each in (ndimage.maximum_filter, ndimage.minimum_filter)
    )
    found = (labels > 0).astype(np.int64)
    found[(labels > 0) & (largest != least)] = 2
    return found


def jittered(images: Array, random: np.random.Generator) -> Array:
    """Return (N, 3, h, w) crops with contrast, brightness, gamma and noise varied, each for itself."""
    result = images.copy()
    for image in result:
        gamma, gain = random.uniform(0.5, 1.8), random.uniform(0.6, 1.5)
        image[:] = gain * np.clip(image, 0, None) ** gamma + random.uniform(-0.15, 0.25)
        image += random.normal(0, random.uniform(0, 0.08), image.shape)
    return result


def train(
    images: Sequence[Array], labels: Sequence[Array], *, steps: int, seed: int, jitter: bool
) -> UNet:
    """Return a network that has learned (H, W) or (H, W, 3) images with their labels."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = UNet().to(memory_format=torch.channels_last)
    is_fast = has_fast_bfloat16(torch.device("cpu"))
    optimizer = torch.optim.Adam(network.parameters(), _RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2 * _RATE, total_steps=steps)
    inputs = [normalised(each) for each in images]
    targets = [classes(each) for each in labels]
    weights = torch.tensor(_CLASS_WEIGHTS)
    for _ in range(steps):
        crops, wanted = zip(*(_crop(inputs, targets, random) for _ in range(_BATCH)), strict=True)
        batch = np.stack(crops)
        batch = jittered(batch, random) if jitter else batch
        with torch.autocast("cpu", torch.bfloat16, enabled=is_fast):
            scores = network(torch.from_numpy(batch).to(memory_format=torch.channels_last))
        loss = functional.cross_entropy(scores.float(), torch.from_numpy(np.stack(wanted)), weights)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _crop(
    inputs: Sequence[Array], targets: Sequence[Array], random: np.random.Generator
) -> tuple[Array, Array]:
    """Draw a crop, turned and mirrored."""
    number = int(random.integers(len(inputs)))
    image, target = inputs[number], targets[number]
    top, left = (int(random.integers(0, side - _CROP + 1)) for side in target.shape)
    rows, columns = slice(top, top + _CROP), slice(left, left + _CROP)
    turns, mirror = int(random.integers(4)), bool(random.integers(2))
    part = np.rot90(image[:, rows, columns], turns, (1, 2))
    wanted = np.rot90(target[rows, columns], turns)
    if mirror:
        part, wanted = part[..., ::-1], wanted[..., ::-1]
    return np.ascontiguousarray(part), np.ascontiguousarray(wanted)


@torch.no_grad()
def segment(network: UNet, image: Array) -> Array:
    """Return the labels of the objects that a network sees in an image, with sides divisible by four."""
    scores = network(torch.from_numpy(np.ascontiguousarray(normalised(image)))[None])
    found = scores[0].argmax(0).numpy()
    inside, _ = ndimage.label(found == 1)
    # Borders go to the nearest inside, as far as they are two pixels away.
    distance, nearest = ndimage.distance_transform_edt(inside == 0, return_indices=True)
    labels = np.where((found == 2) & (distance <= 2), inside[tuple(nearest)], inside)
    sizes = np.bincount(labels.ravel())
    labels[(sizes < _LEAST_AREA)[labels]] = 0
    return np.asarray(labels)


def f1(found: Array, truth: Array, least_iou: float = 0.5) -> float:
    """Return the F1 of objects: those whose intersection over union with one of the truth is greater."""
    found, truth = (_in_order(each) for each in (found, truth))
    both = np.zeros((found.max() + 1, truth.max() + 1))
    np.add.at(both, (found.ravel(), truth.ravel()), 1)
    areas = both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both
    iou = (both / np.maximum(areas, 1))[1:, 1:]
    hits = int((iou > least_iou).sum())  # above a half, each has one partner at most
    count = iou.shape[0] + iou.shape[1]
    return 2 * hits / count if count else 1.0


def _in_order(labels: Array) -> Array:
    """Return labels as 0 for the background, then 1, 2, 3, ..."""
    values = np.unique(labels[labels > 0])
    return np.where(labels > 0, np.searchsorted(values, labels) + 1, 0)
