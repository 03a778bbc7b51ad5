"""Options made from the declarations of the parameters."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from napari_style_transfer.settings import Sealed, Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def add_parameters(
    parser: argparse.ArgumentParser, of: type[Sealed] = Settings, leave_out: Collection[str] = ()
) -> None:
    """Add an option for every parameter of `of` but some; what is given is text, and validated later."""
    basic = parser.add_argument_group("parameters")
    advanced = parser.add_argument_group("advanced parameters")
    for name, field in of.model_fields.items():
        if name in leave_out:
            continue
        extra = field.json_schema_extra
        group = advanced if isinstance(extra, dict) and extra["advanced"] else basic
        group.add_argument(f"--{name.replace('_', '-')}", **_option(name, field))


def given_parameters(arguments: argparse.Namespace, of: type[Sealed] = Settings) -> dict[str, Any]:
    """Return the parameters of `of` that the command line names."""
    return {name: value for name, value in vars(arguments).items() if name in of.model_fields}


def _option(name: str, field: FieldInfo) -> dict[str, Any]:
    """Return the arguments of ``add_argument`` for a parameter."""
    default = field.default
    if isinstance(default, dict):
        default = ",".join(f"{layer}={weight:g}" for layer, weight in default.items())
    text = field.description or ""
    if default is not None:
        text += f" (default: {default})"
    # Absent unless given, so that a recipe's values stay where the user says nothing.
    option: dict[str, Any] = {"default": argparse.SUPPRESS, "help": text.replace("%", "%%")}
    if get_origin(field.annotation) is Literal:
        return option | {"choices": get_args(field.annotation)}
    metavars: dict[Any, str] = {float: "NUMBER", int: "N", str: name.upper()}
    other = "LAYER=WEIGHT,..." if isinstance(field.default, dict) else "LOW..HIGH"
    return option | {"metavar": metavars.get(field.annotation, other)}
