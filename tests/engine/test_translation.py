"""Translation between two kinds of pictures: networks, losses, the judge, learning and its files."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from napari_style_transfer.engine.losses.contrastive import PatchContrast
from napari_style_transfer.engine.networks.discriminator import Discriminator
from napari_style_transfer.engine.networks.generator import STRIDE, Generator
from napari_style_transfer.engine.translation.apply import HALO, translate
from napari_style_transfer.engine.translation.contrastive import ContrastiveTrainer
from napari_style_transfer.engine.translation.cycle import CycleTrainer
from napari_style_transfer.engine.translation.domain import Domain
from napari_style_transfer.engine.translation.judge import Likeness, compare_edges
from napari_style_transfer.engine.translation.trainer import Trainer
from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.translate import _Learning, iter_translation
from napari_style_transfer.progress import Status
from napari_style_transfer.translation import Agreement, TranslationSettings, TranslationStep
from napari_style_transfer.translator import Translator

SMALL: dict[str, Any] = {"width": 8, "patch": 32, "device": "cpu", "minutes": 0.004}


def discs(count: int, seed: int, side: int = 64, low: float = 50, high: float = 200) -> list[Any]:
    """Return pictures of bright discs, (side, side) uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    pictures = []
    for _ in range(count):
        picture = np.full((side, side), low)
        for row, column in random.uniform(0, side, (4, 2)):
            picture[np.hypot(rows - row, columns - column) < 8] = high
        pictures.append(
            (picture + random.normal(0, 2, picture.shape)).clip(0, 255).astype(np.uint8)
        )
    return pictures


def network(channels: int = 1, *, changes: bool = True) -> Generator:
    """Return a generator; one that changes what it is given, as if it had learned."""
    torch.manual_seed(0)
    generator = Generator(channels, 8)
    if changes:
        torch.nn.init.normal_(generator.last.weight, std=0.2)
    return generator.requires_grad_(False)


def last(steps: Any) -> TranslationStep:
    """Return the last step of a learning."""
    *_, step = steps
    assert isinstance(step, TranslationStep)
    return step


def test_a_new_network_changes_next_to_nothing() -> None:
    picture = torch.rand(2, 3, 32, 40)
    assert (network(3, changes=False)(picture) - picture).abs().max() < 0.05


def test_a_pixel_depends_on_no_more_than_the_halo() -> None:
    generator, picture = network(), torch.rand(1, 1, 176, 176, requires_grad=True)
    generator(picture)[0, 0, 88:92, 88:92].sum().backward()
    assert picture.grad is not None
    seen = picture.grad[0, 0].nonzero()
    reach = max(88 - int(seen.min()), int(seen.max()) - 91)
    assert 16 < reach <= HALO
    assert HALO % STRIDE == 0


@pytest.mark.parametrize("shape", [(97, 70), (21, 133), (3, 5)])
def test_tiles_show_no_seams(shape: tuple[int, int]) -> None:
    generator, picture = network(), torch.rand(1, *shape)
    whole = translate(generator, picture)
    assert whole.shape == picture.shape
    assert (whole - picture).abs().max() > 0.01
    for side in (16, 32):
        torch.testing.assert_close(translate(generator, picture, tile_size=side), whole)


def test_a_stopped_translation_leaves_the_rest_as_it_is() -> None:
    answers = iter([False, True])
    picture = torch.rand(1, 32, 64)
    made = translate(network(), picture, tile_size=32, stop=lambda: next(answers))
    assert (made[..., :32] != picture[..., :32]).any()
    assert (made[..., 32:] == picture[..., 32:]).all()


def test_places_are_recognised_by_themselves_alone() -> None:
    torch.manual_seed(0)
    contrast, maps = PatchContrast([4]), torch.randn(2, 4, 6, 6)
    same = contrast([maps], [maps], Random(0))
    assert same < contrast([maps.roll(3, -1)], [maps], Random(0))
    assert same < 1


def test_only_the_translated_picture_is_moved_by_the_contrast() -> None:
    translated, original = (torch.randn(1, 4, 6, 6, requires_grad=True) for _ in range(2))
    PatchContrast([4])([translated], [original], Random(0)).backward()
    assert translated.grad is not None
    assert translated.grad.abs().sum() > 0
    assert original.grad is None


def test_a_discriminators_slope_is_limited() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(1, 8)
    for _ in range(20):  # the norms are found by iteration
        discriminator(torch.rand(1, 1, 32, 32))
    one, two = (discriminator.eval()(torch.rand(1, 1, 64, 64)) for _ in range(2))
    assert (one - two).norm() < 2 * 64  # of pictures that differ by some 26


def test_domains_hold_parts_of_few_pictures_out_and_whole_ones_of_many() -> None:
    few = Domain.of([torch.arange(100.0).expand(1, 40, 100)], 4)
    assert few.learned[0].shape == (1, 40, 75)
    assert few.held_out[0].min() >= 75
    many = Domain.of([torch.full((1, 40, 40), float(n)) for n in range(8)], 4)
    assert [int(each[0, 0, 0]) for each in many.learned] == [0, 1, 2, 4, 5, 6]
    assert [int(each[0, 0, 0]) for each in many.held_out] == [3, 7]
    assert few.draw(3, 32, Random(0)).shape == (3, 1, 32, 32)


def test_large_pictures_are_drawn_from_more_often() -> None:
    domain = Domain.of([torch.zeros(1, 64, 64), torch.ones(1, 64, 640)], 4)
    means = domain.draw(200, 16, Random(0)).mean((1, 2, 3))
    assert 0.8 < means.mean() < 1


def soft(picture: Any) -> Tensor:
    return torch.from_numpy(np.asarray(picture, np.float32) / 255)[None]


def test_the_judge_sees_what_is_inverted_lost_and_invented() -> None:
    before = [soft(each) for each in discs(2, 0)]
    same = compare_edges(before, [each * 0.5 + 0.2 for each in before], False)
    assert same.score > 0.99
    assert same.inverted == 0
    assert not same.warnings
    inverted = compare_edges(before, [1 - each for each in before], False)
    assert inverted.inverted == 1
    assert "changed places" in inverted.warnings[0]
    other = compare_edges(before, [soft(each) for each in discs(2, 1)], False)
    assert other.score < 0.4
    assert {"lost" in "".join(other.warnings), "invented" in "".join(other.warnings)} == {True}
    more = [torch.maximum(one, soft(two)) for one, two in zip(before, discs(2, 1), strict=True)]
    added = compare_edges(before, more, False)
    assert added.kept > 0.6 > 1 - added.invented


def test_likeness_grows_towards_the_target_in_values_and_in_texture() -> None:
    source = [soft(each) for each in discs(4, 0)]
    target = [0.5 * soft(each) + 0.3 for each in discs(4, 1)]
    likeness = Likeness(source, target)
    assert likeness(source) == 0
    recoloured = likeness([0.5 * each + 0.3 for each in source])
    assert recoloured > 0.7
    torch.manual_seed(0)
    assert (
        likeness([0.5 * each + 0.3 + 0.1 * torch.randn_like(each) for each in source]) < recoloured
    )


def test_likeness_does_not_count_how_often_something_is_shown() -> None:
    source = [soft(each) for each in discs(4, 0, 96)]
    crowded = [
        torch.maximum(soft(one), soft(two))
        for one, two in zip(discs(4, 1, 96), discs(4, 2, 96), strict=True)
    ]
    likeness = Likeness(source, [(0.5 * each + 0.3).clamp(0, 0.7) for each in crowded])
    assert likeness([(0.5 * each + 0.3).clamp(0, 0.7) for each in source]) > 0.9


@pytest.mark.parametrize("kind", [ContrastiveTrainer, CycleTrainer])
def test_every_parameter_is_trained(kind: type[Trainer]) -> None:
    torch.manual_seed(0)
    source = Domain.of([soft(each) for each in discs(2, 0)], STRIDE)
    target = Domain.of([1 - soft(each) for each in discs(2, 1)], STRIDE)
    settings = TranslationSettings(**SMALL)
    trainer = kind(Generator(1, 8), source, target, settings, torch.device("cpu"), torch.float32)
    before = trainer.copy()
    losses = [trainer.step(0.0) for _ in range(12)]
    assert all(torch.isfinite(loss) for step in losses for loss in step.values())
    pairs = zip(before.parameters(), trainer.average.parameters(), strict=True)
    assert all((one != two).any() for one, two in pairs)
    assert trainer.generator.training
    assert not any(each.requires_grad for each in trainer.average.parameters())


def learned_in(steps: int, source: Any, target: Any, **options: Any) -> TranslationStep:
    """Return the last step of a learning of so many steps, however long they take."""
    count = iter(range(steps + 1))
    stop = lambda: next(count) >= steps - 1  # noqa: E731
    return last(iter_translation(source, target, stop=stop, **{**SMALL, "minutes": 10, **options}))


def test_the_same_seed_learns_the_same() -> None:
    source, target = discs(3, 0), discs(3, 1, low=150)
    found = [learned_in(12, source, target, seed=seed) for seed in (0, 0, 1)]
    assert {step.steps for step in found} == {12}
    assert {step.status for step in found} == {Status.STOPPED}
    one, two, other = (step.translator(source[0]) for step in found if step.translator)
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_start_has_the_targets_mean_and_deviation() -> None:
    source, target = discs(4, 0), discs(4, 1, low=150)
    translator = learned_in(1, source, target).translator
    assert translator is not None
    made = np.stack([translator(each) for each in source])
    assert abs(made.mean() - np.mean(target)) < 3
    assert abs(made.std() - np.std(target)) < 3


def test_a_negative_is_begun_with_where_it_is_wished_for(tmp_path: Path) -> None:
    source, target = discs(4, 0), [255 - each for each in discs(4, 1, low=150)]
    translator = learned_in(1, source, target, tones="negative").translator
    assert translator is not None
    made = np.stack([translator(each) for each in source])
    assert abs(made.mean() - np.mean(target)) < 3
    assert made[0][source[0] > 150].mean() < made[0][source[0] < 100].mean() - 30
    path = tmp_path / "negative.safetensors"
    translator.save(path)
    again = Translator.load(path)
    assert np.abs(made[0].astype(int) - again(source[0])).max() <= 1
    with pytest.raises(InputError, match="tones negative; choose the same"):
        iter_translation(source, target, start=again, **SMALL)


@pytest.mark.parametrize(("tones", "other"), [("kept", "negative"), ("negative", "kept")])
def test_it_says_where_light_and_dark_have_changed_places(tones: str, other: str) -> None:
    source, target = discs(4, 0), discs(4, 1, low=150)
    turned = [255 - each for each in target]
    fitting, wrong = (target, turned) if tones == "kept" else (turned, target)
    notes = [
        next(iter_translation(source, each, **{**SMALL, "minutes": 10}, tones=tones)).note
        for each in (fitting, wrong)
    ]
    assert notes[0] == ""
    assert f"choose {other} for Tones" in notes[1]


@pytest.mark.slow
def test_learning_finds_the_true_map_without_pairs() -> None:
    """Haze: a part of the light comes from 6 pixels around, on average."""

    def hazy(picture: Any) -> Any:
        light = picture.astype(float)
        return np.clip(0.4 * light + 0.8 * ndimage.gaussian_filter(light, 6), 0, 255)

    source, test = discs(4, 0, 96), discs(2, 77, 96)
    target = [hazy(each).astype(np.uint8) for each in discs(4, 1, 96)]
    errors = []
    for steps in (1, 800):
        step = learned_in(steps, source, target, patch=64)
        assert step.translator is not None
        errors.append(
            np.mean([np.square(step.translator(each) - hazy(each)).mean() for each in test])
        )
    assert errors[1] < 0.5 * errors[0]
    assert step.structure > 0.85
    assert step.likeness > 0.3


def test_what_is_learned_is_saved_loaded_and_learned_on(tmp_path: Path) -> None:
    source = [each.astype(np.uint16) * 10 for each in discs(2, 0)]
    target = discs(2, 1, low=20, high=90)
    step = last(iter_translation(source, target, names=("a", "b"), **SMALL))
    assert step.status is Status.FINISHED
    assert step.seconds_left == 0
    translator = step.translator
    assert translator is not None
    path = tmp_path / "ab.safetensors"
    translator.save(path)
    again = Translator.load(path)
    info = again.info
    assert (info.source, info.target, info.dtype, info.source_dtype) == (
        "a",
        "b",
        "uint8",
        "uint16",
    )
    assert info.settings == translator.info.settings
    assert info.agreement == translator.info.agreement
    one, two = (each(source[0]) for each in (translator, again))
    assert one.dtype == two.dtype == np.uint8
    assert np.abs(one.astype(int) - two).max() <= 1  # half precision
    further = last(iter_translation(source, target, start=again, **SMALL))
    assert further.translator is not None
    assert further.translator.info.seconds >= info.seconds  # a worse one never takes its place
    assert np.array_equal(again(source[0]), two)  # stays what it was
    with pytest.raises(InputError, match="has 2 channel"):
        iter_translation(
            [np.stack([each] * 2) for each in source],
            [np.stack([each] * 2) for each in target],
            start=again,
        )


@pytest.mark.parametrize(("shape", "axes"), [((40, 50), 1), ((40, 50, 3), 3), ((2, 40, 50), 2)])
def test_a_translated_picture_has_the_axes_of_the_original(
    shape: tuple[int, ...], axes: int
) -> None:
    info = last(
        iter_translation(discs(2, 0), [255 - each for each in discs(2, 1)], **SMALL)
    ).translator
    assert info is not None
    values = info.info.target_range
    wide = type(values)(
        *(np.broadcast_to(each, (axes, 1, 1)) for each in (values.low, values.high))
    )
    from dataclasses import replace

    translator = Translator(
        network(axes, changes=False),
        replace(info.info, source_range=wide, target_range=wide, colour=axes == 3),
    )
    picture = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    made = translator(picture)
    assert made.shape == shape
    span = float((wide.high - wide.low).max())
    expected = picture.astype(float)
    assert np.abs(made - np.clip(expected, 0, 255)).max() < 0.1 * span


NAN = np.full((64, 64), np.nan, np.float32)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ([], discs(1, 0), "There are no pictures in 'source'"),
        (discs(2, 0), discs(2, 0), "are the same pictures"),
        (discs(1, 0), [np.zeros((64, 64, 3), np.uint8)], "one value only"),
        (
            discs(1, 0),
            [np.random.default_rng(0).integers(0, 9, (64, 64, 3), np.uint8)],
            "has colours",
        ),
        ([discs(1, 0)[0][:20]], discs(1, 1), "too little to learn from below 48 px"),
        ([NAN], discs(1, 1), "not finite"),
        ([np.zeros((64, 64), np.uint8)], discs(1, 1), "one value only"),
        ([np.zeros(64)], discs(1, 1), "should be (H, W)"),
        ([*discs(1, 0), np.stack(discs(2, 0))], discs(1, 1), "differ in their channels"),
        (
            [*discs(1, 0), discs(1, 2)[0] / 255],
            discs(1, 1),
            "differ in their type: number 2 is float64",
        ),
        (discs(3, 0), discs(3, 0)[::-1], "are the same pictures"),
        (discs(3, 0)[1:], discs(3, 0), "are the same pictures, or some of them"),
        (discs(3, 0), [*discs(1, 0), np.zeros((64, 64), np.uint8)], "or some of them"),
    ],
)
def test_bad_input_is_one_sentence(source: Any, target: Any, words: str) -> None:
    with pytest.raises(InputError) as error:
        iter_translation(source, target, **SMALL)
    assert words in str(error.value)
    assert str(error.value).count("\n") == 0


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (
            [*discs(2, 0), np.zeros((64, 64), np.uint8)],
            discs(2, 1),
            "1 of the 3 pictures of 'source'",
        ),
        (discs(2, 0), discs(2, 1, low=300), "of the pixels of 'target' have the highest value"),
        (
            discs(2, 0),
            [np.kron(each, np.ones((10, 10), np.uint8)) for each in discs(2, 1)],
            "times as",
        ),
    ],
)
def test_what_may_spoil_a_translation_is_said_at_once(source: Any, target: Any, words: str) -> None:
    step = next(iter_translation(source, target, **{**SMALL, "minutes": 10}))
    assert words in step.note


def test_what_pictures_were_wrong_with_stays_with_the_translator(tmp_path: Path) -> None:
    translator = learned_in(1, discs(2, 0), discs(2, 1, low=300)).translator
    assert translator is not None
    assert "of the pixels of 'target' have the highest value" in translator.info.warnings[0]
    translator.save(tmp_path / "a.safetensors")
    assert Translator.load(tmp_path / "a.safetensors").info.warnings == translator.info.warnings


def test_values_of_another_scale_are_refused() -> None:
    whole, unit = discs(2, 0), [each / 255 for each in discs(2, 0)]
    for source, other in ((whole, unit), (unit, whole)):
        translator = learned_in(1, source, discs(2, 1, low=90)).translator
        assert translator is not None
        with pytest.raises(InputError, match="the microscope's own values"):
            translator(other[0])
        assert translator(source[0].astype(float)).shape == (64, 64)


def test_a_grey_picture_among_colours_is_one_of_them() -> None:
    colours = [np.stack([each, each // 2, 255 - each], 2) for each in discs(3, 0)]
    grey = np.repeat(discs(1, 2)[0][..., None], 3, 2)
    steps = iter_translation([*colours, grey], [255 - each for each in colours], **SMALL)
    translator = last(steps).translator
    assert translator is not None
    assert translator.info.colour
    assert translator(grey).shape == grey.shape


def test_pictures_of_another_kind_are_refused() -> None:
    translator = last(iter_translation(discs(2, 0), discs(2, 1, low=90), **SMALL)).translator
    assert translator is not None
    with pytest.raises(
        InputError, match="is of type uint16, but this translator learned from uint8"
    ):
        translator(discs(1, 0)[0].astype(np.uint16))
    with pytest.raises(InputError, match="has 2 channel"):
        translator(np.stack(discs(2, 0)))


def test_warnings_are_for_bad_translations_only() -> None:
    assert not Agreement(0.9, 0.1, 0.0).warnings
    assert len(Agreement(0.1, 0.9, 0.9).warnings) == 3


def test_what_is_learned_longer_stays_the_best_until_another_is_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = discs(1, 0), discs(1, 1, low=90, high=120)
    first = last(iter_translation(source, target, stop=lambda: True, **SMALL)).translator
    assert first is not None
    for scores, is_better in (([0.9, 0.2], False), ([0.2, 0.9], True)):
        looks = iter(scores)
        monkeypatch.setattr(_Learning, "_look", lambda *_: (Agreement(1, 0, 0), next(looks)))  # noqa: B023
        step = last(iter_translation(source, target, start=first, stop=lambda: True, **SMALL))
        assert step.translator is not None
        pairs = zip(
            step.translator.generator.parameters(), first.generator.parameters(), strict=True
        )
        assert all(torch.equal(one, two) for one, two in pairs) is not is_better
        assert step.translator.info.likeness == 0.9
