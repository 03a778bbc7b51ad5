"""How much memory a run needs, and in which parts to see its pictures so that it fits; loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from napari_style_transfer.settings import Settings

GIB = 2**30

#: Bytes that the libraries, the network and gaps between blocks take on a CPU.
_LIBRARIES = 900_000_000
#: Pixels up to which L-BFGS keeps a history of so many steps; more saves evaluations, but takes memory.
_HISTORIES = {1_500_000: 20, 4_500_000: 10}
_SHORTEST_HISTORY = 2
#: Float32 copies of the picture that canvas and optimiser hold, and those for each step of the history:
#: two vectors, a third larger than the picture, in half as many bytes on a CPU.
_COPIES, _COPIES_PER_STEP = 15, 8 / 3
#: What the network keeps per pixel for the backward pass, with what it needs on the way: values in its
#: precision, and bytes that are the same in all. Like the number of copies they were fitted to peaks
#: measured from outside, and are tested against them.
_VALUES_PER_PIXEL, _BYTES_PER_PIXEL = 130, 200
#: The same of torch's own modules and autograd, which compute on other devices: found by counting the
#: tensors that are alive, as the tests do. Most of the bytes are the poolings' indices.
_DEVICE_VALUES_PER_PIXEL, _DEVICE_BYTES_PER_PIXEL = 350, 215
#: Parameters of the network, which count on a device; on a CPU they are among the libraries' memory.
_PARAMETERS = 12_944_960
#: Values at most, whatever layers are looked at and however the maps are pooled, small ones included.
_VALUES_PER_PIXEL_AT_MOST = 360
#: Sides of tiles, and the halo that their receptive fields need on each side.
_TILE_SIDES = (2048, 1536, 1024, 768, 512, 256)
_HALO = 96
#: Whole pictures may take this share of what is free. Tiles, which are chosen so as to save memory,
#: may take that much, and on a CPU no more than so many bytes: larger ones are hardly faster.
_SHARE, _CPU_TILES = 0.5, int(5.2 * GIB)


@dataclass(frozen=True)
class MemoryPlan:
    """How a run fits into memory.

    Attributes
    ----------
    tile_size
        Side in pixels of the parts in which pictures are seen; 0 for whole pictures.
    needed
        Bytes at the peak, estimated.
    free
        Bytes free on the device.
    """

    tile_size: int
    needed: int
    free: int

    def __str__(self) -> str:
        """Say it as the widget and the command line do."""
        text = f"about {self.needed / GIB:.1f} GB; {self.free / GIB:.1f} GB free"
        return f"{text}; in tiles of {self.tile_size} px" if self.tile_size else text


def needed_bytes(
    shape: tuple[int, int],
    settings: Settings,
    *,
    value_bytes: int,
    tile_size: int,
    cpu: bool = True,
    largest_style: float = 1.0,
) -> int:
    """Estimate the peak of a run, in bytes.

    Parameters
    ----------
    shape
        (H, W) of the result.
    settings
        Uses `style_scale`.
    value_bytes
        Bytes of a value in the convolutions: 2 in bfloat16, 4 in float32.
    tile_size
        Side of a tile in pixels; 0 for whole pictures.
    cpu
        Whether the device is the CPU. Of another device, what the tensors take is estimated; gaps between
        them and the libraries' own memory are not.
    largest_style
        The largest of the styles' own scales.
    """
    pixels = shape[0] * shape[1]
    longest = round(max(shape) * settings.style_scale * largest_style)
    seen = max(_seen(shape, tile_size), _seen((longest, longest), tile_size) // 3)
    copies = _COPIES + _COPIES_PER_STEP * history_length(shape) / (2 if cpu else 1)
    values, rest = _VALUES_PER_PIXEL, _BYTES_PER_PIXEL
    fixed = _LIBRARIES
    if not cpu:
        values, rest = _DEVICE_VALUES_PER_PIXEL, _DEVICE_BYTES_PER_PIXEL
        fixed = _PARAMETERS * value_bytes
    return fixed + round(pixels * copies * 12) + seen * (values * value_bytes + rest)


def history_length(shape: tuple[int, int]) -> int:
    """Return how many steps L-BFGS remembers of a picture of `shape`."""
    pixels = shape[0] * shape[1]
    lengths = (length for most, length in _HISTORIES.items() if pixels <= most)
    return next(lengths, _SHORTEST_HISTORY)


def map_bytes(shape: tuple[int, int], value_bytes: int, tile_size: int) -> int:
    """Return how many bytes the network's maps of a picture take at most; as :func:`needed_bytes`."""
    return _seen(shape, tile_size) * _VALUES_PER_PIXEL_AT_MOST * value_bytes


def _seen(shape: tuple[int, int], tile_size: int) -> int:
    if not tile_size:
        return shape[0] * shape[1]
    height, width = (min(side, tile_size + 2 * _HALO) for side in shape)
    return height * width


def square_plan(settings: Settings) -> MemoryPlan:
    """Return the most that a run on the CPU may need, before torch is loaded and the shape known."""
    value_bytes = 2 if settings.precision == "bfloat16" else 4
    return plan_memory((settings.size, settings.size), settings, value_bytes=value_bytes)


def plan_memory(
    shape: tuple[int, int],
    settings: Settings,
    *,
    value_bytes: int,
    free: int | None = None,
    cpu: bool = True,
    largest_style: float = 1.0,
) -> MemoryPlan:
    """Choose whole pictures where they fit, else the largest tiles that do.

    Parameters
    ----------
    shape
        (H, W) of the result.
    settings
        A `tile_size` other than 0 is taken as it is.
    value_bytes
        Bytes of a value in the convolutions.
    free
        Bytes free on the device; the machine's where None.
    cpu
        Whether the device is the CPU.
    largest_style
        The largest of the styles' own scales.
    """
    if free is None:
        free = int(psutil.virtual_memory().available)
    sides = (0, *(side for side in _TILE_SIDES if side < max(shape)))
    if settings.tile_size:
        sides = (settings.tile_size,)
    for side in sides:
        needed = needed_bytes(
            shape,
            settings,
            value_bytes=value_bytes,
            tile_size=side,
            cpu=cpu,
            largest_style=largest_style,
        )
        if needed <= _SHARE * free and (not side or not cpu or needed <= _CPU_TILES):
            break
    return MemoryPlan(side, needed, free)
