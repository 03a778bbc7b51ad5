"""Learning a fast style: crops, the start, and what is learned."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from napari_style_transfer import FastStyle, InputError, LearningSettings, iter_learn, samples
from napari_style_transfer.engine.learning.crops import Contents
from napari_style_transfer.engine.learning.start import (
    joined,
    network_from,
    random_network,
    with_styles,
)
from napari_style_transfer.errors import OutOfMemoryError
from napari_style_transfer.fast_style import FastStyle as Learned
from napari_style_transfer.progress import Status

SCRATCH = LearningSettings(start="scratch", crop=64, size=128, minutes=0.1, device="cpu")
STYLE = samples.load("woodcut")[::4, ::4]
CONTENT = samples.load("astronaut")[::4, ::4]


def last(*arguments: Any, **options: Any) -> Any:
    *_, step = iter_learn(*arguments, **options)
    return step


def positions(height: int, width: int) -> torch.Tensor:
    """Return a picture whose pixels tell where they are."""
    rows = torch.linspace(0, 1, height).view(1, 1, -1, 1).expand(1, 1, height, width)
    columns = torch.linspace(0, 1, width).view(1, 1, 1, -1).expand(1, 1, height, width)
    return torch.cat([rows, columns, torch.zeros(1, 1, height, width)], 1)


# --- crops ------------------------------------------------------------------------------------------


def test_nothing_is_learned_from_what_is_held_out_of_one_picture() -> None:
    contents = Contents.of([positions(100, 200)], size=200, crop=48)
    assert contents.held_out.shape == (1, 3, 48, 48)
    ((learned, longest),) = contents.learned
    assert longest == 200
    assert learned[0, 1].max() < contents.held_out[0, 1].min()


def test_of_many_pictures_whole_ones_are_held_out() -> None:
    pictures = [torch.full((1, 3, 64, 64), n / 20) for n in range(20)]
    contents = Contents.of(pictures, size=64, crop=32)
    held = {round(float(each.mean()) * 20) for each in contents.held_out}
    learned = {round(float(each.mean()) * 20) for each, _ in contents.learned}
    assert held
    assert not held & learned
    assert held | learned == set(range(20))


@pytest.mark.parametrize("shape", [(16, 16), (16, 700), (333, 47)])
def test_crops_have_their_size_whatever_the_picture(shape: tuple[int, int]) -> None:
    contents = Contents.of([torch.rand(1, 3, *shape)], size=512, crop=96)
    crops = contents.draw(3, Random(0)).pictures
    assert crops.shape == (3, 3, 96, 96)
    assert 0 <= crops.min() <= crops.max() <= 1
    assert contents.held_out.shape[2] % 16 == 0


def test_crops_show_the_content_at_the_size_that_is_asked_for() -> None:
    """A content of 400 px seen at 200 px: 50 px of a crop are 100 of its own, more or less."""
    contents = Contents.of([positions(400, 400)] * 8, size=200, crop=50)
    spans = []
    for n in range(20):
        crop = contents.draw(1, Random(n)).pictures
        spans.append(float(crop[0, 0].max() - crop[0, 0].min()))
    assert 0.25 / 1.3 / 1.3 < np.median(spans) < 0.25 * 1.4 * 1.3


# --- the start --------------------------------------------------------------------------------------


def test_a_style_begins_as_the_one_that_meets_it_best() -> None:
    base = random_network(3, seed=0)
    with torch.no_grad():
        for number in range(3):  # three styles that paint darker and darker
            base.last.offset[3 * number] = -2.0 * number
    contents = torch.rand(1, 3, 32, 32)

    def loss(painted: torch.Tensor, number: int) -> float:
        return abs(float(painted.mean()) - (0.02, 0.5)[number])

    network = network_from(base, 2, contents, loss)
    for new, old in ((0, 2), (1, 0)):
        one = network(contents, network.condition([float(n == new) for n in range(2)], 0.5, 1))
        other = base(contents, base.condition([float(n == old) for n in range(3)], 0.5, 1))
        torch.testing.assert_close(one, other)


def test_styles_can_be_taken_out_of_a_network() -> None:
    base = random_network(3, seed=0)
    with torch.no_grad():
        for name, parameter in base.named_parameters():
            if not name.endswith("weight"):
                parameter += 0.2 * torch.randn_like(parameter)
    alone = with_styles(base, [1])
    content = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(
        alone(content, alone.condition([1], 0.8, 1.5)),
        base(content, base.condition([0, 1, 0], 0.8, 1.5)),
    )


def test_networks_are_joined_by_their_mean() -> None:
    one, two = random_network(1, seed=0), random_network(2, seed=0)
    with torch.no_grad():
        two.last.offset[3] = 1.0  # of its second style
    both = joined([one, two])
    content = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(
        both(content, both.condition([0, 0, 1], 0.5, 1)),
        two(content, two.condition([0, 1], 0.5, 1)),
    )


# --- learning ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_learned_meets_the_objective_better(tmp_path: Path) -> None:
    steps = list(iter_learn({"red": STYLE}, [CONTENT], settings=SCRATCH, content_names=["a face"]))
    end = steps[-1]
    assert end.status is Status.FINISHED
    assert all(step.status is Status.RUNNING for step in steps[:-1])
    assert [step.steps for step in steps] == list(range(1, len(steps) + 1))
    assert end.best < 0.8 * steps[0].losses.total
    info = end.fast_style.info
    assert (info.names, info.contents) == (("red",), ("a face",))
    assert info.figures["style"] < info.figures["style before"]
    assert max(info.thumbnails[0].shape) == 128
    assert info.settings == SCRATCH
    end.fast_style.save(tmp_path / "red.safetensors")
    painted = FastStyle.load(tmp_path / "red.safetensors")(CONTENT)
    assert painted.shape == CONTENT.shape


@pytest.mark.slow
def test_it_goes_on_from_what_was_learned() -> None:
    first = last({"red": STYLE}, [CONTENT], settings=SCRATCH, minutes=0.03)
    begun = next(iter_learn({"red": STYLE}, [CONTENT], settings=SCRATCH, base=first.fast_style))
    assert begun.losses.total == pytest.approx(first.best, rel=0.02)
    second = last({"red": STYLE}, [CONTENT], settings=SCRATCH, base=first.fast_style, minutes=0.03)
    assert second.best <= first.best * 1.02
    seconds = first.fast_style.info.seconds
    assert second.fast_style.info.seconds == pytest.approx(seconds + second.seconds)


@pytest.mark.slow
def test_another_style_begins_with_the_network_of_a_known_one() -> None:
    known = last({"red": STYLE}, [CONTENT], settings=SCRATCH, minutes=0.05).fast_style
    other = iter_learn(
        {"day": samples.load("meadow")[::4, ::4]}, [CONTENT], settings=SCRATCH, base=known
    )
    begun = next(other)
    fresh = next(iter_learn({"day": samples.load("meadow")[::4, ::4]}, [CONTENT], settings=SCRATCH))
    assert begun.losses.total < fresh.losses.total
    assert known.names == ("red",)


@pytest.mark.slow
def test_frozen_half_way_it_learns_on_and_paints_by_plain_convolutions(tmp_path: Path) -> None:
    end = last({"red": STYLE}, [CONTENT], settings=SCRATCH, frozen=True)
    network = end.fast_style.transformer
    assert network.frozen
    assert end.best < end.fast_style.info.figures["style before"]
    content = torch.rand(1, 3, 160, 256)
    condition = network.condition([1], 0.5, 1)
    beyond = content.clone()
    beyond[..., 160:] = 0
    seen = network(content, condition), network(beyond, condition)
    within = 160 - network.receptive_field
    torch.testing.assert_close(seen[0][..., :within], seen[1][..., :within])
    end.fast_style.save(tmp_path / "red.safetensors")
    again = FastStyle.load(tmp_path / "red.safetensors")
    plain = {"device": "cpu", "precision": "float32"}
    difference = again(CONTENT, **plain).astype(int) - end.fast_style(CONTENT, **plain)
    assert abs(difference).max() <= 1


def test_stop_keeps_the_best() -> None:
    calls = iter([False, False, True])
    steps = list(iter_learn({"red": STYLE}, [CONTENT], settings=SCRATCH, stop=lambda: next(calls)))
    assert len(steps) == 3
    assert steps[-1].status is Status.STOPPED
    assert isinstance(steps[-1].fast_style, Learned)


def test_snapshots_do_not_change_any_more() -> None:
    steps = iter_learn({"red": STYLE}, [CONTENT], settings=SCRATCH, snapshot_interval=0)
    first = next(steps).fast_style
    before = first(CONTENT, device="cpu", precision="float32")
    next(steps)
    np.testing.assert_array_equal(first(CONTENT, device="cpu", precision="float32"), before)
    steps.close()


def test_of_a_long_stack_some_slices_are_read() -> None:
    read = []

    class Stack:
        def __len__(self) -> int:
            return 1000

        def __getitem__(self, number: int) -> Any:
            read.append(number)
            return CONTENT[::2, ::2]

    next(iter_learn({"red": STYLE}, Stack(), settings=SCRATCH))
    assert len(read) == len(set(read)) == 64
    assert (read[0], read[-1]) == (0, 999)


@pytest.mark.parametrize(
    ("styles", "contents", "words"),
    [
        ({}, [CONTENT], "at least one style"),
        ({"a": STYLE}, [], "at least one picture to learn from"),
        ({"a": STYLE[:1, :1]}, [CONTENT], "style 'a' picture is 1 × 1 px"),
        ({"a": np.full((32, 32), 7, np.uint8)}, [CONTENT], "'a' has one colour only"),
        ({"a": np.full((32, 32), np.nan)}, [CONTENT], "style 'a'"),
        ({"a": np.zeros((32, 32, 5))}, [CONTENT], "style 'a' picture has the shape"),
    ],
)
def test_bad_input_is_told_at_the_call(styles: Any, contents: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        iter_learn(styles, contents, settings=SCRATCH)


@pytest.mark.parametrize(
    "content", [CONTENT[:4], np.full((32, 32), np.nan), np.zeros((9, 9, 9, 9))]
)
def test_a_bad_content_is_named(content: Any) -> None:
    steps = iter_learn({"a": STYLE}, [CONTENT, content], settings=SCRATCH, content_names=["x", "y"])
    with pytest.raises(InputError, match="content 'y'"):
        next(steps)


def test_an_absent_device_is_told() -> None:
    step = next(iter_learn({"a": STYLE}, [CONTENT], settings=SCRATCH, device="cuda:7"))
    assert (step.device, step.note[:27]) == ("cpu", "There is no cuda:7 device h")


def test_too_little_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise RuntimeError("not enough memory: you tried to allocate memory")

    monkeypatch.setattr("napari_style_transfer.engine.learning.trainer.Trainer.step", full)
    with pytest.raises(OutOfMemoryError, match="choose smaller crops"):
        next(iter_learn({"a": STYLE}, [CONTENT], settings=SCRATCH))
