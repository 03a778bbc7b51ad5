"""Files and arrays in, tensors and files out; what cannot be used is said in a sentence."""

import errno
import os

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from napari_style_transfer.engine.tensors import resize, to_array, to_tensor, with_alpha
from napari_style_transfer.errors import InputError
from napari_style_transfer.geometry import check_shape
from napari_style_transfer.io.pictures import read_levels, read_picture
from napari_style_transfer.io.saving import save_picture

RAMP = np.linspace(0, 255, 20 * 24 * 3).reshape(20, 24, 3).astype(np.uint8)


@pytest.mark.parametrize(
    "array",
    [
        RAMP,
        RAMP.astype(np.uint16) * 257,
        (RAMP / 255).astype(np.float32),
        RAMP / 255.0,
        RAMP.astype(np.int64),
        np.dstack([RAMP, np.full((20, 24), 255, np.uint8)]),
    ],
    ids=["uint8", "uint16", "float32", "float64", "int64", "opaque RGBA"],
)
def test_every_type_gives_the_same_picture(array):
    assert np.array_equal(to_array(to_tensor(array, "content")), RAMP)


@pytest.mark.parametrize("grey", [RAMP[..., 0], RAMP[..., :1]])
def test_grey_becomes_three_equal_channels(grey):
    picture = to_array(to_tensor(grey, "content"))
    assert np.array_equal(picture, np.repeat(RAMP[..., :1], 3, axis=2))


def test_booleans_are_black_and_white():
    assert set(np.unique(to_array(to_tensor(RAMP[..., 0] > 99, "content")))) == {0, 255}


def test_transparency_is_laid_over_white():
    clear = np.zeros((4, 4, 4), np.uint8)
    assert (to_array(to_tensor(clear, "style")) == 255).all()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 5)), "channels"),
        (np.zeros((2, 4, 4, 3)), "shape"),
        (np.zeros(7), "shape"),
        (np.zeros((0, 4, 3)), "empty"),
        (np.full((4, 4), np.nan), "not finite"),
        (np.full((4, 4), np.inf), "not finite"),
        (np.zeros((4, 4), complex), "complex128"),
        (np.array([["a", "b"]]), "real numbers"),
        (np.array([[None]]), "real numbers"),
        (np.full((4, 4), 200.0), "0..1"),
        (np.full((4, 4), -3), "-3"),
        (np.full((4, 4), 1_000_000), "65535"),
        ("absent.png", "no file"),
    ],
)
def test_unusable_pictures_are_one_sentence_that_names_them(array, words):
    with pytest.raises(InputError) as caught:
        to_tensor(array, "content")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_exif_orientation_is_respected(tmp_path):
    image = Image.fromarray(RAMP)
    exif = image.getexif()
    exif[0x0112] = 6  # turn a quarter clockwise to view
    image.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_levels(tmp_path / "turned.png"), np.rot90(RAMP, -1))


def test_a_sixteen_bit_grey_file_keeps_its_depth(tmp_path):
    grey = np.arange(400, dtype=np.uint16).reshape(20, 20) * 100
    Image.fromarray(grey).save(tmp_path / "deep.tif")
    assert np.array_equal(read_levels(tmp_path / "deep.tif")[..., 0], grey)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_scientific_tiffs_are_read_as_they_are(tmp_path, dtype):
    colour = (RAMP / 255).astype(dtype) if dtype != np.int64 else RAMP.astype(dtype)
    tifffile.imwrite(tmp_path / "deep.tif", colour, photometric="rgb")
    assert np.array_equal(
        read_picture(tmp_path / "deep.tif"), (RAMP / np.float32(255)).astype(np.float32)
    )


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what Pillow says of the damage
def test_a_scientific_tiff_cut_anywhere_is_one_sentence(tmp_path):
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, (RAMP / 255).astype(np.float32), photometric="rgb")
    whole = path.read_bytes()
    for length in range(0, 400, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_levels(path)


def test_a_stack_of_pages_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((7, 20, 24), np.uint8))
    with pytest.raises(InputError, match="7 pages"):
        read_levels(tmp_path / "stack.tif")


def test_a_damaged_file_is_one_sentence(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(InputError, match="damaged"):
        read_levels(tmp_path / "bad.png")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.tiff", "A.PNG"])
def test_lossless_formats_give_the_same_bytes_back(tmp_path, name):
    rgba = np.dstack([RAMP, RAMP[..., 0]])
    save_picture(tmp_path / name, rgba)
    assert np.array_equal(read_levels(tmp_path / name), rgba)


def test_jpeg_drops_transparency(tmp_path):
    save_picture(tmp_path / "a.jpg", np.dstack([RAMP, RAMP[..., 0]]))
    assert read_levels(tmp_path / "a.jpg").shape == RAMP.shape


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, monkeypatch):
    save_picture(tmp_path / "a.png", RAMP)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        save_picture(tmp_path / "a.png", RAMP[::-1])
    assert np.array_equal(read_levels(tmp_path / "a.png"), RAMP)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("path", ["a.gif", "a", "absent/a.png"])
def test_impossible_outputs_are_said(tmp_path, path):
    with pytest.raises(InputError):
        save_picture(tmp_path / path, RAMP)


def test_resizing_stays_in_gamut_and_keeps_a_flat_picture_flat():
    edge = torch.zeros(1, 3, 30, 30)
    edge[..., 15:] = 1
    for shape in ((60, 61), (7, 11)):
        resized = resize(edge, shape)
        assert resized.shape[-2:] == shape
        assert resized.min() >= 0
        assert resized.max() <= 1
    torch.testing.assert_close(
        resize(torch.full((1, 3, 30, 30), 0.4), (50, 20)), torch.full((1, 3, 50, 20), 0.4)
    )


def test_transparency_is_resized_to_the_picture():
    alpha = np.zeros((10, 12), np.uint8)
    alpha[:, 6:] = 255
    picture = with_alpha(RAMP, alpha)
    assert picture.shape == (20, 24, 4)
    assert picture[:, 0, 3].max() == 0
    assert picture[:, -1, 3].min() == 255


def test_a_result_too_narrow_for_the_network_names_the_size_that_is_enough():
    with pytest.raises(InputError, match="at least 427"):
        check_shape((15, 400), 400)
    assert check_shape((15, 400), 427) == (16, 427)
