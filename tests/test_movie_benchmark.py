"""What `make bench-movie` is made from: clips with known motion, measures with known answers, the page."""

import importlib
import json
import math
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="comes with the extra bench")

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def paths(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def clips():
    return importlib.import_module("benchmarks.movie_clips")


@pytest.fixture
def flow():
    return importlib.import_module("benchmarks.movie_flow")


@pytest.fixture
def measures():
    return importlib.import_module("benchmarks.movie_measures")


def texture(shape=(40, 60), sigma=2.0, seed=0):
    rng = np.random.default_rng(seed)
    values = cv2.GaussianBlur(rng.random((*shape, 3)), (0, 0), sigma)
    values = (values - values.min()) / np.ptp(values)
    return np.rint(255 * values).astype(np.uint8)


# The measures.


def test_a_texture_that_is_carried_along_has_no_warping_error(flow, measures):
    whole = texture((40, 80))
    frames = [whole[:, 3 * t : 3 * t + 60] for t in range(4)]
    shift = np.zeros((40, 60, 2), np.float32)
    shift[..., 0] = 3  # what is at x now was at x + 3

    def motion(late, early):
        back = shift * (late - early)
        return flow.Motion(back, flow.inside(back))

    found = measures.warping_error(frames.__getitem__, motion, [(1, 0), (3, 0)])
    assert found == pytest.approx(0, abs=0.01)
    still = lambda late, early: flow.Motion(0 * shift, flow.inside(0 * shift))  # noqa: E731
    assert measures.warping_error(frames.__getitem__, still, [(1, 0)]) > 20


def test_noise_of_its_own_in_each_frame_has_an_error_of_its_deviation_times_the_root_of_two(
    flow, measures
):
    rng = np.random.default_rng(0)
    frames = [
        np.clip(128 + rng.normal(0, 10, (100, 100, 3)), 0, 255).astype(np.uint8) for _ in "ab"
    ]
    nothing = np.zeros((100, 100, 2), np.float32)
    motion = flow.Motion(nothing, np.ones((100, 100), bool))
    found = measures.warping_error(frames.__getitem__, lambda *_: motion, [(1, 0)])
    assert found == pytest.approx(10 * math.sqrt(2), rel=0.02)


def test_what_is_not_valid_counts_for_nothing(flow, measures):
    frames = [np.zeros((10, 10, 3), np.uint8) for _ in "ab"]
    frames[1][:, :5], frames[1][:, 5:] = 200, 7
    valid = np.zeros((10, 10), bool)
    valid[:, 5:] = True
    motion = flow.Motion(np.zeros((10, 10, 2), np.float32), valid)
    assert measures.warping_error(frames.__getitem__, lambda *_: motion, [(1, 0)]) == 7
    hidden = flow.Motion(motion.flow, ~np.ones((10, 10), bool))
    assert math.isnan(measures.warping_error(frames.__getitem__, lambda *_: hidden, [(1, 0)]))


def test_blurring_lowers_both_figures_of_sharpness_and_shifting_neither(measures):
    sharp = texture(sigma=1)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 1.5)
    before, after = measures.sharpness(sharp), measures.sharpness(blurred)
    assert after.gradient < 0.7 * before.gradient
    assert after.laplacian < 0.3 * before.laplacian
    moved = measures.sharpness(np.roll(sharp, 7, axis=1))
    assert moved.gradient == pytest.approx(before.gradient, rel=0.1)


def test_drift_tells_darkening_from_change_and_the_far_from_the_near(measures):
    first = np.full((64, 64, 3), 100, np.uint8)
    still = np.ones((64, 64), bool)
    still[:, :10] = False
    last = first.copy()
    last[:, :10] = 250  # what moves
    last[:, 10:13] = 90  # a margin that darkens
    found = measures.drift(first, last, still)
    assert found.change == pytest.approx(10 * 3 / 54)
    assert found.brightening == pytest.approx(-10 * 3 / 54)
    assert found.far == 0
    last[::2], last[1::2] = 98, 102
    found = measures.drift(first, last, still)
    assert (found.change, found.brightening, found.far) == (2, 0, 2)


def test_levels_of_every_type_are_grey_levels_of_eight_bits(measures):
    grey = np.array([[0, 65535]], np.uint16)
    assert np.array_equal(measures.levels(grey), [[[0] * 3, [255] * 3]])
    assert np.array_equal(measures.levels(np.full((1, 1, 3), 9, np.uint8)), [[[9] * 3]])


# The clips.


@pytest.mark.parametrize(
    ("name", "most"), [("pan", 4), ("zoom", 4), ("still", 3), ("discs", 2 * 1.42 + 1)]
)
def test_the_known_motion_carries_earlier_frames_onto_later_ones(clips, flow, measures, name, most):
    clip = clips.make(name, 128, 12)
    assert clip.known
    assert clip.frames[0].shape == (85, 128, 3)
    for apart in (1, 10):
        motion = clip.motion(11, 11 - apart)
        assert 0.4 < motion.valid.mean() < 1
        found = measures.warping_error(clip.frames.__getitem__, clip.motion, [(11, 11 - apart)])
        assert found < most
    unmoved = flow.Motion(np.zeros_like(motion.flow), motion.valid)
    before = measures.warping_error(clip.frames.__getitem__, lambda *_: unmoved, [(11, 1)])
    assert before > 2 * found


def test_a_disc_hides_and_uncovers_and_the_rest_stands_still(clips):
    clip = clips.make("still", 128, 30)
    motion = clip.motion(29, 19)
    moves = np.hypot(*np.moveaxis(motion.flow, -1, 0)) > 0
    assert 0.02 < moves.mean() < 0.1
    uncovered = ~motion.valid & ~moves
    changed = np.abs(clip.frames[29].astype(int) - clip.frames[19]).max(axis=2) > 0
    inner = np.zeros_like(changed)
    inner[3:-3, 3:-3] = True
    assert not (changed & motion.valid & ~moves & inner).any()
    assert (changed & uncovered).sum() > 50
    assert not changed[clip.still].any()
    assert motion.moved[changed & inner].all()


def test_cells_bleach_to_half_in_a_hundred_frames_and_drift_as_told(clips, measures):
    clip = clips.make("fluorescence", 96, 101)
    assert clip.frames[0].dtype == np.uint16
    first, last = (np.asarray(clip.frames[t], float) for t in (0, 100))
    assert np.median(last) / np.median(first) == pytest.approx(0.5, abs=0.02)  # the background
    assert first.max() > 0.4 * 65535
    motion = clip.motion(10, 0)
    cells = (np.hypot(*np.moveaxis(motion.flow, -1, 0)) > 0.1) & motion.valid
    assert cells.any()
    both = [measures.levels(clip.frames[t]).mean(axis=2) for t in (10, 0)]
    flow = importlib.import_module("benchmarks.movie_flow")
    carried = flow.warp(both[1], motion.flow) * 2**-0.1
    assert np.abs(both[0] - carried)[cells].mean() < 0.5 * np.abs(both[0] - both[1])[cells].mean()


def test_pairs_do_not_reach_across_a_cut(clips):
    clip = clips.make("cut", 48, 44)
    assert clip.cuts == (22,)
    chosen = clips.sampled(clip)
    assert {0, 9, 10, 19, 20, 21, 22, 31, 32, 41, 42, 43} == set(chosen)
    for apart in (1, 10):
        found = clips.pairs(clip, apart, chosen)
        assert found
        assert all((late < 22) == (early < 22) and late - early == apart for late, early in found)
    second = clips.make("discs", 48, 22)
    assert np.array_equal(clip.frames[30], second.frames[8])
    assert np.array_equal(clip.motion(32, 22).flow, second.motion(10, 0).flow)


def test_a_film_of_one_frame_has_nothing_to_compare(clips):
    clip = clips.Clip("one", [np.zeros((8, 8, 3), np.uint8)], None, known=False)
    assert clips.sampled(clip) == [0]
    assert clips.pairs(clip, 1, [0]) == []


def test_the_motion_of_a_film_is_found_over_one_frame_and_over_ten(clips, flow):
    known = clips.make("pan", 128, 12)
    found = flow.Estimated([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in known.frames])
    for apart in (1, 10):
        exact, estimate = known.motion(11, 11 - apart), found(11, 11 - apart)
        both = exact.valid & estimate.valid
        assert both.mean() > 0.7
        assert np.median(np.linalg.norm(exact.flow - estimate.flow, axis=-1)[both]) < 0.1


def test_a_film_hides_what_has_no_counterpart(flow):
    first = texture((60, 90), seed=1)
    second = first.copy()
    second[20:40, 30:60] = texture((20, 30), seed=2)
    grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in (first, second)]
    valid = flow.Estimated(grey)(1, 0).valid
    assert valid[5:12, 5:-5].mean() > 0.9
    assert valid[22:38, 32:58].mean() < 0.6


# What the processes leave.


def test_a_run_that_was_interrupted_paints_only_what_is_missing(tmp_path):
    jobs = importlib.import_module("benchmarks.movie_jobs")
    party = importlib.import_module("benchmarks.movie_party")
    job = jobs.MovieJob(str(tmp_path), "", "steady", (0, 1), "", "", 8, 1, "cpu")
    out = party.Folder(job)
    picture = texture((6, 8))
    out.write((0,), picture, None)
    assert out.seconds > 0
    assert np.array_equal(out[0,], picture)
    assert out.done == frozenset()  # its time is not known yet
    jobs.note(tmp_path, 0, jobs.Lap(1.5, 2.0, 7, 10, 20))
    assert party.Folder(job).done == {(0,)}
    jobs.note(tmp_path, 0, jobs.Lap(0.5, 1.0, 3, 11, 21))
    assert jobs.laps(tmp_path) == {0: jobs.Lap(2.0, 3.0, 10, 11, 21)}


def test_frames_are_read_when_they_are_asked_for(tmp_path):
    jobs = importlib.import_module("benchmarks.movie_jobs")
    frames = [np.full((2, 3), n, np.uint16) for n in range(3)]
    kept = jobs.Frames.keep(frames, tmp_path)
    assert (len(kept), kept[2].dtype) == (3, np.uint16)
    np.save(tmp_path / "0001.npy", 9)
    assert kept[1] == 9
    assert len(jobs.Frames.keep(frames[:2], tmp_path)) == 2


class TwoLayers:
    """In the second network's place: the colours, and the differences of neighbours."""

    def grams(self, picture):
        flats = [picture[0].flatten(1), picture.diff(dim=-1)[0].flatten(1)]
        return [flat @ flat.T / flat.shape[1] for flat in flats]


@pytest.mark.engine
def test_the_judge_finds_what_was_left_behind_where_the_content_moves():
    judge = importlib.import_module("benchmarks.movie_judge")
    plain = importlib.import_module("benchmarks.judge")
    style, content = texture((64, 64), seed=3), texture((64, 64), seed=4)
    painted = content.copy()
    painted[:16, :16] = texture((16, 16), seed=5)
    moved = np.zeros((64, 64), bool)
    moved[:16, :16] = True
    one = judge.MovieJudge(style, second=TwoLayers())
    found = one(content, painted, moved)
    assert one(content, content, moved).content == 0
    assert found.moving > 2 * found.content > 0
    assert one(content, painted, ~moved).moving < found.content
    assert math.isnan(one(content, painted, moved & ~moved).moving)
    other = plain.Judge(content, style, "cpu")(painted)
    assert found.content == pytest.approx(other.content, rel=1e-4)
    assert found.style == pytest.approx(other.style, rel=1e-4)
    assert one(content, style, moved).gram == pytest.approx(0, abs=1e-6)


# The page and the pictures.


def record(warping, content, seconds, resident=1e9, drift=None):
    verdict = {"content": content, "moving": 2 * content, "style": 6.0, "gram": 0.5}
    verdict |= {"gradient": 4.0, "laplacian": 9.0}
    lap = {"seconds": seconds, "processor": 2 * seconds, "evaluations": 5, "peak": resident}
    found = {
        "warping": {"1": warping, "10": 2 * warping},
        "verdicts": {"0": verdict, "10": verdict},
        "laps": {str(t): lap | {"resident": resident * (1 + t / 100)} for t in range(12)},
    }
    if drift is not None:
        found["drift"] = {"10": {"change": drift, "brightening": -drift, "far": 0.0}}
    return found


@pytest.fixture
def data():
    contestants = {
        "input": record(1.0, 0.0, 0.0, drift=0.0) | {"laps": {}},
        "independent": record(10.0, 100.0, 6.0, drift=9.0),
        "steady": record(4.0, 110.0, 1.5, drift=0.5),
    }
    clip = {"shape": [64, 96, 3], "frames": 12, "known": True, "cuts": [6]}
    versions = {"torch": "2"}
    machine = {
        "processor": "p", "vector_instructions": "v", "cores": 1, "threads": 1, "load_before": 0,
        "memory_gb": 1, "device": "cpu", "system": "s", "python": "3", "versions": versions,
    }  # fmt: skip
    whole = {
        "commands": ["python -m benchmarks.movie"], "size": 96, "frames": 12, "steps": 10,
        "style": "night", "machine": machine, "clips": {"still": clip | {"contestants": contestants}},
    }  # fmt: skip
    return json.loads(json.dumps(whole))


def test_the_page_tells_which_aims_are_reached(data):
    report = importlib.import_module("benchmarks.movie_report")
    text = report.text(data)
    assert "| steady: warping error over 1 frame, at most 0.5 times | 0.4 ✓ |" in text
    assert "| steady: content loss, at most 1.05 times | 1.1 ✗ |" in text
    assert "| steady: time, at most a third | 0.25 ✓ |" in text
    assert "| steady: drift of static places, at most 1 grey level | 0.5 ✓ |" in text
    assert "| steady: memory grows by at most 2 % | 1.83 ✓ |" in text
    assert "| fast style, steady: at most 0.15 s a frame | – |" in text
    assert "96 × 64 px, 12 frames, cuts at 6; its motion is exact." in text
    assert (
        "| steady | 4 (0.4) | 8 (0.4) | 1.1 (1.1) | 1.1 | 1 | 1 | 1, 1 | 1.5 (0.25) | 3 (0.25) | 5 | "
        "1.09, 1.11 |" in text
    )
    assert "| steady | 0.5 | -0.50 | 0 |" in text


def test_drift_counts_only_where_the_input_has_no_noise(data):
    report = importlib.import_module("benchmarks.movie_report")
    data["clips"]["still"]["contestants"]["input"]["drift"]["10"]["change"] = 2.0
    assert "| steady: drift of static places, at most 1 grey level | – |" in report.text(data)


def test_the_sheet_shows_neighbours_and_their_difference_and_leaves_gaps(clips, tmp_path):
    from PIL import Image

    pictures = importlib.import_module("benchmarks.movie_pictures")
    clip = clips.make("still", 64, 22)
    own = dict(enumerate(clip.frames))
    rows = pictures.sheet_rows(clip, {"input": own, "independent": {9: own[9]}})
    assert list(rows[0].pictures) == ["frame 9", "frame 10", "changed, 4 times", "frame 20"]
    assert rows[1].pictures["frame 20"] is None
    assert rows[0].pictures["changed, 4 times"].mean() < 10
    pictures.save_small(pictures.sheet(rows), tmp_path / "sheet.jpg")
    assert (tmp_path / "sheet.jpg").stat().st_size <= 1_000_000
    pictures.play({"input": clip.frames[:4], "steady": clip.frames[:4]}, tmp_path / "a.webp", 25)
    with Image.open(tmp_path / "a.webp") as played:
        assert (played.n_frames, played.width) == (4, 2 * 210 + 4)
