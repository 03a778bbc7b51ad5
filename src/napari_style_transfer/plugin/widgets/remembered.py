"""The fields of a widget as they were last, so that the next napari has them still."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from qtpy.QtCore import QSettings


def remember(widget: str, fields: Mapping[str, Any]) -> None:
    """Keep the values of a widget's fields beyond this napari."""
    _store().setValue(widget, json.dumps(fields))


def remembered(widget: str) -> dict[str, Any]:
    """Return the values that were kept last, by the fields' names; empty if there are none.

    They may be of another version of this package, or spoilt: whoever takes them checks each.
    """
    try:
        values = json.loads(_store().value(widget, "{}"))
    except (TypeError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


@cache
def _store() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat,
        QSettings.Scope.UserScope,
        "napari-style-transfer",
        "widgets",
    )
