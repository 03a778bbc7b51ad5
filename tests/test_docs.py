"""The pages say what is there: links, commands and the names of the reference."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

import napari_style_transfer
from napari_style_transfer.cli.main import COMMANDS, DEFAULT

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

pytestmark = pytest.mark.skipif(
    not DOCS.exists(), reason="the source distribution comes without docs/"
)

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob(".napari-hub/*.md")])


def commands() -> list[str]:
    """Return the command lines of this package in all pages, without their comments."""
    found = []
    for page in PAGES:
        for block in re.findall(
            r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S
        ):
            found += [line for line in block.splitlines() if line.startswith("napari-style-tr")]
    return list(dict.fromkeys(shlex.join(shlex.split(line, comments=True)) for line in found))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    """On a repository's pages; the site's own links are checked when it is made."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not re.match(r"\w+:", target):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("command", commands())
def test_every_command_has_options_that_exist(command: str) -> None:
    words = shlex.split(command)[1:]
    named = words[0] if words[0] in COMMANDS else None
    module = importlib.import_module(f"napari_style_transfer.cli.{named or DEFAULT}")
    parser = module.parser("napari-style-transfer")
    parser._check = None  # the files are not here
    parser.parse(words if named is None else words[1:])


def test_every_public_name_is_in_the_reference() -> None:
    reference = (DOCS / "api.md").read_text(encoding="utf-8")
    augment = importlib.import_module("napari_style_transfer.augment")
    for package in (napari_style_transfer, augment):
        for name in package.__all__:
            if not name.startswith("__"):
                assert re.search(rf":: {package.__name__}\.{name}\b", reference), name
