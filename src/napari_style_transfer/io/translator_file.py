"""Files of translators, and what they say of them. Loads no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.network_file import NetworkFiles, Tensors
from napari_style_transfer.translation import Agreement, TranslationInfo, TranslationSettings
from napari_style_transfer.value_range import ValueRange

TRANSLATORS = NetworkFiles("translator", "napari_style_transfer.translator", 1)

#: Channels, and width, at most.
_MOST = 1024


def is_translator(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is one of a translator."""
    try:
        TRANSLATORS.read_description(path)
    except InputError:
        return False
    return True


def read_translator_info(path: str | os.PathLike[str]) -> TranslationInfo:
    """Read what a file says of its translator, without its network.

    Raises
    ------
    InputError
        If it is no file of a translator.
    """
    return _info(TRANSLATORS.read_description(path), path)


def read_translator_file(
    path: str | os.PathLike[str],
) -> tuple[Mapping[str, int], TranslationInfo, Tensors]:
    """Read a file of a translator.

    Returns
    -------
    architecture, info, tensors
        Arguments of the network by name, what is known of it, and its state by name.

    Raises
    ------
    InputError
        If it is none, is damaged, or was written by a later version.
    """
    description, tensors = TRANSLATORS.read(path)
    info, architecture = _info(description, path), description.get("architecture")
    if not isinstance(architecture, dict) or not all(
        type(value) is int and 0 < value <= _MOST for value in architecture.values()
    ):
        TRANSLATORS.refuse(path, "its description is damaged")
    return architecture, info, TRANSLATORS.numbers(tensors, path)


def save_translator_file(
    path: str | os.PathLike[str],
    architecture: Mapping[str, int],
    info: TranslationInfo,
    tensors: Tensors,
) -> None:
    """Write a file of a translator, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    agreement = info.agreement
    description = {
        "format": TRANSLATORS.version,
        "version": metadata.version("napari-style-transfer"),
        "architecture": dict(architecture),
        "source": info.source,
        "target": info.target,
        "source_range": _listed(info.source_range),
        "target_range": _listed(info.target_range),
        "source_dtype": info.source_dtype,
        "dtype": info.dtype,
        "colour": info.colour,
        "agreement": {
            "kept": agreement.kept,
            "invented": agreement.invented,
            "inverted": agreement.inverted,
        },
        "likeness": info.likeness,
        "settings": info.settings.model_dump(mode="json"),
        "versions": dict(info.versions),
        "seconds": info.seconds,
        "opposite": info.opposite,
        "cautions": list(info.cautions),
    }
    TRANSLATORS.save(path, description, tensors)


def _info(description: Mapping[str, Any], path: str | os.PathLike[str]) -> TranslationInfo:
    try:
        settings = {
            name: value
            for name, value in description["settings"].items()
            if name in TranslationSettings.model_fields  # a later version may know more
        }
        agreement = description["agreement"]
        dtypes = [np.dtype(str(description[name])) for name in ("source_dtype", "dtype")]
        if any(dtype.kind not in "uif" for dtype in dtypes):
            raise ValueError
        return TranslationInfo(
            source=str(description["source"]),
            target=str(description["target"]),
            source_range=_range(description["source_range"]),
            target_range=_range(description["target_range"]),
            source_dtype=dtypes[0].name,
            dtype=dtypes[1].name,
            colour=bool(description["colour"]),
            agreement=Agreement(
                *(float(agreement[name]) for name in ("kept", "invented", "inverted"))
            ),
            likeness=float(description["likeness"]),
            settings=TranslationSettings(**settings),
            versions={str(name): str(value) for name, value in description["versions"].items()},
            seconds=float(description["seconds"]),
            opposite=bool(description.get("opposite", False)),
            cautions=tuple(map(str, description.get("cautions", ()))),
        )
    except Exception:  # others' text: nearly anything may be wrong with it
        TRANSLATORS.refuse(path, "its description is damaged")


def _listed(values: ValueRange) -> list[list[float]]:
    return [each.ravel().tolist() for each in (values.low, values.high)]


def _range(values: Any) -> ValueRange:
    low, high = (np.array(each, np.float64) for each in values)
    if low.ndim != 1 or low.shape != high.shape or not (high != low).all():
        raise ValueError
    return ValueRange(low[:, None, None], high[:, None, None])
