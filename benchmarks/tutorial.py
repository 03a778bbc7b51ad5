"""The party *tutorial*: the method of PyTorch's "Neural Transfer Using PyTorch" by A. Jacq.

As there: modules that note their loss, put between the layers of a plain float32 trunk; the pixels are
the parameter of `torch.optim.LBFGS` at its defaults, clamped to [0, 1] in the closure. Differs from it in
the objective, which is the shared one, and in the network's parameters, so that totals can be compared.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.vgg import cfgs, make_layers

from benchmarks.recorder import Job, Recorder
from benchmarks.shared_objective import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT
from benchmarks.torch_lbfgs import load_optimiser, minimise
from napari_style_transfer.engine.images import to_tensor
from napari_style_transfer.engine.weights import NetworkWeights, load_weights


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
    def __init__(self, target: Tensor) -> None:
        super().__init__()
        self.target = target.detach()

    def forward(self, features: Tensor) -> Tensor:
        self.loss = CONTENT_WEIGHT * functional.mse_loss(features, self.target)
        return features


class StyleLoss(nn.Module):
    def __init__(self, target: Tensor) -> None:
        super().__init__()
        self.target = gram_matrix(target).detach()
        self.weight = STYLE_WEIGHT / target.shape[1] ** 2

    def forward(self, features: Tensor) -> Tensor:
        self.loss = self.weight * functional.mse_loss(gram_matrix(features), self.target)
        return features


def gram_matrix(features: Tensor) -> Tensor:
    _, channels, height, width = features.shape
    flat = features.view(channels, height * width)
    return flat @ flat.t() / (height * width)


def build_model(
    weights: NetworkWeights, content: Tensor, style: Tensor
) -> tuple[nn.Sequential, list[ContentLoss | StyleLoss]]:
    """Return the trunk with the losses in it, cut after the last, and the losses."""
    trunk = make_layers(cfgs["E"])
    trunk.load_state_dict(weights.state)
    trunk.to(content.device).eval().requires_grad_(False)
    model = nn.Sequential(Normalization(weights).to(content.device))
    losses: list[ContentLoss | StyleLoss] = []
    content, style = model(content), model(style)
    block = convolution = 1
    for layer in trunk:
        if isinstance(layer, nn.ReLU):
            layer = nn.ReLU(inplace=False)  # in place, it would overwrite what the losses keep
        model.append(layer)
        content, style = layer(content), layer(style)
        if isinstance(layer, nn.MaxPool2d):
            block, convolution = block + 1, 1
        if not isinstance(layer, nn.ReLU):
            continue
        name = f"relu{block}_{convolution}"
        convolution += 1
        if name == CONTENT_LAYER:
            losses.append(ContentLoss(content))
            model.append(losses[-1])
        elif name in STYLE_LAYERS:
            losses.append(StyleLoss(style))
            model.append(losses[-1])
        if len(losses) == len(STYLE_LAYERS) + 1:
            break
    return model, losses


def main() -> None:
    job = Job.from_command_line()
    weights = load_weights()
    load_optimiser()
    recorder = Recorder(job)
    recorder.start()
    content = to_tensor(job.content, "content").to(job.device)
    style = to_tensor(job.style, "style").to(job.device)
    model, losses = build_model(weights, content, style)
    image = content.clone().requires_grad_(True)

    def closure() -> Tensor:
        with torch.no_grad():
            image.clamp_(0, 1)
        image.grad = None
        model(image)
        total = torch.stack([term.loss for term in losses]).sum()
        total.backward()
        return total

    minimise(image, closure, job, recorder)
    recorder.finish(precision="float32")


if __name__ == "__main__":
    main()
