"""Movies as layers: opened lazily, painted, written with their recipe, and opened again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel
from napari.layers import Image
from PIL import Image as Pillow

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.movies import open_movie, save_movie
from napari_style_transfer.plugin.inputs.movies import Frames, MovieNote, get_reader
from napari_style_transfer.plugin.outputs import reader as recipes
from napari_style_transfer.plugin.outputs.movie_files import write_movie
from napari_style_transfer.recipe import Recipe

COUNT = 9
TIMES = [0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9]


def pictures(count: int = COUNT) -> Any:
    """Frames of a grey that names them."""
    made = np.zeros((count, 40, 60, 3), np.uint8)
    made += (20 + 20 * np.arange(count, dtype=np.uint8))[:, None, None, None]
    return made


def known(frame: Any) -> int:
    """Return the number that a frame's grey says."""
    return round((float(np.asarray(frame)[..., :3].mean()) - 20) / 20)


@pytest.fixture
def animation(tmp_path: Path) -> Path:
    path = tmp_path / "clip.webp"
    save_movie(path, pictures(), times=TIMES, end=1.0)
    return path


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    pytest.importorskip("av", reason="PyAV is not installed")
    path = tmp_path / "clip.mp4"
    save_movie(path, pictures(), times=TIMES, end=1.0)
    return path


def opened(path: Path, viewer: ViewerModel) -> Image:
    reader = get_reader(str(path))
    assert reader is not None
    ((data, attributes, kind),) = reader(str(path))
    assert kind == "image"
    return viewer.add_image(data, **attributes)


@pytest.mark.parametrize("kind", ["animation", "movie"])
def test_a_movie_is_a_lazy_stack_in_time(
    kind: str, viewer: ViewerModel, request: pytest.FixtureRequest
) -> None:
    layer = opened(request.getfixturevalue(kind), viewer)
    assert isinstance(layer.data, da.Array)
    assert layer.data.shape == (COUNT, 40, 60, 3)
    assert layer.data.chunksize == (1, 40, 60, 3)
    assert (layer.name, layer.rgb, layer.axis_labels) == ("clip", True, ("t", "y", "x"))
    assert [known(frame) for frame in layer.data] == list(range(COUNT))
    np.testing.assert_array_equal(layer.data[2:4, 3:5], np.asarray(layer.data)[2:4, 3:5])
    note = MovieNote.of_metadata(layer.metadata)
    assert note is not None
    assert np.allclose(note.times, TIMES)
    assert (note.rate, note.has_sound) == (pytest.approx(9), False)
    assert Path(note.path) == request.getfixturevalue(kind)


def test_still_pictures_are_left_to_others(tmp_path: Path) -> None:
    for name in ("still.gif", "still.webp"):
        Pillow.fromarray(pictures()[0]).save(tmp_path / name)
        assert get_reader(str(tmp_path / name)) is None
    assert get_reader([str(tmp_path / "still.gif")]) is None
    assert get_reader(str(tmp_path / "gone.gif")) is None


class Counted:
    """A movie that notes which frames were decoded."""

    shape, ndim, dtype = (100, 4, 6, 3), 4, np.dtype(np.uint8)

    def __init__(self) -> None:
        self.decoded: list[int] = []

    def __getitem__(self, number: int) -> Any:
        self.decoded.append(number)
        if number == 50:
            raise InputError("Cannot read frame 51 of clip.mp4: it is damaged.")
        return np.full(self.shape[1:], number, np.uint8)


def test_backwards_several_frames_are_decoded_at_once() -> None:
    movie: Any = Counted()
    frames = Frames(movie)
    for number in (70, 69, 68, 67):
        assert (frames.frame(number) == number).all()
    assert movie.decoded == [70, *range(54, 70)]
    frames.frame(54)
    frames.frame(53)
    assert movie.decoded[17:] == list(range(38, 54))  # a damaged one among them hinders no other
    with pytest.raises(InputError, match="frame 51"):
        frames.frame(50)
    frames.frame(10)  # far away it is only the one
    assert movie.decoded[-1] == 10


def test_few_frames_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_style_transfer.plugin.inputs.movies._KEPT", 3 * 4 * 6 * 3)
    movie: Any = Counted()
    frames = Frames(movie)
    for number in range(10, 20):
        frames.frame(number)
    assert len(frames._kept) == 3
    frames.frame(12)
    assert movie.decoded[10:] == [10, 11, 12]


def test_a_painted_movie_is_saved_with_its_recipe_and_times_and_comes_back(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, movie: Path, tmp_path: Path
) -> None:
    layer = opened(movie, viewer)
    driver.widget.content.value = layer
    assert driver.widget.coherence.value == "steady"
    driver.widget.size.value = 60
    driver.widget.stack.slices.value = "all"
    driver.run()
    result = viewer.layers["clip in the style of painting"]
    assert result.axis_labels == ("t", "y", "x")
    path = tmp_path / "out.mp4"
    written = write_movie(str(path), *result.as_layer_data_tuple()[:2])
    assert written == [str(path), str(tmp_path / "out.json")]
    np.testing.assert_allclose(open_movie(path).times, TIMES, atol=1e-3)
    assert Recipe.parse(tmp_path / "out.json").settings.coherence == "steady"
    back = recipes.get_reader(written[1])
    assert back is not None
    ((data, attributes, _),) = back(written[1])
    again = viewer.add_image(data, **attributes)
    assert again.data.shape == (COUNT, 40, 60, 3)
    np.testing.assert_allclose(again.data, result.data[..., :3], atol=4)
    assert again.name == f"{result.name} [1]"
    note = MovieNote.of_metadata(again.metadata)
    assert note is not None
    assert Path(note.path) == movie  # where its sound is
    assert Recipe.parse(again.metadata).content == "clip"


def test_of_a_movie_in_part_painted_the_part_is_saved(
    driver: Driver, viewer: ViewerModel, engine: FakeMethod, movie: Path, tmp_path: Path
) -> None:
    driver.widget.content.value = opened(movie, viewer)
    driver.widget.size.value = 60
    stack = driver.widget.stack
    stack.slices.value, stack.first.value, stack.last.value = "a range", 3, 5
    driver.run()
    result = viewer.layers["clip in the style of painting"]
    write_movie(str(tmp_path / "out.mp4"), *result.as_layer_data_tuple()[:2])
    saved = open_movie(tmp_path / "out.mp4")
    assert saved.shape == (3, 40, 60, 3)
    np.testing.assert_allclose(saved.times, [0, 0.2, 0.3], atol=1e-3)
    assert saved.end == pytest.approx(0.4, abs=1e-3)


@pytest.mark.parametrize("end", [".gif", ".webp", ".mp4"])
def test_a_stack_is_saved_as_it_is_shown(viewer: ViewerModel, tmp_path: Path, end: str) -> None:
    if end == ".mp4":
        pytest.importorskip("av", reason="PyAV is not installed")
    grey = np.linspace(1000, 2000, 5)[:, None, None] * np.ones((1, 20, 30))
    layer = viewer.add_image(grey, contrast_limits=(1000, 2500), colormap="red")
    path = tmp_path / f"out{end}"
    assert write_movie(str(path), *layer.as_layer_data_tuple()[:2]) == [str(path)]
    saved = open_movie(path)
    assert saved.shape == (5, 20, 30, 3)
    assert saved.rate == pytest.approx(25)
    means = [frame.mean((0, 1)) for frame in saved]
    np.testing.assert_allclose(means, [(r, 0, 0) for r in (0, 42, 85, 128, 170)], atol=6)


def test_opacity_and_volumes(viewer: ViewerModel, tmp_path: Path) -> None:
    clear = np.full((3, 20, 30, 4), 255, np.uint8)
    clear[1, :10, :, 3] = 0
    layer = viewer.add_image(clear, rgb=True)
    write_movie(str(tmp_path / "out.webp"), *layer.as_layer_data_tuple()[:2])
    with Pillow.open(tmp_path / "out.webp") as image:
        image.seek(1)
        np.testing.assert_array_equal(np.asarray(image)[:, 0, 3], [0] * 10 + [255] * 10)
    volumes = viewer.add_image(np.zeros((3, 4, 20, 30)), contrast_limits=(0, 1))
    with pytest.raises(InputError, match=r"this layer has 3 x 4 pictures; save it as a TIFF\."):
        write_movie(str(tmp_path / "v.webp"), *volumes.as_layer_data_tuple()[:2])
    assert not (tmp_path / "v.webp").exists()


def test_sound_goes_along(viewer: ViewerModel, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="PyAV is not installed")
    source = tmp_path / "loud.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 60, 40, "yuv420p"
        track = container.add_stream("aac", rate=48_000, layout="mono")
        for picture in pictures(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
        for mux in _tone(av, track):
            container.mux(mux)
    layer = opened(source, viewer)
    assert MovieNote.of_metadata(layer.metadata).has_sound  # type: ignore[union-attr]
    write_movie(str(tmp_path / "out.mp4"), *layer.as_layer_data_tuple()[:2])
    saved = open_movie(tmp_path / "out.mp4")
    assert saved.has_sound
    assert saved.rate == pytest.approx(10)


def _tone(av: Any, track: Any) -> Iterator[Any]:
    wave = np.sin(np.arange(24_000) / 20).astype(np.float32)[None]
    frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 48_000, 0
    yield track.encode(frame)
    yield track.encode(None)
