"""Damaged files: whatever bytes a file has, it is a picture or one sentence.

Small files of every format that is read are changed at random, with a fixed seed. Warnings are errors,
so none may come either.
"""

from __future__ import annotations

import io
import json
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin, features

from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.io import png
from napari_style_transfer.io.labels import read_labels
from napari_style_transfer.io.pictures import read_picture
from napari_style_transfer.io.profiles import srgb_profile
from napari_style_transfer.io.stacks import is_stack, read_stack
from napari_style_transfer.recipe import Recipe

#: What one file may take at most: seconds of the processor, and bytes beyond what was used before.
SECONDS, BYTES = 2.0, 400 * 2**20

GREY = np.add.outer(np.arange(20), np.arange(24)).astype(np.uint8) * 5
RGB = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)
RGBA = np.dstack([RGB, GREY])
LABELS = (GREY > 90).astype(np.uint8) + (GREY > 150)
DEEP = RGB.astype(np.uint16) * 257
FLOAT = (RGB / 255).astype(np.float32)


def saved(array: Any, form: str, mode: str | None = None, **options: Any) -> bytes:
    image = Image.fromarray(array)
    buffer = io.BytesIO()
    (image.convert(mode) if mode else image).save(buffer, form, **options)
    return buffer.getvalue()


def scanned(*arrays: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=options.pop("bigtiff", False)) as writer:
        for array in arrays:
            writer.write(array, **{"metadata": None, "photometric": "rgb"} | options)
    return buffer.getvalue()


def pyramid() -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(RGB, photometric="rgb", metadata=None)
        writer.write(RGB[::2, ::2].copy(), photometric="rgb", subfiletype=1, metadata=None)
    return buffer.getvalue()


def exif() -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = 6
    return tags


def text() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "x" * 3000, zip=True)
    info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>', zip=True)
    return info


def pictures() -> dict[str, bytes]:
    files = {
        "rgb.png": saved(RGB, "PNG", icc_profile=srgb_profile(), exif=exif()),
        "text.png": saved(RGBA, "PNG", pnginfo=text()),
        "palette.png": saved(RGB, "PNG", "P", transparency=3),
        "bits.png": saved(GREY, "PNG", "1"),
        "grey16.png": saved(GREY.astype(np.uint16) * 257, "PNG"),
        "rgb16.png": png.encode(DEEP),
        "rgba16.png": png.encode(np.dstack([DEEP, DEEP[..., 0]])),
        "rgb.jpg": saved(RGB, "JPEG", icc_profile=srgb_profile(), exif=exif()),
        "progressive.jpg": saved(RGB, "JPEG", progressive=True),
        "cmyk.jpg": saved(RGB, "JPEG", "CMYK"),
        "rgb.gif": saved(RGB, "GIF"),
        "rgb.bmp": saved(RGB, "BMP"),
        "grey.ppm": saved(GREY, "PPM"),
        "none.tif": scanned(RGB, iccprofile=srgb_profile()),
        "big.tif": scanned(RGBA, bigtiff=True, extrasamples=["assocalpha"]),
        "zlib.tif": scanned(DEEP, compression="zlib"),
        "predictor.tif": scanned(DEEP, compression="zlib", predictor=2, iccprofile=srgb_profile()),
        "tiled.tif": scanned(RGB, tile=(16, 16), compression="zlib"),
        "profile.tif": scanned(
            DEEP[..., 0], photometric="minisblack", compression="zlib", iccprofile=srgb_profile()
        ),
        "planar.tif": scanned(np.moveaxis(DEEP, -1, 0), planarconfig="separate"),
        "float.tif": scanned(FLOAT, compression="zlib"),
        "white.tif": scanned(GREY.astype(np.uint16), photometric="miniswhite"),
        "palette.tif": saved(RGB, "TIFF", "P"),
        "lzw.tif": saved(RGB, "TIFF", compression="tiff_lzw"),
        "packbits.tif": saved(RGB, "TIFF", compression="packbits"),
        "jpeg.tif": saved(RGB, "TIFF", compression="jpeg"),
        "fax.tif": saved(GREY, "TIFF", "1", compression="group4"),
        "cmyk.tif": saved(RGB, "TIFF", "CMYK"),
        "lab.tif": saved(RGB, "TIFF", "LAB"),
        "pyramid.tif": pyramid(),
    }
    if features.check("webp"):
        files["lossy.webp"] = saved(RGBA, "WEBP", icc_profile=srgb_profile())
        files["lossless.webp"] = saved(RGBA, "WEBP", lossless=True)
    return files


def masks() -> dict[str, bytes]:
    return {
        "grey.png": saved(LABELS, "PNG", exif=exif()),
        "palette.png": saved(LABELS * 60, "PNG", "P"),
        "grey.tif": scanned(LABELS, photometric="minisblack", compression="zlib"),
        "wide.tif": scanned(LABELS.astype(np.int32), photometric="minisblack"),
        "grey.gif": saved(LABELS, "GIF"),
    }


def stacks() -> dict[str, bytes]:
    return {
        "rgb.tif": scanned(RGB, RGB[::-1], RGBA, compression="zlib"),
        "signed.tif": scanned(
            GREY.astype(np.int16), GREY.astype(np.int16), photometric="minisblack"
        ),
        "imagej.tif": _imagej(),
    }


def _imagej() -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.stack([GREY] * 3), imagej=True)
    return buffer.getvalue()


def recipes() -> dict[str, bytes]:
    recipe = {
        "settings": {"size": 64, "steps": 20, "seed": 1},
        "content": "a.png",
        "style": "b.png",
        "styles": [{"picture": "b.png", "share": 0.5, "mask": "m.png"}, {"picture": "c.png"}],
        "regions": {"labels": "l.png", "table": {"1": {"style": 0, "strength": 0.2}}},
        "device": "cpu",
        "precision": "float32",
        "evaluations": 20,
        "status": "finished",
        "versions": {"python": "3.11.7"},
    }
    return {
        "plain.json": json.dumps(recipe).encode(),
        "wrapped.json": json.dumps({"napari_style_transfer": recipe}, indent=1).encode(),
    }


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Change some bytes; half of the time near the beginning, where the headers are."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        reach = len(changed) if rng.random() < 0.5 else min(len(changed), 200)
        place = int(rng.integers(reach + 1))
        match int(rng.integers(6)):
            case 0:
                del changed[place:]
            case 1:
                changed[place:place] = rng.bytes(int(rng.integers(1, 9)))
            case 2:
                del changed[place : place + int(rng.integers(1, 9))]
            case 3:
                changed[place : place + 4] = rng.choice(
                    [b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"]
                )
            case _ if place < len(changed):
                changed[place] ^= int(rng.integers(1, 256))
        if not changed:
            break
    return repaired(bytes(changed)) if rng.random() < 0.7 else bytes(changed)


def repaired(data: bytes) -> bytes:
    """Give the chunks of a PNG right checksums, so that what is in them is looked at."""
    if not data.startswith(png.SIGNATURE):
        return data
    parts, place = [png.SIGNATURE], len(png.SIGNATURE)
    while place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4])
        chunk = data[place + 4 : end]
        parts += [data[place : place + 4], chunk, zlib.crc32(chunk).to_bytes(4)]
        place = end + 4
    return b"".join(parts) + data[place:]


def check_picture(path: Path) -> None:
    picture = read_picture(path)
    assert picture.dtype == np.float32
    assert picture.shape[2] in (3, 4)
    assert 0 <= picture.min() <= picture.max() <= 1


def check_labels(path: Path) -> None:
    labels = read_labels(path)
    assert labels.ndim == 2
    assert labels.dtype.kind in "bui"


def check_stack(path: Path) -> None:
    is_stack(str(path))
    pages = read_stack(path)
    for number in range(min(len(pages), 5)):
        assert pages[number].shape[2] in (3, 4)


def check_recipe(path: Path) -> None:
    Recipe.parse(path).looked_for_in(path.parent)


KINDS: dict[str, tuple[Callable[[], dict[str, bytes]], Callable[[Path], None]]] = {
    "pictures": (pictures, check_picture),
    "masks": (masks, check_labels),
    "stacks": (stacks, check_stack),
    "recipes": (recipes, check_recipe),
}


def peak() -> int:
    """Return the most memory that the process has had, in bytes; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def fuzz(folder: Path, kind: str, times: int, seed: int) -> None:
    """Read `times` changed files of each kind's formats; whole ones first, which must be sound."""
    make, check = KINDS[kind]
    rng = np.random.default_rng(seed)
    for name, data in make().items():
        path = folder / name
        path.write_bytes(data)
        check(path)
        before = peak()
        for number in range(times):
            path.write_bytes(mutated(data, rng))
            start = time.process_time()
            sentence = ""
            try:
                check(path)
            except StyleTransferError as error:
                sentence = str(error)
            except Exception as error:
                raise AssertionError(f"{name}, change {number}: {error!r}") from error
            assert "\n" not in sentence, f"{name}, change {number}"
            assert time.process_time() - start < SECONDS, f"{name}, change {number}"
        assert peak() - before < BYTES, name


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    fuzz(tmp_path, kind, times=40, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_are_read_or_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    fuzz(tmp_path, kind, times=1500, seed=1)
