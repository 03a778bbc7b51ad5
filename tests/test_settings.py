"""Every parameter is checked, and what is wrong is said in one sentence that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from napari_style_transfer.errors import InputError
from napari_style_transfer.settings import LAYER_NAMES, Settings, parameters

TABLE = Path(__file__).parent.parent / "docs" / "parameters.md"


def complaint(**values: Any) -> str:
    with pytest.raises(InputError) as caught:
        Settings(**values)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("size", 0, "greater than or equal to 16"),
        ("size", 100_000, "less than or equal to 16384"),
        ("size", 3.5, "integer"),
        ("size", "large", "integer"),
        ("steps", 0, "greater than or equal to 1"),
        ("content_weight", -1, "greater than or equal to 0"),
        ("style_weight", -0.001, "greater than or equal to 0"),
        ("tv_weight", -5, "greater than or equal to 0"),
        ("style_weight", float("nan"), "finite"),
        ("content_weight", float("inf"), "finite"),
        ("style_weight", None, "number"),
        ("style_scale", 0, "greater than or equal to 0.05"),
        ("seed", -1, "greater than or equal to 0"),
        ("seed", 2**31, "less than or equal to 2147483647"),
        ("device", "gpu", "cuda:1"),
        ("device", "cuda:first", "cuda:1"),
        ("pooling", "median", "'max' or 'average'"),
        ("weighting", "", "'balanced' or 'gatys'"),
        ("start", "style", "'content' or 'noise'"),
        ("precision", "float16", "'auto', 'float32', 'bfloat16' or 'mixed'"),
        ("weights", "", "not be empty"),
        ("coarsest_size", 8, "greater than or equal to 16"),
        ("stop_after", -1, "greater than or equal to 0"),
    ],
)
def test_an_impossible_value_is_named_with_what_is_allowed(name: str, value: Any, why: str) -> None:
    message = complaint(**{name: value})
    assert message.startswith(f"{name}: ")
    assert why in message
    assert message.endswith(f"got {value!r}.")


def test_an_unknown_parameter_is_answered_with_the_known_ones() -> None:
    message = complaint(style_wieght=3)
    assert "'style_wieght'" in message
    assert all(name in message for name in parameters())


@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
def test_layers_are_checked_by_name_and_weight(name: str) -> None:
    assert complaint(**{name: {"relu6_1": 1}}).startswith(f"{name}[relu6_1]: ")
    assert "greater than or equal to 0" in complaint(**{name: {"relu4_2": -1}})
    assert "number" in complaint(**{name: "relu4_2=heavy"})
    assert "at least one layer" in complaint(**{name: {}})
    assert "at least one layer" in complaint(**{name: ""})
    assert complaint(**{name: {"relu1_1": 0, "relu4_2": 0}}) == (
        f"every layer of {name} weighs 0; raise one of them."
    )


def test_something_must_be_optimised() -> None:
    assert complaint(content_weight=0, style_weight=0) == (
        "content_weight and style_weight are both 0; raise one of them."
    )
    assert Settings(content_weight=0).content_weight == 0
    assert Settings(style_weight=0).style_weight == 0


def test_layers_are_read_from_text() -> None:
    settings = Settings(style_layers="relu1_1=0.5, relu3_1 relu5_1=2")
    assert settings.style_layers == {"relu1_1": 0.5, "relu3_1": 1.0, "relu5_1": 2.0}


def test_numbers_are_read_from_text() -> None:
    assert Settings(size="64", style_weight="1e3") == Settings(size=64, style_weight=1000)


def test_the_layers_are_those_of_vgg19() -> None:
    assert len(LAYER_NAMES) == 16
    assert (LAYER_NAMES[0], LAYER_NAMES[-1]) == ("relu1_1", "relu5_4")
    for name in LAYER_NAMES:
        assert Settings(content_layers=name).content_layers == {name: 1.0}


def test_settings_survive_json() -> None:
    settings = Settings(size=96, style_layers="relu2_1=3", start="noise", seed=7, tv_weight=1e-3)
    assert Settings(**json.loads(json.dumps(settings.model_dump(mode="json")))) == settings
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_replace_changes_a_copy_and_checks_it() -> None:
    settings = Settings(size=96)
    assert settings.replace(steps=3) == Settings(size=96, steps=3)
    assert settings == Settings(size=96)
    with pytest.raises(InputError, match=r"^steps: .*got -3\.$"):
        settings.replace(steps=-3)


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().size = 64


def test_every_parameter_has_a_label_and_help() -> None:
    for name, field in parameters().items():
        assert field.title, name
        assert field.description, name
        assert field.description.endswith("."), name
        assert isinstance(field.json_schema_extra, dict), name
        assert isinstance(field.json_schema_extra["advanced"], bool), name


def test_a_logarithmic_slider_covers_the_default_and_only_allowed_values() -> None:
    for name, field in parameters().items():
        assert isinstance(field.json_schema_extra, dict)
        bounds = field.json_schema_extra.get("log")
        if bounds is not None:
            assert isinstance(bounds, list)
            low, high = bounds
            assert low <= field.default <= high
            Settings(**{name: low})
            Settings(**{name: high})


@pytest.mark.skipif(not TABLE.exists(), reason="the source distribution comes without docs/")
def test_the_documentation_describes_every_parameter_as_it_is() -> None:
    """The table is the declaration's own words and defaults."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    for name, field in parameters().items():
        row = next(line for line in lines if line.startswith(f"| `{name}` |"))
        assert field.description in row
        if not isinstance(field.default, dict):
            default = f"{field.default:g}" if isinstance(field.default, float) else field.default
            assert f"| {default} |" in row
