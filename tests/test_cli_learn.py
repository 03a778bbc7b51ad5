"""The subcommand learn, with a stand-in for the learning."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from fast_styles import fast_style, picture, saved
from PIL import Image

from napari_style_transfer.cli import keeper
from napari_style_transfer.cli.main import main
from napari_style_transfer.errors import InputError, OutOfMemoryError
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.io.fast_file import read_info
from napari_style_transfer.learning import LearningSettings, LearningStep
from napari_style_transfer.methods import learn
from napari_style_transfer.progress import Losses, Status

OUT = "my.safetensors"


@dataclass
class FakeLearning:
    """Three steps, each with a fast style of its own seed; says and does what it is told to."""

    steps: int = 3
    on_step: Any = lambda _: None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, styles: Any, contents: Any, **options: Any) -> Iterator[LearningStep]:
        self.calls.append({"styles": styles, "contents": contents, **options})
        return self._run(tuple(styles), options["stop"])

    def _run(self, names: tuple[str, ...], stop: Any) -> Iterator[LearningStep]:
        for number in range(1, self.steps + 1):
            self.on_step(number)
            stopped = stop()
            last = number == self.steps or stopped
            made = fast_style(*names, seed=number)
            yield LearningStep(
                steps=number,
                seconds=float(number),
                seconds_left=float(self.steps - number),
                losses=Losses({"content": 1 / number, "style": 2 / number}),
                best=3 / number,
                device="cpu",
                precision="float32",
                fast_style=FastStyle(made.transformer, replace(made.info, seconds=number)),
                status=Status.STOPPED if stopped else Status.FINISHED if last else Status.RUNNING,
                note="Said once." if number < 3 else "",
            )
            if last:
                return


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLearning:
    learning = FakeLearning()
    monkeypatch.setattr(learn, "iter_learn", learning)
    return learning


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture(24, 40)).save("painting.png")
    Image.fromarray(picture(20, 30)).save("photo.png")
    return tmp_path


def test_the_file_is_written(fake: FakeLearning, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["learn", "painting.png", "--contents", "photo.png", "-o", OUT]
    assert main([*words, "--minutes", "5", "--seed", "4"]) == 0
    assert read_info(OUT).seconds == 3
    assert read_info(OUT).names == ("painting",)
    (call,) = fake.calls
    assert call["settings"] == LearningSettings(minutes=5, seed=4)
    assert call["base"] is None
    assert call["styles"]["painting"].shape == (24, 40, 3)
    assert call["content_names"] == ("photo.png",)
    out, err = capsys.readouterr()
    assert out == f"Saved {OUT}. Now: napari-style-transfer PICTURE --fast {OUT}\n"
    assert "Step 3: 100%" in err
    assert "content=0.333, style=0.667" in err
    assert err.count("Said once.") == 1


def test_contents_of_every_kind_are_read_one_at_a_time(fake: FakeLearning) -> None:
    Path("frames").mkdir()
    for number in range(2):
        Image.fromarray(picture(20, 30 + number, seed=number)).save(f"frames/{number}.png")
    tifffile.imwrite("stack.tif", np.stack([picture(20, 33, seed=number) for number in range(3)]))
    sources = ["photo.png", "frames", "frames/*0.png", "stack.tif", "sample:coffee"]
    assert main(["learn", "painting.png", "--contents", *sources, "-o", OUT]) == 0
    contents = fake.calls[0]["contents"]
    assert [each.shape[1] for each in contents[:7]] == [30, 30, 31, 30, 33, 33, 33]
    assert len(contents) == len(fake.calls[0]["content_names"]) == 8
    np.testing.assert_allclose(contents[5] * 255, picture(20, 33, seed=1), atol=1e-3)
    assert fake.calls[0]["content_names"][-2:] == ("Page 3 of stack.tif", "coffee")


def test_the_sample_photographs_are_the_default(fake: FakeLearning) -> None:
    assert main(["learn", "sample:night", "-o", OUT]) == 0
    assert "astronaut" in fake.calls[0]["content_names"]
    assert list(fake.calls[0]["styles"]) == ["night"]


def test_styles_are_named_after_their_files(fake: FakeLearning) -> None:
    Path("other").mkdir()
    Image.fromarray(picture(24, 40)).save("other/painting.png")
    assert main(["learn", "painting.png", "other/painting.png", "sample:night", "-o", OUT]) == 0
    assert list(fake.calls[0]["styles"]) == ["painting", "painting 2", "night"]
    assert read_info(OUT).names == ("painting", "painting 2", "night")


def test_continue_goes_on_from_the_file(fake: FakeLearning) -> None:
    before = saved(Path(OUT), "painting", seed=5)
    assert read_info(before).settings.minutes == 2
    assert main(["learn", "painting.png", "-o", OUT, "--continue", "--minutes", "9"]) == 0
    call = fake.calls[0]
    assert call["base"].names == ("painting",)
    assert call["settings"] == LearningSettings(minutes=9, seed=5)  # the rest is the file's
    assert read_info(OUT).seconds == 3


def test_ctrl_c_keeps_the_best(fake: FakeLearning, capsys: pytest.CaptureFixture[str]) -> None:
    fake.on_step = lambda number: signal.raise_signal(signal.SIGINT) if number == 2 else None
    assert main(["learn", "painting.png", "-o", OUT]) == 130
    assert read_info(OUT).seconds == 2
    assert f"Stopped after 2 s; the best so far is in {OUT}" in capsys.readouterr().err


def test_it_is_saved_while_it_learns_so_that_a_crash_loses_little(
    fake: FakeLearning, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keeper, "_SAVE_EVERY", 0.0)

    def crash(number: int) -> None:
        if number == 3:
            assert read_info(OUT).seconds == 2
            raise OutOfMemoryError("There is too little memory.")

    fake.on_step = crash
    assert main(["learn", "painting.png", "-o", OUT]) == 1
    assert read_info(OUT).seconds == 2
    assert f"What was learned 0 s before is in {OUT}." in capsys.readouterr().err


def test_it_is_saved_once_a_minute_at_least() -> None:
    now = 100.0
    kept = keeper.Keeper(Path(OUT), clock=lambda: now)
    assert not kept.due
    now += 60
    assert kept.due
    assert kept.keep(fast_style("a")) == ""
    assert not kept.due
    assert keeper._SAVE_EVERY < 60


def test_a_second_ctrl_c_leaves_what_was_saved(
    fake: FakeLearning, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keeper, "_SAVE_EVERY", 0.0)

    def impatient(number: int) -> None:
        if number == 2:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    fake.on_step = impatient
    assert main(["learn", "painting.png", "-o", OUT]) == 130
    assert read_info(OUT).seconds == 1
    assert "Interrupted. What was learned" in capsys.readouterr().err


def test_a_full_disk_loses_nothing(
    fake: FakeLearning,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    refuge = tmp_path_factory.mktemp("refuge")
    monkeypatch.setattr(keeper.tempfile, "mkdtemp", lambda prefix: str(refuge))
    monkeypatch.setattr(keeper, "_SAVE_EVERY", 0.0)
    save = FastStyle.save

    def full(self: FastStyle, path: Any) -> None:
        if Path(path).parent != refuge:
            raise InputError(f"Cannot save {path}: No space left on device.")
        save(self, path)

    monkeypatch.setattr(FastStyle, "save", full)
    assert main(["learn", "painting.png", "-o", OUT]) == 1
    error = capsys.readouterr().err
    assert f"No space left on device. What was learned is in {refuge / OUT}." in error
    assert read_info(refuge / OUT).seconds == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["absent.png", "-o", OUT], "There is no file absent.png."),
        (["painting.png", "--contents", "none/*.png", "-o", OUT], "No file matches none/*.png."),
        (["painting.png", "--contents", "empty", "-o", OUT], "The folder empty holds no pictures."),
        (["painting.png", "-o", "my.pt"], "the name of a fast style ends in .safetensors"),
        (["painting.png", "-o", "no/my.safetensors"], "there is no folder no"),
        (["painting.png", "-o", "old.safetensors"], "--continue learns on from it"),
        (["painting.png", "-o", OUT, "--continue"], "leave out --continue"),
        (["painting.png", "-o", "text.safetensors", "--continue"], "no safetensors file"),
        (["painting.png", "-o", OUT, "--minutes", "0"], "minutes"),
        (["painting.png", "-o", OUT, "--crop", "100"], "crop"),
        (["painting.png", "-o", OUT, "--minuets", "1"], "perhaps --minutes is meant"),
        (["painting.png"], "-o/--output"),
        (["-o", OUT], "STYLE"),
    ],
)
def test_what_cannot_be_done_is_said_first(
    fake: FakeLearning, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    Path("text.safetensors").write_text("not what it seems to be")
    saved(Path("old.safetensors"))
    assert main(["learn", *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not fake.calls
    assert not Path(OUT).exists()


def test_every_parameter_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["learn", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, declared in LearningSettings.model_fields.items():
        assert f"--{name.replace('_', '-')} " in text
        assert declared.description is not None
        assert declared.description in text
