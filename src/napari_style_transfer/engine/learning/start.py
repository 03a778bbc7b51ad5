"""The network that a learning starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from napari_style_transfer.engine.networks.transformer import Transformer

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
    device = next(base.parameters()).device
    network = Transformer(len(numbers), base.width, base.blocks, base.frozen).to(device)
    for new, old in zip(network.convolutions(), base.convolutions(), strict=True):
        new.weight.copy_(old.weight)
        for mine, theirs in ((new.scale, old.scale), (new.offset, old.offset)):
            by_style = theirs.view(base.styles, -1, theirs.shape[1])
            mine.copy_(by_style[list(numbers)].flatten(0, 1))
        if base.frozen and new.normalized:
            new.mean.copy_(old.mean[list(numbers)])
            new.variance.copy_(old.variance[list(numbers)])
    return network


@torch.no_grad()
def joined(networks: Sequence[Transformer]) -> Transformer:
    """Return a network with the styles of several that began alike, and the mean of their kernels."""
    first = networks[0]
    network = Transformer(sum(each.styles for each in networks), first.width, first.blocks)
    together = zip(network.convolutions(), *(e.convolutions() for e in networks), strict=True)
    for new, *old in together:
        new.weight.copy_(torch.stack([each.weight for each in old]).mean(0))
        new.scale.copy_(torch.cat([each.scale for each in old]))
        new.offset.copy_(torch.cat([each.offset for each in old]))
    return network


@torch.no_grad()
def frozen(network: Transformer, contents: Tensor) -> Transformer:
    """Return a network that paints with the statistics of contents, for each style, from now on.

    Parameters
    ----------
    network
        One that normalises.
    contents
        (N, 3, H, W) in [0, 1], in the type and on the device to convolve in.
    """
    fixed = Transformer(network.styles, network.width, network.blocks, frozen=True)
    fixed.to(contents.device).load_state_dict(network.state_dict(), strict=False)
    for number in range(network.styles):
        condition = network.condition(_only(number, network.styles), 0.5, 1.0)
        given = iter(network.statistics(contents, condition))
        for each in fixed.convolutions():
            if each.normalized:
                each.mean[number], each.variance[number] = next(given)
    return fixed


def _only(number: int, styles: int) -> list[float]:
    return [float(number == each) for each in range(styles)]
