"""A result's recipe holds what is needed to paint it again."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_style_transfer.errors import InputError
from napari_style_transfer.progress import Losses, Status, Step
from napari_style_transfer.recipe import (
    RECIPE_KEY,
    Recipe,
    RegionEntry,
    RegionsEntry,
    StyleEntry,
    picture_beside,
    saving_recipe,
    side_file,
)
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


def test_a_recipe_of_version_0_1_loads() -> None:
    plain = recipe().model_dump(mode="json")
    del plain["bits"], plain["value_range"]
    assert Recipe.parse(plain) == recipe()


def everything() -> dict[str, Any]:
    """A recipe in which every entry is filled in, as JSON."""
    made = Recipe.from_step(
        step(),
        Settings(size=16, steps=9),
        content="photo.jpg",
        style="night",
        init="start.png",
        styles=[StyleEntry(picture="night", mask="part.png"), StyleEntry(picture="day")],
        regions=RegionsEntry(labels="mask.png", table={1: RegionEntry(style=1)}),
        bits=16,
        value_range=(0, 4095),
    )
    return json.loads(json.dumps(made.model_dump(mode="json")))


def places(values: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to everything in a JSON value."""
    keys = (
        values
        if isinstance(values, dict)
        else range(len(values) if isinstance(values, list) else 0)
    )
    return [path, *(place for key in keys for place in places(values[key], (*path, key)))]


@pytest.mark.parametrize("spoilt", [None, -1, 1e400, "x", "\ud800", [], [[1]], {}, {"x": 1}, True])
def test_whatever_is_spoilt_in_a_recipe_is_one_sentence(tmp_path: Path, spoilt: Any) -> None:
    good, path = everything(), tmp_path / "recipe.json"
    assert Recipe.parse(good).bits == 16
    refused = 0
    for place in places(good)[1:]:
        values = copy.deepcopy(good)
        inner = values
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = spoilt
        path.write_text(json.dumps(values))
        message = ""
        try:
            Recipe.parse(path)
        except InputError as error:
            message = str(error)
        refused += bool(message)
        assert "\n" not in message
        assert not message or message.endswith(".")
    assert refused > 3


def test_json_nested_without_end_is_no_recipe(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text("[" * 100_000)
    assert str(path) in complaint(path)


def test_a_mapping_whose_keys_are_no_names_is_no_recipe() -> None:
    complaint(recipe().model_dump(mode="json") | {"settings": {1: 2}})


def test_the_entry_that_is_spoilt_is_named() -> None:
    plain = everything()
    plain["styles"][1]["share"] = "much"
    assert "styles.1.share" in complaint(plain)


# ---- the file beside a picture -------------------------------------------------------------------


def picture(path: Path) -> Path:
    path.write_bytes(b"a picture")
    return path


def save(path: Path, made: Recipe | None = None, **values: Any) -> Path:
    with saving_recipe(path, (made or recipe(**values)).model_dump(mode="json")) as side:
        picture(path)
    return side


def test_pictures_of_one_name_keep_a_recipe_each(tmp_path: Path) -> None:
    png, jpg, tif = (tmp_path / f"cat.{suffix}" for suffix in ("png", "jpg", "tif"))
    sides = {jpg: save(jpg, seed=1), png: save(png, seed=2), tif: save(tif, seed=3)}
    assert [side.name for side in sides.values()] == ["cat.json", "cat.png.json", "cat.tif.json"]
    for number, (path, side) in enumerate(sides.items(), start=1):
        assert Recipe.parse(side).settings.seed == number
        assert picture_beside(side) == path
        assert save(path, seed=number) == side  # one's own is replaced


def test_a_file_of_another_kind_is_never_replaced(tmp_path: Path) -> None:
    foreign = tmp_path / "package.json"
    foreign.write_text('{"name": "mine"}')
    assert save(tmp_path / "package.png").name == "package.png.json"
    assert foreign.read_text() == '{"name": "mine"}'
    (tmp_path / "package.png.json").write_text("[]")
    with pytest.raises(InputError, match=r"would replace .*package\.json or .*package\.png\.json;"):
        side_file(tmp_path / "package.png")


def test_the_record_of_a_folder_s_stack_is_never_replaced(tmp_path: Path) -> None:
    record = tmp_path / "recipe.json"
    record.write_text(json.dumps({RECIPE_KEY: recipe().model_dump(mode="json")}))
    before = record.read_bytes()
    assert save(tmp_path / "recipe.png").name == "recipe.png.json"
    assert record.read_bytes() == before
    assert picture_beside(record) is None


def test_the_recipe_of_a_picture_that_is_gone_stays(tmp_path: Path) -> None:
    save(tmp_path / "cat.png")
    (tmp_path / "cat.png").unlink()
    assert save(tmp_path / "cat.jpg").name == "cat.jpg.json"
    assert save(tmp_path / "cat.png").name == "cat.json"


def test_a_side_file_of_version_0_1_belongs_to_the_picture_of_its_name(tmp_path: Path) -> None:
    old = tmp_path / "cat.json"
    old.write_text(json.dumps(recipe().model_dump(mode="json")))
    png = picture(tmp_path / "cat.png")
    assert picture_beside(old) == png
    assert side_file(tmp_path / "cat.jpg").name == "cat.jpg.json"
    assert side_file(png) == old


def test_a_picture_renamed_with_its_side_file_is_found(tmp_path: Path) -> None:
    side = save(tmp_path / "cat.png")
    (tmp_path / "cat.png").rename(tmp_path / "dog.png")
    dog = side.rename(tmp_path / "dog.json")
    assert picture_beside(dog) == tmp_path / "dog.png"
    picture(tmp_path / "cat.png")  # another one since
    assert picture_beside(dog) == tmp_path / "dog.png"


def test_of_two_runs_that_end_at_once_each_saves_its_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other: list[Path] = []
    touch = Path.touch

    def quicker(self: Path, **options: Any) -> None:
        if not other:
            other.append(self)
            save(tmp_path / "cat.jpg", seed=1)
        touch(self, **options)

    monkeypatch.setattr(Path, "touch", quicker)
    side = save(tmp_path / "cat.png", seed=2)
    assert (other[0].name, side.name) == ("cat.json", "cat.png.json")
    assert [Recipe.parse(path).settings.seed for path in (other[0], side)] == [1, 2]


def test_names_that_are_not_utf_8_come_back(tmp_path: Path) -> None:
    made = Recipe.from_step(step(), Settings(), content="caf\udce9.png", style="夜")
    assert Recipe.parse(save(tmp_path / "cat.png", made)) == made
    plain = save(tmp_path / "dog.png", made.model_copy(update={"content": "猫.png"}))
    assert "猫.png" in plain.read_text("utf-8")


def test_a_picture_that_cannot_be_saved_leaves_no_side_file(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="full"),
        saving_recipe(tmp_path / "cat.png", recipe().model_dump(mode="json")),
    ):
        raise InputError("The disk is full.")
    assert not list(tmp_path.iterdir())
