"""Parts of a picture are what the whole of it is there."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.pictures import read_picture
from napari_style_transfer.io.profiles import srgb_profile
from napari_style_transfer.io.windows import open_picture

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "array",
    [
        RNG.integers(0, 256, (20, 30, 3), np.uint8),
        RNG.integers(0, 256, (20, 30), np.uint8),
        RNG.integers(0, 65536, (20, 30, 4), np.uint16),
        RNG.random((20, 30, 4), np.float32),
        RNG.random((20, 30, 1)),
        RNG.random((20, 30)) > 0.5,
        RNG.integers(0, 300, (20, 30)),
        RNG.integers(0, 100, (20, 30, 4)),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
@pytest.mark.parametrize("value_range", [None, (0, 0.5), (10, 4095)])
def test_a_part_is_the_same_as_in_the_whole(array: Any, value_range: Any) -> None:
    rows, columns = slice(3, 11), slice(20, 30)
    whole = read_picture(array, value_range=value_range)
    window = open_picture(array, value_range=value_range)
    assert window.shape == (20, 30)
    np.testing.assert_array_equal(window.read(rows, columns), whole[rows, columns])
    assert (window.alpha is None) == (whole.shape[2] == 3)


def test_colour_profiles_are_converted(tmp_path: Path) -> None:
    # Red and blue change places: the profile's first column is blue.
    data = bytearray(srgb_profile())
    count = struct.unpack_from(">I", data, 128)[0]
    for number in range(count):
        name = bytes(data[132 + 12 * number : 136 + 12 * number])
        if name in (b"rXYZ", b"bXYZ"):
            data[132 + 12 * number : 136 + 12 * number] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}[name]
    image = Image.fromarray(RNG.integers(0, 256, (12, 14, 3), np.uint8))
    image.save(tmp_path / "a.png", icc_profile=bytes(data))
    whole = read_picture(tmp_path / "a.png")
    assert np.abs(whole * 255 - np.asarray(image)).max() > 50
    part = open_picture(tmp_path / "a.png").read(slice(2, 5), slice(0, 14))
    np.testing.assert_array_equal(part, whole[2:5])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((20, 20), np.nan), "not finite"),
        (np.full((20, 20), 2.0), "must lie in 0..1"),
        (np.zeros((20, 20, 5)), "must be"),
        (np.zeros((2, 20, 20, 3)), "must be"),
        (np.zeros((0, 20, 3)), "empty"),
        (np.zeros((20, 20), complex), "real numbers"),
        (np.full((20, 20, 4), [0, 0, 0, 2.0]), "transparency"),
    ],
)
def test_what_is_no_picture_is_refused_when_it_is_opened(array: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_picture(array)


def test_an_open_picture_stays_what_it_is() -> None:
    window = open_picture(np.zeros((20, 20)))
    assert open_picture(window) is window
