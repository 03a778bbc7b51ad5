"""A result's recipe holds what is needed to paint it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_style_transfer.errors import InputError
from napari_style_transfer.progress import Losses, Status, Step
from napari_style_transfer.recipe import RECIPE_KEY, Recipe
from napari_style_transfer.settings import Settings


def step(status: Status = Status.FINISHED, evaluation: int = 9) -> Step:
    return Step(
        evaluation=evaluation,
        evaluations=9,
        scale=1,
        scales=1,
        shape=(16, 16),
        losses=Losses({"content": 1.0, "style": 1.0}),
        device="cpu",
        precision="float32",
        picture=np.zeros((16, 16, 3), np.uint8),
        status=status,
    )


def recipe(**values: Any) -> Recipe:
    settings = Settings(size=16, steps=9, style_layers="relu1_1=2", **values)
    return Recipe.from_step(step(), settings, content="photo.jpg", style="night")


def test_a_recipe_tells_what_was_run_where_with_what() -> None:
    made = recipe(seed=3)
    assert made.settings == Settings(size=16, steps=9, style_layers="relu1_1=2", seed=3)
    assert (made.content, made.style) == ("photo.jpg", "night")
    assert (made.device, made.precision) == ("cpu", "float32")
    assert (made.evaluations, made.status) == (9, Status.FINISHED)
    assert {"python", "napari-style-transfer", "torch", "torchvision"} <= made.versions.keys()


def test_a_recipe_survives_json_in_metadata_and_in_a_file(tmp_path: Path) -> None:
    made = recipe()
    plain = made.model_dump(mode="json")
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(plain))
    assert Recipe.parse(plain) == made
    assert Recipe.parse({RECIPE_KEY: plain, "other": 1}) == made
    assert Recipe.parse(path) == made
    assert Recipe.parse(str(path)) == made


def test_the_recipe_of_a_stopped_run_stops_at_the_same_evaluation() -> None:
    settings = Settings(size=16, steps=9)
    stopped = Recipe.from_step(step(Status.STOPPED, 4), settings, content="a", style="b")
    assert stopped.status is Status.STOPPED
    assert stopped.evaluations == 4
    assert stopped.settings == settings.replace(stop_after=4)


def complaint(source: Any) -> str:
    with pytest.raises(InputError) as caught:
        Recipe.parse(source)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "null", '{"a": 1}', '{"settings": 3}', "\x00\xff"]
)
def test_a_file_without_a_recipe_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(content.encode("latin-1"))
    assert str(path) in complaint(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "none.json").startswith(f"Cannot read the recipe {tmp_path}")
    assert complaint(tmp_path).startswith(f"Cannot read the recipe {tmp_path}")


@pytest.mark.parametrize("source", [{}, {RECIPE_KEY: None}, {RECIPE_KEY: [1]}, {"settings": {}}])
def test_a_mapping_without_a_recipe_is_refused(source: dict[str, Any]) -> None:
    assert "no style-transfer recipe" in complaint(source)


def test_an_impossible_parameter_in_a_recipe_is_named() -> None:
    plain = recipe().model_dump(mode="json")
    plain["settings"]["size"] = -1
    assert complaint(plain).startswith("The recipe has an impossible parameter: size: ")
    plain["settings"] = {"no_such": 1}
    assert complaint(plain).startswith("The recipe has an impossible parameter: There is no ")


def test_a_recipe_without_the_newest_parameters_gets_their_defaults() -> None:
    plain = recipe().model_dump(mode="json")
    del plain["settings"]["pooling"]
    assert Recipe.parse(plain) == recipe()
