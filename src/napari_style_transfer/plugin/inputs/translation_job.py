"""The jobs of learning a translation and of translating: layers frozen in their own values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs import translators
from napari_style_transfer.plugin.inputs.placement import Placement
from napari_style_transfer.plugin.inputs.slicing import Cutter
from napari_style_transfer.plugin.inputs.snapshot import Snapshot, cutter_of, snapshot
from napari_style_transfer.stack.plan import Index
from napari_style_transfer.translation import TranslationInfo, TranslationSettings

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from napari_style_transfer.plugin.inputs.translators import TranslatorEntry
    from napari_style_transfer.translator import Translator

#: Key under which the metadata of a translated layer say that it is synthetic, and by what.
TRANSLATION_KEY = "napari_style_transfer_translation"
#: Layers of several levels are read at the finest: what is learned depends on the size of a pixel.
_FINEST = math.inf


class LayerValues(Sequence[npt.NDArray[Any]]):
    """The slices of a layer in its own type, each read when it is asked for.

    Contrast limits, gamma and colormap play no part.

    Parameters
    ----------
    cutter
        Cuts them.
    dtype
        Of the layer: where thick slices are averaged, values are rounded to it.
    """

    def __init__(self, cutter: Cutter, dtype: np.dtype[Any]) -> None:
        self._cutter, self._dtype = cutter, dtype

    @classmethod
    def of(cls, layer: Image) -> LayerValues:
        """Freeze a layer; call it on the main thread.

        Raises
        ------
        InputError
            If it holds nothing that can be used, or is shown in 3-D.
        """
        return cls(cutter_of(layer, _FINEST), np.dtype(layer.dtype))

    @property
    def cutter(self) -> Cutter:
        """What cuts the slices."""
        return self._cutter

    @property
    def lengths(self) -> Index:
        """How many slices there are along each axis that is not shown."""
        return tuple(self._cutter.shape[axis] for axis in self._cutter.leading)

    def __len__(self) -> int:
        """Return how many there are."""
        return math.prod(self.lengths)

    @overload
    def __getitem__(self, number: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[npt.NDArray[Any]]: ...
    def __getitem__(self, number: int | slice) -> Any:
        """Return an (H, W) or (H, W, 3|4) slice, or several.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        number = range(len(self))[number]
        return self.at(tuple(map(int, np.unravel_index(number, self.lengths))))

    def at(self, index: Index) -> npt.NDArray[Any]:
        """Return the slice at an index along each axis that is not shown.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        values = self._cutter.cut(dict(zip(self._cutter.leading, index, strict=True)))
        if values.dtype != self._dtype:
            values = (np.rint(values) if self._dtype.kind in "iu" else values).astype(self._dtype)
        return values


@dataclass(frozen=True, eq=False)
class TranslationLearningJob:
    """Everything that learning a translation needs, independent of the layers it came from.

    Attributes
    ----------
    source, target
        The pictures of both layers.
    names
        Of the layers.
    settings
        The parameters.
    path
        The user's file in which it is kept.
    start
        A translator, or its file, to go on with.
    """

    source: LayerValues
    target: LayerValues
    names: tuple[str, str]
    settings: TranslationSettings
    path: Path
    start: str | Translator | None = None

    @property
    def name(self) -> str:
        """What it is called in a log."""
        return f"Learning {' as '.join(self.names)}"


@dataclass(frozen=True, eq=False)
class TranslationJob:
    """Everything that translating the slice on screen, and then any other one, needs.

    Attributes
    ----------
    content
        The slice on screen.
    placement
        Where it lies in the world.
    slices
        All slices.
    load
        Returns the translator; called in the thread.
    info
        What is known of it.
    device
        Where to compute.
    """

    content: Snapshot
    placement: Placement
    slices: LayerValues
    load: Callable[[], Translator]
    info: TranslationInfo
    device: str

    @property
    def index(self) -> Index:
        """Which slice is on screen: the layer's nearest."""
        places = zip(self.placement.slices.values(), self.slices.lengths, strict=True)
        return tuple(min(max(place, 0), length - 1) for place, length in places)

    @property
    def name(self) -> str:
        """Name of the layer."""
        return f"{self.content.name} as {self.info.target} (synthetic)"

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is kept with the layer."""
        return {TRANSLATION_KEY: note_of(self.info, self.content.name)}


def learning_job(
    source: Image | None,
    target: Image | None,
    settings: TranslationSettings,
    start: TranslatorEntry | None = None,
) -> TranslationLearningJob:
    """Freeze both layers with all their slices; call it on the main thread.

    Parameters
    ----------
    source, target
        The layers.
    settings
        The parameters.
    start
        A translator to learn longer. If it is between layers of these names, its file is replaced by what
        is better; else it stays.

    Raises
    ------
    InputError
        If one is missing or holds nothing that can be used; the message says why.
    """
    if source is None or target is None:
        raise InputError("Choose a source layer and a target layer first.")
    if source is target:
        raise InputError(f"'{source.name}' is both source and target; choose two layers.")
    values = LayerValues.of(source), LayerValues.of(target)
    names = source.name, target.name
    path = None
    if start is not None and (start.info.source, start.info.target) == names:
        path = start.path
    return TranslationLearningJob(
        *values,
        names,
        settings,
        path or translators.new_file(*names),
        None if start is None else start.source,
    )


def translation_job(
    content: Image | None, load: Callable[[], Translator], info: TranslationInfo, device: str
) -> TranslationJob:
    """Freeze a layer as it is on screen; call it on the main thread.

    Raises
    ------
    InputError
        If it is missing or shows nothing that can be translated; the message says why.
    """
    if content is None:
        raise InputError("Choose a layer to translate first.")
    return TranslationJob(
        content=snapshot(content, _FINEST),
        placement=Placement.of(content),
        slices=LayerValues.of(content),
        load=load,
        info=info,
        device=device,
    )


def is_synthetic(layer: Layer) -> bool:
    """Return whether a layer says of itself that it was translated."""
    return TRANSLATION_KEY in layer.metadata


def note_of(info: TranslationInfo, content: str) -> dict[str, Any]:
    """Return what is kept with a translated layer, as plain values.

    Parameters
    ----------
    info
        Of the translator.
    content
        Name of the layer that was translated.
    """
    agreement = info.agreement
    return {
        "synthetic": True,
        "content": content,
        "source": info.source,
        "target": info.target,
        "settings": info.settings.model_dump(mode="json"),
        "structure": agreement.score,
        "edges": {
            "kept": agreement.kept,
            "invented": agreement.invented,
            "inverted": agreement.inverted,
        },
        "likeness": info.likeness,
        "warnings": list(info.warnings),
        "seconds": info.seconds,
        "versions": dict(info.versions),
    }
