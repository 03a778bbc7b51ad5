"""An ONNX graph as it grows, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.network_file import stored
from napari_style_transfer.io.onnx_file import SCALE_SUFFIX

if TYPE_CHECKING:
    from onnx import ModelProto

#: Version of ONNX's operators, which onnxruntime knows since 1.12, and of the file's format.
OPSET, IR_VERSION = 17, 8


class Graph:
    """Nodes and initialisers, as they are added.

    Parameters
    ----------
    half, int8
        Whether numbers are stored in half precision where that is good enough, or kernels in 8 bits and all
        else in half precision.

    Raises
    ------
    InputError
        If the package onnx is not installed.
    """

    def __init__(self, *, half: bool = False, int8: bool = False) -> None:
        try:
            import onnx  # noqa: F401
        except ImportError:
            raise InputError(
                "Writing ONNX needs one more package: pip install 'napari-style-transfer[export]'."
            ) from None
        self._half, self._int8 = half or int8, int8
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def __call__(self, kind: str, *inputs: str, result: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        from onnx import helper

        result = result or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [result], **attributes))
        return result

    def floats(self, *values: float) -> str:
        """Return the name of a constant vector, float32."""
        return self._constant(np.asarray(values, np.float32))

    def integers(self, *values: int) -> str:
        """Return the name of a constant vector, int64."""
        return self._constant(np.asarray(values, np.int64))

    def _constant(self, values: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._constants:
            self._constants[key] = self("Constant", value=numpy_helper.from_array(values))
        return self._constants[key]

    def state(self, name: str, values: npt.NDArray[Any]) -> str:
        """Add an entry of the network's state; return the name of it in float32."""
        from onnx import numpy_helper

        if self._int8 and values.ndim == 4:
            scale = np.abs(values).max((1, 2, 3), keepdims=True) / 127
            quantized = np.round(values / np.where(scale > 0, scale, 1)).astype(np.int8)
            self.initializers += [
                numpy_helper.from_array(quantized, name),
                numpy_helper.from_array(scale.astype(np.float32), name + SCALE_SUFFIX),
            ]
            # onnxruntime does this once, and a DequantizeLinear for every picture.
            return self("Mul", self("Cast", name, to=onnx_type("FLOAT")), name + SCALE_SUFFIX)
        values = stored(values) if self._half else values
        self.initializers.append(numpy_helper.from_array(values, name))
        return self("Cast", name, to=onnx_type("FLOAT")) if values.dtype == np.float16 else name

    def model(
        self, title: str, inputs: Sequence[Any], output: Any, *, about: str, facts: dict[str, str]
    ) -> ModelProto:
        """Return the graph as a model, after ONNX's own check.

        Parameters
        ----------
        title
            What it is called.
        inputs, output
            Names, types and shapes, as ``onnx.helper`` makes them.
        about
            A sentence on what it does.
        facts
            Its metadata.
        """
        import onnx
        from onnx import helper

        model = helper.make_model(
            helper.make_graph(self.nodes, title, inputs, [output], self.initializers),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="napari-style-transfer",
            producer_version=metadata.version("napari-style-transfer"),
            doc_string=about,
        )
        helper.set_model_props(model, facts)
        onnx.checker.check_model(model, full_check=True)
        return model

    def margins(self, shape: str, stride: int, margin: int) -> tuple[str, str]:
        """Return by how many pixels a picture of any shape grows to whole strides, and what is mirrored.

        Parameters
        ----------
        shape
            (2,), H and W.
        stride, margin
            In pixels. Of small pictures the margin is smaller: they can be mirrored only once.
        """
        step = self.integers(stride)
        over = self("Mod", self("Neg", shape), step)
        most = self("Sub", self("Add", shape, over), self.integers(1))
        most = self("Mul", self("Div", most, step), step)
        return over, self("Min", most, self.integers(margin))

    def padded(self, maps: str, over: str, margin: str) -> str:
        """Return maps (N, C, H, W) with their last pixels repeated, and then mirrored all around."""
        none = self.integers(0, 0)
        pads = self("Concat", none, none, none, over, axis=0)
        maps = self("Pad", maps, pads, mode="edge")
        pads = self("Concat", none, margin, none, margin, axis=0)
        return self("Pad", maps, pads, mode="reflect")


def onnx_type(name: str) -> int:
    """Return the number of a type of ONNX, such as ``"FLOAT"``."""
    from onnx import TensorProto

    return int(getattr(TensorProto, name))
