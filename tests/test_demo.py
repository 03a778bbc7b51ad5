"""The demo paints where it is: in napari with a display, into a file without."""

from __future__ import annotations

import os
from typing import Any

import pytest

from napari_style_transfer import demo
from napari_style_transfer.cli import main as cli
from napari_style_transfer.samples import CONTENTS, STYLES


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
        ("darwin", {"SSH_CONNECTION": "there here"}, False),
    ],
)
def test_a_display_is_recognised(
    platform: str, environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delitem(os.environ, name, raising=False)
    for name, value in environment.items():
        monkeypatch.setitem(os.environ, name, value)
    assert demo.has_display() is expected


def test_without_a_display_the_command_paints_into_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[list[str]] = []

    def main(argv: list[str]) -> int:
        calls.append(argv)
        return 0

    monkeypatch.setattr(demo, "has_display", lambda: False)
    monkeypatch.setattr(cli, "main", main)
    assert demo.main() == 0
    assert calls == [["sample:chelsea", "sample:night", "--output", "demo.png"]]
    assert "demo.png" in capsys.readouterr().out


@pytest.mark.engine
@pytest.mark.slow
def test_with_a_display_napari_paints(
    monkeypatch: pytest.MonkeyPatch, make_napari_viewer: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    monkeypatch.setattr(demo, "has_display", lambda: True)
    monkeypatch.setattr("napari.Viewer", lambda: viewer)
    monkeypatch.setattr("napari.run", lambda: None)
    assert demo.main() == 0
    (widget,) = viewer.window.dock_widgets.values()
    assert not widget.run.enabled
    widget.stop.changed.emit(True)
    qtbot.waitUntil(lambda: widget.run.enabled, timeout=60_000)
    assert [layer.name for layer in viewer.layers] == [
        "night",
        "chelsea",
        "chelsea in the style of night",
    ]


def test_the_demo_uses_samples_that_exist() -> None:
    assert demo.CONTENT in CONTENTS
    assert demo.STYLE in STYLES
