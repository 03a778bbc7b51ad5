"""A translator as an ONNX model: a picture's own values in, those of the target out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from napari_style_transfer.engine.networks.generator import STRIDE, Generator
from napari_style_transfer.engine.translation.apply import HALO
from napari_style_transfer.export.graph import Graph

if TYPE_CHECKING:
    from onnx import ModelProto

    from napari_style_transfer.translator import Translator

PICTURE, TRANSLATED = "picture", "translated"


def translator_model(
    translator: Translator, *, half: bool = False, int8: bool = False, licence: str = ""
) -> ModelProto:
    """Return a translator as an ONNX model.

    Its input ``picture`` and its output ``translated`` are (1, C, H, W) float32, from 48 pixels a side: the
    values of the source's microscope, and those of the target's.

    Parameters
    ----------
    translator
        What is exported.
    half, int8
        Whether numbers are stored in half precision where that is good enough, or kernels in 8 bits.
    licence
        What the model says of itself.

    Raises
    ------
    InputError
        If the package onnx is not installed.
    """
    graph, info = _Translation(half=half, int8=int8), translator.info
    graph.translate(translator)
    from onnx import TensorProto, helper

    shape: list[str | int | None] = [1, translator.generator.channels, "height", "width"]
    given, made = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name in (PICTURE, TRANSLATED)
    )
    title = f"{info.source} as {info.target}"
    facts = {
        "name": title,
        "synthetic": "true",
        "licence": licence,
        "source_dtype": info.source_dtype,
        "dtype": info.dtype,
        "likeness": f"{info.likeness:.4f}",
        "edges kept, invented, inverted": json.dumps(
            [info.agreement.kept, info.agreement.invented, info.agreement.inverted]
        ),
        "settings": info.settings.model_dump_json(),
    }
    return graph.model(
        title, [given], made, about=f"Makes synthetic pictures: {title}.", facts=facts
    )


class _Translation(Graph):
    """The graph of a translator."""

    def translate(self, translator: Translator) -> None:
        """Add all that leads from the input to the output."""
        info, network = translator.info, translator.generator
        self._state = {
            name: self.state(name, each.detach().float().cpu().numpy())
            for name, each in network.state_dict().items()
        }
        self._names = {each: name for name, each in network.named_modules()}
        low, high = info.source_range.low, info.source_range.high
        maps = self("Div", self("Sub", PICTURE, self._planes(low)), self._planes(high - low))
        shape = self("Shape", PICTURE, start=2, end=4)
        over, margin = self.margins(shape, STRIDE, HALO)
        seen = self.padded(maps, over, margin)
        made = self("Add", seen, self._change(network, seen))
        end = self("Add", margin, shape)
        made = self("Slice", made, margin, end, self.integers(2, 3))
        low, high = info.target_range.low, info.target_range.high
        values = self("Mul", made, self._planes(high - low))
        self("Add", values, self._planes(low), result=TRANSLATED)

    def _change(self, network: Generator, pictures: str) -> str:
        """Return what is added to pictures; as :meth:`Generator.forward`."""
        centred = self("Sub", self("Mul", pictures, self.floats(2)), self.floats(1))
        kept = [self("Relu", self._convolve(network.first, centred))]
        for block in network.down:
            kept.append(self._block(block, kept[-1]))
        maps = kept.pop()
        for residual in network.deepest:
            maps = self("Add", maps, self._block(residual.get_submodule("block"), maps))
        for up, shallow in zip(network.up, reversed(kept), strict=True):
            found = self("Relu", self._convolve(up.before, maps))
            larger = self(
                "Resize",
                found,
                "",
                self.floats(1, 1, 2, 2),
                mode="linear",
                coordinate_transformation_mode="half_pixel",
            )
            joined = self("Concat", larger, shallow, axis=1)
            maps = self("Relu", self._convolve(up.after, joined))
        return self._convolve(network.last, maps)

    def _block(self, block: nn.Module, maps: str) -> str:
        for each in block.children():
            is_convolution = isinstance(each, nn.Conv2d)
            maps = self._convolve(each, maps) if is_convolution else self("Relu", maps)
        return maps

    def _convolve(self, convolution: Any, maps: str) -> str:
        name = self._names[convolution]
        return self(
            "Conv",
            maps,
            self._state[f"{name}.weight"],
            self._state[f"{name}.bias"],
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            strides=list(convolution.stride),
        )

    def _planes(self, values: Any) -> str:
        """Return the name of a constant for each channel, (1, C, 1, 1)."""
        return self("Reshape", self.floats(*np.ravel(values)), self.integers(1, -1, 1, 1))
