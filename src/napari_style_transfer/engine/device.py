"""Where and in which type to compute, found out at run time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from enum import Enum
from typing import Literal

import psutil
import torch

from napari_style_transfer.engine.cpu import int8, probe

#: Instructions with which a CPU convolves several times as fast in bfloat16 as in float32. Not AVX-512's
#: own: with these alone, bfloat16 took twice the time of float32 on a processor of Intel's.
_BFLOAT16_INSTRUCTIONS = "amx_bf16"
#: Those with which it multiplies bytes four times as fast, and sums the products without overflow.
_INTEGER_INSTRUCTIONS = "avx512_vnni"
#: What errors of torch's say of too little memory, where they have no type of their own: on a CPU; of
#: CUDA's libraries; and of MPS, twice.
_OUT_OF_MEMORY = ("allocate memory", "ALLOC_FAILED", "out of memory", "Invalid buffer size")


def choose_device(name: str = "auto") -> tuple[torch.device, str]:
    """Return the device to use and a sentence if it is not the one asked for.

    Parameters
    ----------
    name
        ``"auto"`` (CUDA, then Apple's MPS, then the CPU), ``"cpu"``, ``"mps"``, ``"cuda"`` or
        ``"cuda:1"``. A device that is absent falls back to the CPU.

    Returns
    -------
    device, note
        The device, and a sentence for the user where it fell back, else "".
    """
    if name == "auto":
        name = "cuda" if _has("cuda") else "mps" if _has("mps") else "cpu"
    if _has(name):
        return torch.device(name), ""
    return torch.device("cpu"), f"There is no {name} device here; painting on the CPU instead."


def available_devices() -> tuple[str, ...]:
    """Return the names of the devices that are there: cpu, cuda (and cuda:1, … of several), mps."""
    count = torch.cuda.device_count() if _has("cuda") else 0
    cuda = ["cuda", *(f"cuda:{number}" for number in range(1, count))] if count else []
    return ("cpu", *cuda, *(["mps"] if _has("mps") else []))


def _has(name: str) -> bool:
    device = torch.device(name)
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"


def use_threads(least: int) -> None:
    """Let torch compute with so many threads where it would with fewer."""
    torch.set_num_threads(max(torch.get_num_threads(), least))


def release_memory(device: torch.device) -> None:
    """Give memory that is kept for later, but not in use, back to the system."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif _MALLOC_TRIM is not None:
        _MALLOC_TRIM(0)


def _malloc_trim() -> Callable[[int], int] | None:
    """Return glibc's, which frees what lies below blocks still in use; other libraries have none."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim


_MALLOC_TRIM = _malloc_trim()


def describe(device: torch.device) -> str:
    """Return the device's name for people: ``"cpu"``, ``"mps"`` or ``"cuda (NVIDIA H100)"``."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


class Precision(Enum):
    """Of the network: the type of its maps; mixed is float32 with rounded kernels and gradients."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    MIXED = "mixed"

    @property
    def dtype(self) -> torch.dtype:
        """The type of the network's maps."""
        return torch.bfloat16 if self is Precision.BFLOAT16 else torch.float32


def choose_precision(
    name: Literal["auto", "float32", "bfloat16", "mixed"], device: torch.device
) -> Precision:
    """Return the precision to paint in.

    ``"auto"`` is what `device` is fast at: bfloat16, else mixed, else float32. ``"mixed"`` is float32 on
    a device that has no such integers.
    """
    has_integers = (
        device.type == "cpu"
        and probe.available()
        and _has_instructions(_INTEGER_INSTRUCTIONS)
        and int8.works()
    )
    if name == "auto" and has_fast_bfloat16(device):
        return Precision.BFLOAT16
    if name in ("auto", "mixed"):
        return Precision.MIXED if has_integers else Precision.FLOAT32
    return Precision(name)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether `device` convolves faster in bfloat16 than in float32, by its own word.

    Timing it would answer otherwise when the machine is busy.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and _has_instructions(_BFLOAT16_INSTRUCTIONS)


def _has_instructions(name: str) -> bool:
    return hasattr(torch.cpu, "get_capabilities") and bool(torch.cpu.get_capabilities().get(name))


def free_memory(device: torch.device) -> int:
    """Return how many bytes are free on `device`."""
    if device.type == "cuda":
        # What torch keeps in its cache is free for torch.
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + cached
    return int(psutil.virtual_memory().available)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether an error of torch's is about memory, on any device."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        words in str(error) for words in _OUT_OF_MEMORY
    )


def too_little_memory(device: torch.device, size: int) -> str:
    """Return the sentence for a picture of `size` px that cannot be painted on `device`."""
    return (
        f"There is too little memory on {describe(device)} for {size} px; choose a smaller size, or "
        "another device."
    )
