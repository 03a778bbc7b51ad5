"""What a napari that has ended leaves to the next one: the fields, and the picture in the making."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_method import FakeMethod
from fakes import Driver
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot

from napari_style_transfer.plugin.outputs import unfinished
from napari_style_transfer.plugin.outputs.unfinished import Left, Unfinished, left_behind
from napari_style_transfer.plugin.widgets import choices, remembered
from napari_style_transfer.plugin.widgets.fast_style import FastStyleWidget
from napari_style_transfer.plugin.widgets.style_transfer import StyleTransferWidget
from napari_style_transfer.progress import Losses, Step
from napari_style_transfer.recipe import RECIPE_KEY, Recipe
from napari_style_transfer.settings import Settings

STEP = Step(9, 9, 1, 1, (8, 8), Losses({"content": 1.0}), "cpu", "float32")
RECIPE = Recipe.from_step(STEP, Settings(size=16), content="photo", style="painting")


def test_a_new_viewer_has_the_fields_as_they_were(qtbot: QtBot) -> None:
    first = StyleTransferWidget(ViewerModel())
    qtbot.addWidget(first.native)
    first.size.value, first.strength.value, first.colours.value = 300, 0.7, "luminance"
    first.style_layers.value, first.stop_after.value = "relu3_1=2", 40
    remembered._store.cache_clear()  # as another process reads it
    other = StyleTransferWidget(ViewerModel())
    qtbot.addWidget(other.native)
    # Where to stop belongs to a recipe.
    assert other.settings() == first.settings().replace(stop_after=0)
    other.defaults.changed.emit(True)
    assert other.settings() == Settings()


def test_what_is_spoilt_or_of_another_version_is_left_out(qtbot: QtBot) -> None:
    values = {"size": "wide", "strength": 0.3, "brushes": 7, "style_layers": {"relu9_9": 1}}
    remembered.remember("Style Transfer", values)
    widget = StyleTransferWidget(ViewerModel())
    qtbot.addWidget(widget.native)
    assert widget.settings() == Settings(strength=0.3)
    for text in ("{", "[1]", "7"):
        remembered._store().setValue("Style Transfer", text)
        assert remembered.remembered("Style Transfer") == {}


def test_a_preference_wins(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.remember("Style Transfer", {"device": "cuda:1", "steps": 70})
    monkeypatch.setattr(choices, "preferred", lambda: {"device": "cpu", "weights": "oxford"})
    widget = StyleTransferWidget(ViewerModel())
    qtbot.addWidget(widget.native)
    assert widget.settings() == Settings(device="cpu", steps=70)
    widget.defaults.changed.emit(True)
    assert widget.settings() == Settings(device="cpu")


def test_fast_style_has_its_fields_as_they_were(qtbot: QtBot) -> None:
    first = FastStyleWidget(ViewerModel())
    qtbot.addWidget(first.native)
    first.strength.value, first.stroke_size.value = 0.8, 1.5
    values = remembered.remembered("Fast Style")
    remembered.remember("Fast Style", values | {"share": "much", "other": "gone.safetensors#0"})
    other = FastStyleWidget(ViewerModel())
    qtbot.addWidget(other.native)
    assert (other.strength.value, other.stroke_size.value) == (0.8, 1.5)
    assert (other.share.value, other.other.value) == (0.5, "")


# ---- the picture in the making -------------------------------------------------------------------


def settle(kept: Unfinished) -> None:
    """Wait until all files are written."""
    if kept._pool is not None:
        kept._pool.submit(lambda: None).result()


def dead_process() -> str:
    """Return the beginning of a folder's name, of a process that has ended."""
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True
    )
    return f"{int(done.stdout)}-1234567890"


def crash(kept: Unfinished) -> None:
    """Leave what is there as if its process had ended."""
    settle(kept)
    for path in unfinished.folder().iterdir():
        path.rename(path.with_name(f"{dead_process()}-{path.name.rpartition('-')[2]}"))


def test_a_run_that_was_on_when_napari_ended_is_offered_and_goes_on(
    driver: Driver, engine: FakeMethod, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "INTERVAL", 0)
    widget = driver.widget
    photo = driver.widget._viewer.layers["photo"]
    photo.scale, photo.translate = (2, 2), (5, 7)
    engine.hold = 4
    widget.run.changed.emit(True)
    driver.until(lambda: len(widget._viewer.layers) == 3)
    result = widget._viewer.layers[-1]
    driver.until(lambda: unfinished.folder().exists())
    name, data, scale = result.name, np.array(result.data), np.array(result.scale)
    assert left_behind() == []  # this process is there
    crash(widget._reporter.unfinished)

    viewer = ViewerModel()
    for layer in ("photo", "painting"):
        viewer.add_image(widget._viewer.layers[layer].data, name=layer, rgb=True)
    again = StyleTransferWidget(viewer)
    qtbot.addWidget(again.native)
    assert again._unfinished.text().startswith(f"'{name}' was being painted when napari ended.")
    again._unfinished.open.click()
    opened = viewer.layers[-1]
    assert opened.name == name
    assert np.array_equal(opened.data, data)
    assert np.allclose(opened.scale, scale)
    assert opened.metadata[RECIPE_KEY]["settings"]["size"] == 32
    assert again.size.value == 32
    assert again._unfinished.isHidden()
    assert again.go_on.enabled
    # It is this process's now, and goes when its next run ends.
    assert left_behind() == []
    (kept,) = unfinished.folder().iterdir()
    again._reporter.unfinished.drop()
    settle(again._reporter.unfinished)
    assert not kept.exists()


def test_when_a_run_ends_nothing_is_left(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "INTERVAL", 0)
    widget = driver.widget
    widget.run.changed.emit(True)
    driver.until(lambda: widget._lifetime.run is None)
    settle(widget._reporter.unfinished)
    assert list(unfinished.folder().iterdir()) == []


def test_what_is_left_can_be_discarded(qtbot: QtBot) -> None:
    kept = Unfinished()
    layer = ViewerModel().add_image(np.zeros((8, 8, 3), np.uint8), rgb=True, name="a picture")
    layer.metadata[RECIPE_KEY] = RECIPE.model_dump(mode="json")
    kept.keep(layer)
    crash(kept)
    assert [left.name for left in left_behind()] == ["a picture"]
    widget = StyleTransferWidget(ViewerModel())
    qtbot.addWidget(widget.native)
    widget._unfinished.discard.click()
    assert widget._unfinished.isHidden()
    assert left_behind() == []


def test_of_a_stack_it_is_said_where_its_slices_are(qtbot: QtBot) -> None:
    kept = Unfinished()
    kept.note("a stack", "/data/painted")
    crash(kept)
    widget = StyleTransferWidget(ViewerModel())
    qtbot.addWidget(widget.native)
    assert "Its finished slices are in /data/painted" in widget._unfinished.text()
    assert widget._unfinished.open.isHidden()


def test_what_is_not_whole_or_of_a_running_process_is_not_offered(tmp_path: Path) -> None:
    assert left_behind() == []
    for name in ("noise", f"{dead_process()}-empty"):
        (unfinished.folder() / name).mkdir(parents=True)
    broken = unfinished.folder() / f"{dead_process()}-broken"
    broken.mkdir()
    (broken / "stack.json").write_text("{")
    Unfinished().begin()
    kept = Unfinished()
    kept.note("mine", "here")
    settle(kept)
    assert left_behind() == []
    # The number of a process may be given again: its start tells them apart.
    mine = kept._folder
    assert mine is not None
    number, _, token = mine.name.split("-")
    mine.rename(mine.with_name(f"{number}-1-{token}"))
    assert left_behind() == [Left(unfinished.folder() / f"{number}-1-{token}", "mine", "here")]


def test_a_cache_that_cannot_be_written_stops_no_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(unfinished, "folder", lambda: tmp_path / "file")
    kept = Unfinished()
    kept.note("mine", "here")
    settle(kept)
    kept.drop()
    settle(kept)
    assert left_behind() == []
