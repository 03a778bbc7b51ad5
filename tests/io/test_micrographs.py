"""Pictures in their own type come back as they were, in a file of the same kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.micrograph_writer import save_micrograph
from napari_style_transfer.io.micrographs import micrograph_shape, read_micrograph


def values(*shape: int, dtype: Any = np.uint16) -> Any:
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


IMAGEJ: Any = {"imagej": True, "metadata": {"axes": "CYX", "unit": "um"}, "resolution": (3.0, 3.0)}
TIFFS: Any = {
    "grey": (values(20, 30), {}, 1, False),
    "float": (values(20, 30, dtype=np.float32), {}, 1, False),
    "signed": (values(20, 30, dtype=np.int32), {}, 1, False),
    "white is zero": (values(20, 30, dtype=np.uint8), {"photometric": "miniswhite"}, 1, False),
    "channels first": (values(2, 20, 30), {}, 2, False),
    "channels last": (values(20, 30, 2), {}, 2, False),
    "one page": (values(1, 20, 30), {}, 1, False),
    "ImageJ": (values(2, 20, 30), IMAGEJ, 2, False),
    "OME": (values(3, 20, 30), {"ome": True, "metadata": {"axes": "CYX"}}, 3, False),
    "three channels": (values(3, 20, 30), {"photometric": "minisblack"}, 3, False),
    "RGB": (values(20, 30, 3, dtype=np.uint8), {"photometric": "rgb"}, 3, True),
    "RGBA": (values(20, 30, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, 3, True),
    "planar": (values(3, 20, 30), {"photometric": "rgb", "planarconfig": "separate"}, 3, True),
    "deflated": (values(20, 30), {"compression": "zlib"}, 1, False),
}


@pytest.mark.parametrize("kind", TIFFS)
def test_tiffs_come_back(kind: str, tmp_path: Path) -> None:
    array, options, channels, colour = TIFFS[kind]
    before, after = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(before, array, **options)
    picture = read_micrograph(before)
    assert picture.planes.shape == (channels, 20, 30)
    assert picture.planes.dtype == array.dtype
    assert picture.colour == colour
    assert micrograph_shape(before) == (20, 30)
    save_micrograph(after, picture.planes, picture)
    with tifffile.TiffFile(before) as one, tifffile.TiffFile(after) as two:
        np.testing.assert_array_equal(two.asarray(), one.asarray())
        assert two.asarray().dtype == array.dtype
        assert two.series[0].axes == one.series[0].axes
        assert (two.is_imagej, two.is_ome) == (one.is_imagej, one.is_ome)
        assert two.pages.first.photometric == one.pages.first.photometric
        assert two.pages.first.compression == one.pages.first.compression
        if one.is_imagej:
            assert two.imagej_metadata["unit"] == "um"
            assert two.pages.first.tags["XResolution"].value == (3, 1)


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "mode"),
    [
        ("a.png", (20, 30), np.uint8, "L"),
        ("a.png", (20, 30), np.uint16, "I;16"),
        ("a.png", (20, 30, 3), np.uint8, "RGB"),
        ("a.png", (20, 30, 4), np.uint8, "RGBA"),
        ("a.bmp", (20, 30, 3), np.uint8, "RGB"),
        ("a.jpg", (20, 30), np.uint8, "L"),
    ],
)
def test_other_files_come_back(
    name: str, shape: Any, dtype: Any, mode: str, tmp_path: Path
) -> None:
    before, after = tmp_path / name, tmp_path / f"b{name}"
    Image.fromarray(values(*shape, dtype=dtype)).save(before)
    picture = read_micrograph(before)
    assert micrograph_shape(before) == (20, 30)
    save_micrograph(after, picture.planes, picture)
    with Image.open(before) as one, Image.open(after) as two:
        assert (two.mode, two.format) == (mode, one.format)
        lossy = 8 if name.endswith("jpg") else 0
        assert np.abs(np.asarray(two).astype(int) - np.asarray(one)).max() <= lossy


def test_grey_in_three_equal_channels_is_grey(tmp_path: Path) -> None:
    grey = np.repeat(values(20, 30, 1, dtype=np.uint8), 3, axis=2)
    opaque = np.full((20, 30, 1), 255, np.uint8)
    Image.fromarray(np.concatenate([grey, opaque], 2)).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="rgb")
    for name, channels in (("a.png", 4), ("a.tif", 3)):
        picture = read_micrograph(tmp_path / name)
        assert picture.planes.shape == (1, 20, 30)
        assert not picture.colour
        save_micrograph(tmp_path / f"b{name}", picture.planes, picture)
        again = tifffile.imread(tmp_path / f"b{name}") if channels == 3 else None
        again = np.asarray(Image.open(tmp_path / f"b{name}")) if again is None else again
        assert again.shape == (20, 30, channels)
        np.testing.assert_array_equal(again[..., :3], grey)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (values(9, 20, 30), "is a stack of the shape 9 × 20 × 30"),
        (values(2, 9, 20, 30), "is a stack"),
        (np.full((20, 30), np.nan, np.float32), "not finite"),
        (np.ones((20, 30), np.complex64), "must hold real numbers"),
    ],
)
def test_what_is_no_picture_is_refused(array: Any, message: str, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", array)
    with pytest.raises(InputError, match=message):
        read_micrograph(tmp_path / "a.tif")


def test_a_missing_or_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_micrograph(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0")
    with pytest.raises(InputError, match="Cannot read the picture"):
        read_micrograph(tmp_path / "a.tif")
