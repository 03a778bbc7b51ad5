"""A device that is not here: its tensors have a shape, a type and a place, but no values.

The engine's own code runs on it, autograd included, on any machine and with any build of torch. What is on
the CPU is computed as ever; what is on the device is torch's *meta* tensors, as in torch's own fake tensors
(whose autograd wants a driver for the device that they claim to be on).
"""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from napari_style_transfer.engine.libraries import load_triton

# torch imports triton for it, which crashes where another test has opened a window before.
load_triton()

#: What every tensor of the device says of its place.
DEVICE = torch.device("meta")

_aten = torch.ops.aten
#: They say themselves what goes where; anything else that sees two devices has mixed them up.
_TRANSFERS = (_aten._to_copy.default, _aten.copy_.default)
#: Moves no memory and starts no kernel.
_FREE = ("detach", "alias", "lift_fresh", "empty", "new_empty", "empty_like", "_unsafe_view")


class FakeDevice(TorchDispatchMode):
    """While it is entered, ``torch.device("meta")`` is a device that can be read from.

    What is read is 1, or True: nobody knows the values.

    Parameters
    ----------
    mps
        Whether the device is one of Apple's, with what torch 2.4 cannot do there.

    Attributes
    ----------
    mps
        As given.
    reads
        What the host read of the device, and so waited for, in order: the operator and the shape.
    writes
        What was sent to the device: shapes.
    kernels
        How often each operator that starts a kernel ran on the device.
    peak_bytes
        The most that its tensors have taken at a time.
    """

    def __init__(self, mps: bool = False) -> None:
        super().__init__()
        self.mps = mps
        self.reads: list[tuple[str, tuple[int, ...]]] = []
        self.writes: list[tuple[int, ...]] = []
        self.kernels: Counter[str] = Counter()
        self.peak_bytes = self._bytes = 0
        self._storages = weakref.WeakSet[torch.UntypedStorage]()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here: torch need not load its compiler, which takes seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        leaves = tree_leaves((args, kwargs))
        here = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.device != DEVICE]
        there = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.device == DEVICE]
        if not there and DEVICE not in leaves:
            return func(*args, **kwargs)
        if there and here and func not in _TRANSFERS:
            shapes = [tuple(tensor.shape) for tensor in here]
            raise AssertionError(f"{func} on the device got tensors of the CPU: {shapes}")
        if self.mps:
            _refuse_what_mps_cannot(func, args, leaves)
        read = self._read(func, args, kwargs)
        if read is not None:
            return self._counted(read)
        name = func._schema.name.removeprefix("aten::")
        if func in _TRANSFERS and (here or not there):
            self.writes.append(tuple(args[-1].shape))
        elif not func.is_view and name not in _FREE:
            self.kernels[name] += 1
        return self._counted(func(*args, **kwargs))

    def _counted(self, result: Any) -> Any:
        """Take the memory of a result into the count, until it is let go."""
        for tensor in tree_leaves(result):
            if not isinstance(tensor, Tensor) or tensor.device != DEVICE:
                continue
            storage = tensor.untyped_storage()
            if storage not in self._storages:
                self._storages.add(storage)
                self._bytes += storage.nbytes()
                self.peak_bytes = max(self.peak_bytes, self._bytes)
                weakref.finalize(storage, self._freed, storage.nbytes()).atexit = False
        return result

    def _freed(self, size: int) -> None:
        self._bytes -= size

    def _read(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Return what the host gets of the device; None if this is no read."""
        source = args[1] if func is _aten.copy_.default else args[0] if args else None
        target = args[0].device if func is _aten.copy_.default else kwargs.get("device")
        if func is _aten._local_scalar_dense.default:
            value = torch.ones((), dtype=source.dtype).item()
        elif func is _aten.nonzero.default:  # as many as there could be
            value = torch.empty(source.numel(), source.ndim, dtype=torch.int64, device=DEVICE)
        elif func is _aten._to_copy.default and target == torch.device("cpu"):
            value = torch.ones(source.shape, dtype=kwargs.get("dtype") or source.dtype)
        elif func is _aten.copy_.default and target != DEVICE:
            value = args[0].fill_(1)
        else:
            return None
        self.reads.append((func._schema.name.removeprefix("aten::"), tuple(source.shape)))
        return value


def _refuse_what_mps_cannot(func: Any, args: Any, leaves: list[Any]) -> None:
    if any(leaf is torch.float64 for leaf in leaves):
        raise AssertionError(f"{func}: MPS has no float64")
    if func._schema.name == "aten::_upsample_bicubic2d_aa":
        raise AssertionError("MPS has no antialiased bicubic interpolation before torch 2.8")
    if func._schema.name == "aten::_adaptive_avg_pool2d":
        shapes = zip(args[0].shape[-2:], args[1], strict=True)
        if any(old % new for old, new in shapes):
            raise AssertionError("MPS averages over whole multiples only")
