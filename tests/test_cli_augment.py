"""The subcommand augment; what it makes is tested in test_augment.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from augment_sets import cellpose, discs, stardist, style
from PIL import Image

from napari_style_transfer.augment import loop
from napari_style_transfer.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cellpose(tmp_path / "train"), style(tmp_path / "real.tif")
    return tmp_path


def test_new_pictures_lie_in_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["augment", "train", "--styles", "real.tif", "-o", "out", "--colour", "--copies", "2"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out == "Saved 4 new pictures with labels in out; look at out/contact-sheet.png.\n"
    assert "100%" in err
    assert len(os.listdir("out/images")) == 8
    assert sorted(os.listdir("out")) == [
        "augmentation.csv", "augmentation.json", "contact-sheet.png", "images",
    ]  # fmt: skip
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_labels_have_a_folder_of_their_own_where_they_had_one() -> None:
    stardist(Path("set"))
    words = ["--styles", "real.tif", "--colour", "--copies", "1", "--quiet"]
    assert main(["augment", "set/images", "--labels", "set/masks", "-o", "a", *words]) == 0
    assert main(["augment", "set", "-o", "b", *words]) == 0
    for out in ("a", "b"):
        assert len(os.listdir(f"{out}/images")) == len(os.listdir(f"{out}/masks")) == 2


def test_pictures_to_look_at_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loop, "match_colour", lambda painting, _: -painting.image)
    words = ["augment", "train", "--styles", "real.tif", "-o", "out", "--colour", "--copies", "1"]
    assert main(words) == 0
    assert "2 keep less than 60% of their labels' edges" in capsys.readouterr().err


def test_what_is_left_out_is_told_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.full((64, 64, 3), (250, 240, 245), np.uint8)).save("train/white.png")
    tifffile.imwrite("train/white_masks.tif", discs()[1])
    for file in Path("train").glob("n*.tif"):
        file.unlink()
    random = np.random.default_rng(0)
    slide = np.exp(-random.gamma(1, 0.6, (64, 64, 2)) @ [[0.65, 0.7, 0.29], [0.07, 0.99, 0.11]])
    Image.fromarray((slide * 240).astype(np.uint8)).save("slide.png")
    Image.fromarray((slide * 240).astype(np.uint8)[::-1]).save("train/good.png")
    tifffile.imwrite("train/good_masks.tif", discs()[1])
    words = ["augment", "train", "-o", "out", "--stain", "--copies", "1", "--styles"]
    assert main([*words, "real.tif"]) == 2
    assert "real.tif has no two stains" in capsys.readouterr().err
    assert main([*words, "slide.png"]) == 1
    assert sorted(os.listdir("out/images")) == ["good_style1.png", "good_style1_masks.tif"]
    assert "white.png: There is no stained tissue" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "--styles", "real.tif", "-o", "out"], "There is no folder nowhere."),
        (["train", "--styles", "no.tif", "-o", "out"], "There is no file no.tif."),
        (["train", "--styles", "real.tif", "-o", "train/out"], "is within the images train"),
        (["train", "--styles", "real.tif", "-o", "out", "--strength", "2"], "strength"),
        (["train", "--styles", "real.tif", "-o", "out", "--fast", "--stain"], "not allowed with"),
        (["train", "-o", "out"], "--styles"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["augment", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not Path("out").exists()


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(painting: Any, _: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return painting.image

    words = ["augment", "train", "--styles", "real.tif", "-o", "out", "--colour", "--copies", "1"]
    with monkeypatch.context() as patch:
        patch.setattr(loop, "match_colour", interrupted)
        assert main(words) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert len(os.listdir("out/images")) == 2
    assert main(words) == 0
    assert len(os.listdir("out/images")) == 4


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="signal 9")
@pytest.mark.slow
def test_a_killed_run_loses_at_most_one_picture() -> None:
    words = ["augment", "train", "--styles", "real.tif", "-o", "out", "--colour", "--copies", "500"]
    code = f"from napari_style_transfer.cli.main import main; main({words!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    images, limit = Path("out/images"), time.monotonic() + 120
    while time.monotonic() < limit and not len(list(images.glob("*_style*.tif"))) > 20:
        time.sleep(0.02)
    process.kill()
    process.wait()
    there = {each.name: each.stat().st_mtime_ns for each in images.glob("*_style*.tif")}
    assert len(there) > 20
    words[-1] = "5"
    assert main([*words, "--quiet"]) == 0
    again = {each.name: each.stat().st_mtime_ns for each in images.glob("*_style*.tif")}
    painted_anew = [name for name, changed in there.items() if again[name] != changed]
    assert len(painted_anew) <= 2  # one picture and its labels
    for picture in images.glob("*_style[1-5].tif"):
        assert tifffile.imread(picture).shape == (64, 64)
