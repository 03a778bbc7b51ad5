"""Memory for the network's maps, used again from one evaluation to the next.

Large memory comes from the system as pages that must be cleared first, and goes back to it as soon as a
map is gone. On a CPU that took a quarter of the time of an evaluation at 1024 px.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

#: Maps begin at multiples of this many bytes, a page.
_ALIGNMENT = 4096


class Allocate(Protocol):
    """Makes maps whose memory holds anything."""

    def __call__(
        self, like: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None
    ) -> Tensor:
        """Return (N, C, H, W) maps in channels-last; device and, unless given, type are `like`'s."""
        ...


def allocate_map(like: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    """Make a map of the system's memory; as :class:`Allocate`."""
    return torch.empty(
        tuple(shape),
        dtype=dtype or like.dtype,
        device=like.device,
        memory_format=torch.channels_last,
    )


class MapAllocator:
    """Makes maps of one block of memory, into which each goes back when nothing refers to it.

    As :class:`Allocate`. Where the block is full, and on other devices than the CPU, which keep memory of
    their own, maps are made of the system's memory. For one thread at a time.

    Parameters
    ----------
    size
        Bytes of the block, rounded up to whole pages. What of it is never used takes no memory.
    """

    def __init__(self, size: int) -> None:
        size = _end(0, size)
        self._block = torch.empty(size, dtype=torch.uint8).numpy()
        self._holes = [(0, size)]
        self._returned: deque[tuple[int, int]] = deque()

    def __call__(
        self, like: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None
    ) -> Tensor:
        """Return (N, C, H, W) maps in channels-last; device and, unless given, type are `like`'s."""
        dtype = dtype or like.dtype
        size = math.prod(shape) * dtype.itemsize
        start = None if like.device.type != "cpu" else self._find(size)
        if start is None:
            return allocate_map(like, shape, dtype)
        lease = self._block[start : start + size]
        # The tensor's memory refers to this array, and nothing else does: gone are both at once.
        weakref.finalize(lease, self._returned.append, (start, _end(start, size))).atexit = False
        number, channels, height, width = shape
        by_position = torch.from_numpy(lease).view(dtype).view(number, height, width, channels)
        return by_position.permute(0, 3, 1, 2)

    def _find(self, size: int) -> int | None:
        """Take `size` bytes from the first hole that has them, and return where; None if none has."""
        self._tidy()
        for index, (start, stop) in enumerate(self._holes):
            if stop - start >= size:
                self._holes[index] = (_end(start, size), stop)
                return start
        return None

    def _tidy(self) -> None:
        """Join what came back with the holes beside it."""
        while self._returned:
            self._holes.append(self._returned.popleft())
        joined: list[tuple[int, int]] = []
        for start, stop in sorted(self._holes):
            if joined and joined[-1][1] == start:
                joined[-1] = joined[-1][0], stop
            elif start < stop:
                joined.append((start, stop))
        self._holes = joined


def _end(start: int, size: int) -> int:
    return start + -(-size // _ALIGNMENT) * _ALIGNMENT
