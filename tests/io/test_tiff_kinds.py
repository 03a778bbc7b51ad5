"""TIFFs are read by their tags, and what cannot be read is said with the true reason."""

import importlib.util
import itertools
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_style_transfer import InputError, read_labels, read_picture, read_stack
from napari_style_transfer.io.pictures import range_hint, read_levels
from napari_style_transfer.io.stacks import is_stack

GREY = np.linspace(0, 1, 48 * 64).reshape(48, 64)
UNIT = np.stack([GREY, GREY[::-1], 1 - GREY], axis=-1)
HAS_CODECS = importlib.util.find_spec("imagecodecs") is not None

#: Types, and the value of full intensity.
TYPES = {"u1": 255, "u2": 65535, "f2": 1, "f4": 1, "f8": 1}


def near(picture, wanted, dtype):
    """Whether a picture is as wanted, to the precision of the type."""
    return np.abs(picture - wanted).max() < (0.002 if dtype == "u1" else 0.001)


def typed(unit, dtype):
    values = unit * TYPES[dtype]
    return (np.rint(values) if dtype[0] == "u" else values).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", "<>")
def test_planes_stored_apart_and_white_as_zero_are_read_in_every_type(
    tmp_path, dtype, compression, order
):
    options = {"metadata": None, "compression": compression, "byteorder": order}
    path = tmp_path / "a.tif"
    for photometric, tile in (("rgb", None), ("rgb", (16, 32))):
        planes = np.ascontiguousarray(np.moveaxis(typed(UNIT, dtype), -1, 0))
        tifffile.imwrite(
            path, planes, photometric=photometric, planarconfig="separate", tile=tile, **options
        )
        assert near(read_picture(path), UNIT, dtype)
    tifffile.imwrite(path, typed(1 - GREY, dtype), photometric="miniswhite", **options)
    assert near(read_picture(path), GREY[..., None], dtype)
    tifffile.imwrite(path, typed(UNIT, dtype), photometric="rgb", **options)
    assert near(read_picture(path), UNIT, dtype)


def test_a_pillow_image_of_white_as_zero_in_16_bits_is_read_rightly(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", typed(1 - GREY, "u2"), photometric="miniswhite")
    with Image.open(tmp_path / "a.tif") as image:
        assert near(read_picture(image), GREY[..., None], "u2")


@pytest.mark.parametrize("white", [False, True])
def test_black_and_white_is_black_and_white(tmp_path, white):
    marked = GREY > 0.4
    kind = "miniswhite" if white else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", marked ^ white, photometric=kind)
    assert np.array_equal(read_picture(tmp_path / "a.tif")[..., 0], marked)
    assert np.array_equal(read_labels(tmp_path / "a.tif"), marked)


@pytest.mark.parametrize("white", [False, True])
def test_four_bits_have_15_as_full_intensity(tmp_path, white):
    array = np.arange(16, dtype=np.uint8).repeat(8).reshape(8, 16)
    packed = ((array[:, ::2] << 4) | array[:, 1::2]).tobytes()
    (tmp_path / "a.tif").write_bytes(by_hand(packed, (8, 16), bits=(4,), photometric=1 - white))
    wanted = 1 - array / 15 if white else array / 15
    np.testing.assert_allclose(read_picture(tmp_path / "a.tif")[..., 0], wanted, atol=1e-6)


@pytest.mark.parametrize("white", [False, True])
def test_twelve_bits_have_4095_as_full_intensity(tmp_path, white):
    array = np.linspace(0, 4095, 8 * 16).astype(np.uint16).reshape(8, 16)
    first, second = array[:, ::2], array[:, 1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1)
    data = packed.astype(np.uint8).tobytes()
    (tmp_path / "a.tif").write_bytes(by_hand(data, (8, 16), bits=(12,), photometric=1 - white))
    wanted = 1 - array / 4095 if white else array / 4095
    if white and not HAS_CODECS:
        with pytest.raises(InputError, match="it uses 12 bits for a value, which needs"):
            read_picture(tmp_path / "a.tif")
        return
    np.testing.assert_allclose(read_picture(tmp_path / "a.tif")[..., 0], wanted, atol=1e-6)
    assert range_hint(tmp_path / "a.tif") is None


def by_hand(data, shape, *, bits, photometric, compression=1, predictor=1, form=1):
    """A TIFF of one strip, little-endian."""
    height, width = shape
    count = len(bits)
    tail = struct.pack(f"<{count}H{count}H", *bits, *[form] * count)
    body = 8 + len(data) + len(data) % 2
    several = count > 1
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, count, body if several else bits[0]),
        (259, 3, 1, compression), (262, 3, 1, photometric), (273, 4, 1, 8), (277, 3, 1, count),
        (278, 4, 1, height), (279, 4, 1, len(data)), (317, 3, 1, predictor),
        (339, 3, count, body + 2 * count if several else form),
    ]  # fmt: skip
    entries = b"".join(
        struct.pack("<HHI", code, kind, number)
        + (struct.pack("<HH", value, 0) if kind == 3 and number == 1 else struct.pack("<I", value))
        for code, kind, number, value in tags
    )
    head = b"II*\0" + struct.pack("<I", body + len(tail))
    padded = data + b"\0" * (len(data) % 2)
    return head + padded + tail + struct.pack("<H", len(tags)) + entries + bytes(4)


def lzw(data):
    """Code bytes as LZW without ever using its table."""
    codes = []
    for place, byte in enumerate(data):
        codes += [256, byte] if place % 200 == 0 else [byte]
    bits = "".join(format(code, "09b") for code in [*codes, 257])
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def floating_point_predictor(array):
    """Arrange floats as predictor 3 does (Adobe, TIFF Technical Note 3)."""
    height, width, channels = array.shape
    planes = array.astype(">f4").view("u1").reshape(height, width * channels, 4)
    rows = planes.transpose(0, 2, 1).reshape(height, -1).astype(int)
    rows[:, channels:] -= rows[:, :-channels].copy()
    return (rows & 255).astype(np.uint8).tobytes()


def test_floating_point_colours_are_read_or_said_to_need_a_package(tmp_path):
    array = UNIT.astype(np.float32)
    options = {"bits": (32,) * 3, "photometric": 2, "form": 3}
    files = {
        "plain": by_hand(array.tobytes(), GREY.shape, **options),
        "LZW compression": by_hand(lzw(array.tobytes()), GREY.shape, compression=5, **options),
        "a predictor for floating-point numbers": by_hand(
            zlib.compress(floating_point_predictor(array)),
            GREY.shape,
            compression=8,
            predictor=3,
            **options,
        ),
    }
    for reason, data in files.items():
        path = tmp_path / "a.tif"
        path.write_bytes(data)
        if HAS_CODECS or reason == "plain":
            np.testing.assert_allclose(read_picture(path), array, atol=1e-6)
            continue
        with pytest.raises(InputError) as error:
            read_picture(path)
        assert f"it uses {reason}, which needs the package imagecodecs: pip install" in str(
            error.value
        )


#: What Pillow writes: compressions, and modes.
PILLOW = [
    *itertools.product(
        ["tiff_lzw", "packbits", "tiff_adobe_deflate"],
        ["L", "RGB", "RGBA", "CMYK", "P", "LAB", "LA", "I;16"],
    ),
    *itertools.product(["jpeg"], ["L", "RGB", "CMYK"]),
    ("group4", "1"),
]


@pytest.mark.parametrize(("compression", "mode"), PILLOW)
def test_what_pillow_writes_is_read_as_pillow_shows_it(tmp_path, compression, mode):
    base = Image.fromarray(typed(UNIT, "u1"))
    image = Image.fromarray(typed(GREY, "u2")) if mode == "I;16" else base.convert(mode)
    path = tmp_path / "a.tif"
    image.save(path, compression=compression)
    if mode == "I;16":
        assert np.array_equal(read_levels(path)[..., 0], typed(GREY, "u2"))
        return
    with Image.open(path) as read:
        shown = np.asarray(read.convert("RGBA" if mode in ("RGBA", "LA") else "RGB"))
    assert np.abs(read_levels(path).astype(int) - shown).max() <= (
        2 if compression == "jpeg" else 0
    )


def test_16_bit_colours_in_lzw_are_read(tmp_path, caplog):
    deep = typed(UNIT, "u2")
    data = by_hand(lzw(deep.tobytes()), GREY.shape, bits=(16,) * 3, photometric=2, compression=5)
    (tmp_path / "a.tif").write_bytes(data)
    assert np.abs(read_picture(tmp_path / "a.tif") - UNIT).max() < 1 / 255
    assert HAS_CODECS or "is read in 8 bits" in caplog.text


def test_colours_multiplied_by_their_opacity_are_divided_by_it(tmp_path):
    alpha = np.clip(GREY, 0.3, 1)[..., None]
    alpha[:5] = 0
    for dtype in ("u1", "u2", "f4"):
        array = typed(np.concatenate([UNIT * alpha, alpha], axis=2), dtype)
        tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=["assocalpha"])
        picture = read_picture(tmp_path / "a.tif")
        assert np.abs(picture[5:, :, :3] - UNIT[5:]).max() < (0.02 if dtype == "u1" else 1e-4)
        assert (picture[:5, :, 3] == 0).all()


def test_more_channels_than_a_picture_has_are_refused(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((20, 24, 5), np.uint8),
        photometric="minisblack",
        planarconfig=1,
    )
    with pytest.raises(InputError, match="has 5 channels; it must have 1, 3 or 4"):
        read_picture(tmp_path / "a.tif")


# ---- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_reduced_copies_thumbnails_and_masks_are_no_pages(tmp_path, bigtiff, order):
    path = tmp_path / "pyramid.tif"
    picture = typed(UNIT, "u1")
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=order) as writer:

        def write(step, kind=0, colours="rgb"):
            part = np.ascontiguousarray(picture[::step, ::step])
            part = part if colours == "rgb" else part[..., 0] > 99
            writer.write(part, photometric=colours, subfiletype=kind, metadata=None)

        write(8, 1)
        write(1)
        write(2, 1)
        write(1, 4, "mask")
    assert not is_stack(str(path))
    assert np.array_equal(read_levels(path), picture)
    assert len(read_stack(path)) == 1


def test_a_stack_with_reduced_copies_has_its_full_pages(tmp_path):
    path = tmp_path / "stack.tif"
    with tifffile.TiffWriter(path) as writer:
        for number in range(3):
            page = np.full((20, 24), 80 * number, np.uint8)
            writer.write(page, photometric="minisblack", metadata=None)
            writer.write(
                page[::2, ::2].copy(), photometric="minisblack", subfiletype=1, metadata=None
            )
    pages = read_stack(path)
    assert [page.shape for page in pages] == [(20, 24, 3)] * 3
    assert [round(float(page.mean()) * 255) for page in pages] == [0, 80, 160]
    assert [page.name for page in pages.pages] == ["stack-1.png", "stack-2.png", "stack-3.png"]
    with pytest.raises(InputError, match="3 pages"):
        read_picture(path)


@pytest.mark.parametrize("dtype", ["i2", "i4", "u4", "i8"])
def test_all_pages_of_a_stack_share_one_range(tmp_path, dtype):
    page = np.tile(np.linspace(20, 250, 96), (72, 1)).astype(dtype)
    hot = page.copy()
    hot[:4, :4] = 300
    pages = np.stack([page, hot])
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack", metadata=None)
    first, second = read_stack(tmp_path / "a.tif")
    assert np.array_equal(first[5:], second[5:])
    assert first.max() == np.float32(250 / 65535)
    tifffile.imwrite(tmp_path / "a.tif", pages[:1], photometric="minisblack", metadata=None)
    assert read_stack(tmp_path / "a.tif")[0].max() == np.float32(250 / 255)


def test_a_folder_shares_one_range_and_a_given_one_holds_for_all(tmp_path):
    for number, top in enumerate((200, 4095)):
        page = np.full((20, 24), top, np.int32)
        tifffile.imwrite(tmp_path / f"{number}.tif", page, photometric="minisblack")
    assert [page.max() for page in read_stack(tmp_path)] == [
        np.float32(200 / 65535),
        np.float32(4095 / 65535),
    ]
    ranged = read_stack(tmp_path, value_range=(0, 4095))
    assert [page.max() for page in ranged] == [np.float32(200 / 4095), 1]


def test_pages_are_turned_upright_and_keep_their_opacity(tmp_path):
    cut = np.dstack([typed(UNIT, "u1"), typed(GREY, "u1")])
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for _ in range(2):
            writer.write(
                cut,
                photometric="rgb",
                extrasamples=["unassalpha"],
                metadata=None,
                extratags=[(274, "H", 1, 6, True)],
            )
    pages = read_stack(tmp_path / "a.tif")
    assert np.array_equal(np.rint(pages[1] * 255), np.rot90(cut, -1))
    assert np.array_equal(pages.alpha(0), pages[0][..., 3])
    assert len(pages[:1]) == 1


def test_a_stack_of_12_bits_in_16_gets_a_hint(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", np.full((2, 20, 24), 4000, np.uint16), photometric="minisblack"
    )
    assert "--range 0 4095" in read_stack(tmp_path / "a.tif").range_hint()
