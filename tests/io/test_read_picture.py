"""One reader: the same picture from a file, an array or a Pillow image, in sRGB and in [0, 1]."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from napari_style_transfer import (
    InputError,
    StyleTransferError,
    over_white,
    read_labels,
    read_picture,
    save_picture,
)
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.io import png
from napari_style_transfer.io.pictures import range_hint, read_levels

RAMP = np.linspace(0, 255, 20 * 24 * 3).reshape(20, 24, 3).astype(np.uint8)
UNIT = (RAMP / np.float32(255)).astype(np.float32)


def levels(picture):
    return np.rint(picture * 255).astype(int)


# ---- arrays and Pillow images --------------------------------------------------------------------


def test_a_picture_is_three_or_four_channels_of_float32():
    for array in (RAMP, RAMP[..., 0], RAMP[..., :1], RAMP > 99):
        picture = read_picture(array)
        assert picture.dtype == np.float32
        assert picture.shape == (20, 24, 3)
    assert read_picture(np.dstack([RAMP, RAMP[..., 0]])).shape == (20, 24, 4)


def test_a_picture_is_the_callers_own():
    picture = read_picture(UNIT)
    picture[:] = 0
    assert UNIT.max() == 1


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_are_known_in_either_byte_order(order):
    assert read_picture(np.full((4, 4), 200, order)).max() == np.float32(200 / 65535)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBX", "RGBA", "CMYK", "HSV"])
def test_a_pillow_image_of_any_mode_is_what_pillow_shows(mode):
    source = Image.fromarray(RAMP)
    image = source.convert("P").convert(mode) if mode == "PA" else source.convert(mode)
    shown = np.asarray(image.convert("RGB"))
    assert np.array_equal(levels(read_picture(image))[..., :3], shown)


def test_a_transparent_palette_is_transparent():
    image = Image.fromarray(RAMP).convert("P")
    image.info["transparency"] = image.getpixel((0, 0))
    assert read_picture(image)[0, 0, 3] == 0


def test_a_pillow_image_that_is_cut_short_is_one_sentence(tmp_path):
    path = tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:3000])
    with Image.open(path) as image, pytest.raises(InputError, match=r"cut\.png: it is damaged"):
        read_picture(image)


def test_an_array_whose_storage_is_gone_is_one_sentence():
    class Gone:
        def __array__(self, *_, **__):
            raise RuntimeError("the store is closed")

    with pytest.raises(InputError, match="cannot be read: the store is closed"):
        read_picture(Gone())


# ---- the range of values -------------------------------------------------------------------------


def test_a_range_of_values_replaces_that_of_the_type():
    twelve = np.array([[0, 4095], [2048, 60000]], np.uint16)
    picture = read_picture(twelve, value_range=(0, 4095))[..., 0]
    np.testing.assert_allclose(picture, [[0, 1], [2048 / 4095, 1]], atol=1e-6)
    assert read_picture(np.array([[-5.0, 5.0]]), value_range=(-5, 5))[..., 0].tolist() == [[0, 1]]


def test_opacity_has_the_range_of_its_type():
    deep = np.full((2, 2, 4), 65535, np.uint16)
    deep[..., :3] = 4095
    assert (read_picture(deep, value_range=(0, 4095)) == 1).all()


@pytest.mark.parametrize("value_range", [(1, 1), (2, 1), (0, np.inf), (np.nan, 1)])
def test_an_impossible_range_is_refused(value_range):
    with pytest.raises(InputError, match="lower one first"):
        read_picture(RAMP, value_range=value_range)


def test_a_range_does_not_hide_pixels_that_are_no_numbers():
    with pytest.raises(InputError, match="not finite"):
        read_picture(np.full((2, 2), np.nan), value_range=(0, 1))


@pytest.mark.parametrize(
    ("top", "dtype", "hint"),
    [
        (4095, "u2", True),
        (4000, ">u2", True),
        (4096, "u2", False),
        (255, "u2", False),
        (200, "u1", False),
        (4000, "i4", False),
    ],
)
def test_twelve_bits_in_sixteen_get_a_hint(tmp_path, top, dtype, hint):
    array = np.zeros((8, 9), dtype)
    array[0, 0] = top
    assert bool(range_hint(array)) == hint
    if dtype in ("u1", "u2"):
        Image.fromarray(array).save(tmp_path / "a.png")
        said = range_hint(tmp_path / "a.png")
        assert bool(said) == hint
        assert not hint or "--range 0 4095" in said


# ---- transparency --------------------------------------------------------------------------------


def test_what_is_hidden_beneath_full_transparency_is_never_painted(tmp_path):
    cuts = []
    for hidden in ((0, 0, 0), (0, 255, 0)):
        cut = np.dstack([RAMP, np.full((20, 24), 255, np.uint8)])
        cut[:, :9] = (*hidden, 0)
        Image.fromarray(cut).save(tmp_path / "cut.png")
        cuts.append(to_tensor(tmp_path / "cut.png", "content").numpy())
    assert np.array_equal(*cuts)
    assert (cuts[0][..., :9] == 1).all()


def test_opacity_lies_over_white_in_proportion():
    assert over_white(np.array([[[0.2, 0.4, 0.6, 0.5]]])).tolist() == [[[0.6, 0.7, 0.8]]]
    assert over_white(UNIT) is UNIT


# ---- colour profiles -----------------------------------------------------------------------------


def profile(space="RGB ", curve=2.2, columns=None, **tags):
    """A matrix profile, or one of a grey curve, as ICC.1 lays it out."""
    if isinstance(curve, bytes):
        coded = curve
    else:
        coded = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(curve * 256)) + b"\0\0"
    # Adobe RGB (1998), adapted to D50.
    columns = columns or [
        (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)
    ]  # fmt: skip
    point = [
        b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(x * 65536) for x in each)) for each in columns
    ]
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    text = b"text\0\0\0\0none\0\0\0\0"
    parts = {b"wtpt": white, b"cprt": text, b"desc": b"desc\0\0\0\0\0\0\0\2a\0" + bytes(80)}
    if space == "GRAY":
        parts[b"kTRC"] = coded
    else:
        parts |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), point, strict=True))
        parts |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), coded)
    table, body, start = b"", b"", 132 + 12 * len(parts)
    for name, data in parts.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    kinds = (b"mntr", space.encode(), b"XYZ ")
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x2100000, *kinds)
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return head + struct.pack(">I", len(parts)) + table + body


#: Table curve of gamma 1.8; parametric curves of types 0, 1, 2, 3 (sRGB's), and 4.
CURVES = {
    "gamma": 2.2,
    "table": b"curv\0\0\0\0" + struct.pack(">I", 256)
    + (np.linspace(0, 1, 256) ** 1.8 * 65535).round().astype(">u2").tobytes(),
} | {
    f"parametric {kind}": b"para\0\0\0\0" + struct.pack(">H2x", kind)
    + b"".join(struct.pack(">i", round(x * 65536)) for x in given)
    for kind, given in enumerate([
        (1.8,), (2.0, 1 / 0.9, -1 / 9), (2.0, 1 / 0.9, -1 / 9, 0.0),
        (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
        (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0.0, 0.0),
    ])
}  # fmt: skip


def by_littlecms(array, data):
    image = Image.fromarray(array)
    srgb = ImageCms.createProfile("sRGB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(data))
    return np.asarray(ImageCms.profileToProfile(image, source, srgb, outputMode="RGB"))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_adobe_rgb_is_converted_to_srgb_in_every_format(tmp_path, form):
    array = np.full((16, 16, 3), (60, 200, 70), np.uint8)
    lossless = {"lossless": True} if form == "WEBP" else {"quality": 100, "subsampling": 0}
    if form in ("PNG", "TIFF"):
        lossless = {}
    path = tmp_path / f"a.{form.lower()}"
    Image.fromarray(array).save(path, form, icc_profile=profile(), **lossless)
    assert np.abs(levels(read_picture(path))[8, 8] - (0, 200, 53)).max() <= 3
    with Image.open(path) as image:
        assert np.array_equal(read_picture(image), read_picture(path))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("space", ["RGB ", "GRAY"])
def test_deep_pictures_are_converted_as_littlecms_converts_8_bits(tmp_path, space, curve):
    data = profile(space, CURVES[curve])
    array = RAMP if space == "RGB " else RAMP[..., 0]
    Image.fromarray(array).save(tmp_path / "shallow.png", icc_profile=data)
    shallow = read_picture(tmp_path / "shallow.png")
    assert np.array_equal(levels(shallow), by_littlecms(array, data))
    deep = array.astype(np.uint16) * 257
    image = Image.fromarray(deep) if deep.ndim == 2 else None
    if image is None:
        file = png.encode(deep)
        chunk = b"iCCPname\0\0" + zlib.compress(data)
        chunk = struct.pack(">I", len(chunk) - 4) + chunk + zlib.crc32(chunk).to_bytes(4)
        (tmp_path / "deep.png").write_bytes(file[:33] + chunk + file[33:])
    else:
        image.save(tmp_path / "deep.png", icc_profile=data)
    assert np.abs(read_picture(tmp_path / "deep.png") - shallow).max() < 1.5 / 255


def test_deep_pictures_keep_more_than_8_bits_through_a_profile(tmp_path):
    ramp = np.arange(20000, 20000 + 400, dtype=np.uint16).reshape(20, 20)
    Image.fromarray(ramp).save(tmp_path / "a.png", icc_profile=profile("GRAY", 1.8))
    assert len(np.unique(read_picture(tmp_path / "a.png"))) == 400


def test_srgb_changes_nothing_to_the_bit(tmp_path):
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(RAMP).save(tmp_path / "a.png", icc_profile=data)
    assert np.array_equal(read_picture(tmp_path / "a.png"), UNIT)
    Image.fromarray(RAMP[..., 0]).save(tmp_path / "grey.png", icc_profile=data)
    assert np.array_equal(read_picture(tmp_path / "grey.png")[..., 1], UNIT[..., 0])


def test_a_profile_spares_the_opacity(tmp_path):
    cut = np.dstack([RAMP, RAMP[..., 1]])
    Image.fromarray(cut).save(tmp_path / "a.png", icc_profile=profile())
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(levels(picture)[..., 3], cut[..., 3])
    assert np.array_equal(levels(picture)[..., :3], by_littlecms(RAMP, profile()))


def test_a_palette_is_converted_by_its_colours(tmp_path):
    Image.fromarray(RAMP).quantize(16).save(tmp_path / "a.png", icc_profile=profile())
    with Image.open(tmp_path / "a.png") as image:
        colours = np.asarray(image.convert("RGB"))
    assert np.array_equal(
        levels(read_picture(tmp_path / "a.png")), by_littlecms(colours, profile())
    )


@pytest.mark.parametrize("data", [b"damaged", profile()[:200], profile("GRAY"), bytes(4000)])
def test_a_profile_that_cannot_be_used_is_ignored_with_a_warning(tmp_path, caplog, data):
    Image.fromarray(RAMP).save(tmp_path / "a.png", icc_profile=data)
    assert np.array_equal(read_picture(tmp_path / "a.png"), UNIT)
    assert "a.png is ignored" in caplog.text


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [100, 1_200_000])
@pytest.mark.parametrize("packed", [False, True])
def test_a_png_with_much_text_is_read(tmp_path, size, packed):
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "x" * size, zip=packed)
    info.add_itxt("XML:com.adobe.xmp", "y" * size, zip=packed)
    Image.fromarray(RAMP).save(tmp_path / "a.png", pnginfo=info)
    assert np.array_equal(read_picture(tmp_path / "a.png"), UNIT)


def test_a_png_with_a_large_profile_is_read(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "a.png", icc_profile=profile() + bytes(2**21))
    assert np.array_equal(levels(read_picture(tmp_path / "a.png")), by_littlecms(RAMP, profile()))


TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.swapaxes(np.rot90(a, 2), 0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("form", ["png", "tif"])
def test_pictures_and_labels_are_turned_alike(tmp_path, orientation, form):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = TURNS.get(orientation, TURNS[1])
    Image.fromarray(RAMP).save(tmp_path / f"a.{form}", exif=exif)
    assert np.array_equal(read_picture(tmp_path / f"a.{form}"), turn(UNIT))
    with Image.open(tmp_path / f"a.{form}") as image:
        assert np.array_equal(read_picture(image), turn(UNIT))
    Image.fromarray(RAMP[..., 0]).save(tmp_path / f"mask.{form}", exif=exif)
    assert np.array_equal(read_labels(tmp_path / f"mask.{form}"), turn(RAMP[..., 0]))


def test_an_orientation_in_xmp_is_respected(tmp_path):
    for packed in (False, True):
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>', zip=packed)
        Image.fromarray(RAMP).save(tmp_path / "a.png", pnginfo=info)
        assert np.array_equal(read_picture(tmp_path / "a.png"), TURNS[6](UNIT))


def test_sixteen_bit_colours_of_a_png_are_read_in_16_bits_and_turned(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (20, 24, 4), np.uint16)
    data = png.encode(deep)
    exif = Image.Exif()
    exif[0x0112] = 6
    chunk = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + zlib.crc32(chunk).to_bytes(4)
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    assert np.array_equal(read_levels(tmp_path / "a.png"), TURNS[6](deep))


@pytest.mark.parametrize("maxval", [255, 1023, 65535])
def test_a_pgm_is_scaled_by_what_it_says(tmp_path, maxval):
    kind = np.uint8 if maxval == 255 else np.dtype(">u2")
    data = np.array([0, maxval // 2, maxval, 5] * 6, kind).tobytes()
    (tmp_path / "a.pgm").write_bytes(b"P5 6 4 %d\n" % maxval + data)
    picture = read_picture(tmp_path / "a.pgm")
    assert picture.max() == 1
    assert abs(picture[0, 3, 0] - 5 / maxval) < 1e-4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent.png", "There is no file"),
        ("folder", "Is a directory"),
        ("n" * 300, "name too long"),
        ("a\0b", "There is no file"),
        ("text.png", "damaged, or not a picture of a kind that is read"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence_with_the_reason(
    tmp_path, monkeypatch, name, words
):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    (tmp_path / "text.png").write_text("a letter")
    for read in (read_picture, read_labels):
        with pytest.raises(StyleTransferError, match=f"(?i){words}"):
            read(name)


def test_a_picture_too_large_is_refused_by_its_header(tmp_path):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    data = png.SIGNATURE + b"".join(
        struct.pack(">I", len(each)) + kind + each + zlib.crc32(kind + each).to_bytes(4)
        for kind, each in ((b"IHDR", header), (b"IDAT", zlib.compress(b"0")), (b"IEND", b""))
    )
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match="more than 178 million pixels"):
        read_picture(tmp_path / "a.png")


def test_a_damaged_mask_is_one_sentence_that_names_it(tmp_path):
    import tifffile

    path = tmp_path / "mask.tif"
    tifffile.imwrite(path, RAMP[..., 0], compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        data[page.dataoffsets[0] + page.databytecounts[0] // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(
        InputError, match=r"^Cannot read the labels in .*mask\.tif: it is damaged\.$"
    ):
        read_labels(path)


@pytest.mark.parametrize("array", [RAMP, RAMP / 255.0], ids=["colours", "floating point"])
def test_labels_are_whole_numbers_without_colours(tmp_path, array):
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
    with pytest.raises(InputError, match="without colours"):
        read_labels(tmp_path / "a.tif")


def test_labels_are_the_indices_of_a_palette(tmp_path):
    labels = (RAMP[..., 0] > 99).astype(np.uint8) * 3
    image = Image.fromarray(labels, "P")
    image.putpalette([7] * 768)
    for name in ("a.png", "a.gif", "a.tif"):
        image.save(tmp_path / name)
        assert np.array_equal(read_labels(tmp_path / name) > 0, labels > 0), name


def test_what_is_saved_is_read_back_to_the_bit(tmp_path):
    for dtype in (np.uint8, np.uint16):
        for channels in (3, 4):
            shape = (23, 31, channels)
            array = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype, True)
            for name in ("a.png", "a.tif"):
                save_picture(tmp_path / name, array)
                read = read_levels(tmp_path / name)
                assert read.dtype == dtype
                assert np.array_equal(read, array)
