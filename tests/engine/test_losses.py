"""Style, content and smoothness terms, as statements of the method."""

import pytest
import torch

from napari_style_transfer.engine.losses.base import PICTURE, Term
from napari_style_transfer.engine.losses.content import ContentTerm
from napari_style_transfer.engine.losses.gram import GramTerm, gram_matrix
from napari_style_transfer.engine.losses.tone import ToneTerm
from napari_style_transfer.engine.losses.tv import total_variation


def all_of(maps):
    return slice(0, maps.shape[2]), slice(0, maps.shape[3])


def measured(term, maps, window=None):
    """What a term measures of maps of its layer, in a window of the whole, or all of it."""
    (layer,) = term.layers
    return term.measure({layer: maps}, {layer: window or all_of(maps)})


def features(channels=4, height=6, width=5, seed=0, pictures=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(pictures, channels, height, width, generator=generator)


def test_gram_matrix_of_a_constant_map_is_the_outer_product_times_the_positions():
    values = torch.tensor([1.0, 2.0, 3.0])
    constant = values.view(1, 3, 1, 1).expand(1, 3, 4, 5)
    torch.testing.assert_close(gram_matrix(constant)[0], 20 * torch.outer(values, values))


def test_gram_matrix_forgets_where_features_are():
    maps = features()
    shuffled = maps.flatten(2)[..., torch.randperm(30)].view_as(maps)
    torch.testing.assert_close(gram_matrix(maps), gram_matrix(shuffled))


def test_gram_matrix_of_bfloat16_features_is_summed_in_float32():
    maps = torch.ones(1, 2, 40, 40, dtype=torch.bfloat16)
    assert gram_matrix(maps).dtype == torch.float32
    assert gram_matrix(maps)[0, 0, 0] == 1600


@pytest.mark.parametrize("weighting", ["balanced", "gatys"])
def test_style_loss_is_zero_at_its_target_and_counts_parts_as_the_whole(weighting):
    maps = features(height=8)
    target = gram_matrix(features(seed=1))[0] / 30
    term = GramTerm("relu1_1", target, 40, 1.0, weighting)
    same = GramTerm("relu1_1", gram_matrix(maps)[0] / 40, 40, 1.0, weighting)
    assert same.loss(gram_matrix(maps)) == pytest.approx(0, abs=1e-12)
    top, bottom = maps[..., :3, :], maps[..., 3:, :]
    parts = term.merge(measured(term, top), measured(term, bottom))
    torch.testing.assert_close(term.loss(parts), term.loss(measured(term, maps)))


def test_balanced_style_loss_is_one_where_the_picture_has_no_features_at_any_scale():
    for factor in (1e-3, 1.0, 1e3):
        target = factor * gram_matrix(features())[0] / 30
        term = GramTerm("relu1_1", target, 30, 1.0, "balanced")
        assert term.loss(torch.zeros(1, 4, 4)) == pytest.approx(1.0, rel=1e-5)


def test_gatys_style_loss_is_the_mean_squared_error_over_the_squared_channels():
    target = torch.zeros(4, 4)
    term = GramTerm("relu1_1", target, 10, 1.0, "gatys")
    assert term.loss(torch.full((1, 4, 4), 20.0)) == pytest.approx(4.0 / 16)


def test_content_loss_counts_parts_as_the_whole_and_is_zero_at_its_target():
    target, maps = features(), features(seed=1)
    term = ContentTerm("relu4_2", target, 1.0, "gatys")
    assert term.loss(measured(term, target)) == 0
    windows = [(slice(0, 2), slice(0, 5)), (slice(2, 6), slice(0, 5))]
    parts = sum(measured(term, maps[..., rows, cols], (rows, cols)) for rows, cols in windows)
    torch.testing.assert_close(term.loss(parts)[0], (maps - target).square().mean())


def test_balanced_content_loss_of_the_mean_is_one_and_a_flat_content_stays_finite():
    target = features()
    mean = target.mean(dim=(2, 3), keepdim=True).expand_as(target)
    term = ContentTerm("relu4_2", target, 1.0, "balanced")
    assert term.loss(measured(term, mean)) == pytest.approx(1.0, rel=1e-5)
    flat = ContentTerm("relu4_2", torch.ones(1, 4, 6, 5), 1.0, "balanced")
    assert torch.isfinite(flat.loss(measured(flat, target)))


def test_total_variation_is_zero_on_a_flat_picture_and_counts_each_edge_once():
    assert total_variation(torch.full((1, 3, 8, 8), 0.3)) == 0
    edge = torch.zeros(1, 3, 4, 4)
    edge[..., 2:, :] = 1
    assert total_variation(edge) == pytest.approx(3 * 4 / edge.numel())


def terms():
    guide = torch.zeros(6, 5, dtype=torch.bool)
    guide[1:4, 2:] = True
    gram = gram_matrix(features(seed=1))[0] / 30
    return [
        GramTerm("relu1_1", gram, 30, 1.0, "balanced"),
        GramTerm("relu1_1", gram, 9, 1.0, "gatys", guide),
        ContentTerm("relu1_1", features(seed=2), 1.0, "balanced"),
        ContentTerm("relu1_1", features(seed=2, pictures=3), 1.0, "gatys"),
    ]


@pytest.mark.parametrize("number", range(len(terms())))
@pytest.mark.parametrize("part", [(slice(0, 6), slice(0, 5)), (slice(2, 5), slice(1, 4))])
def test_a_fast_gradient_is_that_of_autograd(number, part):
    term, maps = terms()[number], features(seed=3, pictures=3)[..., part[0], part[1]]
    statistic = measured(term, maps, part)
    gradient = torch.randn(statistic.shape, generator=torch.Generator().manual_seed(4))
    found, expected = (maps.clone() for _ in range(2))  # to which it is added
    given = {"relu1_1": maps}, {"relu1_1": part}
    term.add_gradient(gradient, *given, {"relu1_1": found})
    Term.add_gradient(term, gradient, *given, {"relu1_1": expected})
    torch.testing.assert_close(found, expected)
    assert not torch.equal(found, maps)


@pytest.mark.parametrize("number", range(len(terms())))
def test_pictures_of_a_batch_are_kept_apart(number):
    term, maps = terms()[number], features(seed=3, pictures=3)
    losses = term.loss(measured(term, maps))
    assert losses.shape == (3,)
    if term.layers and term.target.shape[0] != 3:
        alone = [term.loss(measured(term, each[None])) for each in maps]
        torch.testing.assert_close(losses, torch.cat(alone))


def test_tone_is_zero_of_the_target_and_of_any_detail_within_squares():
    target = features(3, 32, 32)
    term = ToneTerm(target, weight=1.0, side=8)
    checks = 0.1 * (torch.arange(32)[:, None] + torch.arange(32)).remainder(2).mul(2).sub(1)
    for picture in (target, target + checks):
        assert float(term.loss(term.measure({PICTURE: picture}, {}))) < 1e-10
    darker = float(term.loss(term.measure({PICTURE: target - 0.1}, {})))
    assert darker == pytest.approx(0.01, rel=1e-4)


def test_crops_that_are_pooled_share_one_gram_matrix():
    style = features(4, 6, 10)
    target = gram_matrix(style)[0] / 60
    halves = torch.cat([style[..., :5], style[..., 5:]])
    options = {"positions": 30, "weight": 1.0, "weighting": "balanced"}
    pooled = GramTerm("relu1_1", target, pooled=True, **options)
    alone = GramTerm("relu1_1", target, **options)
    assert float(pooled.loss(measured(pooled, halves)).max()) < 1e-10
    assert float(alone.loss(measured(alone, halves)).min()) > 1e-4
