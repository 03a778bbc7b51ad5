"""The network that a learning starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from napari_style_transfer.engine.networks.transformer import ConditionalConvolution, Transformer

#: Loss of (N, 3, H, W) painted pictures for the style of a number.
Loss = Callable[[Tensor, int], float]


def random_network(styles: int, seed: int) -> Transformer:
    """Return a network of random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Transformer(styles)


@torch.no_grad()
def network_from(base: Transformer, styles: int, contents: Tensor, loss: Loss) -> Transformer:
    """Return a network for other styles that begins with what another one knows.

    Kernels are the same. Each style begins as that of the base's styles which meets it best.

    Parameters
    ----------
    base
        The other network, on the CPU or a device.
    styles
        How many styles the new one is to know.
    contents
        (N, 3, H, W) in [0, 1], in the type and on the device to convolve in; H and W multiples of the
        network's stride.
    loss
        Of what the base paints, for one of the new styles.
    """
    painted = [
        base(contents, base.condition(_only(number, base.styles), 0.5, 1.0))
        for number in range(base.styles)
    ]
    best = [
        min(range(base.styles), key=lambda number: loss(painted[number], style))
        for style in range(styles)
    ]
    return with_styles(base, best)


@torch.no_grad()
def with_styles(base: Transformer, numbers: Sequence[int]) -> Transformer:
    """Return a network with some of another one's styles, by their numbers, any of them repeatedly."""
    network = Transformer(len(numbers), base.width, base.blocks).to(next(base.parameters()).device)
    for new, old in zip(_convolutions(network), _convolutions(base), strict=True):
        new.weight.copy_(old.weight)
        for mine, theirs in ((new.scale, old.scale), (new.offset, old.offset)):
            by_style = theirs.view(base.styles, -1, theirs.shape[1])
            mine.copy_(by_style[list(numbers)].flatten(0, 1))
    return network


def _convolutions(network: Transformer) -> list[ConditionalConvolution]:
    return [each for each in network.modules() if isinstance(each, ConditionalConvolution)]


def _only(number: int, styles: int) -> list[float]:
    return [float(number == each) for each in range(styles)]
