"""Tiling is exact: values, gradients and pictures are those of the whole."""

import pytest
import torch

from napari_style_transfer.engine.device import Precision
from napari_style_transfer.engine.networks.build import build_network
from napari_style_transfer.engine.networks.vgg import map_shape, receptive_field
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tiles import tiles_of
from napari_style_transfer.settings import LAYER_NAMES, Settings

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1")


def noise(*shape, seed=0):
    coarse = torch.rand(
        1, 3, *(side // 4 + 2 for side in shape), generator=torch.Generator().manual_seed(seed)
    )
    return torch.nn.functional.interpolate(coarse, size=shape, mode="bicubic").clamp(0, 1)


def test_the_receptive_field_is_counted_outside_the_positions_own_pixels():
    assert receptive_field("relu1_1") == 1
    assert receptive_field("relu3_1") == 2 + 4 + 4
    assert receptive_field("relu5_1") == 70


@pytest.mark.parametrize("shape", [(300, 200), (257, 401), (64, 640)])
@pytest.mark.parametrize("side", [16, 64, 100, 176])
def test_each_position_of_each_layer_is_owned_once(shape, side):
    for layer in LAYER_NAMES:
        owners = torch.zeros(map_shape(shape, layer))
        for tile in tiles_of(shape, side, LAYERS, 32):
            owners[tile.window(layer)] += 1
        assert (owners == 1).all()


def test_a_picture_that_fits_is_one_tile():
    assert len(tiles_of((300, 200), 0, LAYERS)) == 1
    assert len(tiles_of((300, 200), 304, LAYERS)) == 1
    assert len(tiles_of((300, 200), 160, LAYERS)) == 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("shape", "side"),
    [pytest.param((128, 185), 64, marks=pytest.mark.slow), ((240, 96), 160)],
)
def test_the_tiled_gradient_equals_the_whole_one(shape, side, dtype):
    precision = Precision.FLOAT32 if dtype is torch.float32 else Precision.BFLOAT16
    network = build_network(load_weights(), LAYERS, precision=precision)
    content, style, picture = noise(*shape), noise(80, 120, seed=1), noise(*shape, seed=2)
    settings = Settings(tv_weight=0.1)
    whole, tiled = (
        build_objective(
            network,
            settings,
            content,
            [StyleTarget(gram_matrices(network, style, settings.style_layers, tile_size=tile))],
            tile,
        )
        for tile in (0, side)
    )
    assert len(tiled.tiles) > 1
    losses, gradient = whole.evaluate(picture)
    tiled_losses, tiled_gradient = tiled.evaluate(picture)
    tolerance = 1e-4 if dtype is torch.float32 else 0.03
    assert losses.keys() == tiled_losses.keys() == {"content", "style", "tv"}
    for name, loss in losses.items():
        assert float(tiled_losses[name]) == pytest.approx(float(loss), rel=tolerance / 10)
    error = (tiled_gradient - gradient).norm() / gradient.norm()
    assert error < tolerance
    # No seam: the error is no larger where tiles meet than elsewhere.
    at_seam = (tiled_gradient - gradient)[..., side - 8 : side + 8, :].abs().mean()
    assert at_seam < 3 * (tiled_gradient - gradient).abs().mean() + 1e-9
