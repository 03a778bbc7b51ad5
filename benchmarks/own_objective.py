"""The party *torch.optim*: this package's objective and network, without its way of minimising.

Pixels, all evaluations at full size, float32, torch's own convolutions, `torch.optim.LBFGS`, and a
penalty on what leaves the gamut: what is left of the difference to the package is its canvas, schedule,
start, precision and convolutions, and its optimiser.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.recorder import Job, Recorder
from benchmarks.torch_lbfgs import load_optimiser, minimise
from napari_style_transfer.engine.networks.build import build_network
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.settings import Settings

#: Weight of the mean squared excess over [0, 1].
_GAMUT_WEIGHT = 300.0


def main() -> None:
    job = Job.from_command_line()
    settings, weights = Settings(), load_weights()
    load_optimiser()
    recorder = Recorder(job)
    recorder.start()
    content = to_tensor(job.content, "content").to(job.device)
    style = to_tensor(job.style, "style").to(job.device)
    layers = {**settings.content_layers, **settings.style_layers}
    network = build_network(weights, layers, device=torch.device(job.device), strict_locality=True)
    target = StyleTarget(gram_matrices(network, style, settings.style_layers))
    objective = build_objective(network, settings, content, [target])
    image = content.clone().requires_grad_(True)

    def closure() -> Tensor:
        losses, gradient = objective.evaluate(image.detach())
        with torch.no_grad():
            excess = image - image.clamp(0, 1)
            gradient = gradient + excess * (2 * _GAMUT_WEIGHT / excess.numel())
            image.grad = gradient.contiguous()  # torch's L-BFGS views it as a vector
            return sum(losses.values()) + _GAMUT_WEIGHT * excess.square().mean()

    minimise(image, closure, job, recorder)
    recorder.finish(precision="float32")


if __name__ == "__main__":
    main()
