"""The trunk computes what torchvision's VGG-19 computes, and no more of it than is asked for."""

import weakref

import pytest
import torch
from torchvision.models.vgg import cfgs, make_layers

from napari_style_transfer.engine.cpu import int8, pooling, probe
from napari_style_transfer.engine.cpu.vgg import CpuVGG19
from napari_style_transfer.engine.device import Precision
from napari_style_transfer.engine.networks.build import build_network
from napari_style_transfer.engine.networks.vgg import VGG19, map_shape
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.settings import LAYER_NAMES


@pytest.fixture(scope="module")
def weights():
    return load_weights("oxford")


@pytest.fixture(params=[VGG19, CpuVGG19])
def kind(request):
    """The network of torch's own modules, and that of the CPU's kernels."""
    return request.param


@pytest.fixture
def picture():
    return torch.rand(1, 3, 48, 32, generator=torch.Generator().manual_seed(0))


def test_features_are_those_of_torchvisions_architecture(kind, weights, picture):
    network = kind(weights, LAYER_NAMES)
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


def test_the_trunk_is_cut_after_the_deepest_layer_and_frozen(kind, weights):
    network = kind(weights, ["relu3_1", "relu1_2"])
    assert list(network.stages) == ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_maps_of_odd_pictures_cover_every_pixel(kind, weights):
    network = kind(weights, LAYER_NAMES)
    picture = torch.zeros(1, 3, 47, 33)
    for layer, features in network(picture).items():
        assert features.shape[-2:] == map_shape((47, 33), layer)
    assert map_shape((47, 33), "relu5_1") == (3, 3)
    gradient = kind(weights, ["relu5_1"]).record(picture)(lambda _, __, into: into.add_(1))
    assert gradient[..., -1, :].abs().max() > 0
    assert gradient[..., -1].abs().max() > 0


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize(
    "layers", [["relu1_1"], ["relu3_1"], ["relu1_1", "relu1_2", "relu2_1", "relu4_1"]]
)
def test_the_backward_pass_is_that_of_autograd(kind, weights, layers, pooling):
    """On a picture of odd sides, against the same network built of torch's own modules."""
    picture = torch.rand(1, 3, 45, 51, generator=torch.Generator().manual_seed(1)).double()
    network = kind(weights, layers, pooling=pooling, dtype=torch.float64).double()
    kernels = {name: torch.randn_like(maps) for name, maps in network(picture).items()}
    mine = network.record(picture)(lambda name, _, into: into.add_(kernels[name]))

    leaf = picture.clone().requires_grad_(True)
    pool = torch.nn.MaxPool2d if pooling == "max" else torch.nn.AvgPool2d
    x, total, block = (leaf - network.mean) / network.std, 0, "1"
    for name, convolution in network.stages.items():
        if name[4] != block:
            x, block = pool(2, ceil_mode=True)(x), name[4]
        x = torch.nn.functional.conv2d(x, convolution.weight, convolution.bias, padding=1).relu()
        if name in layers:
            total = total + (x * kernels[name]).sum()
    (reference,) = torch.autograd.grad(total, leaf)
    torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_passes_have_the_same_activations_and_the_largest_are_not_kept(
    weights, picture, dtype
):
    network = CpuVGG19(weights, ["relu1_1", "relu2_2", "relu3_1"], dtype=dtype)
    there, back = [], []

    def see(layer, features):
        there.append((layer, features.clone(), weakref.ref(features)))

    backward = network.record(picture, see)
    assert [layer for layer, *_ in there] == ["relu1_1", "relu2_2", "relu3_1"]
    assert [kept() is not None for *_, kept in there] == [False, True, True]
    backward(lambda layer, features, _: back.append((layer, features.clone())))
    for (layer, features, _), (again, same) in zip(there, reversed(back), strict=True):
        assert layer == again
        assert torch.equal(features, same)
    shown = network(picture)
    assert all(torch.equal(shown[layer], features) for layer, features, _ in there)


def test_bfloat16_features_are_near_the_float32_ones(kind, weights, picture):
    exact = kind(weights, ["relu1_1", "relu4_2"])(picture)
    rough = kind(weights, ["relu1_1", "relu4_2"], dtype=torch.bfloat16)(picture)
    for layer, features in exact.items():
        assert rough[layer].dtype == torch.bfloat16
        error = (rough[layer].float() - features).norm() / features.norm()
        assert error < 0.02


def test_average_pooling_differs_from_max_only_after_the_first_pooling(kind, weights, picture):
    layers = ["relu1_2", "relu2_1"]
    first = kind(weights, layers)(picture)
    second = kind(weights, layers, pooling="average")(picture)
    assert torch.equal(first["relu1_2"], second["relu1_2"])
    assert not torch.allclose(first["relu2_1"], second["relu2_1"])


@pytest.mark.parametrize("precision", list(Precision))
def test_both_networks_give_the_same_features_and_gradients_of_a_batch(weights, precision):
    if precision is Precision.MIXED and not int8.works():
        pytest.skip("this CPU, or this build of torch, has no fast convolution of bytes")
    pictures = torch.rand(3, 3, 45, 51, generator=torch.Generator().manual_seed(1))
    layers = ["relu1_1", "relu2_2", "relu3_1", "relu4_2"]
    found = {}
    for plain in (True, False):
        network = (
            VGG19(weights, layers, dtype=precision.dtype)
            if plain
            else build_network(weights, layers, precision=precision)
        )
        features = network(pictures)

        def add(layer, maps, into):
            into += maps.sign()

        found[plain] = features, network.record(pictures)(add)
    exact = precision is Precision.FLOAT32
    for layer, features in found[True][0].items():
        error = (found[False][0][layer] - features).float().norm() / features.float().norm()
        assert error < (1e-5 if exact else 0.01)
    ours, reference = found[False][1], found[True][1]
    assert ours.dtype is reference.dtype is torch.float32
    for one, other in zip(ours, reference, strict=True):
        cosine = torch.cosine_similarity(one.flatten(), other.flatten(), dim=0)
        assert cosine > (1 - 1e-5 if exact else 0.995)


def test_a_batch_is_the_pictures_one_by_one(kind, weights):
    pictures = torch.rand(3, 3, 33, 40, generator=torch.Generator().manual_seed(1))
    network = kind(weights, ["relu1_2", "relu3_1"])
    together = network(pictures)
    for number, picture in enumerate(pictures):
        for layer, features in network(picture[None]).items():
            torch.testing.assert_close(together[layer][number], features[0], rtol=1e-4, atol=1e-2)


def test_every_kernel_works_here_or_one_switch_turns_all_off(weights, monkeypatch):
    assert pooling.works()
    assert type(build_network(weights, ["relu1_1"])) is CpuVGG19
    assert type(build_network(weights, ["relu1_1"], device=torch.device("meta"))) is VGG19
    monkeypatch.setenv("NAPARI_STYLE_TRANSFER_PLAIN", "1")
    probe.available.cache_clear()
    assert type(build_network(weights, ["relu1_1"])) is VGG19
    monkeypatch.undo()
    probe.available.cache_clear()


def test_a_kernel_that_is_wrong_is_not_used(weights, monkeypatch, caplog):
    monkeypatch.setattr(pooling, "max_pool", lambda maps, *_: pooling.average_pool(maps))
    for cached in (pooling.works, probe.available):
        cached.cache_clear()
    assert type(build_network(weights, ["relu1_1"])) is VGG19
    assert "pooling is wrong on this CPU" in caplog.text
    monkeypatch.undo()
    for cached in (pooling.works, probe.available):
        cached.cache_clear()
