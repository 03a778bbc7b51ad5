from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from fast_styles import picture, saved
from PIL import Image

from napari_style_transfer import FastStyle
from napari_style_transfer.cli.main import main

pytest.importorskip("onnx")
GUIDE = Path(__file__).parents[2] / "docs" / "export.md"


def test_a_model_is_written_and_paints_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = saved(tmp_path / "a.safetensors"), tmp_path / "a.onnx"
    assert main(["export", str(source), "-o", str(out), "--size", "40x24", "--licence", "MIT"]) == 0
    assert str(out) in capsys.readouterr().out
    again, content = FastStyle.load(out), picture(24, 40)
    np.testing.assert_array_equal(again(content), FastStyle.load(source)(content))
    painted = tmp_path / "painted.png"
    Image.fromarray(content).save(tmp_path / "photo.png")
    words = [str(tmp_path / "photo.png"), "--fast", str(out), "-o", str(painted), "--quiet"]
    assert main(words) == 0
    assert painted.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["missing.safetensors", "-o", "a.onnx"], "There is no file missing.safetensors"),
        (["night", "-o", "a.txt"], "ends in .onnx or .pte"),
        (["night", "woodcut", "-o", "a.onnx"], "for several, write a web page"),
        (["night", "-o", "a.onnx", "--size", "large"], "Write a size as 512"),
        (["night", "-o", "a.onnx", "--size", "8"], "16 to 8192"),
        (["night", "-o", "a.onnx", "--half", "--int8"], "choose one"),
        (["night", "-o", "a.pte"], "ExecuTorch needs the size"),
        (["night", "-o", "page/", "--size", "512"], "leave --size out"),
        (["night", "-o", "page/", "--half", "--int8"], "choose one"),
    ],
)
def test_what_cannot_be_exported_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(not GUIDE.exists(), reason="the source distribution comes without docs/")
def test_the_lines_of_the_guide_paint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    (lines,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    source = saved(tmp_path / "a.safetensors")
    assert main(["export", str(source), "-o", "night.onnx"]) == 0
    Image.fromarray(picture(33, 50)).save("photo.jpg")
    exec(lines, {})
    content = np.asarray(Image.open("photo.jpg"))
    expected = FastStyle.load(source)(content, device="cpu", precision="float32")
    painted = np.asarray(Image.open("painted.png")).astype(int)
    assert np.abs(painted - expected).max() <= 1
