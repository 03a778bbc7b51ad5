"""The trunk computes what torchvision's VGG-19 computes, and no more of it than is asked for."""

import weakref

import pytest
import torch
from torchvision.models.vgg import cfgs, make_layers

from napari_style_transfer.engine.networks.vgg import VGG19, map_shape
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.settings import LAYER_NAMES


@pytest.fixture(scope="module")
def weights():
    return load_weights("oxford")


@pytest.fixture
def picture():
    return torch.rand(1, 3, 48, 32, generator=torch.Generator().manual_seed(0))


def test_features_are_those_of_torchvisions_architecture(weights, picture):
    network = VGG19(weights, LAYER_NAMES)
    features = network(picture)
    reference = make_layers(cfgs["E"])
    reference.load_state_dict(weights.state)
    x = (picture - network.mean) / network.std
    names = iter(LAYER_NAMES)
    with torch.no_grad():
        for module in reference:
            x = module(x)
            if isinstance(module, torch.nn.ReLU):
                name = next(names)
                torch.testing.assert_close(features[name], x, rtol=1e-4, atol=1e-2)
                x = x.clone()  # the rectification is in place


def test_the_original_network_sees_pixels_in_0_255_less_their_means(weights):
    network = VGG19(weights, ["relu1_1"])
    grey = torch.full((1, 3, 16, 16), 128 / 255)
    seen = ((grey - network.mean) / network.std)[0, :, 0, 0]
    torch.testing.assert_close(
        seen, 128 - torch.tensor([123.68, 116.779, 103.939]), rtol=1e-3, atol=1e-3
    )


def test_the_trunk_is_cut_after_the_deepest_layer_and_frozen(weights):
    network = VGG19(weights, ["relu3_1", "relu1_2"])
    assert list(network.stages) == ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_maps_of_odd_pictures_cover_every_pixel(weights):
    network = VGG19(weights, LAYER_NAMES)
    picture = torch.zeros(1, 3, 47, 33)
    for layer, features in network(picture).items():
        assert features.shape[-2:] == map_shape((47, 33), layer)
    assert map_shape((47, 33), "relu5_1") == (3, 3)
    gradient = VGG19(weights, ["relu5_1"]).look(picture)(lambda _, __, onto: onto.add_(1))
    assert gradient[..., -1, :].abs().max() > 0
    assert gradient[..., -1].abs().max() > 0


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize(
    "layers", [["relu1_1"], ["relu3_1"], ["relu1_1", "relu1_2", "relu2_1", "relu4_1"]]
)
def test_the_way_back_is_that_of_autograd(weights, layers, pooling):
    """On a picture of odd sides, against the same network built of torch's own modules."""
    picture = torch.rand(1, 3, 45, 51, generator=torch.Generator().manual_seed(1)).double()
    network = VGG19(weights, layers, pooling=pooling, dtype=torch.float64).double()
    kernels = {name: torch.randn_like(maps) for name, maps in network(picture).items()}
    mine = network.look(picture)(lambda name, _, onto: onto.add_(kernels[name]))

    leaf = picture.clone().requires_grad_(True)
    pool = torch.nn.MaxPool2d if pooling == "max" else torch.nn.AvgPool2d
    x, total, block = (leaf - network.mean) / network.std, 0, "1"
    for name, convolution in network.stages.items():
        if name[4] != block:
            x, block = pool(2, ceil_mode=True)(x), name[4]
        x = convolution(x).relu()
        if name in layers:
            total = total + (x * kernels[name]).sum()
    (reference,) = torch.autograd.grad(total, leaf)
    torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_ways_see_the_same_activations_and_the_largest_are_not_kept(weights, picture, dtype):
    network = VGG19(weights, ["relu1_1", "relu2_2", "relu3_1"], dtype=dtype)
    there, back = [], []

    def see(layer, features):
        there.append((layer, features.clone(), weakref.ref(features)))

    way_back = network.look(picture, see)
    assert [layer for layer, *_ in there] == ["relu1_1", "relu2_2", "relu3_1"]
    assert [kept() is not None for *_, kept in there] == [False, True, True]
    way_back(lambda layer, features, _: back.append((layer, features.clone())))
    for (layer, features, _), (again, same) in zip(there, reversed(back), strict=True):
        assert layer == again
        assert torch.equal(features, same)
    shown = network(picture)
    assert all(torch.equal(shown[layer], features) for layer, features, _ in there)


def test_bfloat16_features_are_near_the_float32_ones(weights, picture):
    exact = VGG19(weights, ["relu1_1", "relu4_2"])(picture)
    rough = VGG19(weights, ["relu1_1", "relu4_2"], dtype=torch.bfloat16)(picture)
    for layer, features in exact.items():
        assert rough[layer].dtype == torch.bfloat16
        error = (rough[layer].float() - features).norm() / features.norm()
        assert error < 0.02


def test_average_pooling_differs_from_max_only_after_the_first_pooling(weights, picture):
    layers = ["relu1_2", "relu2_1"]
    first = VGG19(weights, layers)(picture)
    second = VGG19(weights, layers, pooling="average")(picture)
    assert torch.equal(first["relu1_2"], second["relu1_2"])
    assert not torch.allclose(first["relu2_1"], second["relu2_1"])
