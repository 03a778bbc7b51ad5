"""What `make bench-export` is made from: the runtimes' processes, the count of multiply-adds, the page."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from fast_styles import fast_style, picture, saved
from PIL import Image

from napari_style_transfer import FastStyle, export_fast_style
from napari_style_transfer.engine.networks.transformer import ConditionalConvolution

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def paths(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def record(processor, **more):
    laps = [{"seconds": 2 * processor * n, "processor": processor * n} for n in (3, 1, 2)]
    return {"peak": 3e8, "before": 1e8, "laps": laps, "largest": 1, "mean": 0.001, **more}


@pytest.mark.engine
def test_multiply_adds_are_those_of_every_convolution(tmp_path, monkeypatch):
    export = importlib.import_module("benchmarks.export")
    ours = fast_style()
    counted = 0
    convolve = ConditionalConvolution.convolve

    def counting(self, maps):
        nonlocal counted
        result = convolve(self, maps)
        counted += result[0].numel() * self.weight[0].numel()
        return result

    monkeypatch.setattr(ConditionalConvolution, "convolve", counting)
    ours(picture(32, 32), device="cpu", precision="float32")
    path = export_fast_style(ours, tmp_path / "a.onnx")
    assert export.multiply_adds(path, 32) == counted > 0


@pytest.mark.process
def test_a_runtime_in_a_process_of_its_own_paints_and_tells_what_it_took(tmp_path):
    runtimes = importlib.import_module("benchmarks.export_runtimes")
    party = importlib.import_module("benchmarks.export_party")
    source, content = saved(tmp_path / "a.safetensors"), picture(24, 32)
    model = export_fast_style(FastStyle.load(source), tmp_path / "a.onnx")
    Image.fromarray(content).save(tmp_path / "content.png")
    names = (str(tmp_path / name) for name in ("content.png", "painted.png"))
    runtime = runtimes.PythonRuntime(party.ExportJob("float32", str(model), *names))
    laps = [runtime.lap() for _ in range(2)]
    runtime.close()
    assert all(lap["seconds"] > 0 for lap in laps)
    assert runtime.facts["peak"] >= runtime.facts["before"] > 0
    painted = np.asarray(Image.open(tmp_path / "painted.png")).astype(int)
    expected = FastStyle.load(source)(content, device="cpu", precision="float32")
    assert np.abs(painted - expected).max() <= 1


@pytest.mark.process
def test_a_runtime_that_cannot_start_says_why(tmp_path):
    runtimes = importlib.import_module("benchmarks.export_runtimes")
    party = importlib.import_module("benchmarks.export_party")
    job = party.ExportJob("float32", "none.onnx", str(tmp_path / "none.png"), "a.png")
    with pytest.raises(importlib.import_module("benchmarks.launch").PartyError, match=r"none\.png"):
        runtimes.PythonRuntime(job, sys.executable)


def test_the_page_compares_the_fastest_with_torch_and_names_what_is_left_out():
    report = importlib.import_module("benchmarks.export_report")
    environment = importlib.import_module("benchmarks.environment")
    found = {
        "torch": record(0.4),
        "float32": record(0.3, multiply_adds=6.1e9),
        "page": record(0.8, threads=1),
    }
    data = {
        "command": "python -m benchmarks.export",
        "style": "night",
        "content": "astronaut",
        "rounds": 3,
        "machine": environment.machine("cpu") | {"usable": 1},
        "bytes": {"float32": 1_740_000, "half": 880_000},
        "left_out": {"executorch": "it is not installed"},
        "sizes": {"512": found},
    }
    text = report.text(data)
    assert "| onnxruntime | 0.600 | 0.300 | 0.75 | 0.30 (0.10) | 1 | 0.001 | 6.10 |" in text
    assert "| half precision, MB | 1 | 0.88 |" in text
    assert "| the page at 512 × 512 px, seconds | 1 | 1.60 |" in text
    assert "- ExecuTorch, XNNPACK: it is not installed" in text
