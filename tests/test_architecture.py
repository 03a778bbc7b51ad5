"""The drawing of the rooms says what is there, in the order that the import contracts demand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "napari_style_transfer"
PAGE = ROOT / "docs" / "architecture.md"

pytestmark = pytest.mark.skipif(
    not PAGE.exists(), reason="the source distribution comes without docs/"
)


def drawing() -> list[set[str]]:
    """Return the paths in each row of the drawing, from top to bottom."""
    found = re.search(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    rows = re.split(r"^├─+┤$", found[1], flags=re.MULTILINE)
    return [set(re.findall(r"^│ +((?:\w+/)+(?:\w+\.py)?|\w+\.py)", row, re.M)) for row in rows]


def test_whatever_is_drawn_exists() -> None:
    for path in set().union(*drawing()):
        assert (PACKAGE / path).exists(), path
        assert (PACKAGE / path).is_dir() == path.endswith("/"), path


def test_every_folder_and_every_module_at_the_top_is_drawn() -> None:
    drawn = set().union(*drawing())
    folders = {path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    assert modules <= drawn
    for folder in folders:
        assert any(path.startswith(f"{folder.as_posix()}/") for path in drawn), folder


def test_the_rows_are_the_layers_of_the_contract() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (
        contract["layers"]
        for contract in configuration["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )

    def room(path: str) -> str:
        return path.removesuffix(".py").removesuffix("/").replace("/", ".")

    rows = [
        {room(path) for path in row if path.count("/") < 2 or path.endswith(".py")}
        for row in drawing()
    ]
    assert rows == [set(layer.split(" | ")) for layer in layers]
