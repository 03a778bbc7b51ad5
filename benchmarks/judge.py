"""The judge: one float32 network that looks at what a user would get, the 8-bit picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.shared_objective import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT
from napari_style_transfer.engine.networks.build import build_network
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tensors import resize, to_array, to_tensor
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import ImageSource


@dataclass(frozen=True)
class Verdict:
    """Losses of one picture.

    Attributes
    ----------
    content, style
        The terms of the shared objective, in pastiche's units.
    balanced
        This package's own objective at its defaults.
    """

    content: float
    style: float
    balanced: float

    @property
    def total(self) -> float:
        """The shared objective."""
        return self.content + self.style


class Judge:
    """Judges pictures painted from one content and one style."""

    def __init__(self, content: ImageSource, style: ImageSource, device: str) -> None:
        torch.backends.cudnn.allow_tf32 = False  # float32 is to mean float32 here
        settings = Settings()
        layers = {*settings.style_layers, *settings.content_layers, *STYLE_LAYERS, CONTENT_LAYER}
        self._device = torch.device(device)
        self._network = build_network(
            load_weights(), layers, device=self._device, strict_locality=True
        )
        photo, painting = self._read(content), self._read(style)
        self._shape = photo.shape[-2], photo.shape[-1]
        target = StyleTarget(gram_matrices(self._network, painting, settings.style_layers))
        self._balanced = build_objective(self._network, settings, photo, [target])
        with torch.no_grad():
            self._content = self._network(photo)[CONTENT_LAYER]
            features = self._network(painting)
            self._grams = {layer: gram_per_position(features[layer]) for layer in STYLE_LAYERS}

    def __call__(self, source: ImageSource) -> Verdict:
        """Judge a picture; one of a coarse scale is enlarged first, and rounded to 8 bits again."""
        picture = self._read(source)
        with torch.no_grad():
            if (picture.shape[-2], picture.shape[-1]) != self._shape:
                picture = self._read(to_array(resize(picture, self._shape)))
            features = self._network(picture)
            content = CONTENT_WEIGHT * functional.mse_loss(features[CONTENT_LAYER], self._content)
            style = torch.stack(
                [style_loss(features[layer], self._grams[layer]) for layer in STYLE_LAYERS]
            )
            everywhere = dict.fromkeys(features, (slice(None), slice(None)))
            balanced = sum(
                term.weight * float(term.loss(term.measure(features, everywhere)))
                for term in self._balanced.terms
            )
        return Verdict(float(content), float(style.sum()), balanced)

    def _read(self, source: ImageSource) -> Tensor:
        return to_tensor(source, "judged").to(self._device)


def gram_per_position(features: Tensor) -> Tensor:
    """Return the (C, C) Gram matrix of (1, C, H, W) features, divided by their positions."""
    flat = features[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def style_loss(features: Tensor, gram: Tensor) -> Tensor:
    """Return one layer's part of the shared objective's style term."""
    error = functional.mse_loss(gram_per_position(features), gram)
    return STYLE_WEIGHT / features.shape[1] ** 2 * error
