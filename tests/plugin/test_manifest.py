"""The manifest says what napari shows, and says of the parameters what Settings says."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from npe2 import PluginManifest

import napari_style_transfer
from napari_style_transfer.samples import CONTENTS, STYLES
from napari_style_transfer.settings import parameters

MANIFEST = Path(napari_style_transfer.__file__).with_name("napari.yaml")


@pytest.fixture(scope="module")
def manifest() -> Any:
    return PluginManifest.from_file(MANIFEST)


def test_there_is_one_manifest() -> None:
    shown = Path(__file__).parents[2] / "napari.yaml"
    assert shown.resolve() == MANIFEST.resolve()


def test_every_command_can_be_imported_and_is_used(manifest: Any) -> None:
    used = {widget.command for widget in manifest.contributions.widgets}
    used |= {writer.command for writer in manifest.contributions.writers}
    used |= {reader.command for reader in manifest.contributions.readers}
    used |= {sample.command for sample in manifest.contributions.sample_data}
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        assert callable(getattr(import_module(module), name))
        assert command.id in used
        assert command.id.startswith(f"{manifest.name}.")


def test_every_sample_is_offered(manifest: Any) -> None:
    keys = [sample.key for sample in manifest.contributions.sample_data]
    assert keys == [*CONTENTS, *STYLES]


def test_preferences_are_parameters_with_their_defaults(manifest: Any) -> None:
    properties = manifest.contributions.configurations["computing"].properties
    assert set(properties) == {"device", "weights"}
    for name, declared in properties.items():
        assert declared.default == parameters()[name].default
        assert declared.title == parameters()[name].title


def test_the_widgets_module_leaves_torch_unloaded() -> None:
    code = (
        "import sys, napari_style_transfer, napari_style_transfer.plugin.widgets.style_transfer;"
        "import napari_style_transfer.plugin.widgets.fast_style;"
        "import napari_style_transfer.plugin.widgets.augment;"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
