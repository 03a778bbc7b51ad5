from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fast_styles import fast_style, frozen, picture

from napari_style_transfer import FastStyle, InputError, export_fast_style, samples
from napari_style_transfer.export.executorch import Uint8Transformer

installed = pytest.mark.skipif(
    importlib.util.find_spec("executorch") is None, reason="executorch is not installed"
)


def arguments(content: Any, strength: float, stroke_size: float, *shares: float) -> Any:
    numbers = ([strength], [stroke_size], shares)
    return torch.from_numpy(content.copy())[None], *map(torch.tensor, numbers)


def difference(one: torch.Tensor, other: np.ndarray[Any, Any]) -> int:
    return int(np.abs(one[0].numpy().astype(int) - other).max())


@pytest.mark.parametrize("make", [fast_style, frozen])
@pytest.mark.parametrize("shape", [(16, 18), (33, 25), (40, 64)])
def test_what_is_exported_paints_as_the_network(make: Any, shape: tuple[int, int]) -> None:
    ours, content = make("night", "day"), picture(*shape)
    network = Uint8Transformer(ours, shape)
    for strength, stroke_size in ((0.0, 0.5), (0.5, 1.0), (1.0, 2.0)):
        painted = network(*arguments(content, strength, stroke_size, 0.5, 1.5))
        expected = ours(
            content,
            strength=strength,
            stroke_size=stroke_size,
            shares=(0.5, 1.5),
            device="cpu",
            precision="float32",
        )
        assert painted.dtype == torch.uint8
        assert difference(painted, expected) <= 1


def test_without_executorch_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("executorch", "executorch.exir"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install 'napari-style-transfer\[executorch\]'"):
        export_fast_style(fast_style(), tmp_path / "a.pte", size=32)
    assert not any(tmp_path.iterdir())


@installed
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [lambda: FastStyle.load("night"), lambda: frozen("a", "b")])
@pytest.mark.parametrize("shape", [(64, 64), (51, 33)])
def test_executorch_paints_as_torch(tmp_path: Path, make: Any, shape: tuple[int, int]) -> None:
    from executorch.runtime import Runtime

    ours = make()
    path = export_fast_style(ours, tmp_path / "a.pte", size=shape, licence="CC-BY")
    rows, columns = slice(100, 100 + shape[0]), slice(120, 120 + shape[1])
    content = np.ascontiguousarray(samples.load("chelsea")[rows, columns])
    program = Runtime.get().load_program(path)
    method, shares = program.load_method("forward"), [1.0] * len(ours.names)
    for strength, stroke_size in ((0.0, 0.5), (0.5, 1.0), (1.0, 2.0)):
        (painted,) = method.execute(arguments(content, strength, stroke_size, *shares))
        expected = ours(
            content,
            strength=strength,
            stroke_size=stroke_size,
            device="cpu",
            precision="float32",
        )
        assert difference(painted, expected) <= 1
    assert program.load_method("licence").execute([]) == ["CC-BY"]
