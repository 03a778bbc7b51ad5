"""The recipe of PyTorch's own example, *fast_neural_style*, for one style.

As published: a network of 9 × 9, 3 × 3 and five residual blocks, with 32, 64 and 128 channels, padded by
reflection, each convolution but the last followed by instance normalisation with scale and offset, and
nearest upsampling before two of the last three. It takes and gives pixels in 0..255. Batches of four crops
of 256 pixels; Adam at 10⁻³ throughout; content 10⁵ at relu2_2, style 10¹⁰ at relu1_2, 2_2, 3_3 and 4_3,
Gram matrices divided by the number of features and positions; no total variation.

What differs is the judge, because every party of the benchmark gets the same: the original VGG-19 instead
of VGG-16, whose features are some 58 times as large, so that each loss is brought to the example's units
as in :mod:`benchmarks.tutorial`. And the pictures: four, of which random parts are taken, instead of
80,000, of which the middles are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.tutorial import UNIT, build_trunk
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.tensors import resize, to_tensor
from napari_style_transfer.geometry import result_shape

_CROP, _BATCH, _RATE = 256, 4, 1e-3
_CONTENT_LAYER, _CONTENT_WEIGHT = "relu2_2", 1e5
_STYLE_LAYERS, _STYLE_WEIGHT = ("relu1_2", "relu2_2", "relu3_3", "relu4_3"), 1e10


class Convolution(nn.Sequential):
    """A convolution that is padded by reflection."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.ReflectionPad2d(kernel // 2), nn.Conv2d(inputs, outputs, kernel, stride)
        )


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            Convolution(channels, channels, 3),
            nn.InstanceNorm2d(channels, affine=True),
            nn.ReLU(),
            Convolution(channels, channels, 3),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, maps: Tensor) -> Tensor:
        found: Tensor = maps + self.branch(maps)
        return found


class ExampleNetwork(nn.Sequential):
    """From pixels in 0..255 to pixels in about 0..255; sides must be multiples of 4."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs, kernel, stride in ((3, 32, 9, 1), (32, 64, 3, 2), (64, 128, 3, 2)):
            layers += [Convolution(inputs, outputs, kernel, stride)]
            layers += [nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()]
        layers += [Residual(128) for _ in range(5)]
        for inputs, outputs in ((128, 64), (64, 32)):
            layers += [nn.Upsample(scale_factor=2), Convolution(inputs, outputs, 3)]
            layers += [nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()]
        super().__init__(*layers, Convolution(32, 3, 9))

    def paint(self, picture: Tensor) -> Tensor:
        """Paint a (1, 3, H, W) picture in [0, 1]; the result, too, is in [0, 1]."""
        with torch.no_grad():
            painted: Tensor = self(255 * picture).clamp(0, 255) / 255
        return painted


class Judge(nn.Module):
    """The activations that the losses are made from."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = build_trunk(load_weights())

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        found, block, convolution = {}, 1, 0
        for layer in self.trunk:
            pictures = layer(pictures)
            if isinstance(layer, nn.MaxPool2d):
                block, convolution = block + 1, 0
            elif isinstance(layer, nn.ReLU):
                convolution += 1
                found[f"relu{block}_{convolution}"] = pictures
            if _STYLE_LAYERS[-1] in found:
                break
        return found


def learn(
    style: str, contents: Sequence[str], minutes: Sequence[float], device: str, size: int
) -> Iterator[tuple[float, int, ExampleNetwork]]:
    """Learn a style, and yield the minutes, the steps done and the network at each of some times.

    The clock stands while the receiver works.
    """
    torch.manual_seed(42)
    where = torch.device(device)
    judge = Judge().to(where)
    pictures = [_scaled(to_tensor(path, "content"), size) for path in contents]
    with torch.no_grad():
        features = judge(to_tensor(style, "style").to(where))
        targets = {layer: _gram(features[layer]) for layer in _STYLE_LAYERS}
    network = ExampleNetwork().to(where)
    optimiser = torch.optim.Adam(network.parameters(), _RATE)
    spent, steps = 0.0, 0
    for until in minutes:
        started = time.perf_counter()
        while spent + time.perf_counter() - started < 60 * until:
            batch = torch.cat([_crop(pictures) for _ in range(_BATCH)]).to(where)
            optimiser.zero_grad()
            painted = judge(network(255 * batch) / 255)
            with torch.no_grad():
                wanted = judge(batch)[_CONTENT_LAYER]
            loss = _CONTENT_WEIGHT * UNIT**2 * functional.mse_loss(painted[_CONTENT_LAYER], wanted)
            for layer, target in targets.items():
                gram = _gram(painted[layer])
                loss = loss + _STYLE_WEIGHT * UNIT**4 * functional.mse_loss(
                    gram, target.expand_as(gram)
                )
            loss.backward()
            optimiser.step()
            steps += 1
        spent += time.perf_counter() - started
        yield until, steps, network


def _scaled(picture: Tensor, size: int) -> Tensor:
    """Return a picture of long side `size`, or a little more where it would be narrower than a crop."""
    height, width = picture.shape[-2:]
    enough = -(-_CROP * max(height, width) // min(height, width))
    return resize(picture, result_shape((height, width), max(size, enough)))


def _crop(pictures: Sequence[Tensor]) -> Tensor:
    picture = pictures[int(torch.randint(len(pictures), ()))]
    top, left = (int(torch.randint(n - _CROP + 1, ())) for n in picture.shape[-2:])
    return picture[..., top : top + _CROP, left : left + _CROP]


def _gram(features: Tensor) -> Tensor:
    flat = features.flatten(2)
    return flat @ flat.mT / (features.shape[1] * flat.shape[2])
