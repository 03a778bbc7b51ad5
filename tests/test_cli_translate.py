"""The subcommand `translate`: learn from files, save, go on, translate pictures and stacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_style_transfer.cli.main import main
from napari_style_transfer.errors import InputError
from napari_style_transfer.translator import Translator

SHORT = ["--minutes", "0.004", "--width", "8", "--patch", "32", "--device", "cpu", "--quiet"]


def picture(seed: int, low: float = 60, high: float = 180) -> Any:
    """Return bright squares, (64, 64) uint8."""
    random = np.random.default_rng(seed)
    values = np.full((64, 64), low)
    for row, column in random.integers(0, 52, (4, 2)):
        values[row : row + 12, column : column + 12] = high
    return (values + random.normal(0, 2, values.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders of pictures, and a place to work in."""
    monkeypatch.chdir(tmp_path)
    for folder in ("phase", "light"):
        Path(folder).mkdir()
    for number in range(2):
        Image.fromarray(picture(number)).save(f"phase/{number}.png")
        tifffile.imwrite(f"light/{number}.tif", picture(9 + number, 20, 90).astype(np.uint16) * 20)
    return tmp_path


@pytest.fixture
def learned(files: Path) -> Path:
    assert main(["translate", "phase", "--like", "light", "-o", "ab.safetensors", *SHORT]) == 0
    return files / "ab.safetensors"


def test_it_learns_and_translates_files_and_stacks(
    learned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    translator = Translator.load(learned)
    assert (translator.info.source, translator.info.target) == ("phase", "light")
    stack = np.stack([picture(n) for n in range(3)])
    tifffile.imwrite("stack.tif", stack, imagej=True, metadata={"axes": "TYX"})
    words = ["translate", "phase", "stack.tif", "--with", str(learned), "-o", "out"]
    assert main(words) == 0
    assert "Saved 3 synthetic pictures in out." in capsys.readouterr().out
    for number in range(2):
        made = Image.open(f"out/{number}_synthetic.png")
        expected = translator(picture(number))
        assert np.array_equal(np.asarray(made), expected)
        assert expected.dtype == np.uint16
    with tifffile.TiffFile("out/stack_synthetic.tif") as file:
        assert file.series[0].axes == "TYX"
        pages = file.asarray()
    assert np.array_equal(pages, np.stack([translator(each) for each in stack]))
    record = json.loads(Path("out/translation.json").read_text())
    assert record["synthetic"] is True
    assert record["source"] == "phase"
    assert record["warnings"] == list(translator.info.warnings)
    assert len(record["pictures"]) == 3


def test_it_goes_on_with_what_is_done(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["translate", "phase", "--with", str(learned), "-o", "out", "--quiet"]
    assert main(words) == 0
    Path("out/1_synthetic.png").unlink()
    times = Path("out/0_synthetic.png").stat().st_mtime_ns
    assert main(words) == 0
    assert Path("out/1_synthetic.png").exists()
    assert Path("out/0_synthetic.png").stat().st_mtime_ns == times
    other = Translator.load(learned)
    other.generator.last.bias += 0.1
    other.save("other.safetensors")
    assert main([*words[:3], "other.safetensors", "-o", "out"]) == 2
    assert "holds pictures by another translator" in capsys.readouterr().err


def test_learning_goes_on(learned: Path) -> None:
    before = Translator.load(learned).info
    words = ["translate", "phase", "--like", "light", "-o", str(learned), *SHORT]
    assert main(words) == 2  # it is there already
    assert main([*words, "--continue"]) == 0
    after = Translator.load(learned).info
    assert after.seconds >= before.seconds  # one that is worse never takes its place
    assert np.array_equal(after.source_range.low, before.source_range.low)
    assert after.settings.width == 8


def test_a_damaged_picture_is_left_out_and_named(
    learned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("phase/2.png").write_bytes(b"no picture")
    assert main(["translate", "phase", "--with", str(learned), "-o", "out", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert "Left out: " in said
    assert "phase/2.png" in said
    assert Path("out/1_synthetic.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["phase", "-o", "x.safetensors"], "ne of the arguments --like --with is required"),
        (["phase", "--like", "light", "-o", "x.png"], "ends in .safetensors"),
        (["phase", "--with", "none.safetensors", "-o", "out"], "There is no file none.safetensors"),
        (["phase", "--like", "light", "-o", "x.safetensors", "--continue"], "leave out --continue"),
        (["phase", "--like", "phase", "-o", "x.safetensors"], "are the same pictures"),
        (["none", "--like", "light", "-o", "x.safetensors"], "There is no file none"),
        (["phase", "--like", "light", "-o", "x.safetensors", "--minutes", "0"], "minutes"),
        (["phase", "--with", "phase/0.png", "-o", "out"], "it is no safetensors file"),
    ],
)
def test_bad_input_is_one_sentence(
    files: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["translate", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    assert not (files / "x.safetensors").exists()


def test_parameters_of_learning_are_refused_when_pictures_are_translated(
    learned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["translate", "phase", "--with", str(learned), "-o", "out", "--minutes", "3"]
    assert main(words) == 2
    assert "--minutes is for learning" in capsys.readouterr().err


def test_a_translator_is_exported(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    assert main(["export", str(learned), "-o", "ab.onnx", "--half"]) == 0
    assert "Saved ab.onnx" in capsys.readouterr().out
    assert main(["export", str(learned), "-o", "page/"]) == 2
    assert "exported as ONNX" in capsys.readouterr().err
    assert main(["export", str(learned), "night", "-o", "ab.onnx"]) == 2
    assert "exported by itself" in capsys.readouterr().err


def test_what_cannot_be_saved_is_kept_elsewhere(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save = Translator.save

    def full(self: Translator, path: Path) -> None:
        if Path(path).name == "ab.safetensors" and Path(path).parent == Path():
            raise InputError("The disk is full.")
        save(self, path)

    monkeypatch.setattr(Translator, "save", full)
    assert main(["translate", "phase", "--like", "light", "-o", "ab.safetensors", *SHORT]) == 1
    said = capsys.readouterr().err
    assert "The disk is full. What was learned is in " in said
    assert Translator.load(said.rstrip(".\n").rpartition(" ")[2]).info.source == "phase"
