"""The party *tutorial*: PyTorch's "Neural Transfer Using PyTorch" by A. Jacq and W. Herring.

As published: float32; modules that note their loss stand between the layers of the trunk; content at the
fourth convolution and style at the first five, all before rectification; Gram matrices divided by their
number of features and of positions; weights 1 and 10⁶; the pixels, from the content, are the parameter
of `torch.optim.LBFGS` at its defaults and are clamped to [0, 1] in the closure.

What differs is the network's parameters, for every party gets the same. The published weights are for
torchvision's, which want pixels in [0, 1] divided by their standard deviation over ImageNet, about 0.226;
the original ones want 0..255, and their features are some 58 times as large. As a content loss goes with
the square of the features and a style loss with the fourth power, the published weights as they stand
would mean a style weight 3300 times as large, under which faces dissolve. So each loss is brought to the
tutorial's units: that of features divided by 255 · 0.226.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.vgg import cfgs, make_layers

from benchmarks.recorder import Job, Recorder
from benchmarks.torch_lbfgs import load_optimiser, minimise
from napari_style_transfer.engine.networks.weights import NetworkWeights, load_weights
from napari_style_transfer.engine.tensors import to_tensor


@dataclass(frozen=True)
class Objective:
    """Layers, such as ``conv2_2`` and, rectified, ``relu2_2``, and what their losses weigh."""

    content_layers: tuple[str, ...]
    content_weight: float
    style_layers: tuple[str, ...]
    style_weight: float

    @property
    def terms(self) -> int:
        """How many losses there are."""
        return len(self.content_layers) + len(self.style_layers)


#: What brings features to the tutorial's units: standard deviations over ImageNet, their mean.
UNIT = 1 / (255 * (0.229 + 0.224 + 0.225) / 3)

PUBLISHED = Objective(
    content_layers=("conv2_2",),
    content_weight=1 * UNIT**2,
    style_layers=("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"),
    style_weight=1e6 * UNIT**4,
)


class Normalization(nn.Module):
    mean: Tensor
    std: Tensor

    def __init__(self, weights: NetworkWeights) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(weights.mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(weights.std).view(-1, 1, 1))

    def forward(self, picture: Tensor) -> Tensor:
        return (picture - self.mean) / self.std


class ContentLoss(nn.Module):
    def __init__(self, target: Tensor, weight: float) -> None:
        super().__init__()
        self.target, self.weight = target, weight

    def forward(self, features: Tensor) -> Tensor:
        self.loss = self.weight * functional.mse_loss(features, self.target)
        return features


class StyleLoss(nn.Module):
    def __init__(self, target: Tensor, weight: float) -> None:
        super().__init__()
        self.target, self.weight = gram_matrix(target), weight

    def forward(self, features: Tensor) -> Tensor:
        self.loss = self.weight * functional.mse_loss(gram_matrix(features), self.target)
        return features


def gram_matrix(features: Tensor) -> Tensor:
    """Return the (C, C) Gram matrix of (1, C, h, w) features, divided by C h w."""
    flat = features[0].flatten(1)
    return flat @ flat.T / flat.numel()


def build_trunk(weights: NetworkWeights) -> nn.Sequential:
    """Return normalisation, convolutions, rectifications and poolings."""
    trunk: nn.Sequential = make_layers(cfgs["E"])
    trunk.load_state_dict(weights.state)
    return nn.Sequential(Normalization(weights), *trunk).eval().requires_grad_(False)


@torch.no_grad()
def insert_losses(
    trunk: nn.Sequential, content: Tensor, style: Tensor, objective: Objective
) -> tuple[nn.Sequential, list[ContentLoss | StyleLoss]]:
    """Return the trunk with the losses in it, cut after the last, and the losses."""
    model = nn.Sequential()
    losses: list[ContentLoss | StyleLoss] = []
    name, block, convolution = "", 1, 0
    for layer in trunk:
        if isinstance(layer, nn.Conv2d):
            convolution += 1
            name = f"conv{block}_{convolution}"
        elif isinstance(layer, nn.ReLU):
            layer = nn.ReLU(inplace=False)  # in place, it would overwrite what the losses keep
            name = f"relu{block}_{convolution}"
        elif isinstance(layer, nn.MaxPool2d):
            name, block, convolution = f"pool{block}", block + 1, 0
        model.append(layer)
        content, style = layer(content), layer(style)
        if name in objective.content_layers:
            losses.append(ContentLoss(content, objective.content_weight))
            model.append(losses[-1])
        if name in objective.style_layers:
            losses.append(StyleLoss(style, objective.style_weight))
            model.append(losses[-1])
        if len(losses) == objective.terms:
            break
    return model, losses


def paint(job: Job, weights: NetworkWeights, objective: Objective) -> None:
    """Do the job by the tutorial's way of minimising."""
    trunk = build_trunk(weights).to(job.device)
    load_optimiser()
    recorder = Recorder(job)
    recorder.start()
    content = to_tensor(job.content, "content").to(job.device)
    style = to_tensor(job.style, "style").to(job.device)
    model, losses = insert_losses(trunk, content, style, objective)
    image = content.clone().requires_grad_(True)

    def closure() -> Tensor:
        with torch.no_grad():
            image.clamp_(0, 1)
        model(image)
        total = torch.stack([term.loss for term in losses]).sum()
        (image.grad,) = torch.autograd.grad(total, image)
        return total

    minimise(image, closure, job, recorder)
    recorder.finish(precision="float32")


def main() -> None:
    paint(Job.from_command_line(), load_weights(), PUBLISHED)


if __name__ == "__main__":
    main()
