"""Regions and mixes: each style where it belongs, and nothing anywhere else."""

import numpy as np
import pytest
import torch

from napari_style_transfer import InputError, iter_stylize, stylize
from napari_style_transfer.engine.device import Precision
from napari_style_transfer.engine.guides import guides, inside_guide, resize_labels, too_small
from napari_style_transfer.engine.networks.build import build_network
from napari_style_transfer.engine.networks.vgg import map_shape, receptive_field, stride
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.style_picture import transform_style
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tensors import resize, to_array, to_tensor
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Region, Regions, Style, largest_scale, styles_of

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
FAST = {"size": 64, "coarsest_size": 64, "steps": 3, "precision": "float32", "device": "cpu"}


def speckle(*shape, colour=(1.0, 1.0, 1.0), seed=0):
    noise = np.random.default_rng(seed).random((*shape, 1))
    return (noise * np.array(colour) * 255).astype(np.uint8)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("shape", [(200, 180), (201, 187)])
def test_an_inside_guide_has_just_the_positions_that_look_nowhere_else(layer, shape):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[:, 10:] = True
    guide = inside_guide(mask, layer)
    assert tuple(guide.shape) == map_shape(shape, layer)
    first = [
        column * stride(layer) - receptive_field(layer) >= 10 for column in range(guide.shape[1])
    ]
    assert guide.any(0).tolist() == guide.all(0).tolist() == first


def test_a_share_of_the_field_brings_the_guide_nearer_to_the_border():
    mask = torch.zeros(160, 160, dtype=torch.bool)
    mask[:, 40:] = True
    strict, close = (inside_guide(mask, "relu4_1", share).sum(1)[0] for share in (1.0, 0.25))
    assert (close - strict) * stride("relu4_1") == pytest.approx(
        0.75 * receptive_field("relu4_1"), abs=8
    )


def test_a_small_region_has_no_guide_in_deep_layers():
    mask = torch.zeros(512, 512, dtype=torch.bool)
    mask[101:121, 200:220] = True
    assert set(guides(mask, LAYERS)) == {"relu1_1", "relu2_1"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tile_size", [0, pytest.param(64, marks=pytest.mark.slow)])
def test_outside_a_region_its_style_moves_no_pixel(dtype, tile_size):
    precision = Precision.FLOAT32 if dtype is torch.float32 else Precision.BFLOAT16
    network = build_network(load_weights(), LAYERS, precision=precision, strict_locality=True)
    mask = torch.zeros(160, 144, dtype=torch.bool)
    mask[:, :95] = True
    mask[30:60, 40:50] = False
    picture, style = (to_tensor(speckle(160, 144, seed=seed), "x") for seed in (1, 2))
    grams = gram_matrices(network, style, LAYERS)
    found = guides(mask, LAYERS)
    assert len(found) >= 3
    objective = build_objective(
        network, Settings(content_weight=0), picture, [StyleTarget(grams, 1.0, found)], tile_size
    )
    _, gradient = objective.evaluate(picture)
    assert (gradient[..., ~mask] == 0).all()
    assert (gradient[..., mask] != 0).float().mean() > 0.9


@pytest.mark.parametrize("borders", ["close", "strict"])
def test_two_styles_stay_in_their_halves(borders):
    content = speckle(96, 96, seed=3)
    labels = np.ones((96, 96), np.uint8)
    labels[:, 48:] = 2
    red, blue = (speckle(96, 96, colour=c, seed=4) for c in ((1, 0.1, 0.1), (0.1, 0.1, 1)))
    regions = Regions(labels, {1: Region(0), 2: Region(1)})
    picture = stylize(
        content,
        [red, blue],
        regions=regions,
        **FAST | {"size": 96, "steps": 10, "strength": 0.8, "borders": borders},
    ).astype(float)
    redder = picture[..., 0] > picture[..., 2]
    assert redder[:, :44].mean() > 0.95
    assert redder[:, 52:].mean() < 0.05


def test_label_0_is_the_content_to_the_bit_and_a_small_region_gets_its_style():
    content = speckle(96, 96, colour=(0.5, 0.5, 0.5), seed=5)
    labels = np.zeros((96, 96), np.int32)
    labels[50:70, 60:80] = 3
    red = speckle(64, 64, colour=(1, 0, 0), seed=6)
    for colours in ("style", "luminance"):
        *_, last = iter_stylize(
            content,
            red,
            regions=Regions(labels, {3: Region("mix", 0.8)}),
            **FAST | {"size": 96, "coarsest_size": 96, "steps": 12, "colours": colours},
        )
        assert np.array_equal(last.picture[labels == 0], content[labels == 0])
        assert not np.array_equal(last.picture[labels == 3], content[labels == 3])
        if colours == "style":
            inside = last.picture[52:68, 62:78].astype(float)
            assert inside[..., 0].mean() > inside[..., 1:].mean() + 50


def test_an_untouched_picture_is_that_of_the_content_at_the_results_size():
    content = speckle(50, 80, seed=7)
    labels = np.zeros((25, 40), np.uint8)
    labels[:, 30:] = 1
    picture = stylize(content, speckle(32, 32), regions=Regions(labels, {}), **FAST)
    as_shown = to_array(resize(to_tensor(content, "content"), (40, 64)))
    untouched = resize_labels(torch.from_numpy(labels), (40, 64)).numpy() == 0
    assert np.array_equal(picture[untouched], as_shown[untouched])
    assert not np.array_equal(picture[~untouched], as_shown[~untouched])


@pytest.mark.slow
def test_a_mix_lies_between_its_styles():
    content = speckle(64, 64, seed=8)
    red, blue = (speckle(64, 64, colour=c, seed=9) for c in ((1, 0, 0), (0, 0, 1)))
    settings = FAST | {"steps": 10, "strength": 0.8}

    def redness(share):
        styles = [Style(red, share=share), Style(blue, share=1 - share)]
        picture = stylize(content, styles, **settings).astype(float)
        return (picture[..., 0] - picture[..., 2]).mean()

    low, middle, high = (redness(share) for share in (0.0, 0.5, 1.0))
    assert low + 10 < middle < high - 10


@pytest.mark.slow
def test_the_part_of_a_style_that_is_masked_out_does_not_serve():
    content = speckle(64, 64, seed=10)
    style = np.concatenate(
        [speckle(64, 64, colour=(1, 0, 0)), speckle(64, 64, colour=(0, 0, 1))], 1
    )
    mask = np.zeros(style.shape[:2], bool)
    mask[:, :64] = True
    picture = stylize(content, Style(style, mask=mask), **FAST | {"steps": 20, "strength": 0.8})
    assert picture[..., 0].mean() > picture[..., 2].mean() + 20


def test_turning_a_style_turns_it_counter_clockwise_and_loses_no_corner():
    picture = torch.zeros(1, 3, 40, 40)
    picture[..., :20, :] = 1  # white above
    for angle, bright in ((90, np.s_[:, :20]), (270, np.s_[:, 20:]), (180, np.s_[20:, :])):
        turned, mask = transform_style(picture, (40, 40), angle)
        assert mask is None
        assert turned[0, 0][bright].mean() == 1
    turned, mask = transform_style(picture, (40, 40), 45)
    assert turned.shape[2:] == mask.shape == (57, 57)
    assert turned[0, 0, 20, 20] > 0.9  # above and to the left
    assert turned[0, 0, 36, 36] < 0.1
    assert not mask[0, 0]
    assert mask.sum() == pytest.approx(1600, rel=0.1)


def test_bad_styles_and_regions_are_refused_in_a_sentence():
    style, labels = speckle(20, 20), np.ones((8, 8), int)
    for wrong in (
        lambda: Style(style, share=-1),
        lambda: Style(style, scale=0),
        lambda: Style(style, mask=np.zeros((4, 4))),
        lambda: Region(0, strength=2),
        lambda: Region("oil"),
        lambda: iter_stylize(style, style, regions=labels, **FAST),
        lambda: Regions(np.ones((4, 4, 4), int), {}),
        lambda: Regions(np.ones((4, 4)), {}),
        lambda: Regions(np.ones((0, 4), int), {}),
        lambda: styles_of([Style(style, share=0)]),
        lambda: styles_of([]),
        lambda: iter_stylize(style, style, regions=Regions(labels, {1: Region(1)}), **FAST),
        lambda: iter_stylize(style, style, regions=Regions(labels[:6], {}), **FAST),
    ):
        with pytest.raises(InputError, match=r"^[A-Z].*\.$"):
            wrong()


def test_one_picture_as_nested_lists_is_one_style():
    assert len(styles_of([[0, 255], [255, 0]])) == 1
    assert len(styles_of([np.zeros((4, 4)), "a.png", Style("b.png")])) == 3


def test_with_no_term_at_all_the_content_stays_as_it_is():
    content = speckle(64, 64)
    nothing = Regions(np.zeros((64, 64), int), {})
    steps = list(
        iter_stylize(content, speckle(64, 64, seed=1), regions=nothing, content_weight=0, **FAST)
    )
    assert np.array_equal(steps[-1].picture, content)
    assert "Every region is left as it is." in [step.note for step in steps]


def test_regions_that_are_too_small_are_named():
    layers = ["relu1_1", "relu4_1", "relu5_1"]
    (sentence,) = too_small([3], layers, layers[:2], "cells")
    assert sentence == "Label 3 of 'cells' is too small for relu5_1; the strokes there stay finer."
    (sentence,) = too_small([1, 2], layers, layers[:1])
    assert sentence.startswith("Labels 1, 2 are too small for relu4_1, relu5_1;")
    (sentence,) = too_small([4], layers, [], "cells")
    assert sentence == "Label 4 of 'cells' is too thin to be painted."
    assert not list(too_small([4], layers, layers, "cells"))


def test_a_style_that_only_a_region_uses_counts_for_the_memory():
    styles = Style("a"), Style("b", share=0, scale=3)
    assert largest_scale(styles, None) == 1
    assert largest_scale(styles, Regions(np.ones((4, 4), int), {1: Region(1)})) == 3
