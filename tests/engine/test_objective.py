"""The objective is open: any term, batches of pictures, and tiles that change nothing."""

from __future__ import annotations

import pytest
import torch

from napari_style_transfer.engine.losses.base import Term
from napari_style_transfer.engine.networks.vgg import VGG19
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.objective import Objective
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tiles import tiles_of
from napari_style_transfer.settings import Settings

LAYERS = ("relu1_1", "relu2_1", "relu3_1")
SETTINGS = Settings(style_layers="relu1_1 relu2_1", content_layers="relu3_1", tv_weight=0.1)


class SlicedWasserstein(Term):
    """Distance between the sorted projections of features (Heitz et al. 2021), of two layers at once.

    It is no sum over positions: parts are put together, and sorted at the end.
    """

    name = "sliced"

    def __init__(self, network, style, layers, weight):
        self.layers, self.weight = tuple(layers), weight
        generator = torch.Generator().manual_seed(0)
        features = {layer: network(style)[layer] for layer in layers}
        self._directions = {
            layer: torch.randn(maps.shape[1], 4, generator=generator).to(maps)
            for layer, maps in features.items()
        }
        self._quantiles = self._sorted(self.measure(features, {}))

    def measure(self, features, windows):
        """Return the projections, (N, positions, 4 per layer): deep layers are repeated to fit."""
        flat = {
            layer: maps.flatten(2).mT @ self._directions[layer] for layer, maps in features.items()
        }
        most = max(each.shape[1] for each in flat.values())
        stretched = [
            torch.nn.functional.interpolate(each.mT, size=most, mode="nearest").mT
            for each in flat.values()
        ]
        return torch.cat(stretched, dim=2)

    def merge(self, first, second):
        return torch.cat([first, second], dim=1)

    def loss(self, statistic):
        return (self._sorted(statistic) - self._quantiles).square().mean((1, 2))

    @staticmethod
    def _sorted(projections):
        values = projections.sort(dim=1).values.mT
        return torch.nn.functional.interpolate(values, size=64, mode="linear").mT


def pictures(count=1, side=48, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 8, 8, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 1)


@pytest.fixture(scope="module")
def network():
    return VGG19(load_weights(), LAYERS, dtype=torch.float64).double()


@pytest.mark.parametrize("layers", [["relu2_1"], ["relu1_1", "relu3_1"]])
@pytest.mark.parametrize("tile", [0, 32])
def test_a_term_that_is_no_sum_over_tiles_has_the_gradient_of_the_whole(network, layers, tile):
    style, picture = pictures(side=40, seed=1).double(), pictures(side=64).double()
    term = SlicedWasserstein(network, style, layers, 2.0)
    tiles = tiles_of((64, 64), tile, LAYERS)
    assert len(tiles) == (4 if tile else 1)
    losses, gradient = Objective(network, [term], tiles).evaluate(picture)

    leaf = picture.clone().requires_grad_(True)
    with torch.enable_grad():
        features = dict(network._activations(leaf))
        parts = [
            term.measure({each: features[each][(..., *t.window(each))] for each in layers}, {})
            for t in tiles
        ]
        statistic = torch.cat(parts, dim=1)
        reference = 2.0 * term.loss(statistic)
    (expected,) = torch.autograd.grad(reference.sum(), leaf)
    assert losses.keys() == {"sliced"}
    torch.testing.assert_close(losses["sliced"], reference.detach())
    torch.testing.assert_close(gradient, expected)


def test_it_joins_the_others_under_its_name_and_pulls_the_picture(network):
    style, picture = pictures(side=40, seed=1), pictures(seed=2)
    network = VGG19(load_weights(), LAYERS)
    target = StyleTarget(gram_matrices(network, style, SETTINGS.style_layers))
    objective = build_objective(network, SETTINGS, picture, [target])
    before = objective.evaluate(picture)
    objective.terms.append(SlicedWasserstein(network, style, ["relu2_1"], 1e-6))
    after = objective.evaluate(picture)
    assert list(before.losses) == ["content", "style", "tv"]
    assert list(after.losses) == ["content", "style", "tv", "sliced"]
    assert all(torch.equal(after.losses[name], loss) for name, loss in before.losses.items())
    moved = picture - 1e-4 * (after.gradient - before.gradient).sign()
    assert objective.evaluate(moved).losses["sliced"] < after.losses["sliced"]


@pytest.mark.parametrize("tile", [0, 32])
def test_each_picture_of_a_batch_has_its_own_losses_and_gradient(network, tile):
    batch, contents, style = (pictures(n, seed=n).double() for n in (3, 3, 1))
    target = StyleTarget(gram_matrices(network, style, SETTINGS.style_layers))
    losses, gradient = build_objective(network, SETTINGS, contents, [target], tile).evaluate(batch)
    for number in range(3):
        alone = build_objective(
            network, SETTINGS, contents[number : number + 1], [target], tile
        ).evaluate(batch[number : number + 1])
        torch.testing.assert_close(gradient[number : number + 1], alone.gradient)
        for name, loss in alone.losses.items():
            torch.testing.assert_close(losses[name][number : number + 1], loss)


def test_a_network_that_makes_the_pictures_is_trained_by_the_gradient(network):
    """What a fast method does: pass the gradient on through whatever made the pictures."""
    style, content = (pictures(seed=seed).double() for seed in (1, 2))
    target = StyleTarget(gram_matrices(network, style, SETTINGS.style_layers))
    objective = build_objective(network, SETTINGS, content, [target])
    model = torch.nn.Conv2d(3, 3, 1).double()
    totals = []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(5):
        output = torch.sigmoid(model(content))
        losses, gradient = objective.evaluate(output.detach())
        optimizer.zero_grad()
        output.backward(gradient)
        optimizer.step()
        totals.append(float(sum(losses.values())))
    assert totals[-1] < totals[0]


def test_without_any_term_nothing_pulls(network):
    settings = Settings(content_weight=0, style_weight=1)
    losses, gradient = build_objective(network, settings, pictures().double(), []).evaluate(
        pictures().double()
    )
    assert losses == {}
    assert not gradient.any()
