"""Names of files on the command line: checked first, reserved, and never too long."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_method import FakeMethod
from PIL import Image

from napari_style_transfer.cli import INTERRUPTED
from napari_style_transfer.cli.main import main
from napari_style_transfer.cli.names import reserved
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.names import check_name, name_limit
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.progress import Step
from napari_style_transfer.recipe import Recipe

FAST = ["--size", "32", "--steps", "2", "--device", "cpu", "--quiet"]
HEAVY = ("torch", "torchvision", "numpy", "PIL", "tifffile", "skimage", "tqdm", "psutil")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with two small pictures."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("photo.png", "painting.png")):
        noise = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
        Image.fromarray(noise).save(name)
    return tmp_path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeMethod:
    fake = FakeMethod()
    monkeypatch.setattr("napari_style_transfer.methods.create", lambda: fake)
    return fake


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_the_value_of_an_option_is_no_picture(fake: FakeMethod) -> None:
    """Not even of one that the help of another names, where a picture more could be given."""
    assert main(["photo.png", "--style", "painting.png", "--size", "32", "--quiet"]) == 0
    (call,) = fake.calls
    assert call["settings"].size == 32


# ---- checked first -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["fhoto.png", "painting.png"],
        ["photo.png", "baiting.png"],
        ["photo.png", "sample:mona-lisa"],
        ["photo.png", "--style", "painting.png=1,mask=none.png"],
        ["photo.png", "painting.png", "--regions", "none.png"],
        ["photo.png", "painting.png", "--init", "none.png"],
        ["photo.png", "painting.png", "-o", "out.gif"],
        ["photo.png", "painting.png", "-o", "nowhere/out.png"],
        ["photo.png", "painting.png", "--bits", "16", "-o", "out.jpg"],
        ["photo.png", "--fast", "none.safetensors"],
        ["learn", "none.png", "-o", "out.safetensors"],
        ["photo.png", "painting.png", "--colors", "match"],
        ["photo.png", "painting.png", "--size", "0"],
        ["nowhere/*.png", "painting.png", "-o", "out"],
        ["pages", "painting.png", "-o", "out.png"],
        ["samples", "--quick"],
    ],
)
def test_what_is_misspelt_is_answered_before_anything_heavy_is_loaded(words: list[str]) -> None:
    Path("pages").mkdir()
    is_a_name = len(words) == 2 and words[0] != "samples"
    heavy = (*HEAVY, "pydantic") if is_a_name else HEAVY
    code = f"""
import sys
from napari_style_transfer.cli.main import main
code = main(sys.argv[1:])
print(code, *(set({heavy!r}) & set(sys.modules)))
"""
    run = [sys.executable, "-c", code, *words]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(".\n")


def test_the_commands_are_listed_and_each_has_its_own_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "\n  stylize " in text
    assert "\n  samples " in text
    for command in ("stylize", "samples"):
        with pytest.raises(SystemExit) as leaving:
            main([command, "--help"])
        assert leaving.value.code == 0
        text = capsys.readouterr().out
        assert text.startswith(f"usage: napari-style-transfer {command} ")
        assert ("--strength" in text) == (command == "stylize")


def test_with_the_command_s_name_the_same_is_painted(fake: FakeMethod) -> None:
    assert main(["photo.png", "painting.png", "-o", "one.png", *FAST]) == 0
    assert main(["stylize", "photo.png", "painting.png", "-o", "two.png", *FAST]) == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    assert Recipe.parse("one.json") == Recipe.parse("two.json")


def test_a_picture_that_is_named_like_a_command_is_painted_by_its_path(
    fake: FakeMethod, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("photo.png").rename("stylize")
    assert main(["./stylize", "painting.png", "-o", "out.png", *FAST]) == 0
    assert main(["stylize", "painting.png", "-o", "out.png", *FAST]) == 2
    assert capsys.readouterr().err == (
        "Name a style picture; --help shows how. The file or folder stylize here is ./stylize.\n"
    )


def test_the_samples_are_listed_by_a_command_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samples"]) == 0
    listed = capsys.readouterr().out
    assert "sample:astronaut" in listed
    assert main(["--list-samples"]) == 0
    assert capsys.readouterr().out == listed
    assert main(["samples", "all"]) == 2
    assert capsys.readouterr().err.endswith("leave out all.\n")


@pytest.mark.parametrize("word", ["--style", "--regions", "--init"])
def test_no_picture_that_is_read_is_overwritten(
    word: str, fake: FakeMethod, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.ones((24, 32), np.uint8)).save("mask.png")
    before = Path("mask.png").read_bytes()
    value = "painting.png=1,mask=mask.png" if word == "--style" else "mask.png"
    assert main(["photo.png", "painting.png", word, value, "-o", "mask.png", *FAST]) == 2
    assert capsys.readouterr().err.startswith("This run reads mask.png")
    assert Path("mask.png").read_bytes() == before


# ---- reserved ------------------------------------------------------------------------------------


def test_two_runs_at_once_take_different_names() -> None:
    with reserved("photo.png", "a.png") as one, reserved("photo.png", "a.png") as two:
        assert one.name == "photo-in-the-style-of-a.png"
        assert two.name == "photo-in-the-style-of-a-2.png"
        one.write_bytes(b"painted")
    assert one.exists()
    assert not two.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError("Something is wrong.")])
def test_a_name_is_given_back_if_nothing_is_painted(
    error: BaseException, fake: FakeMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names()
    seen = []

    def run(request: Request, controls: Controls) -> Iterator[Step]:
        seen.extend(names())
        raise error
        yield

    monkeypatch.setattr(fake, "run", run)
    assert main(["photo.png", "painting.png", *FAST]) in (2, INTERRUPTED)
    assert "photo-in-the-style-of-painting.png" in seen
    assert names() == before


def test_a_new_name_fits_the_file_system(fake: FakeMethod) -> None:
    content, style = f"{'海辺の町を歩く猫' * 10}.png", f"{'冨嶽三十六景' * 12}.png"
    Path("photo.png").rename(content)
    Path("painting.png").rename(style)
    for _ in range(3):
        assert main([content, style, *FAST]) == 0
    made = [name for name in names() if "-in-the-style-of-" in name]
    assert len(made) == 6
    assert all(len(os.fsencode(name)) <= name_limit(Path()) for name in made)
    assert all(name.startswith("海辺の町を歩く猫") and "冨嶽三十六景" in name for name in made)


# ---- too long ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("letters", "good"), [(250, True), (251, False), (300, False)])
def test_a_name_too_long_for_picture_or_recipe_is_refused_before_painting(
    letters: int, good: bool, fake: FakeMethod, capsys: pytest.CaptureFixture[str]
) -> None:
    output = f"{'r' * letters}.png"
    assert main(["photo.png", "painting.png", "-o", output, *FAST]) == (0 if good else 2)
    assert bool(fake.calls) == good
    if good:
        assert Recipe.parse(output.replace(".png", ".json"))
    else:
        error = capsys.readouterr().err
        assert "choose a shorter name" in error
        assert error.count("\n") == 1


def test_a_name_of_255_bytes_is_allowed_and_one_more_is_not(tmp_path: Path) -> None:
    check_name(tmp_path / ("é" * 125 + "x.png"))
    with pytest.raises(InputError, match="its name has 256 bytes"):
        check_name(tmp_path / ("é" * 126 + ".png"))


def test_pages_whose_names_would_be_too_long_are_refused_before_painting(
    fake: FakeMethod, capsys: pytest.CaptureFixture[str]
) -> None:
    import tifffile

    scan = f"{'s' * 250}.tif"
    tifffile.imwrite(scan, np.zeros((2, 24, 32, 3), np.uint8), photometric="rgb")
    assert main([scan, "painting.png", "-o", "out", *FAST]) == 2
    assert "choose a shorter name" in capsys.readouterr().err
    assert not fake.calls


# ---- in other encodings --------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are Unicode there")
def test_names_that_are_not_utf_8_are_read_written_and_kept_in_the_recipe(
    fake: FakeMethod, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    Path("photo.png").rename(name)
    words: list[Any] = [name, "painting.png", *FAST]
    assert main([*words[:2], "-o", os.fsdecode(b"r\xe9sultat.png"), *words[2:-1]]) == 0
    assert capsys.readouterr().out == (
        "Saved r\\udce9sultat.png and its recipe r\\udce9sultat.json.\n"
    )
    recipe = os.fsdecode(b"r\xe9sultat.json")
    assert Recipe.parse(recipe).content == name
    assert main(["--recipe", recipe, "-o", "again.png"]) == 0
    assert Path("again.png").read_bytes() == Path(recipe).with_suffix(".png").read_bytes()
    assert main(words) == 0
    assert os.fsdecode(b"caf\xe9-in-the-style-of-painting.json") in names()
