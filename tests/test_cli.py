"""The command: pictures in, a picture and its recipe out, one sentence for whatever is wrong."""

from __future__ import annotations

import errno
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_style_transfer.cli.main import main
from napari_style_transfer.errors import OutOfMemoryError, WeightsError
from napari_style_transfer.io.pictures import read_levels
from napari_style_transfer.io.saving import save_picture
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.methods.optimize import Optimize
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.settings import Settings, parameters

FAST = ["--size", "32", "--steps", "3", "--coarsest-size", "32", "--device", "cpu"]

Engine = Callable[..., Iterator[Step]]


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with two small pictures."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture(24, 40)).save("photo.png")
    Image.fromarray(picture(30, 30, seed=1)).save("painting.png")
    return tmp_path


def shape(path: str | Path) -> tuple[int, ...]:
    with Image.open(path) as image:
        return np.asarray(image).shape


@pytest.mark.engine
def test_a_picture_and_its_recipe_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "painting.png", "-o", "out.png", "--seed", "5", *FAST]) == 0
    assert shape("out.png") == (19, 32, 3)
    recipe = Recipe.parse("out.json")
    expected = Settings(size=32, steps=3, coarsest_size=32, device="cpu", seed=5)
    assert recipe.settings == expected
    assert (recipe.content, recipe.style) == ("photo.png", "painting.png")
    assert (recipe.status, recipe.evaluations) == (Status.FINISHED, 3)
    out, err = capsys.readouterr()
    assert out == "Saved out.png and its recipe out.json.\n"
    assert "Scale 1/1 (32x19)" in err
    assert "3/3" in err
    assert "content=" in err
    assert "style=" in err
    assert sorted(path.name for path in Path().iterdir()) == [
        "out.json",
        "out.png",
        "painting.png",
        "photo.png",
    ]


@pytest.mark.engine
def test_a_recipe_paints_the_same_picture_again() -> None:
    assert main(["photo.png", "painting.png", "-o", "one.png", *FAST]) == 0
    assert main(["--recipe", "one.json", "-o", "two.png"]) == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    assert Recipe.parse("one.json") == Recipe.parse("two.json")


@pytest.mark.engine
def test_a_recipe_finds_its_pictures_in_its_own_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.full((24, 40), 1, np.uint8)).save("labels.png")
    styles = ["--style", "painting.png=1", "--regions", "labels.png"]
    assert main(["photo.png", *styles, "-o", "one.png", *FAST]) == 0
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert main(["--recipe", str(folder / "one.json"), "-o", "two.png"]) == 0
    assert Path("two.png").read_bytes() == (folder / "one.png").read_bytes()


@pytest.mark.engine
def test_options_and_pictures_given_override_the_recipe() -> None:
    assert main(["photo.png", "painting.png", "-o", "one.png", *FAST]) == 0
    again = ["painting.png", "--recipe", "one.json", "-o", "two.png", "--steps", "2"]
    assert main(again) == 0
    one, two = Recipe.parse("one.json"), Recipe.parse("two.json")
    assert two.settings == one.settings.replace(steps=2)
    assert (two.content, two.style) == ("painting.png", "painting.png")


@pytest.mark.engine
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".tif", ".tiff"])
def test_formats_are_read_and_written(suffix: str) -> None:
    Image.fromarray(picture(20, 32)).save(f"photo{suffix}")
    assert main([f"photo{suffix}", "painting.png", "-o", f"out{suffix}", *FAST]) == 0
    assert shape(f"out{suffix}") == (20, 32, 3)


@pytest.mark.engine
def test_the_exif_orientation_is_respected() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to see it upright
    Image.fromarray(picture(20, 32)).save("photo.jpg", exif=exif)
    assert main(["photo.jpg", "painting.png", "-o", "out.png", *FAST]) == 0
    assert shape("out.png") == (32, 20, 3)


@pytest.mark.engine
def test_transparency_is_kept_where_the_format_has_it() -> None:
    content = picture(24, 40, channels=4)
    content[:, :20, 3], content[:, 20:, 3] = 0, 255
    Image.fromarray(content).save("cut.png")
    for name in ("out.png", "out.tiff"):
        assert main(["cut.png", "painting.png", "-o", name, *FAST]) == 0
        with Image.open(name) as image:
            alpha = np.asarray(image)[..., 3]
        assert alpha.shape == (19, 32)
        assert (alpha[:, :14] < 10).all()
        assert (alpha[:, 18:] > 245).all()
    assert main(["cut.png", "painting.png", "-o", "out.jpg", *FAST]) == 0
    assert shape("out.jpg") == (19, 32, 3)


@pytest.mark.engine
def test_grey_and_16_bit_files_are_painted() -> None:
    Image.fromarray(picture(24, 40)[..., 0]).save("grey.png")
    Image.fromarray(picture(24, 40)[..., 0].astype(np.uint16) * 257).save("deep.png")
    for name in ("grey", "deep"):
        assert main([f"{name}.png", "painting.png", "-o", f"{name}-out.png", *FAST]) == 0
        assert shape(f"{name}-out.png") == (19, 32, 3)


@pytest.mark.engine
def test_samples_are_listed_and_painted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-samples"]) == 0
    listed = capsys.readouterr().out
    assert "sample:astronaut" in listed
    assert "sample:night" in listed
    assert main(["sample:astronaut", "sample:night", *FAST]) == 0
    assert shape("astronaut-in-the-style-of-night.png") == (32, 32, 3)


@pytest.mark.engine
def test_a_name_is_found_that_overwrites_nothing() -> None:
    Path("photo-in-the-style-of-painting.png").write_text("mine")
    Path("photo-in-the-style-of-painting-2.json").write_text("mine too")
    assert main(["photo.png", "painting.png", *FAST]) == 0
    assert Path("photo-in-the-style-of-painting.png").read_text() == "mine"
    assert Path("photo-in-the-style-of-painting-2.json").read_text() == "mine too"
    assert shape("photo-in-the-style-of-painting-3.png") == (19, 32, 3)
    assert Path("photo-in-the-style-of-painting-3.json").exists()


@pytest.mark.engine
def test_an_earlier_result_can_be_overwritten() -> None:
    for seed in ("1", "2"):
        assert main(["photo.png", "painting.png", "-o", "out.png", "--seed", seed, *FAST]) == 0
    assert Recipe.parse("out.json").settings.seed == 2


@pytest.mark.engine
def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "painting.png", "-o", "out.png", "--quiet", *FAST]) == 0
    assert capsys.readouterr() == ("", "")


def test_every_parameter_is_an_option_with_its_help_and_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["--help"])
    assert leaving.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, field in parameters().items():
        assert f"--{name.replace('_', '-')} " in text
        assert field.description is not None
        assert field.description in text
    assert "(default: relu4_2=1)" in text
    assert "{balanced,gatys}" in text


@pytest.mark.engine
def test_every_parameter_reaches_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "strength": 0.25,
        "content_weight": 2.5,
        "style_weight": 1e3,
        "size": 40,
        "steps": 2,
        "device": "cpu",
        "style_scale": 0.5,
        "coarsest_size": 20,
        "tv_weight": 0.1,
        "weighting": "gatys",
        "content_layers": {"relu3_1": 1.0, "relu4_2": 0.5},
        "style_layers": {"relu1_1": 2.0},
        "colours": "match",
        "borders": "strict",
        "pooling": "average",
        "start": "noise",
        "seed": 9,
        "precision": "float32",
        "weights": "oxford",
        "tile_size": 32,
        "tolerance": 0.25,
        "coherence": "independent",
        "stop_after": 1,
    }
    assert values.keys() == parameters().keys()
    texts = values | {"content_layers": "relu3_1,relu4_2=0.5", "style_layers": "relu1_1=2"}
    calls = spy(monkeypatch)
    options = [(f"--{name.replace('_', '-')}", str(text)) for name, text in texts.items()]
    argv = ["photo.png", "painting.png", "-o", "out.png", *itertools.chain(*options)]
    assert main(argv) == 0
    assert calls[0]["settings"] == Settings(**values)


@pytest.mark.engine
def test_a_picture_to_start_from_reaches_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = spy(monkeypatch)
    argv = ["photo.png", "painting.png", "-o", "out.png", "--init", "painting.png", *FAST]
    assert main(argv) == 0
    np.testing.assert_allclose(calls[0]["init"] * 255, picture(30, 30, seed=1), atol=1e-4)


def spy(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record what the method is asked for."""
    calls = []
    original = Optimize.run

    def run(self: Optimize, request: Request, controls: Controls) -> Iterator[Step]:
        calls.append(vars(request))
        return original(self, request, controls)

    monkeypatch.setattr(Optimize, "run", run)
    return calls


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        ([], "content and a style"),
        (["photo.png"], "a style picture"),
        (["photo.png", "none.png"], "none.png"),
        (["none.jpg", "painting.png"], "none.jpg"),
        (["broken.png", "painting.png"], "broken.png"),
        (["text.txt", "painting.png"], "text.txt"),
        ([".", "painting.png"], "."),
        (["sample:mona-lisa", "painting.png"], "mona-lisa"),
        (["photo.png", "painting.png", "third.png"], "third.png; name several styles with --style"),
        (["photo.png", "painting.png", "--colors", "match"], "--colors; perhaps --colours"),
        (["photo.png", "painting.png", "--telepathy"], "--telepathy; --help"),
        (["photo.png", "--style", "painting.png=0"], "share above 0"),
        (["photo.png", "painting.png", "--regions", "narrow.png"], "10 x 20 pixels"),
        (["photo.png", "painting.png", "--recipe", "start.png"], "no JSON"),
        (["photo.png", "painting.png", "--size", "0"], "size"),
        (["photo.png", "painting.png", "--size", "100000"], "size"),
        (["photo.png", "painting.png", "--style-weight", "-1"], "style_weight"),
        (["photo.png", "painting.png", "--style-weight", "nan"], "style_weight"),
        (["photo.png", "painting.png", "--steps"], "--steps"),
        (["photo.png", "painting.png", "--step", "3"], "--step"),
        (["photo.png", "painting.png", "--pooling", "min"], "--pooling"),
        (["photo.png", "painting.png", "--style-layers", "relu9_1"], "style_layers"),
        (["photo.png", "painting.png", "--device", "abacus"], "device"),
        (["photo.png", "painting.png", "--init", "none.png"], "none.png"),
        (["photo.png", "painting.png", "--recipe", "none.json"], "none.json"),
        (["photo.png", "painting.png", "--recipe", "text.txt"], "text.txt"),
        (["photo.png", "painting.png", "-o", "out.gif"], ".png"),
        (["photo.png", "painting.png", "-o", "out"], ".png"),
        (["photo.png", "painting.png", "-o", "nowhere/out.png"], "nowhere"),
        (["photo.png", "painting.png", "-o", "text.txt/out.png"], "text.txt"),
        (["photo.png", "painting.png", "-o", "photo.png"], "photo.png"),
        (["photo.png", "painting.png", "-o", "./painting.png"], "painting.png"),
        (["photo.png", "painting.png", "-o", "start.png", "--init", "start.png"], "start.png"),
    ],
)
def test_bad_input_is_answered_in_one_sentence_before_any_work(
    arguments: list[str],
    about: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = spy(monkeypatch)
    Path("broken.png").write_bytes(Path("photo.png").read_bytes()[:100])
    Path("text.txt").write_text("not a picture")
    Image.fromarray(picture(20, 20)).save("start.png")
    Image.fromarray(np.ones((20, 10), np.uint8)).save("narrow.png")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    try:
        code: Any = main(arguments)
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith(".\n")
    assert err[0].isupper() or err.split(":")[0].split("[")[0] in parameters()
    assert about in err
    assert not calls
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.engine
def test_the_recipe_that_is_read_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "painting.png", "-o", "out.png", *FAST]) == 0
    before = Path("out.json").read_bytes()
    capsys.readouterr()
    assert main(["--recipe", "out.json", "-o", "out.png"]) == 2
    assert capsys.readouterr().err.startswith("This run reads out.json")
    assert Path("out.json").read_bytes() == before


def test_a_picture_that_the_network_cannot_see_is_bad_input(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Image.fromarray(picture(4, 200)).save("strip.png")
    assert main(["strip.png", "painting.png", "-o", "out.png", "--quiet", *FAST]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("There is too little memory; choose a smaller size."),
        WeightsError("The weights file is damaged."),
        MemoryError("Unable to allocate 9 TiB."),
        OSError(errno.EIO, "Input/output error", "some-file"),
    ],
)
def test_other_failures_are_one_sentence_and_another_code(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: Any) -> Iterator[Step]:
        raise error

    monkeypatch.setattr(Optimize, "run", run)
    assert main(["photo.png", "painting.png", "-o", "out.png", "--quiet", *FAST]) == 1
    err = capsys.readouterr().err
    assert err in (f"{error}\n", "some-file: Input/output error.\n")
    assert not Path("out.png").exists()


def test_missing_weights_are_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["photo.png", "painting.png", "-o", "out.png", "--quiet", "--weights", "none.pth", *FAST]
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert "none.pth" in err
    assert err.count("\n") == 1


def interrupt(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Press Ctrl-C so many times at the second evaluation of the real engine."""
    original = Optimize.run

    def run(self: Optimize, request: Request, controls: Controls) -> Iterator[Step]:
        for step in original(self, request, controls):
            if step.evaluation == 2:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
            yield step

    monkeypatch.setattr(Optimize, "run", run)


@pytest.mark.engine
def test_ctrl_c_saves_the_picture_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    argv = ["photo.png", "painting.png", "--size", "48", "--coarsest-size", "24", "--steps", "50"]
    with monkeypatch.context() as patch:
        interrupt(patch, times=1)
        assert main([*argv, "-o", "out.png", "--device", "cpu", "--quiet"]) == 130
    assert signal.getsignal(signal.SIGINT) is handler
    recipe = Recipe.parse("out.json")
    assert recipe.status is Status.STOPPED
    assert 2 <= recipe.evaluations <= 3
    assert shape("out.png") == (29, 48, 3)
    assert capsys.readouterr().err == (
        f"Stopped at evaluation {recipe.evaluations} of 50; the picture so far is in out.png.\n"
    )
    assert main(["--recipe", "out.json", "-o", "again.png", "--quiet"]) == 0
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


@pytest.mark.engine
def test_a_second_ctrl_c_leaves_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt(monkeypatch, times=2)
    assert main(["photo.png", "painting.png", "-o", "out.png", "--quiet", *FAST]) == 130
    assert capsys.readouterr().err == "Interrupted; nothing was saved.\n"
    assert not Path("out.png").exists()


@pytest.mark.engine
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["photo.png", "painting.png", "-o", "out.png", "--quiet", *FAST]) == 0
    before = {path: path.read_bytes() for path in folder.iterdir()}

    replace = os.replace

    def full(source: str, target: Path) -> None:
        if target.name == "out.png":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert main(["photo.png", "painting.png", "-o", "out.png", "--quiet", *FAST]) == 1
    err = capsys.readouterr().err
    assert "No space left on device" in err
    assert err.count("\n") == 1
    refuge = Path(err.removesuffix(".\n").rpartition(" ")[2])  # what was painted is not lost
    assert refuge.stat().st_size > 0
    assert Recipe.parse(refuge.with_suffix(".json"))  # nor is its recipe
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.engine
def test_a_disk_full_at_the_recipe_leaves_no_half_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def replace(source: Any, target: Any) -> None:
        if str(target).endswith(".json"):
            raise OSError(errno.ENOSPC, "No space left on device")
        Path(source).rename(target)

    monkeypatch.setattr("os.replace", replace)
    assert main(["photo.png", "painting.png", "-o", "out.png", "--quiet", *FAST]) == 1
    err = capsys.readouterr().err
    assert err.startswith("Cannot save out.json: No space left on device. ")
    assert Path(err.removesuffix(".\n").rpartition(" ")[2]).is_file()
    assert sorted(path.name for path in Path().iterdir()) == [
        "out.png",
        "painting.png",
        "photo.png",
    ]


# ---- 16 bits, and ranges of values ---------------------------------------------------------------


@pytest.mark.engine
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_result_of_16_bits_has_values_between_those_of_8(suffix: str) -> None:
    out = Path(f"out.{suffix}")
    assert main(["photo.png", "painting.png", "-o", str(out), "--bits", "16", *FAST]) == 0
    assert main(["photo.png", "painting.png", "-o", "plain.png", *FAST]) == 0
    deep, plain = read_levels(out), read_levels("plain.png")
    assert (deep.dtype, plain.dtype) == (np.uint16, np.uint8)
    np.testing.assert_allclose(deep / 257, plain, atol=0.51)
    assert len(np.unique(deep)) > 256
    assert Recipe.parse("out.json").bits == 16
    assert main(["--recipe", "out.json", "-o", f"again.{suffix}"]) == 0
    np.testing.assert_array_equal(read_levels(f"again.{suffix}"), deep)


def test_16_bits_keep_transparency() -> None:
    Image.fromarray(np.full((24, 40, 4), 90, np.uint8)).save("cut.png")
    assert main(["cut.png", "painting.png", "-o", "out.png", "--bits", "16", *FAST]) == 0
    assert read_levels("out.png").dtype == np.uint16
    np.testing.assert_allclose(read_levels("out.png")[..., 3], 90 * 257, atol=1)


def twelve_bits(path: str) -> None:
    save_picture(path, picture(24, 40).astype(np.uint16) * 16)


@pytest.mark.engine
def test_a_range_of_values_is_taken_for_black_and_white(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    twelve_bits("scan.png")
    calls = spy(monkeypatch)
    argv = ["scan.png", "painting.png", "-o", "out.png", "--quiet", *FAST]
    assert main([*argv, "--range", "0", "4080"]) == 0
    assert capsys.readouterr().err == ""
    np.testing.assert_allclose(calls[0]["content"] * 255, picture(24, 40), atol=1e-3)
    assert Recipe.parse("out.json").value_range == (0, 4080)
    assert main(["--recipe", "out.json", "-o", "again.png", "--quiet"]) == 0
    np.testing.assert_array_equal(calls[1]["content"], calls[0]["content"])
    assert main(argv) == 0
    assert "--range 0 4095" in capsys.readouterr().err  # it looks like 12 bits, and dark


@pytest.mark.parametrize("values", [("5", "5"), ("9", "0"), ("nan", "1"), ("0", "inf")])
def test_a_range_that_is_none_is_refused(
    values: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["photo.png", "painting.png", "-o", "out.png", "--range", *values]) == 2
    assert capsys.readouterr().err.startswith("A range goes from a lower to a higher value")
