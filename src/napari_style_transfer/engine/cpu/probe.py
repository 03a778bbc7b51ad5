"""Whether the kernels of this folder give right results here: tried once, at the first use.

One switch turns all of them off: the environment variable ``NAPARI_STYLE_TRANSFER_PLAIN``, if it is
neither empty nor 0. Then torch's own modules and autograd compute, as they do on other devices.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable

import torch
from torch import Tensor

_log = logging.getLogger(__name__)


def agrees(name: str, kernel: Callable[[], Tensor], reference: Tensor, tolerance: float) -> bool:
    """Return whether a kernel gives the reference, relative to whose norm its error may be `tolerance`.

    Logs a warning if not: it is used no more in this process.
    """
    try:
        found = kernel()
    except (AttributeError, NotImplementedError, RuntimeError) as error:
        _log.info("This build of torch has no %s (%s).", name, error)
        return False
    distance = float((found.double() - reference.double()).norm() / reference.double().norm())
    if distance <= tolerance:
        return True
    _log.warning("%s is wrong on this CPU by %.1e; plain torch is used instead.", name, distance)
    return False


@functools.cache
def available() -> bool:
    """Return whether the network may be computed by the kernels of this folder."""
    from napari_style_transfer.engine.cpu import pooling, rectification

    if os.environ.get("NAPARI_STYLE_TRANSFER_PLAIN", "0") not in ("", "0"):
        return False
    return pooling.works() and rectification.works()


def sample(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return normally distributed values in channels-last, to try a kernel on."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(*shape, generator=generator).to(dtype)
    return values.contiguous(memory_format=torch.channels_last)
