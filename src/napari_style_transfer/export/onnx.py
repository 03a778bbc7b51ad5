"""A fast style as an ONNX model: pictures of bytes in, pictures of bytes out.

The graph is built node by node from the network's convolutions, so that it has only what is needed. Its
initialisers are the network's state, by name: :meth:`FastStyle.load` reads it back without running it.
Networks that normalise each picture live measure its statistics in the model; frozen ones carry theirs.
There is no ``InstanceNormalization`` in it: in WebAssembly that one differs from torch by two grey levels
at 1024 x 1024 pixels.
"""

from __future__ import annotations

import json
import math
from importlib import metadata
from typing import TYPE_CHECKING, Any

from napari_style_transfer.engine.networks.transformer import (
    CONDITIONS,
    EPSILON,
    MARGIN,
    SPREAD,
    STRIDE,
    ConditionalConvolution,
)
from napari_style_transfer.export.graph import OPSET, Graph, onnx_type
from napari_style_transfer.geometry import Shape
from napari_style_transfer.io.fast_file import FAST_STYLE_KEY, described

if TYPE_CHECKING:
    from onnx import ModelProto

    from napari_style_transfer.fast_style import FastStyle

PICTURE, PAINTED = "picture", "painted"


def onnx_model(
    fast_style: FastStyle,
    *,
    size: Shape | None = None,
    half: bool = False,
    int8: bool = False,
    name: str = "",
    licence: str = "",
) -> ModelProto:
    """Return a fast style as an ONNX model.

    Inputs are ``picture`` (1, H, W, 3) uint8, ``strength`` (1,) float32 from 0 to 1, ``stroke_size`` (1,)
    float32 from 0.5 to 2, and ``shares`` (styles,) float32, relative to one another. The output is
    ``painted`` (1, H, W, 3) uint8.

    Parameters
    ----------
    fast_style
        What is exported.
    size
        (H, W) that the model takes; any if None.
    half, int8
        Whether numbers are stored in half precision where that is good enough, or kernels in 8 bits. They
        are computed with in single precision: onnxruntime makes them so once, when it loads the model.
    name, licence
        What the model says of itself; the styles' names and the fast style's note if empty.

    Raises
    ------
    InputError
        If the package onnx is not installed.
    """
    graph = _Painter(half=half, int8=int8)
    graph.paint(fast_style, size)
    from onnx import TensorProto, helper

    shape = [1, *(size or ("height", "width")), 3]
    styles = len(fast_style.names)
    inputs = [
        helper.make_tensor_value_info(PICTURE, TensorProto.UINT8, shape),
        helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("stroke_size", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("shares", TensorProto.FLOAT, [styles]),
    ]
    output = helper.make_tensor_value_info(PAINTED, TensorProto.UINT8, shape)
    title = name or ", ".join(fast_style.names)
    about, facts = f"Paints pictures in the style of {title}.", _facts(fast_style, title, licence)
    return graph.model(title, inputs, output, about=about, facts=facts)


def _facts(fast_style: FastStyle, title: str, licence: str) -> dict[str, str]:
    """Return the model's metadata."""
    info = fast_style.info
    return {
        "name": title,
        "styles": json.dumps(info.names),
        "licence": licence or info.note,
        "normalization": "frozen" if fast_style.transformer.frozen else "live",
        "settings": info.settings.model_dump_json(),
        "version": metadata.version("napari-style-transfer"),
        "opset": str(OPSET),
        FAST_STYLE_KEY: json.dumps(described(fast_style.file)),
    }


class _Painter(Graph):
    """The graph of a fast style."""

    _condition = _shares = ""

    def paint(self, fast_style: FastStyle, size: Shape | None) -> None:
        """Add all that leads from the inputs to the output; as :meth:`Transformer.paint`."""
        network = fast_style.transformer
        names = {each: name for name, each in network.named_modules()}
        state = {name: self.state(name, each) for name, each in fast_style.file.tensors.items()}
        self._add_condition(network.styles)

        def convolve(convolution: Any, maps: str) -> str:
            return self._convolve(convolution, names[convolution], state, maps)

        def normalized(convolution: Any, maps: str) -> str:
            return self._normalize(convolution, names[convolution], state, maps)

        def both(convolution: Any, maps: str) -> str:
            return normalized(convolution, convolve(convolution, maps))

        shape, margin, maps = self._add_picture(size)
        for each in network.down:
            maps = self("Relu", both(each, maps))
        for first, second in zip(network.first, network.second, strict=True):
            maps = self("Add", maps, both(second, self("Relu", both(first, maps))))
        for each in network.up:
            twice = self.floats(1, 1, 2, 2)
            maps = self(
                "Resize",
                maps,
                "",
                twice,
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
            maps = self("Relu", both(each, maps))
        maps = convolve(network.last, maps)
        end = self("Add", margin, shape)
        maps = normalized(network.last, self("Slice", maps, margin, end, self.integers(2, 3)))
        levels = self("Round", self("Mul", self("Sigmoid", maps), self.floats(255)))
        levels = self("Cast", levels, to=onnx_type("UINT8"))
        self("Transpose", levels, perm=[0, 2, 3, 1], result=PAINTED)

    def _add_condition(self, styles: int) -> None:
        """Compute the condition (1, conditions); as :meth:`Transformer.condition`."""
        total = self("ReduceSum", "shares", keepdims=1)
        self._shares = self("Reshape", self("Div", "shares", total), self.integers(1, styles))
        strength = self("Mul", "strength", self.floats(2 * SPREAD))
        strength = self("Sub", strength, self.floats(SPREAD))
        stroke_size = self("Div", self("Log", "stroke_size"), self.floats(math.log(2)))
        numbers = self("Concat", self.floats(1), strength, stroke_size, axis=0)
        column = self("Reshape", self._shares, self.integers(styles, 1))
        outer = self("Mul", column, numbers)
        self._condition = self("Reshape", outer, self.integers(1, styles * CONDITIONS))

    def _add_picture(self, size: Shape | None) -> tuple[str, str, str]:
        """Return the (2,) shape of the picture, its margin, and its maps with the margin around them."""
        if size is None:
            shape = self("Shape", PICTURE, start=1, end=3)
            over, margin = self.margins(shape, STRIDE, MARGIN)
        else:
            shape = self.integers(*size)
            over = self.integers(*(-side % STRIDE for side in size))
            margin = self.integers(*(min(MARGIN, (side - 1) // STRIDE * STRIDE) for side in size))
        planes = self("Transpose", PICTURE, perm=[0, 3, 1, 2])
        maps = self("Mul", self("Cast", planes, to=onnx_type("FLOAT")), self.floats(4 / 255))
        maps = self("Sub", maps, self.floats(2))
        return shape, margin, self.padded(maps, over, margin)

    def _convolve(
        self, convolution: ConditionalConvolution, name: str, state: dict[str, str], maps: str
    ) -> str:
        side = convolution.weight.shape[-1]
        return self(
            "Conv",
            maps,
            state[f"{name}.weight"],
            kernel_shape=[side, side],
            pads=[side // 2] * 4,
            strides=[convolution.stride] * 2,
        )

    def _normalize(
        self, convolution: ConditionalConvolution, name: str, state: dict[str, str], maps: str
    ) -> str:
        """Normalise, scale and offset what was convolved; as :class:`ConditionalConvolution`."""
        planes = self.integers(1, -1, 1, 1)

        def mixed(shares: str, what: str) -> str:
            return self("Reshape", self("MatMul", shares, state[f"{name}.{what}"]), planes)

        scale, offset = mixed(self._condition, "scale"), mixed(self._condition, "offset")
        if convolution.normalized:
            if f"{name}.mean" in state:
                mean, variance = mixed(self._shares, "mean"), mixed(self._shares, "variance")
            else:
                mean = self._mean(maps)
                difference = self("Sub", maps, mean)
                variance = self._mean(self("Mul", difference, difference))
            deviation = self("Sqrt", self("Add", variance, self.floats(EPSILON)))
            scale = self("Div", scale, deviation)
            offset = self("Sub", offset, self("Mul", scale, mean))
        return self("Add", self("Mul", maps, scale), offset)

    def _mean(self, maps: str) -> str:
        """Return the mean of each map, of its rows' means: a sum of millions loses single precision."""
        rows = self("ReduceMean", maps, axes=[3], keepdims=1)
        return self("ReduceMean", rows, axes=[2], keepdims=1)
