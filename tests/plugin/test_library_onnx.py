from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fast_styles import fast_style, picture

from napari_style_transfer import FastStyle, InputError, export_fast_style
from napari_style_transfer.plugin.inputs import library

pytest.importorskip("onnx")


def test_an_onnx_model_is_added_as_what_it_was_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "folder", lambda: tmp_path / "own")
    ours = fast_style("night", "day")
    (added, second) = library.add(export_fast_style(ours, tmp_path / "both.onnx"))
    assert (added.name, second.name, added.own) == ("night", "day", True)
    assert added.path == tmp_path / "own" / "both.safetensors"
    content = picture(24, 24)
    again = FastStyle.load(added.path)(content).astype(int)
    assert np.abs(again - ours(content)).max() <= 2  # it is kept in half precision
    listed, wrong = library.entries()
    assert not wrong
    assert {"night", "day"} <= {entry.name for entry in listed if entry.own}


def test_a_foreign_model_is_not_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "folder", lambda: tmp_path / "own")
    foreign = tmp_path / "a.onnx"
    foreign.write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match="no ONNX model"):
        library.add(foreign)
    assert not (tmp_path / "own").exists()


def test_a_style_is_not_saved_under_the_name_of_a_model(tmp_path: Path) -> None:
    entry = next(each for each in library.entries()[0] if each.name == "night")
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        library.save(entry, tmp_path / "night.onnx")
    assert not any(tmp_path.iterdir())
