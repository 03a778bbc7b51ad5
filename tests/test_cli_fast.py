"""The command with a fast style: pictures, folders, TIFFs, recipes, and what does not go together."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from fast_styles import picture, saved
from PIL import Image

from napari_style_transfer import samples
from napari_style_transfer.cli.main import main
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.folder import FolderResult

CPU = ["--device", "cpu", "--precision", "float32"]
PLAIN: dict[str, Any] = {"device": "cpu", "precision": "float32"}

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with a picture and a fast style of two styles."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture(33, 45)).save("photo.png")
    saved(Path("my.safetensors"), "night", "day")
    return tmp_path


def read(path: str | Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_picture_is_painted_at_its_own_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "--fast", "my.safetensors", "-o", "out.png", *CPU]) == 0
    expected = FastStyle.load("my.safetensors")(picture(33, 45), **PLAIN)
    np.testing.assert_array_equal(read("out.png"), expected)
    out, err = capsys.readouterr()
    assert out == "Saved out.png and its recipe out.json.\n"
    assert "content=" not in err
    assert "Memory" not in err
    recipe = Recipe.parse("out.json")
    assert (recipe.content, recipe.style, recipe.evaluations) == ("photo.png", "my.safetensors", 1)
    assert recipe.fast is not None
    assert recipe.fast.own_size


def test_options_reach_the_network() -> None:
    options = ["--strength", "0.9", "--style-scale", "2", "--size", "40", "--bits", "16"]
    options += ["--share", "day=3", "--share", "night", "--tile-size", "16"]
    assert main(["photo.png", "--fast", "my.safetensors", "-o", "out.tif", *options, *CPU]) == 0
    expected = FastStyle.load("my.safetensors")(
        "photo.png",
        strength=0.9,
        stroke_size=2,
        size=40,
        bits=16,
        shares=[1, 3],
        tile_size=16,
        **PLAIN,
    )
    np.testing.assert_array_equal(tifffile.imread("out.tif"), expected)


@pytest.mark.parametrize("options", [[], ["--size", "40", "--share", "day", "--strength", "0.8"]])
def test_a_recipe_paints_the_same_picture_again(
    folder: Path,
    options: list[str],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["photo.png", "--fast", "my.safetensors", "-o", "out.png", *options, *CPU]) == 0
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert main(["--recipe", str(folder / "out.json"), "-o", "two.png"]) == 0
    assert Path("two.png").read_bytes() == (folder / "out.png").read_bytes()
    one, two = Recipe.parse(folder / "out.json"), Recipe.parse("two.json")
    assert (one.settings, one.fast) == (two.settings, two.fast)


def test_a_recipe_says_if_its_fast_style_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "--fast", "my.safetensors", "-o", "out.png", *CPU]) == 0
    saved(Path("my.safetensors"), "night", "day", seed=7)
    assert main(["--recipe", "out.json", "-o", "two.png"]) == 0
    assert "my.safetensors has changed since the recipe was written" in capsys.readouterr().err
    assert Path("two.png").read_bytes() != Path("out.png").read_bytes()


def test_a_recipe_of_a_slow_result_gives_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ["photo.png", "photo.png", "-o", "slow.png", "--size", "32", "--steps", "1"]
    assert main([*slow, "--device", "cpu"]) == 0
    assert main(["--recipe", "slow.json", "--fast", "my.safetensors", "-o", "fast.png"]) == 0
    assert read("fast.png").shape == (33, 45, 3)


def test_a_new_name_and_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["sample:coffee", "--fast", "my.safetensors", "--size", "32", "--quiet", *CPU]) == 0
    assert read("coffee-in-the-style-of-my.png").shape == (21, 32, 3)


def test_transparency_is_kept() -> None:
    cut = picture(24, 40, 4)
    Image.fromarray(cut).save("cut.png")
    assert main(["cut.png", "--fast", "my.safetensors", "-o", "out.png", *CPU]) == 0
    np.testing.assert_array_equal(read("out.png")[..., 3], cut[..., 3])


def test_a_range_is_respected() -> None:
    values = picture(24, 40)[..., 0].astype(np.uint16) * 16
    tifffile.imwrite("scan.tif", values)
    words = ["scan.tif", "--fast", "my.safetensors", "-o", "out.png", "--range", "0", "4095"]
    assert main([*words, *CPU]) == 0
    expected = FastStyle.load("my.safetensors")(np.clip(values / 4095, 0, 1), **PLAIN)
    np.testing.assert_array_equal(read("out.png"), expected)


def test_a_folder_a_pattern_and_a_tiff_are_painted() -> None:
    Path("frames").mkdir()
    for number in range(3):
        Image.fromarray(picture(20 + number, 32, seed=number)).save(f"frames/{number}.png")
    tifffile.imwrite("stack.tif", np.stack([picture(20, 32, seed=number) for number in range(2)]))
    style = FastStyle.load("my.safetensors")
    fast = ["--fast", "my.safetensors", *CPU]
    assert main(["frames", "-o", "painted", *fast]) == 0
    assert main(["frames/[01].png", "-o", "some", *fast]) == 0
    assert main(["stack.tif", "-o", "out.tif", *fast]) == 0
    for number in range(3):
        expected = style(f"frames/{number}.png", **PLAIN)
        np.testing.assert_array_equal(read(f"painted/{number}.png"), expected)
    assert sorted(path.name for path in Path("some").glob("*.png")) == ["0.png", "1.png"]
    pages = tifffile.imread("out.tif")
    np.testing.assert_array_equal(pages[1], style(picture(20, 32, seed=1), **PLAIN))


def test_a_stopped_stack_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("frames").mkdir()
    for number in range(3):
        Image.fromarray(picture(20, 32, seed=number)).save(f"frames/{number}.png")
    words = ["frames", "-o", "painted", "--fast", "my.safetensors", *CPU]
    finish = FolderResult.finish

    def interrupt(*given: Any) -> None:
        finish(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FolderResult, "finish", interrupt)
        assert main(words) == 130
    assert "1 of 3 pages done" in capsys.readouterr().err
    before = Path("painted/0.png").stat().st_mtime_ns
    assert main(words) == 0
    assert Path("painted/0.png").stat().st_mtime_ns == before
    assert Path("painted/2.png").exists()
    saved(Path("my.safetensors"), "night", "day", seed=7)
    assert main(words) == 2
    assert "begun with another fast" in capsys.readouterr().err


def test_shipped_styles_are_listed_and_painted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = folder / "shipped"
    shipped.mkdir()
    shutil.copy("my.safetensors", shipped / "dusk.safetensors")
    monkeypatch.setattr(samples, "_FAST", shipped)
    assert main(["samples"]) == 0
    assert "--fast dusk                  fast     night, day. CC0\n" in capsys.readouterr().out
    assert main(["photo.png", "--fast", "dusk", "-o", "out.png", "--quiet"]) == 0
    assert Recipe.parse("out.json").style == "dusk"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--style", "photo.png"], "leave out --style, or --fast."),
        (["--regions", "photo.png"], "leave out --regions, or --fast."),
        (["--init", "photo.png"], "leave out --init, or --fast."),
        (["--steps", "3"], "--steps means nothing to a fast style; it takes --strength,"),
        (["--style-scale", "4"], "should be 0.5 to 2, got 4.0."),
        (["--strength", "2"], "strength"),
        (["--share", "dusk"], "There is no style 'dusk' in my.safetensors; it has night, day."),
        (["--share", "day=much"], "such as night=0.7; got 'day=much'."),
        (["--share", "day=0"], "above 0"),
        (["-o", "my.safetensors"], "must end in .png"),
        (["--fast", "none.safetensors"], "There is no file none.safetensors"),
        (
            ["--fast", "photo.png"],
            "Cannot read the fast style photo.png: it is no safetensors file",
        ),
        (["--fast", "."], "it is a folder"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["photo.png", "--fast", "my.safetensors", "-o", "out.png", *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not Path("out.png").exists()


def test_a_style_picture_beside_a_fast_style_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "photo.png", "--fast", "my.safetensors", "-o", "out.png"]) == 2
    error = capsys.readouterr().err
    assert error == "--fast brings its own style; leave out the style picture, or --fast.\n"


def test_a_share_without_a_fast_style_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "photo.png", "-o", "out.png", "--share", "a"]) == 2
    assert "name its file with --fast" in capsys.readouterr().err


def test_a_content_that_is_too_small_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(picture(1, 1)).save("pixel.png")
    assert main(["pixel.png", "--fast", "my.safetensors", "-o", "out.png"]) == 2
    assert "too narrow" in capsys.readouterr().err
