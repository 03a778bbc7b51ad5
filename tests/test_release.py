"""What a release needs agrees with pyproject.toml: the recipe, the oldest versions, the README's links."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "recipe" / "recipe.yaml"
CONSTRAINTS = ROOT / "constraints" / "minimum.txt"

#: What packages are called on conda-forge, where napari without Qt is a package of its own.
ON_CONDA_FORGE = {"torch": "pytorch", "napari": "napari-base"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]


@pytest.mark.skipif(not RECIPE.exists(), reason="the source distribution comes without recipe/")
def test_the_recipe_says_what_the_project_says(project: dict[str, Any]) -> None:
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == project["version"]
    assert project["requires-python"] == f">={recipe['context']['python_min']}"
    assert recipe["about"]["summary"] == project["description"]
    assert recipe["about"]["license"] == project["license"]
    assert recipe["about"]["license_file"] == project["license-files"]
    scripts = [f"{name} = {where}" for name, where in project["scripts"].items()]
    assert recipe["build"]["python"]["entry_points"] == scripts
    wanted = set()
    for line in project["dependencies"]:
        requirement = Requirement(line)
        name = ON_CONDA_FORGE.get(requirement.name, requirement.name)
        wanted.add(f"{name} {str(requirement.specifier).removeprefix('==')}")
    assert {line for line in recipe["requirements"]["run"] if "python >" not in line} == wanted


def test_the_oldest_versions_are_those_that_are_allowed(project: dict[str, Any]) -> None:
    """Of each dependency one that the project allows, and for napari and torch the very oldest."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").split()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"]]
    for extra in ("test", "export", "movie", "codecs"):
        wanted += extras[extra]
    for line in wanted:
        requirement = Requirement(line)
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(pinned[requirement.name]), line
    assert pinned["napari"].startswith("0.7.")
    assert pinned["torch"].startswith("2.4.")


def test_links_of_the_readme_become_absolute_where_the_repository_is_known() -> None:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hatch_build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hatch_build)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = hatch_build.absolute(readme, "https://host.example/us/project/", "1.2.3")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) == len(re.findall(r"\]\(([^)]+)\)", readme)) > 10
    assert all(target.startswith("https://") for target in targets)
    assert "https://host.example/us/project/raw/v1.2.3/docs/hero.jpg" in targets
    assert "https://host.example/us/project/blob/v1.2.3/docs/install.md" in targets
    hook = hatch_build.ReadmeHook(str(ROOT), {})
    metadata: dict[str, Any] = {"version": "1.2.3"}
    hook.update(metadata)
    assert metadata["readme"] == {"content-type": "text/markdown", "text": readme}
    metadata = {"version": "1.2.3", "urls": {"Repository": "https://host.example/us/project"}}
    hook.update(metadata)
    assert metadata["readme"]["text"] == text
