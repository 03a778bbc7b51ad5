"""Which network computes where: the one of the CPU's kernels on a CPU, torch's own elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from napari_style_transfer.engine.cpu.probe import available
from napari_style_transfer.engine.cpu.vgg import CpuVGG19
from napari_style_transfer.engine.device import Precision
from napari_style_transfer.engine.networks.vgg import CPU, VGG19, Pooling
from napari_style_transfer.engine.networks.weights import NetworkWeights


def build_network(
    weights: NetworkWeights,
    layers: Iterable[str],
    *,
    pooling: Pooling = "max",
    precision: Precision = Precision.FLOAT32,
    device: torch.device = CPU,
    strict_locality: bool = False,
) -> VGG19:
    """Return the network for a device.

    Parameters
    ----------
    weights, layers, pooling, device
        As of :class:`~napari_style_transfer.engine.networks.vgg.VGG19`.
    precision
        Of its convolutions.
    strict_locality
        Whether an activation may depend, even by rounding, on its receptive field alone.
    """
    if device.type != "cpu" or not available():
        return VGG19(weights, layers, pooling=pooling, dtype=precision.dtype, device=device)
    return CpuVGG19(
        weights,
        layers,
        pooling=pooling,
        dtype=precision.dtype,
        winograd=not strict_locality,
        int8_backward=precision is Precision.MIXED,
    )
