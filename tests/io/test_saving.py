"""One writer: whole files or none, in 8 and 16 bits, that say sRGB."""

import errno
import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from napari_style_transfer import InputError, read_picture, save_picture
from napari_style_transfer.io import png
from napari_style_transfer.io.atomic import replacing
from napari_style_transfer.io.pictures import read_levels
from napari_style_transfer.io.profiles import srgb_profile
from napari_style_transfer.io.saving import check_output

NOISE = np.random.default_rng(0).integers(0, 65536, (23, 31, 4), np.uint16)
SMOOTH = np.add.outer(np.arange(40), np.arange(50)).astype(np.uint16)[..., None] * [
    [[700, 300, 90]]
]
SMOOTH = SMOOTH.astype(np.uint16)


@pytest.mark.parametrize(
    "array", [NOISE, NOISE[..., :3], SMOOTH, SMOOTH[:1], SMOOTH[:, :1], np.tile(SMOOTH, (5, 1, 1))],
    ids=["RGBA", "RGB", "smooth", "row", "column", "tall"],
)  # fmt: skip
def test_a_png_of_16_bits_is_what_it_says(tmp_path, array):
    data = png.encode(array)
    assert np.array_equal(png.parse(data).decode(), array)
    with Image.open(io.BytesIO(data)) as image:  # another decoder, which keeps the high byte
        image.load()
        assert image.info["srgb"] == 0
        assert np.array_equal(np.asarray(image), array >> 8)


def test_every_filter_of_a_png_is_undone():
    """Pillow's own decoder undoes them too, for 8 bits; the bytes are the same."""
    rng = np.random.default_rng(0)
    filters = np.arange(40, dtype=np.uint8) % 5
    lines = rng.integers(0, 256, (40, 30 * 8), np.uint8)
    raw = np.concatenate([filters[:, None], lines], axis=1).tobytes()

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    def file(width, depth):
        head = struct.pack(">IIBBBBB", width, 40, depth, 6, 0, 0, 0)
        return png.SIGNATURE + b"".join(
            [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
        )

    with Image.open(io.BytesIO(file(30, 16))) as image:
        high = np.asarray(image)
    assert np.array_equal(png.parse(file(30, 16)).decode() >> 8, high)


def test_a_smooth_png_is_smaller_for_its_filters():
    waves = np.sin(np.linspace(0, 9, 200))[:, None, None] * np.cos(np.linspace(0, 7, 150))[:, None]
    picture = ((waves + 1) * [30000, 20000, 9000]).astype(np.uint16)
    assert len(png.encode(picture)) < 0.8 * len(zlib.compress(picture.tobytes()))


def test_16_bits_of_a_tiff_are_read_by_tifffile(tmp_path):
    save_picture(tmp_path / "a.tif", NOISE)
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), NOISE)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_result_says_that_it_is_srgb(tmp_path, name, dtype):
    if name == "a.jpg" and dtype == np.uint16:
        return
    save_picture(tmp_path / name, np.full((20, 24, 3), 90, dtype))
    with Image.open(tmp_path / name) as image:
        if name == "a.png":
            assert image.info["srgb"] == 0
            return
        embedded = image.info["icc_profile"]
    profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert read_levels(tmp_path / name)[0, 0].tolist() == [90, 90, 90]


def test_the_same_picture_is_the_same_file_on_another_day():
    assert srgb_profile()[24:36] == bytes([7, 232, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    assert not any(srgb_profile()[84:100])


def test_jpeg_has_no_16_bits():
    for refuse in (lambda: check_output("a.jpg", bits=16), lambda: save_picture("a.jpg", NOISE)):
        with pytest.raises(InputError, match="JPEG has no 16 bits; choose"):
            refuse()


@pytest.mark.parametrize("array", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), NOISE / 9])
def test_what_is_no_picture_is_not_written(tmp_path, array):
    with pytest.raises(InputError, match="a picture is"):
        save_picture(tmp_path / "a.png", array)
    assert not list(tmp_path.iterdir())


# ---- names ---------------------------------------------------------------------------------------


def test_the_longest_name_is_written_and_a_longer_one_refused_before_the_work(tmp_path):
    longest = os.pathconf(tmp_path, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    picture = SMOOTH[..., :3]
    save_picture(tmp_path / ("n" * (longest - 4) + ".png"), picture)
    for name in ("n" * (longest - 3), "猫" * (longest // 3)):
        with pytest.raises(InputError, match=rf"the file system allows\s{longest}"):
            check_output(tmp_path / f"{name}.png")
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("path", ["a\0b.png", "/".join(["d" * 200] * 40) + "/a.png"])
def test_impossible_names_are_refused(path):
    with pytest.raises(InputError, match=r"Cannot write"):
        check_output(path)


def test_an_error_names_the_file_that_was_asked_for(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    path = tmp_path / "a.png"
    with pytest.raises(InputError) as error:
        save_picture(path, SMOOTH)
    assert str(error.value) == f"Cannot save {path}: No space left on device."


def test_a_file_is_replaced_when_all_went_well_and_only_then(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with replacing(path) as part:
            part.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    with replacing(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_a_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    save_picture(tmp_path / "a.png", SMOOTH)
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_picture_that_was_written_is_read(tmp_path):
    save_picture(tmp_path / "a.png", SMOOTH)
    assert np.array_equal(np.rint(read_picture(tmp_path / "a.png") * 65535), SMOOTH)
