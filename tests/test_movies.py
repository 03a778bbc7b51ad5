"""Movies: their frames come out right, whatever the file, and what is written is read back."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io import movies
from napari_style_transfer.io.movies import is_movie, open_movie, save_movie

av = pytest.importorskip("av", reason="PyAV is not installed: no movies are tested")

WIDTH, HEIGHT, COUNT = 64, 48, 12
#: Limited-range YUV of pure red, by ITU-R BT.709 and BT.601.
RED = {1: (63, 102, 240), 5: (81, 90, 240)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def grey(number: int) -> int:
    """The grey level of a frame, by which it is known again."""
    return 20 + 9 * number


def pictures(count: int = COUNT, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> list[Any]:
    """Frames of a grey that names them, with a red corner at the top left and a blue one at the right."""
    made = np.empty((count, *shape, 3), np.uint8)
    for number, each in enumerate(made):
        each[:] = grey(number)
        each[:16, :16] = (220, 30, 30)
        each[:16, -16:] = (30, 30, 220)
    return list(made)


def known(frame: np.ndarray[Any, Any]) -> int:
    """Return the number that a frame's grey says."""
    return round((float(frame[-16:, -24:-8].mean()) - 20) / 9)


def make(
    path: str,
    *,
    codec: str = "libx264",
    form: str = "yuv420p",
    times: Sequence[int] | None = None,
    frames: Iterable[Any] | None = None,
    base: Fraction = Fraction(1, 1000),
    rotation: int | None = None,
    sound: str | None = None,
    options: dict[str, str] | None = None,
) -> None:
    """Write a clip with PyAV alone."""
    frames = list(pictures() if frames is None else frames)
    times = [40 * number for number in range(len(frames))] if times is None else times
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "5", **(options or {})})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = form
        stream.codec_context.time_base = stream.time_base = base
        if rotation is not None:
            stream.set_display_rotation(rotation)
        track = None if sound is None else container.add_stream(sound, rate=48_000, layout="mono")
        for frame, time in zip(frames, times, strict=True):
            made = av.VideoFrame.from_ndarray(frame, format="rgb24")
            made.pts, made.time_base = time, base
            container.mux(stream.encode(made))
        container.mux(stream.encode())
        if track is not None:
            add_sound(container, track, (times[-1] + 40) / 1000)


def add_sound(container: Any, track: Any, seconds: float) -> None:
    """Add a tone whose pitch rises."""
    total = int(48_000 * seconds)
    tone = np.sin(np.cumsum(np.linspace(0.02, 0.2, total))).astype(np.float32) / 2
    for start in range(0, total, 1024):
        part = tone[None, start : start + 1024]
        made = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        made.pts, made.sample_rate, made.time_base = start, 48_000, Fraction(1, 48_000)
        container.mux(track.encode(made))
    container.mux(track.encode())


def packets(path: str, kind: str = "audio") -> list[tuple[float, bytes]]:
    """Return the second and the bytes of each packet of a file."""
    with av.open(path) as container:
        stream = getattr(container.streams, kind)[0]
        found = [each for each in container.demux(stream) if each.size]
        return [(float(each.pts * each.time_base), bytes(each)) for each in found]


# ---- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mov", "libx264"),
        ("a.mkv", "libx265"),
        ("a.webm", "libvpx-vp9"),
        ("a.avi", "mpeg4"),
        ("a.mpg", "mpeg2video"),
        ("a.mts", "libx264"),
    ],
)
def test_frames_are_found_in_any_order(path: str, codec: str) -> None:
    even = codec in ("mpeg4", "mpeg2video")
    base = Fraction(1, 25) if even else Fraction(1, 1000)
    options = {"bf": "2", "g": "5"} if codec != "libvpx-vp9" else {}
    make(path, codec=codec, base=base, times=range(COUNT) if even else None, options=options)
    movie = open_movie(path)
    assert movie.shape == (COUNT, HEIGHT, WIDTH, 3)
    assert (len(movie), movie.ndim, movie.dtype) == (COUNT, 4, np.uint8)
    order = [0, 1, 2, 11, 3, 7, 7, 6, 0, 10, 5, 4, 9, 8, -1, 1]
    assert [known(movie[number]) for number in order] == [number % COUNT for number in order]
    np.testing.assert_allclose(np.diff(movie.times), 1 / 25, atol=0.002)
    assert movie.rate == pytest.approx(25, rel=0.02)
    assert not movie.has_sound
    assert movie.damage is None


def test_a_slice_is_an_array_and_a_missing_frame_an_index_error() -> None:
    make("a.mp4")
    movie = open_movie("a.mp4")
    assert [known(frame) for frame in movie[8:2:-2]] == [8, 6, 4]
    assert movie[5:5].shape == (0, HEIGHT, WIDTH, 3)
    with pytest.raises(IndexError):
        movie[COUNT]


def test_frames_one_after_another_are_decoded_without_jumps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_style_transfer.io.video import Video

    make("a.mp4")
    movie = open_movie("a.mp4")
    jumps: list[int] = []
    jump = Video._jump
    monkeypatch.setattr(
        Video, "_jump", lambda self, number: (jumps.append(number), jump(self, number))
    )
    assert [known(frame) for frame in movie] == list(range(COUNT))
    assert jumps == []
    movie[3]
    assert jumps == [3]


def test_frames_are_read_from_several_threads() -> None:
    make("a.mp4")
    movie = open_movie("a.mp4")
    found: dict[int, int] = {}

    def read(start: int) -> None:
        for number in range(start, COUNT, 3):
            found[number] = known(movie[number])

    threads = [threading.Thread(target=read, args=(start,)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number for number in range(COUNT)}


def test_uneven_times_are_kept() -> None:
    times = [0, 10, 50, 51, 200, 1000]
    make("a.mp4", times=times, frames=pictures(6))
    movie = open_movie("a.mp4")
    np.testing.assert_allclose(movie.times, np.array(times) / 1000, atol=1e-9)
    assert [known(movie[number]) for number in (5, 3, 4)] == [5, 3, 4]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_movie_is_upright(rotation: int) -> None:
    upright = pictures(3)
    lying = [np.rot90(each, -rotation // 90) for each in upright]  # FFmpeg's angles: anticlockwise
    make("a.mp4", frames=lying, rotation=rotation)
    movie = open_movie("a.mp4")
    with av.open("a.mp4") as container:  # that the file says so
        assert abs(next(container.decode(video=0)).rotation) % 360 in (rotation, 360 - rotation)
    assert movie.shape == (3, HEIGHT, WIDTH, 3)
    difference = np.abs(movie[1].astype(int) - upright[1])
    assert np.median(difference) <= 3
    assert np.abs(movie[1][4:12, 4:12].astype(int) - (220, 30, 30)).max() < 12
    assert np.abs(movie[1][4:12, -12:-4].astype(int) - (30, 30, 220)).max() < 12


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("form", ["yuv420p", "yuv444p", "yuv420p10le"])
def test_colours_follow_the_matrix_and_the_range_of_the_file(
    matrix: int, is_full: bool, form: str
) -> None:
    y, u, v = RED[matrix]
    if is_full:
        y, u, v = ((y - 16) * 255 / 219, *((each - 128) * 255 / 224 + 128 for each in (u, v)))
    frame = av.VideoFrame(WIDTH, HEIGHT, form)
    deep = form.endswith("10le")
    for plane, value in zip(frame.planes, (y, u, v), strict=True):
        level = round(value * 4) if deep else round(value)
        np.frombuffer(plane, np.uint16 if deep else np.uint8)[:] = min(level, 1023 if deep else 255)
    frame.colorspace, frame.color_range, frame.pts = matrix, 2 if is_full else 1, 0
    with av.open("a.mkv", "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, form
        context = stream.codec_context
        context.colorspace, context.color_range = matrix, 2 if is_full else 1
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert np.abs(open_movie("a.mkv")[0].astype(int) - (255, 0, 0)).max() <= 2


def test_a_movie_that_names_no_matrix_is_taken_as_players_take_it() -> None:
    for height, matrix in ((48, 5), (720, 1)):
        frame = av.VideoFrame(WIDTH, height, "yuv420p")
        for plane, value in zip(frame.planes, RED[matrix], strict=True):
            np.frombuffer(plane, np.uint8)[:] = value
        frame.pts = 0
        with av.open("a.mkv", "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = WIDTH, height, "yuv420p"
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
        assert np.abs(open_movie("a.mkv")[0].astype(int) - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize(("transfer", "paper"), [(16, 0.5807), (18, 0.75)])
def test_hdr_is_mapped_to_the_range_of_a_common_screen(transfer: int, paper: float) -> None:
    """`paper` is the code of 203 cd/m², which ITU-R BT.2408 has paper white at."""
    levels = []
    for code in (0, paper / 2, paper, 1):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
        for plane, value in zip(frame.planes, (64 + 876 * code, 512, 512), strict=True):
            np.frombuffer(plane, np.uint16)[:] = round(value)
        frame.colorspace, frame.color_range, frame.pts = 9, 1, 0
        with av.open("a.mkv", "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p10le"
            context = stream.codec_context
            context.colorspace = context.color_primaries = 9
            context.color_trc, context.color_range = transfer, 1
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
        shown = open_movie("a.mkv")[0]
        assert np.ptp(shown) <= 2  # grey stays grey, and is even
        levels.append(int(shown.mean()))
    black, _, white, peak = levels
    assert levels == sorted(set(levels))
    assert black == 0
    assert 200 < white < 235
    assert peak == 255


def test_what_is_transparent_is_laid_over_white() -> None:
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    rgba[:, :32] = (200, 10, 10, 255)
    with av.open("a.mov", "w") as container:
        stream = container.add_stream("qtrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "argb"
        made = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="argb")
        made.pts = 0
        container.mux(stream.encode(made))
        container.mux(stream.encode())
    movie = open_movie("a.mov")
    assert movie[0][5, 5].tolist() == [200, 10, 10]
    assert movie[0][5, 50].tolist() == [255, 255, 255]
    alpha = movie.raster(0).alpha
    assert alpha is not None
    assert (alpha[5, 5], alpha[5, 50]) == (255, 0)


def test_one_frame_is_a_movie() -> None:
    make("a.mp4", frames=pictures(1))
    movie = open_movie("a.mp4")
    assert (movie.shape, known(movie[0])) == ((1, HEIGHT, WIDTH, 3), 0)
    assert movie.end > 0


def spoil(path: str, number: int) -> None:
    """Fill a packet with zeros."""
    with av.open(path) as container:
        found = [each for each in container.demux(container.streams.video[0]) if each.size]
        place, size = found[number].pos, found[number].size
    data = bytearray(Path(path).read_bytes())
    data[place + 4 : place + size] = bytes(size - 4)
    Path(path).write_bytes(data)


def test_damage_in_the_middle_leaves_what_can_be_decoded() -> None:
    noise = np.random.default_rng(0).normal(0, 9, (HEIGHT, WIDTH, 3))
    noisy = [np.clip(each + noise, 0, 255).astype(np.uint8) for each in pictures()]
    make("a.mp4", frames=noisy, options={"bf": "0"})
    spoil("a.mp4", 6)
    for order in (range(COUNT), reversed(range(COUNT))):
        movie = open_movie("a.mp4")
        whole = []
        for number in order:
            with contextlib.suppress(InputError):
                assert known(movie[number]) == number
                whole.append(number)
        assert sorted(whole) == [0, 1, 2, 3, 4, 5, 10, 11]  # the next key frame, and on
        with pytest.raises(InputError, match=r"^Cannot read frame 7 of a\.mp4: it is damaged\.$"):
            movie[6]


def test_a_movie_that_is_cut_short_has_the_frames_before() -> None:
    make("whole.mp4", options={"bf": "0"})
    with (
        av.open("whole.mp4") as source,
        av.open("a.mp4", "w", options={"movflags": "faststart"}) as to,
    ):
        stream = to.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                to.mux(packet)
    with av.open("a.mp4") as container:
        found = [each.pos for each in container.demux(container.streams.video[0]) if each.size]
    Path("a.mp4").write_bytes(Path("a.mp4").read_bytes()[: found[7] + 3])
    movie = open_movie("a.mp4")
    assert movie.damage == "The movie a.mp4 is cut short: 7 of its 12 frames are there."
    assert [known(frame) for frame in movie] == list(range(7))


def sound_only(path: str) -> None:
    with av.open(path, "w") as container:
        add_sound(container, container.add_stream("aac", rate=48_000, layout="mono"), 0.2)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("text.mp4", "Cannot read the movie text.mp4: it is damaged, cut short, or no movie."),
        ("empty.mkv", "Cannot read the movie empty.mkv: it is damaged, cut short, or no movie."),
        ("half.mp4", "Cannot read the movie half.mp4: it is damaged, cut short, or no movie."),
        ("missing.mp4", "There is no file missing.mp4."),
        ("sound.mp4", "Cannot read the movie sound.mp4: it has no video, only audio."),
        ("text.gif", "Cannot read the movie text.gif: it is damaged, or not a picture of a kind"),
    ],
)
def test_what_is_no_movie_is_said_in_a_sentence(path: str, message: str) -> None:
    Path("text.mp4").write_text("no movie")
    Path("text.gif").write_text("no movie")
    Path("empty.mkv").write_bytes(b"")
    make("a.mp4")
    Path("half.mp4").write_bytes(Path("a.mp4").read_bytes()[:2000])
    sound_only("sound.mp4")
    with pytest.raises(InputError) as error:
        open_movie(path)
    assert str(error.value).startswith(message)


def test_without_pyav_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.mp4")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(InputError, match=r'pip install "napari-style-transfer\[movie\]"'):
        open_movie("a.mp4")
    with pytest.raises(InputError, match=r"Movies need PyAV"):
        save_movie("b.mp4", pictures())
    save_movie("b.gif", pictures())
    assert len(open_movie("b.gif")) == COUNT


def test_movies_are_told_by_suffix_and_animations_by_frames() -> None:
    save_movie("moves.gif", pictures(3))
    save_movie("moves.webp", pictures(3))
    save_movie("moves.apng", pictures(3))
    Path("moves.png").write_bytes(Path("moves.apng").read_bytes())
    for suffix in ("gif", "webp", "png"):
        Image.fromarray(pictures(1)[0]).save(f"still.{suffix}")
        assert is_movie(f"moves.{suffix}")
        assert not is_movie(f"still.{suffix}")
    assert is_movie("any.MP4")
    assert not any(map(is_movie, ["a.jpg", "a.tif", "missing.gif", "folder"]))


# ---- animated pictures ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["gif", "webp", "apng"])
def test_animated_pictures_are_written_and_read(suffix: str) -> None:
    times = [0, 0.1, 0.25, 0.5]
    save_movie(f"a.{suffix}", pictures(4), times=times, end=1)
    movie = open_movie(f"a.{suffix}")
    assert movie.shape == (4, HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(movie.times, times)
    assert movie.end == 1
    assert [known(movie[number]) for number in (0, 3, 1, 2, -1)] == [0, 3, 1, 2, 3]
    assert np.abs(movie[2][:8, :8].astype(int) - (220, 30, 30)).max() < 12


def test_a_gif_keeps_its_speed_though_it_counts_in_hundredths() -> None:
    save_movie("a.gif", pictures(), rate=30)
    assert open_movie("a.gif").end == pytest.approx(COUNT / 30, abs=0.005)
    with pytest.raises(InputError, match="A GIF shows at most 50 frames a second"):
        save_movie("b.gif", pictures(), rate=60)
    assert not Path("b.gif").exists()


def test_an_animation_keeps_its_transparency() -> None:
    rgba = np.dstack([pictures(3)[0], np.full((HEIGHT, WIDTH), 255, np.uint8)])
    cut = [np.roll(rgba, 8 * number, axis=1) for number in range(3)]
    for number, each in enumerate(cut):
        each[20:40, 8 * number : 8 * number + 20, 3] = 0
    for suffix in ("gif", "webp", "apng"):
        save_movie(f"a.{suffix}", cut, rate=10)
        movie = open_movie(f"a.{suffix}")
        for number in range(3):
            alpha = movie.raster(number).alpha
            assert alpha is not None
            np.testing.assert_array_equal(alpha, cut[number][..., 3])


# ---- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", "m4v", "mov", "mkv", "webm"])
def test_what_is_written_is_read_back(suffix: str) -> None:
    times = [0.5, 0.54, 0.7, 1.9]
    assert save_movie(f"a.{suffix}", pictures(4), times=times, end=2.5)
    movie = open_movie(f"a.{suffix}")
    assert movie.shape == (4, HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(np.diff(movie.times), np.diff(times), atol=0.001)
    if suffix != "webm":
        assert movie.end - movie.times[-1] == pytest.approx(0.6, abs=0.002)
    if suffix == "mp4":
        with av.open("a.mp4") as container:  # as players are told
            assert container.duration == pytest.approx(2e6, abs=2000)
    for number, picture in enumerate(pictures(4)):
        difference = np.abs(movie[number].astype(int) - picture)
        assert np.median(difference) <= 1
        assert difference[4:12, 4:12].max() <= 6  # the colours of the corners
        assert difference[4:12, -12:-4].max() <= 6


def test_a_movie_says_what_colours_it_has() -> None:
    save_movie("a.mp4", pictures(2))
    with av.open("a.mp4") as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)
        assert (frame.color_range, frame.format.name) == (1, "yuv420p")


@pytest.mark.parametrize("rate", [24000 / 1001, 25, 30000 / 1001, 59.94, 1000, 0.5])
def test_the_rate_is_kept(rate: float) -> None:
    save_movie("a.mp4", pictures(5), rate=rate)
    movie = open_movie("a.mp4")
    np.testing.assert_allclose(movie.times, np.arange(5) / rate, atol=1e-5)
    assert movie.rate == pytest.approx(rate, rel=1e-3)


def test_the_unit_of_time_is_kept() -> None:
    times = np.array([0, 1001, 5005, 6006]) / 24_000
    save_movie("a.mp4", pictures(4), times=times, time_base=Fraction(1, 24_000))
    movie = open_movie("a.mp4")
    assert movie.time_base == Fraction(1, 24_000)
    np.testing.assert_array_equal(movie.times, times)


@pytest.mark.parametrize("shape", [(47, 63), (47, 64), (48, 63)])
def test_of_an_odd_size_no_pixel_is_lost(shape: tuple[int, int]) -> None:
    height, width = shape
    for suffix, size in (("mp4", (48, 64)), ("webm", shape)):
        save_movie(f"a.{suffix}", pictures(2, shape))
        movie = open_movie(f"a.{suffix}")
        assert movie.shape[1:3] == size
        assert np.median(np.abs(movie[0][:height, :width].astype(int) - pictures(2, shape)[0])) <= 1
        np.testing.assert_allclose(movie[0][-1, 20:40], grey(0), atol=3)


def test_deep_and_transparent_pictures_become_a_movie() -> None:
    deep = [each.astype(np.uint16) * 257 for each in pictures(2)]
    save_movie("a.mp4", deep)
    assert np.median(np.abs(open_movie("a.mp4")[1].astype(int) - pictures(2)[1])) <= 1
    see_through = np.dstack([pictures(1)[0], np.zeros((HEIGHT, WIDTH), np.uint8)])
    save_movie("a.mp4", [see_through])
    assert open_movie("a.mp4")[0].min() >= 253


def test_pixels_that_are_not_square_stay_so() -> None:
    save_movie("a.mp4", pictures(2), pixel_aspect=Fraction(128, 117))
    assert open_movie("a.mp4").pixel_aspect == Fraction(128, 117)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ([], {}, "there are no pictures"),
        (pictures(3), {"times": [0, 1]}, "there are more pictures than times"),
        (pictures(2), {"times": [0, 1, 2]}, "there are fewer pictures than times"),
        (pictures(2), {"times": [1, 1]}, "must ascend"),
        (pictures(2), {"times": [0, float("nan")]}, "must ascend"),
        (pictures(2), {"times": [0, 1], "rate": 3}, "not both"),
        (pictures(2), {"rate": 0}, "more than 0 and at most 1000 pictures a second; got 0"),
        (pictures(2), {"rate": float("nan")}, "got nan"),
        (
            [pictures()[0], pictures(1, (40, 64))[0]],
            {},
            "picture 2 is 64 x 40 pixels and the first 64 x 48",
        ),
        ([pictures()[0][..., 0]], {}, "of uint8 or uint16, not"),
    ],
)
def test_what_makes_no_movie_is_said_and_leaves_what_was_there(
    given: list[Any], options: dict[str, Any], message: str
) -> None:
    for path in ("a.mp4", "a.gif"):
        Path(path).write_text("mine")
        with pytest.raises(InputError, match=message):
            save_movie(path, given, **options)
        assert Path(path).read_text() == "mine"
    assert sorted(os.listdir()) == ["a.gif", "a.mp4"]


def test_a_movie_that_is_stopped_is_not_written() -> None:
    asked = iter([False, False, True])
    assert not save_movie("a.mp4", pictures(), stop=lambda: next(asked))
    assert os.listdir() == []


def test_a_full_disk_is_said_and_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it shows while pictures are written or only at the end."""
    from napari_style_transfer.io import video_writer

    save_movie("whole.mp4", pictures())
    size = Path("whole.mp4").stat().st_size

    class Full:
        room = 0

        def __init__(self, path: Path, _: str) -> None:
            self.file = open(path, "wb")  # noqa: SIM115 - closed below
            self.left = self.room

        def write(self, data: bytes) -> int:
            self.left -= len(data)
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

    monkeypatch.setattr(video_writer, "open", Full, raising=False)
    Path("a.mp4").write_text("mine")
    for room in (10, 500, size - 50):
        Full.room = room
        with pytest.raises(InputError, match=r"Cannot save a\.mp4: No space left on device\."):
            save_movie("a.mp4", pictures())
        assert Path("a.mp4").read_text() == "mine"
        assert sorted(os.listdir()) == ["a.mp4", "whole.mp4"]


# ---- sound ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_sound_is_copied_as_it_is(suffix: str) -> None:
    make("a.mp4", sound="aac")
    assert open_movie("a.mp4").has_sound
    save_movie(f"b.{suffix}", pictures(), rate=25, sound="a.mp4")
    before, after = packets("a.mp4"), packets(f"b.{suffix}")
    assert [data for _, data in after] == [data for _, data in before]
    np.testing.assert_allclose([t for t, _ in after], [t for t, _ in before], atol=0.025)


def test_sound_that_the_format_does_not_take_is_encoded_anew() -> None:
    make("a.mp4", sound="aac")
    save_movie("b.webm", pictures(), rate=25, sound="a.mp4")
    with av.open("b.webm") as container:
        assert container.streams.audio[0].codec_context.name == "opus"
        samples = np.concatenate([each.to_ndarray()[0] for each in container.decode(audio=0)])
    assert len(samples) / 48_000 == pytest.approx(COUNT / 25, abs=0.05)
    assert np.abs(samples).max() > 0.3


def test_sound_is_cut_with_the_pictures() -> None:
    make("a.mp4", frames=pictures(25), sound="aac")
    save_movie("b.mp4", pictures(10), rate=25, sound="a.mp4", sound_start=0.4)
    wanted = [(t - 0.4, data) for t, data in packets("a.mp4") if 0.4 <= t < 0.8]
    found = packets("b.mp4")
    assert [data for _, data in found] == [data for _, data in wanted]
    np.testing.assert_allclose([t for t, _ in found], [t for t, _ in wanted], atol=1e-3)


def test_a_movie_without_sound_gives_none() -> None:
    make("a.mp4")
    save_movie("b.mp4", pictures(), rate=25, sound="a.mp4")
    assert not open_movie("b.mp4").has_sound


def test_formats_are_those_that_are_named() -> None:
    with pytest.raises(InputError, match=r"its name must end in \.mp4, "):
        save_movie("a.avi", pictures())
    with pytest.raises(InputError, match="there is no folder no"):
        save_movie("no/a.mp4", pictures())
    assert movies.check_movie_output("a.MP4") == Path("a.MP4")
