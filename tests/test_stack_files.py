"""Stacks in files: found in the right order, painted to the same names, and gone on with."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from fake_method import FakeMethod, by_content_and_start
from PIL import Image

from napari_style_transfer.cli import stack as command
from napari_style_transfer.cli.stack import StackOutcome, paint_stack
from napari_style_transfer.errors import InputError, OutOfMemoryError, StyleTransferError
from napari_style_transfer.io.pictures import read_levels
from napari_style_transfer.io.saving import save_picture
from napari_style_transfer.io.stacks import is_stack, read_stack
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.progress import Step
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.settings import Settings
from napari_style_transfer.stack.folder import save_text, save_tiff

SETTINGS = Settings(size=32, steps=9, coarsest_size=16, device="cpu")
STYLE = np.full((20, 20, 3), 90, np.uint8)
NAMES = {"content": "in", "style": "night.png"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return tmp_path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeMethod:
    """Replace the engine by one that mixes content and start."""
    fake = FakeMethod(paint=lambda request, _: by_content_and_start(request), note="Slow.")
    monkeypatch.setattr("napari_style_transfer.methods.create", lambda: fake)
    return fake


@pytest.fixture
def painted(fake: FakeMethod) -> list[Any]:
    """The runs of the engine, what it was given in each."""
    return fake.calls


def picture(number: int, shape: tuple[int, ...] = (24, 40, 3)) -> np.ndarray[Any, Any]:
    return np.random.default_rng(number).integers(0, 256, shape, np.uint8)


def fill(*names: str, folder: str = "in") -> None:
    for number, name in enumerate(names):
        Image.fromarray(picture(number)).save(Path(folder) / name)


def paint(source: str = "in", output: str = "out", **change: Any) -> StackOutcome:
    given: dict[str, Any] = {"settings": SETTINGS, "names": NAMES, "stop": threading.Event()}
    return paint_stack(source, STYLE, Path(output), **{"quiet": True, **given, **change})


class StopAfter(threading.Event):
    """An event that is set once it was asked for so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0 or super().is_set()


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


# ---- finding the pages ---------------------------------------------------------------------------


def test_a_folder_is_read_in_the_natural_order_of_its_names() -> None:
    fill("page 10.png", "Page 2.PNG", "page 1.bmp", "page 02b.jpg")
    Path("in/notes.txt").write_text("no picture")
    Path("in/.page 3.png").write_text("hidden")
    pages = read_stack("in")
    assert [page.source.name for page in pages.pages] == [
        "page 1.bmp",
        "Page 2.PNG",
        "page 02b.jpg",
        "page 10.png",
    ]
    assert [page.name for page in pages.pages] == [
        "page 1.png",
        "Page 2.PNG",
        "page 02b.jpg",
        "page 10.png",
    ]
    assert pages[0].shape == (24, 40, 3)


def test_a_pattern_takes_what_it_matches() -> None:
    fill("a1.png", "a2.png", "b1.png")
    assert [page.source.name for page in read_stack("in/a*.png").pages] == ["a1.png", "a2.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file() -> None:
    fill("[a].png", folder=".")
    assert not is_stack("[a].png")
    assert is_stack("[b].png")


@pytest.mark.parametrize(
    ("pages", "mode"),
    [
        ([picture(0, (24, 40)), picture(1, (24, 40))], "minisblack"),
        ([picture(0), picture(1)], "rgb"),
        ([picture(0, (24, 40)).astype(np.uint16) * 200] * 2, "minisblack"),
        ([np.random.default_rng(0).random((24, 40), np.float32)] * 3, "minisblack"),
        ([np.random.default_rng(0).random((24, 40, 3), np.float32)] * 2, "rgb"),
        ([picture(0, (24, 40, 4)), picture(1, (30, 40, 4))], "rgb"),
    ],
)
def test_the_pages_of_a_tiff_are_read_one_by_one(
    pages: list[np.ndarray[Any, Any]], mode: str
) -> None:
    with tifffile.TiffWriter("scan.tif") as writer:
        for page in pages:
            extra = ["unassalpha"] if page.shape[2:] == (4,) else []
            writer.write(page, photometric=mode, extrasamples=extra, metadata=None)
    found = read_stack("scan.tif")
    assert is_stack("scan.tif")
    assert [page.name for page in found.pages] == [
        f"scan-{i}.png" for i in range(1, len(pages) + 1)
    ]
    for read, page in zip(found, pages, strict=True):
        page = page if page.ndim == 3 else np.repeat(page[..., None], 3, axis=2)
        full = np.iinfo(page.dtype).max if page.dtype.kind == "u" else 1
        np.testing.assert_array_equal(read, (page / np.float32(full)).astype(np.float32))


def test_planar_colours_of_a_type_that_pillow_does_not_know_are_read() -> None:
    colours = np.random.default_rng(0).random((3, 24, 40), np.float32)
    with tifffile.TiffWriter("scan.tif") as writer:
        for _ in range(2):
            writer.write(colours, photometric="rgb", planarconfig="separate", metadata=None)
    np.testing.assert_array_equal(read_stack("scan.tif")[1], np.moveaxis(colours, 0, -1))


def test_a_tiff_that_holds_all_planes_as_one_page_is_a_stack() -> None:
    planes = picture(0, (5, 24, 40))
    tifffile.imwrite("cells.tif", planes, imagej=True, truncate=True)
    pages = read_stack("cells.tif")
    assert is_stack("cells.tif")
    np.testing.assert_array_equal(np.rint(np.stack(list(pages))[..., 0] * 255), planes)


def test_single_pictures_are_no_stack() -> None:
    fill("a.png", "a.tif", folder=".")
    Path("text.tif").write_text("no TIFF")
    tifffile.imwrite("planar.tif", picture(0, (3, 24, 40)), photometric="rgb", planarconfig=2)
    sources = ["a.png", "a.tif", "text.tif", "planar.tif", "missing.png", "sample:cells"]
    assert not any(map(is_stack, sources))
    assert is_stack("in")
    assert is_stack("in/*.png")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("in", "The folder in holds no pictures."),
        ("in/*.png", "No file matches in/*.png."),
        ("missing", "No file matches missing."),
        ("text.tif", "Cannot read text.tif: it is damaged or no TIFF."),
        ("cut.tif", "Cannot read cut.tif: it is cut short after page 4."),
    ],
)
def test_what_holds_no_stack_is_said_in_a_sentence(source: str, message: str) -> None:
    Path("text.tif").write_text("no TIFF")
    with tifffile.TiffWriter("cut.tif") as writer:
        for number in range(8):
            writer.write(picture(number), photometric="rgb", metadata=None)
    data = Path("cut.tif").read_bytes()
    Path("cut.tif").write_bytes(data[: 4 * len(data) // 8 - 2000])
    with pytest.raises(InputError) as error:
        read_stack(source)
    assert str(error.value) == message


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_wherever_a_tiff_is_cut_it_is_said(compression: str | None) -> None:
    with tifffile.TiffWriter("scan.tif") as writer:
        for number in range(4):
            writer.write(picture(number), photometric="rgb", compression=compression, metadata=None)
    data = Path("scan.tif").read_bytes()
    sentences = set()
    for length in range(1, len(data), 37):
        Path("cut.tif").write_bytes(data[:length])
        with pytest.raises(InputError) as error:
            list(read_stack("cut.tif"))
        sentences.add(str(error.value))
        assert is_stack("cut.tif") == any(f"page {n}" in str(error.value) for n in (2, 3, 4))
    assert sentences == {
        "Cannot read cut.tif: it is damaged or no TIFF.",
        *(f"Cannot read cut.tif: it is cut short after page {number}." for number in (1, 2, 3)),
        "Cannot read page 4 of cut.tif: it is damaged.",
    }


def test_a_tiff_whose_pages_run_in_a_circle_ends() -> None:
    scan(3)
    data = bytearray(Path("scan.tif").read_bytes())
    with tifffile.TiffFile("scan.tif") as file:
        first, last = file.pages.first.offset, file.pages.next_page_offset
    assert last is not None
    data[last : last + 4] = first.to_bytes(4, "little")
    Path("scan.tif").write_bytes(data)
    assert len(read_stack("scan.tif")) == 3


def test_a_damaged_page_is_named() -> None:
    fill("a.png", "b.png")
    data = Path("in/b.png").read_bytes()
    Path("in/b.png").write_bytes(data[:900])
    with pytest.raises(InputError, match=r"Cannot read the picture in/b.png"):
        read_stack("in")[1]
    with tifffile.TiffWriter("scan.tif") as writer:
        for number in range(3):
            writer.write(picture(number), photometric="rgb", compression="zlib", metadata=None)
    with tifffile.TiffFile("scan.tif") as file:
        place, count = file.pages[1].dataoffsets[0], file.pages[1].databytecounts[0]
    with open("scan.tif", "r+b") as raw:
        raw.seek(place)
        raw.write(b"\0" * count)
    pages = read_stack("scan.tif")
    assert pages[2].shape == (24, 40, 3)
    with pytest.raises(InputError, match=r"^Cannot read page 2 of scan.tif: it is damaged.$"):
        pages[1]


def test_pages_that_would_be_painted_to_one_name_are_refused() -> None:
    fill("a.png", "a.bmp")
    with pytest.raises(InputError, match=r"a.bmp and in/a.png would both be painted to a.png"):
        read_stack("in")


# ---- a folder ------------------------------------------------------------------------------------


def test_a_folder_is_painted_to_a_folder_with_the_same_names(painted: list[Any]) -> None:
    fill("1.png", "2.jpg", "3.bmp")
    outcome = paint()
    assert outcome == StackOutcome(True, "Saved 3 pages in out.")
    assert names("out") == ["1.png", "2.jpg", "3.png", "recipe.json"]
    with Image.open("out/3.png") as image:
        assert image.size == (32, 19)
    recipe = Recipe.parse("out/recipe.json")
    assert (recipe.settings, recipe.content, recipe.style) == (SETTINGS, "in", "night.png")


@pytest.mark.parametrize("output", ["out", "out.tif"])
def test_pages_of_16_bits_are_painted_gone_on_with_and_read_back(
    painted: list[Any], output: str
) -> None:
    fill("1.jpg", "2.png", "3.tif")
    assert not paint(output=output, bits=16, stop=StopAfter(13)).complete
    assert paint(output=output, bits=16).complete
    assert {call["bits"] for call in painted} == {16}
    assert painted[-1]["init"].dtype == np.uint16  # what came before, as deep as it was painted
    if output == "out":
        assert names("out") == ["1.png", "2.png", "3.tif", "recipe.json"]
        pages = [read_levels(f"out/{name}") for name in ("1.png", "2.png", "3.tif")]
    else:
        with tifffile.TiffFile("out.tif") as file:
            pages = [page.asarray() for page in file.pages]
    assert [(page.shape, page.dtype) for page in pages] == [((19, 32, 3), np.uint16)] * 3


def test_with_16_bits_no_page_takes_the_name_of_another(painted: list[Any]) -> None:
    fill("1.jpg", "1.png")
    assert paint(output="plain").complete
    painted.clear()
    with pytest.raises(InputError, match=r"would both be painted to 1\.png; rename one"):
        paint(output="deep", bits=16)
    assert not painted


def test_a_range_of_values_holds_for_every_page(
    painted: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        save_picture(f"in/{number}.png", picture(number).astype(np.uint16) * 16)
    assert paint(output="one").complete
    assert "in/1.png looks like 12-bit data" in capsys.readouterr().err
    assert paint(output="two", value_range=(0, 4080)).complete
    assert "12-bit" not in capsys.readouterr().err
    np.testing.assert_allclose(painted[-1]["content"] * 255, picture(2), atol=1e-3)


def test_pages_of_several_shapes_are_allowed(painted: list[Any]) -> None:
    Image.fromarray(picture(0, (24, 40, 3))).save("in/1.png")
    Image.fromarray(picture(1, (40, 24, 3))).save("in/2.png")
    assert paint().complete
    sizes = []
    for name in ("1.png", "2.png"):
        with Image.open(f"out/{name}") as image:
            sizes.append(image.size)
    assert sizes == [(32, 19), (19, 32)]


@pytest.mark.parametrize("output", ["out", "out.tif"])
def test_transparency_is_given_back(painted: list[Any], output: str) -> None:
    cut = picture(0, (24, 40, 4))
    cut[:, :20, 3], cut[:, 20:, 3] = 0, 255
    Image.fromarray(cut).save("in/1.png")
    fill("2.png")
    assert paint(output=output).complete
    if output == "out":
        with Image.open("out/1.png") as image:
            first = np.asarray(image)
        with Image.open("out/2.png") as image:
            assert image.mode == "RGB"
    else:
        with tifffile.TiffFile("out.tif") as file:
            first, second = (page.asarray() for page in file.pages)
        assert second.shape == (19, 32, 3)
    assert first.shape == (19, 32, 4)
    assert (first[:, :14, 3] < 10).all()
    assert (first[:, 18:, 3] > 245).all()


@pytest.mark.parametrize("asked", range(1, 18, 4))
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_stopped_run_goes_on_to_the_same_bytes(
    painted: list[Any], asked: int, suffix: str
) -> None:
    fill(*(f"{number}.{suffix}" for number in range(4)))
    assert paint(output="whole").complete
    outcome = paint(output="parts", stop=StopAfter(asked))
    done = len(names("parts")) - 1
    assert not outcome.complete
    assert outcome.sentence == (
        f"Stopped with {done} of 4 pages done; they are in parts, and the same command goes on."
    )
    painted.clear()
    assert paint(output="parts").complete
    assert len(painted) == 4 - done
    assert files("parts") == files("whole")


def test_a_complete_folder_is_left_as_it_is(painted: list[Any]) -> None:
    fill("1.png", "2.png")
    paint()
    before = files("out")
    painted.clear()
    assert paint() == StackOutcome(True, "All 2 pages are in out already.")
    assert not painted
    assert files("out") == before


def test_a_page_that_was_deleted_or_added_is_painted(painted: list[Any]) -> None:
    fill("1.png", "2.png", "3.png")
    paint()
    before = files("out")
    Path("out/2.png").unlink()
    fill("1.png", "2.png", "3.png", "4.png")
    painted.clear()
    assert paint().complete
    assert len(painted) == 2
    after = files("out")
    assert {name: after[name] for name in ("1.png", "2.png", "3.png")} == {
        name: before[name] for name in ("1.png", "2.png", "3.png")
    }
    assert "4.png" in after


def test_an_error_keeps_the_pages_done(
    fake: FakeMethod, painted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("1.png", "2.png", "3.png")
    run = fake.run

    def failing(request: Request, controls: Controls) -> Iterator[Step]:
        if len(painted) == 2:
            raise OutOfMemoryError("There is too little memory.")
        yield from run(request, controls)

    monkeypatch.setattr(fake, "run", failing)
    with pytest.raises(OutOfMemoryError):
        paint()
    assert names("out") == ["1.png", "2.png", "recipe.json"]
    painted.clear()
    monkeypatch.setattr(fake, "run", run)
    assert paint().complete
    assert len(painted) == 1


def test_ctrl_c_twice_keeps_the_pages_done(
    fake: FakeMethod, painted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("1.png", "2.png")
    run = fake.run

    def interrupted(request: Request, controls: Controls) -> Iterator[Step]:
        if painted:
            raise KeyboardInterrupt
        yield from run(request, controls)

    monkeypatch.setattr(fake, "run", interrupted)
    assert "Stopped with 1 of 2 pages done" in paint().sentence


def test_another_run_does_not_mix_its_pages_in(painted: list[Any]) -> None:
    fill("1.png", "2.png")
    paint()
    before = files("out")
    with pytest.raises(InputError, match="out holds a result that was begun with another seed;"):
        paint(settings=SETTINGS.replace(seed=3))
    with pytest.raises(InputError, match="begun with another style;"):
        paint(names={**NAMES, "style": "day.png"})
    assert files("out") == before


def test_a_run_of_which_no_page_was_done_does_not_bar_another(painted: list[Any]) -> None:
    fill("1.png", "2.png")
    assert not paint(stop=StopAfter(3)).complete
    assert names("out") == ["recipe.json"]
    assert paint(settings=SETTINGS.replace(seed=3)).complete
    assert Recipe.parse("out/recipe.json").settings.seed == 3
    with pytest.raises(InputError, match="another seed"):
        paint()


@pytest.mark.parametrize("name", ["2.png", "recipe.json"])
def test_a_foreign_file_is_not_replaced(painted: list[Any], name: str) -> None:
    fill("1.png", "2.png")
    Path("out").mkdir()
    Path("out", name).write_text("[1]")
    with pytest.raises(InputError, match=f"out/{name} would be replaced; choose another folder"):
        paint()
    assert files("out") == {name: b"[1]"}
    assert not painted


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("in", "in", "The output in is within the input in"),
        ("in", "in/out", "The output in/out is within the input in"),
        ("in", "in/out.tif", "The output in/out.tif is within the input in"),
        ("in/*.png", "in", "This run reads in; choose another name"),
        ("scan.tif", "scan.tif", "This run reads scan.tif; choose another name"),
        (
            "in",
            "out.png",
            "A stack is painted to a folder, to a TIFF of several pages, or to a movie, not to",
        ),
        ("in", "no/out", "there is no folder no"),
        ("in", "no/out.tif", "there is no folder no"),
        ("in", "file", "Cannot write into file: it is no folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_the_work(
    painted: list[Any], source: str, output: str, message: str
) -> None:
    fill("1.png", "2.png")
    Path("file").write_text("mine")
    save_tiff(Path("scan.tif"), iter([picture(0), picture(1)]), 0)
    before = sorted(Path().rglob("*"))
    with pytest.raises(InputError, match=message):
        paint(source, output)
    assert sorted(Path().rglob("*")) == before
    assert not painted


def test_a_folder_that_cannot_be_made_is_said(
    painted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("1.png")

    def mkdir(self: Path, **_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(InputError, match="Cannot make the folder out: Permission denied"):
        paint()


@pytest.mark.parametrize("output", ["out", "out.tif"])
def test_a_page_that_cannot_be_painted_is_left_out_and_named(
    painted: list[Any], output: str
) -> None:
    fill("1.png", "2.png", "3.png")
    page = Path("in/2.png").read_bytes()
    Path("in/2.png").write_bytes(page[:900])
    with pytest.raises(StyleTransferError) as error:
        paint(output=output)
    told = str(error.value)
    assert told.startswith(f"Saved 2 of 3 pages in {output}. Left out: in/2.png (Cannot read")
    folder = "out" if output == "out" else "out.tif.pages"
    assert names(folder) == ["1.png", "3.png", "recipe.json"]
    if output == "out.tif":
        with tifffile.TiffFile("out.tif") as file:
            assert len(file.pages) == 2
    Path("in/2.png").write_bytes(page)
    painted.clear()
    assert paint(output=output).complete
    assert len(painted) == 1
    if output == "out.tif":
        with tifffile.TiffFile("out.tif") as file:
            assert len(file.pages) == 3
        assert not Path(folder).exists()


def test_if_no_page_can_be_painted_it_is_said(painted: list[Any]) -> None:
    fill("1.png", "2.png")
    for name in ("1.png", "2.png"):
        Path("in", name).write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"^None of the 2 slices can be painted\. Slice 0: "):
        paint()


# ---- a TIFF --------------------------------------------------------------------------------------


def scan(count: int = 4) -> None:
    save_tiff(Path("scan.tif"), (picture(number) for number in range(count)), 0)


def test_a_tiff_is_painted_to_a_tiff_page_by_page(painted: list[Any]) -> None:
    scan()
    assert paint("scan.tif", "out.tif").sentence == "Saved 4 pages in out.tif."
    with tifffile.TiffFile("out.tif") as file:
        assert [page.shape for page in file.pages] == [(19, 32, 3)] * 4
        values = [int(page.asarray()[0, 0, 0]) for page in file.pages]
    with Image.open("out.tif") as image:  # which other programs read with libtiff, as Pillow does
        for number, value in enumerate(values):
            image.seek(number)
            assert image.mode == "RGB"
            assert np.asarray(image)[0, 0, 0] == value
    assert Recipe.parse("out.json").settings == SETTINGS
    assert names(".") == ["in", "out.json", "out.tif", "scan.tif"]


def test_a_folder_is_painted_to_a_tiff_and_a_tiff_to_a_folder(painted: list[Any]) -> None:
    fill("1.png", "2.png")
    assert paint("in", "out.tiff").complete
    assert is_stack("out.tiff")
    scan(2)
    assert paint("scan.tif", "out").complete
    assert names("out") == ["recipe.json", "scan-1.png", "scan-2.png"]


def test_a_stopped_tiff_keeps_its_pages_and_goes_on_to_the_same_bytes(painted: list[Any]) -> None:
    scan()
    paint("scan.tif", "whole.tif")
    outcome = paint("scan.tif", "parts.tif", stop=StopAfter(13))
    assert outcome.sentence == (
        "Stopped with 2 of 4 pages done; they are in parts.tif.pages, and the same command goes on."
    )
    assert names("parts.tif.pages") == ["recipe.json", "scan-1.png", "scan-2.png"]
    assert not Path("parts.tif").exists()
    painted.clear()
    assert paint("scan.tif", "parts.tif").complete
    assert len(painted) == 2
    assert Path("parts.tif").read_bytes() == Path("whole.tif").read_bytes()
    parts, whole = (json.loads(Path(f"{name}.json").read_text()) for name in ("parts", "whole"))
    assert parts == whole | {"picture": "parts.tif"}


def test_a_complete_tiff_is_left_as_it_is_and_another_run_replaces_it(painted: list[Any]) -> None:
    scan()
    paint("scan.tif", "out.tif")
    painted.clear()
    assert paint("scan.tif", "out.tif").sentence == "All 4 pages are in out.tif already."
    assert not painted
    assert paint("scan.tif", "out.tif", settings=SETTINGS.replace(seed=1)).complete
    assert len(painted) == 4
    assert Recipe.parse("out.json").settings.seed == 1


def test_a_tiff_whose_pages_are_all_done_is_only_written(
    painted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: Any) -> None:
        raise InputError("Cannot save out.tif: No space left on device.")

    scan()
    with monkeypatch.context() as patch:
        patch.setattr(command, "save_tiff", full_disk)
        with pytest.raises(InputError, match="No space left"):
            paint("scan.tif", "out.tif")
    painted.clear()
    assert paint("scan.tif", "out.tif").sentence == "Saved 4 pages in out.tif."
    assert not painted
    assert names(".") == ["in", "out.json", "out.tif", "scan.tif"]


def test_a_foreign_side_file_is_not_replaced(painted: list[Any]) -> None:
    scan()
    Path("out.json").write_text("{}")
    assert paint("scan.tif", "out.tif").complete
    assert Path("out.json").read_text() == "{}"
    assert Recipe.parse("out.tif.json").settings == SETTINGS
    Path("out.tif.json").write_text("{}")
    with pytest.raises(InputError, match=r"The recipe would replace out\.json or out\.tif\.json"):
        paint("scan.tif", "out.tif", settings=SETTINGS.replace(seed=1))
    assert len(painted) == 4
    assert Path("out.tif.json").read_text() == "{}"


@pytest.mark.parametrize("done", [[["1.png"]], [{}], [None], 3])
def test_a_spoilt_record_is_one_sentence(painted: list[Any], done: Any) -> None:
    fill("1.png")
    paint()
    record = Path("out/recipe.json")
    values = json.loads(record.read_text()) | {"napari_style_transfer_done": done}
    record.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"recipe\.json would be replaced; choose another folder"):
        paint()


def test_a_tiff_is_replaced_as_a_whole_or_not_at_all() -> None:
    scan()
    before = Path("scan.tif").read_bytes()

    def pictures() -> Iterator[np.ndarray[Any, Any]]:
        yield picture(0)
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"Cannot save scan\.tif: No space left on device\."):
        save_tiff(Path("scan.tif"), pictures(), 0)
    assert Path("scan.tif").read_bytes() == before
    assert names(".") == ["in", "scan.tif"]


def test_large_tiffs_get_64_bit_offsets() -> None:
    save_tiff(Path("big.tif"), iter([picture(0)]), 2**32)
    with tifffile.TiffFile("big.tif") as file:
        assert file.is_bigtiff


def test_text_is_saved_as_a_whole_or_not_at_all() -> None:
    save_text(Path("a.json"), "1")
    with pytest.raises(InputError, match=r"Cannot save no/a\.json: No such file or directory\."):
        save_text(Path("no/a.json"), "2")
    Path("b.json").mkdir()
    with pytest.raises(InputError, match=r"Cannot save b\.json"):
        save_text(Path("b.json"), "2")
    assert names(".") == ["a.json", "b.json", "in"]


# ---- progress, and the engine itself -------------------------------------------------------------


def test_progress_counts_pages_and_says_the_time_left(
    painted: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    fill("1.png", "2.png", "3.png")
    paint(quiet=False)
    _, err = capsys.readouterr()
    assert "Page 3/3, evaluation 3/3: 100%" in err
    assert "<00:00" in err
    assert err.count("Slow.") == 1  # what is said of one page need not be said of each
    paint(output="other")
    assert capsys.readouterr() == ("", "Slow.\n")


@pytest.mark.engine
@pytest.mark.slow
def test_with_the_engine_a_folder_is_stopped_and_gone_on_with() -> None:
    fill("1.png", "2.png", "3.png")
    style = picture(9)
    given: dict[str, Any] = {"settings": SETTINGS, "names": NAMES, "quiet": True}
    whole = paint_stack("in", style, Path("whole"), stop=threading.Event(), **given)
    parts = paint_stack("in", style, Path("parts"), stop=StopAfter(10), **given)
    assert (whole.complete, parts.complete) == (True, False)
    assert names("parts") == ["1.png", "recipe.json"]
    assert paint_stack("in", style, Path("parts"), stop=threading.Event(), **given).complete
    assert files("parts") == files("whole")
    assert json.loads(Path("whole/recipe.json").read_text())["napari_style_transfer_done"] == [
        "1.png",
        "2.png",
        "3.png",
    ]


@pytest.mark.engine
def test_the_command_paints_a_folder_and_goes_on_with_it(tmp_path, capsys):
    from napari_style_transfer.cli.main import main

    (tmp_path / "pages").mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        noise = rng.integers(0, 255, (32, 40, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "pages" / f"{number}.png")
    Image.fromarray(noise).save(tmp_path / "style.png")
    source, style, out = (str(tmp_path / name) for name in ("pages", "style.png", "out"))
    options = ["--size", "32", "--steps", "3", "--device", "cpu", "--quiet"]
    assert main([source, style, *options]) == 2
    assert "--output" in capsys.readouterr().err
    assert main([source, style, "-o", out, *options]) == 0
    written = {path.name: path.read_bytes() for path in Path(out).iterdir()}
    assert {"0.png", "1.png", "2.png", "recipe.json"} <= written.keys()
    assert main([source, "--style", f"{style}=1", "-o", out, *options]) == 0  # is there already
    assert {path.name: path.read_bytes() for path in Path(out).iterdir()} == written
    assert main([source, style, "-o", str(tmp_path / "out.tif"), *options]) == 0
    assert tifffile.imread(tmp_path / "out.tif").shape == (3, 26, 32, 3)
