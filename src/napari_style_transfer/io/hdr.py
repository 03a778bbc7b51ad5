"""High dynamic range (PQ and HLG) mapped to the range of a common screen. Loads no torch."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

#: FFmpeg's numbers of transfer curves (AVColorTransferCharacteristic) and primaries (AVColorPrimaries).
_PQ, _HLG = 16, 18
_BT2020 = 9

#: ITU-R BT.2408: luminance in cd/m² of white paper, and what is taken for the brightest light.
_WHITE, _PEAK = 203.0, 1000.0
#: Up to this luminance, relative to white, nothing is changed (FFmpeg's and mpv's Möbius curve).
_KNEE = 0.3

#: ITU-R BT.2087: linear BT.2020 to linear BT.709.
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
#: Luminance of linear BT.2020.
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)


def is_hdr(frame: Any) -> bool:
    """Return whether a frame of PyAV has the transfer curve PQ or HLG."""
    return frame.color_trc in (_PQ, _HLG)


def to_srgb(codes: npt.NDArray[np.uint16], frame: Any) -> npt.NDArray[np.uint8]:
    """Return HDR colours as sRGB.

    White paper of 203 cd/m² becomes a light grey, and what is brighter is rolled off up to 1000 cd/m² by
    a Möbius curve on the greatest of the three values, so that hues stay.

    Parameters
    ----------
    codes
        (H, W, 3) uint16, the full range of the frame's transfer curve.
    frame
        What they are of.

    Returns
    -------
    ndarray
        (H, W, 3) uint8.
    """
    light = _linear(frame.color_trc)[codes]
    if frame.color_trc == _HLG:
        light *= (light @ _LUMA)[..., None] ** 0.2 * (_PEAK / _WHITE)  # BT.2100: the OOTF
    if frame.color_primaries == _BT2020:
        light = np.maximum(light @ _TO_709.T, 0)
    greatest = np.maximum(light.max(axis=2, keepdims=True), 1e-6)
    light *= _rolled_off(greatest) / greatest
    shown: npt.NDArray[np.uint8] = _encoded()[
        np.rint(np.clip(light, 0, 1) * 65535).astype(np.uint16)
    ]
    return shown


def _rolled_off(light: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return luminances relative to white, brought to 0..1."""
    peak, knee = _PEAK / _WHITE, _KNEE
    a = -(knee**2) * (peak - 1) / (knee**2 - 2 * knee + peak)
    b = (knee**2 - 2 * knee * peak + peak) / (peak - 1)
    scale = (b**2 + 2 * b * knee + knee**2) / (b - a)
    curve = scale * (light + a) / (light + b)
    return np.where(light <= knee, light, np.minimum(curve, 1)).astype(np.float32)


@functools.cache
def _linear(transfer: int) -> npt.NDArray[np.float32]:
    """Return the light of each 16-bit code: relative to white for PQ, of the scene in 0..1 for HLG."""
    code = np.arange(65536) / 65535
    if transfer == _PQ:  # SMPTE ST 2084
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = code ** (1 / m2)
        light = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) / _WHITE
    else:  # ARIB STD-B67
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return light.astype(np.float32)


@functools.cache
def _encoded() -> npt.NDArray[np.uint8]:
    """Return the 8-bit sRGB value of each of 65536 steps of linear light."""
    light = np.arange(65536) / 65535
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    table: npt.NDArray[np.uint8] = np.rint(value * 255).astype(np.uint8)
    return table
