"""Movies on the command line: painted frame by frame, gone on with, and as fast and loud as before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from fake_method import FakeMethod, by_content_and_start
from PIL import Image
from test_movies import COUNT, HEIGHT, WIDTH, known, make, packets, pictures, spoil

from napari_style_transfer.cli.main import main
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.movies import open_movie, save_movie
from napari_style_transfer.io.stacks import read_stack
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.progress import Step
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack import folder as stack_folder
from napari_style_transfer.stack.loop import stylize_stack

pytest.importorskip("av", reason="PyAV is not installed: no movies are tested")

OPTIONS = [
    "--size",
    "64",
    "--steps",
    "2",
    "--device",
    "cpu",
    "--quiet",
    "--coherence",
    "independent",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(pictures(1)[0]).save("painting.png")


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeMethod:
    """Replace the engine by one that paints the grey by which a frame is known."""

    def grey_of(request: Request, _: int) -> int:
        content = np.asarray(request.content)
        full = 255 if content.dtype.kind == "f" else 1
        return int(np.rint(content[-8:, 30:34].mean() * full))

    fake = FakeMethod(paint=grey_of)
    monkeypatch.setattr("napari_style_transfer.methods.create", lambda: fake)
    return fake


def paint(*words: str) -> int:
    return main([words[0], "painting.png", *words[1:], *OPTIONS])


def seen(path: str) -> list[int]:
    return [known(frame) for frame in open_movie(path)]


def names(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_movie_is_painted_to_a_movie_with_its_times_and_sound() -> None:
    times = [0, 40, 90, 400, 410, 1000]
    make("clip.mp4", times=times, frames=pictures(6), sound="aac")
    assert paint("clip.mp4", "-o", "out.mp4") == 0
    movie, source = open_movie("out.mp4"), open_movie("clip.mp4")
    assert seen("out.mp4") == list(range(6))
    assert movie.shape == (6, HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(movie.times, source.times, atol=1e-6)
    assert movie.end == pytest.approx(source.end, abs=1e-3)
    assert [data for _, data in packets("out.mp4")] == [data for _, data in packets("clip.mp4")]
    assert names() == ["clip.mp4", "out.json", "out.mp4", "painting.png"]
    assert Recipe.parse("out.json").content == "clip.mp4"


def test_a_movie_is_painted_to_a_folder_and_to_a_tiff() -> None:
    make("clip.mp4")
    assert paint("clip.mp4", "-o", "out") == 0
    assert names("out") == [*(f"clip-{n:02}.png" for n in range(1, COUNT + 1)), "recipe.json"]
    assert paint("clip.mp4", "-o", "out.tif") == 0
    assert tifffile.imread("out.tif").shape == (COUNT, HEIGHT, WIDTH, 3)
    assert paint("out", "-o", "again.mp4", "--rate", "10") == 0
    assert paint("out.tif", "-o", "default.mp4") == 0
    for path, rate in (("again.mp4", 10), ("default.mp4", 25)):
        assert seen(path) == list(range(COUNT))
        assert open_movie(path).rate == pytest.approx(rate)


def test_animated_pictures_are_stacks() -> None:
    for suffix in ("gif", "webp", "apng"):
        save_movie(f"clip.{suffix}", pictures(4), times=[0, 0.1, 0.3, 0.4], end=1)
    Path("clip.apng").rename("clip.png")
    for suffix, to in (("gif", "webp"), ("webp", "gif"), ("png", "apng")):
        assert paint(f"clip.{suffix}", "-o", f"out.{to}") == 0
        movie = open_movie(f"out.{to}")
        assert seen(f"out.{to}") == [0, 1, 2, 3]
        np.testing.assert_allclose(movie.times, [0, 0.1, 0.3, 0.4])
        assert movie.end == 1
        assert read_stack(f"clip.{suffix}")[3].shape == (HEIGHT, WIDTH, 3)  # opaque


def test_a_part_is_cut_out_with_its_sound() -> None:
    make("clip.mp4", frames=pictures(25), sound="aac")
    assert paint("clip.mp4", "-o", "out.mp4", "--from", "0:00.4", "--to", "0.8") == 0
    assert seen("out.mp4") == list(range(10, 20))
    movie = open_movie("out.mp4")
    np.testing.assert_allclose(movie.times, np.arange(10) / 25, atol=1e-4)
    assert movie.end == pytest.approx(0.4, abs=1e-3)
    wanted = [data for second, data in packets("clip.mp4") if 0.4 <= second < 0.8]
    assert [data for _, data in packets("out.mp4")] == wanted
    clip = Recipe.parse("out.json").clip
    assert clip is not None
    assert (clip.start, clip.stop) == (0.4, 0.8)


def test_every_nth_frame_keeps_the_speed() -> None:
    make("clip.mp4")
    assert paint("clip.mp4", "-o", "out.mp4", "--every", "5") == 0
    movie = open_movie("out.mp4")
    assert seen("out.mp4") == [0, 5, 10]
    np.testing.assert_allclose(movie.times, [0, 0.2, 0.4], atol=1e-6)
    assert movie.end == pytest.approx(COUNT / 25, abs=0.001)


def test_at_another_rate_the_sound_is_left_out_and_it_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make("clip.mp4", sound="aac")
    assert paint("clip.mp4", "-o", "out.mp4", "--rate", "50") == 0
    assert "The sound is left out: at another rate" in capsys.readouterr().err
    movie = open_movie("out.mp4")
    assert (movie.has_sound, len(movie)) == (False, COUNT)
    assert movie.rate == pytest.approx(50)
    assert paint("clip.mp4", "-o", "out.gif") == 0
    assert "The sound is left out: a GIF has none." in capsys.readouterr().err


@pytest.mark.parametrize("output", ["out.mp4", "out.gif"])
def test_an_interrupted_run_goes_on_to_the_same_frames(
    fake: FakeMethod, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    """As after signal 9: nothing is tidied up, and the same command is called again."""
    fake.paint = lambda request, _: by_content_and_start(request)
    make("clip.mp4", sound="aac")
    assert paint("clip.mp4", "-o", f"whole{output}") == 0
    fake.calls.clear()
    run = fake.run

    def killed(request: Request, controls: Controls) -> Iterator[Step]:
        if len(fake.calls) == 5:
            raise SystemExit(9)
        return run(request, controls)

    with monkeypatch.context() as patch:
        patch.setattr(fake, "run", killed)
        with pytest.raises(SystemExit):
            paint("clip.mp4", "-o", output)
    assert not Path(output).exists()
    assert len(names(f"{output}.pages")) == 6
    fake.calls.clear()
    assert paint("clip.mp4", "-o", output) == 0
    assert len(fake.calls) == COUNT - 5
    assert not Path(f"{output}.pages").exists()
    whole, parts = open_movie(f"whole{output}"), open_movie(output)
    np.testing.assert_array_equal(parts[:], whole[:])
    np.testing.assert_array_equal(parts.times, whole.times)
    fake.calls.clear()
    assert paint("clip.mp4", "-o", output) == 0
    assert not fake.calls  # it is there already


def test_a_full_disk_loses_no_frame(
    fake: FakeMethod, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make("clip.mp4")
    save = stack_folder.save_picture

    def full(path: Path, picture: Any) -> None:
        if path.name == "clip-08.png":
            raise InputError(f"Cannot save {path}: No space left on device.")
        save(path, picture)

    with monkeypatch.context() as patch:
        patch.setattr(stack_folder, "save_picture", full)
        assert paint("clip.mp4", "-o", "out.mp4") == 2
    assert "No space left on device" in capsys.readouterr().err
    fake.calls.clear()
    assert paint("clip.mp4", "-o", "out.mp4") == 0
    assert len(fake.calls) == COUNT - 7
    assert seen("out.mp4") == list(range(COUNT))


def test_another_part_does_not_mix_its_frames_in(
    fake: FakeMethod, capsys: pytest.CaptureFixture[str]
) -> None:
    make("clip.mp4")
    assert paint("clip.mp4", "-o", "out", "--every", "2") == 0
    assert paint("clip.mp4", "-o", "out") == 2
    assert "begun with another clip" in capsys.readouterr().err
    assert paint("clip.mp4", "-o", "out", "--every", "2") == 0


def test_damage_leaves_frames_out_names_them_and_keeps_the_times(
    capsys: pytest.CaptureFixture[str],
) -> None:
    noise = np.random.default_rng(0).normal(0, 9, (HEIGHT, WIDTH, 3))
    noisy = [np.clip(each + noise, 0, 255).astype(np.uint8) for each in pictures()]
    make("clip.mp4", frames=noisy, options={"bf": "0"})
    spoil("clip.mp4", 6)
    assert paint("clip.mp4", "-o", "out.mp4") == 1
    said = capsys.readouterr().err
    assert (
        "Saved 8 of 12 frames in out.mp4. Left out: Frame 7 of clip.mp4 (Cannot read frame 7"
        in said
    )
    assert seen("out.mp4") == [0, 1, 2, 3, 4, 5, 10, 11]
    np.testing.assert_allclose(open_movie("out.mp4").times[-2:], [0.4, 0.44], atol=1e-6)


def test_movies_are_steady_where_nothing_else_is_said(fake: FakeMethod) -> None:
    make("clip.mp4", frames=pictures(1))
    Path("still").mkdir()
    Image.fromarray(pictures(1)[0]).save("still/1.png")
    quick = OPTIONS[:-2]

    def coherence() -> str:
        return str(fake.calls[-1]["settings"].coherence)

    assert main(["clip.mp4", "painting.png", "-o", "a", *quick]) == 0
    assert coherence() == "steady"
    assert main(["still", "painting.png", "-o", "b", *quick]) == 0
    assert coherence() == "neighbour"
    assert main(["clip.mp4", "painting.png", "-o", "c", *quick, "--coherence", "neighbour"]) == 0
    assert coherence() == "neighbour"
    assert main(["--recipe", "c/recipe.json", "-o", "d", "--quiet"]) == 0
    assert coherence() == "neighbour"
    assert main(["--recipe", "b/recipe.json", "clip.mp4", "-o", "e", "--quiet"]) == 0
    assert coherence() == "steady"


def test_a_recipe_paints_the_same_part_again() -> None:
    make("clip.mp4")
    assert paint("clip.mp4", "-o", "out.mp4", "--from", "0.2", "--every", "3") == 0
    assert main(["--recipe", "out.json", "-o", "again.mp4", "--quiet"]) == 0
    assert seen("again.mp4") == seen("out.mp4") == [5, 8, 11]
    assert main(["--recipe", "out.json", "-o", "other.mp4", "--every", "6", "--quiet"]) == 0
    assert seen("other.mp4") == [5, 11]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["clip.mp4", "-o", "out.mp4", "--from", "soon"], "--from takes seconds, such as 83.5"),
        (["clip.mp4", "-o", "out.mp4", "--to", "1:x"], "--to takes seconds"),
        (["clip.mp4", "-o", "out.mp4", "--to", "-1"], "--to takes seconds"),
        (["clip.mp4", "-o", "out.mp4", "--from", "nan"], "--from takes seconds"),
        (["clip.mp4", "-o", "out.mp4", "--from", "3", "--to", "2"], "got 3 to 2"),
        (
            ["clip.mp4", "-o", "out.mp4", "--from", "60"],
            "has no frame from 60 s; its frames appear",
        ),
        (["clip.mp4", "-o", "out.mp4", "--every", "0"], "--every takes a whole number from 1 on"),
        (["clip.mp4", "-o", "out.mp4", "--every", "1.5"], "--every takes a whole number from 1 on"),
        (["clip.mp4", "-o", "out.mp4", "--rate", "fast"], "--rate takes frames per second"),
        (["clip.mp4", "-o", "out.mp4", "--rate", "0"], "more than 0 and at most 1000"),
        (["clip.mp4", "-o", "out", "--rate", "5"], "--rate says how fast a movie is shown"),
        (["pages", "-o", "out.mp4", "--from", "1"], "--from is for movies, and pages is none"),
        (
            ["painting.png", "-o", "out.png", "--every", "2"],
            "--every is for movies, and painting.png",
        ),
        (["clip.mp4", "-o", "out.mp4", "--bits", "16"], "a movie has no 16 bits"),
        (
            ["clip.mp4", "-o", "out.avi"],
            "Cannot write the movie 'out.avi': its name must end in .mp4",
        ),
        (["clip.mp4", "-o", "out.png"], "or to a movie, not to 'out.png'"),
        (["clip.mp4", "-o", "clip.mp4"], "This run reads clip.mp4; choose another name"),
        (["clip.mp4", "-o", "out.gif", "--rate", "60"], "A GIF shows at most 50 frames a second"),
        (
            ["pages", "-o", "out.mp4"],
            "The pictures of a movie have one size, and pages/2.png differs",
        ),
        (["text.mp4", "-o", "out.mp4"], "it is damaged, cut short, or no movie"),
        (["clip.mp4"], "Name the folder, TIFF file or movie to paint the stack to"),
    ],
)
def test_what_cannot_be_is_said_before_the_work(
    fake: FakeMethod, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    make("clip.mp4")
    Path("text.mp4").write_text("no movie")
    Path("pages").mkdir()
    for number, shape in ((1, (48, 64)), (2, (48, 48))):
        Image.fromarray(pictures(1, shape)[0]).save(f"pages/{number}.png")
    before = names()
    assert paint(*words) == 2
    assert message in capsys.readouterr().err
    assert not fake.calls
    assert names() == before


def test_what_is_cut_short_is_said_and_painted(capsys: pytest.CaptureFixture[str]) -> None:
    save_movie("clip.webp", pictures(6), rate=10)
    movie = open_movie("clip.webp")
    movie.damage = "The movie clip.webp is cut short: 6 of its 9 frames are there."
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_style_transfer.io.footage.open_movie", lambda _: movie)
        assert paint("clip.webp", "-o", "out.webp") == 0
    assert "6 of its 9 frames are there." in capsys.readouterr().err


def test_a_movie_is_a_stack_in_python(fake: FakeMethod) -> None:
    make("clip.mp4")
    pages = read_stack("clip.mp4")
    assert [known(page * 255) for page in pages] == list(range(COUNT))
    movie = open_movie("clip.mp4")
    out = np.zeros(movie.shape, np.uint8)
    for _ in stylize_stack(
        movie, pictures(1)[0], out=out, size=64, steps=2, device="cpu", coherence="independent"
    ):
        pass
    assert [known(frame) for frame in out] == list(range(COUNT))


def test_the_record_names_the_frames_that_are_done() -> None:
    make("clip.mp4", frames=pictures(3))
    assert paint("clip.mp4", "-o", "out.mp4") == 0
    values = json.loads(Path("out.json").read_text())
    assert values["napari_style_transfer_done"] == ["clip-1.png", "clip-2.png", "clip-3.png"]
    assert values["picture"] == "out.mp4"
