"""Translators as ONNX models: the same pictures as by torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_style_transfer.engine.networks.generator import Generator
from napari_style_transfer.export.export import export_translator
from napari_style_transfer.translation import Agreement, TranslationInfo
from napari_style_transfer.translator import Translator
from napari_style_transfer.value_range import ValueRange

onnxruntime = pytest.importorskip("onnxruntime")


def translator(channels: int, *, negative: bool = False) -> Translator:
    torch.manual_seed(0)
    generator = Generator(channels, 8)
    torch.nn.init.normal_(generator.last.weight, std=0.2)
    source, target = (
        ValueRange(np.full((channels, 1, 1), low), np.full((channels, 1, 1), high))
        for low, high in ((1500.0, 100.0) if negative else (100.0, 1500.0), (20.0, 220.0))
    )
    info = TranslationInfo(
        source="phase",
        target="light",
        source_range=source,
        target_range=target,
        source_dtype="float32",
        dtype="float32",
        colour=False,
        agreement=Agreement(0.9, 0.1, 0.0),
        likeness=0.5,
    )
    return Translator(generator, info)


def run(path: Path, picture: Any) -> Any:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"picture": picture[None]})[0][0]


@pytest.mark.parametrize(
    ("shape", "negative"), [((1, 64, 64), False), ((2, 97, 50), False), ((1, 64, 64), True)]
)
def test_it_translates_as_torch_does(
    tmp_path: Path, shape: tuple[int, ...], negative: bool
) -> None:
    made = translator(shape[0], negative=negative)
    picture = np.random.default_rng(0).uniform(100, 1500, shape).astype(np.float32)
    expected = made(picture)
    assert np.ptp(expected) > 100
    for options, largest in (({}, 0.05), ({"half": True}, 1.0)):
        path = export_translator(made, tmp_path / "a.onnx", **options)
        assert np.abs(run(path, picture) - expected).max() < largest


def test_it_says_what_it_is(tmp_path: Path) -> None:
    path = export_translator(translator(1), tmp_path / "a.onnx", licence="mine")
    meta = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_modelmeta()
    facts = meta.custom_metadata_map
    assert facts["name"] == "phase as light"
    assert facts["synthetic"] == "true"
    assert facts["licence"] == "mine"
    whole, half = (
        export_translator(translator(1), tmp_path / f"{name}.onnx", half=name == "half")
        for name in ("whole", "half")
    )
    assert half.stat().st_size < 0.6 * whole.stat().st_size
