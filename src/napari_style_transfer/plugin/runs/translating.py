"""The threads of a translation: learning it, and translating one slice, or all slices of a layer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from napari_style_transfer.engine.libraries import load_libraries, no_collections
from napari_style_transfer.io.micrographs import as_micrograph
from napari_style_transfer.plugin.inputs.slicing import read
from napari_style_transfer.plugin.inputs.translation_job import (
    TranslationJob,
    TranslationLearningJob,
)
from napari_style_transfer.plugin.outputs.translated import TranslatedSlices
from napari_style_transfer.plugin.runs.learning import follow, load_to_learn
from napari_style_transfer.plugin.runs.messages import (
    Applied,
    LearningEnded,
    LearningProgress,
    Made,
)
from napari_style_transfer.steering import Steering

if TYPE_CHECKING:
    from napari_style_transfer.translation import TranslationStep
    from napari_style_transfer.translator import Translator


def learn_translation(
    job: TranslationLearningJob, should_stop: Callable[[], bool], _: threading.Event, __: Steering
) -> Generator[
    LearningProgress[TranslationStep, Translator],
    None,
    LearningEnded[TranslationStep, Translator],
]:
    """Learn a translation; see :func:`~napari_style_transfer.plugin.runs.worker.paint`."""
    load_to_learn()
    with no_collections():
        from napari_style_transfer.methods.translate import iter_translation

    engine = iter_translation(
        job.source,
        job.target,
        names=job.names,
        settings=job.settings,
        start=load_translator(job.start) if isinstance(job.start, str) else job.start,
        stop=should_stop,
    )
    return (yield from follow(engine, "translator", job.path, attrgetter("is_best")))


def translate_slice(
    job: TranslationJob, should_stop: Callable[[], bool], _: threading.Event, __: Steering
) -> Generator[Made, None, Made | None]:
    """Translate the slice on screen; nothing comes of it when it is stopped."""
    translator, name = _loaded(job), job.content.name
    values = read(job.content.values, name)
    options: dict[str, Any] = {"device": job.device, "precision": "auto", "stop": should_stop}
    picture = translated(translator, values, name, **options)
    return None if should_stop() else Made(picture)
    yield  # it has one message only, its outcome


def apply_translator(
    job: TranslationJob, should_stop: Callable[[], bool], _: threading.Event, __: Steering
) -> Generator[Applied, None, Applied | None]:
    """Translate the slice on screen, and make the others ready to be translated when they are read."""
    translator, name = _loaded(job), job.content.name

    def translate(
        values: npt.NDArray[Any], stop: Callable[[], bool] | None = None
    ) -> npt.NDArray[Any]:
        return translated(translator, values, name, device=job.device, stop=stop)

    began = time.monotonic()
    picture = translate(job.slices.at(job.index), should_stop)
    seconds = time.monotonic() - began
    if should_stop():
        return None
    return Applied(TranslatedSlices(job.slices, translate, job.index, picture), job, seconds)
    yield  # it has one message only, its outcome


def translated(
    translator: Translator,
    values: npt.NDArray[Any],
    name: str,
    *,
    device: str,
    precision: Literal["auto", "float32"] = "float32",
    stop: Callable[[], bool] | None = None,
) -> npt.NDArray[Any]:
    """Return an (H, W) or (H, W, 3|4) slice of layer `name` translated, without opacity.

    Raises
    ------
    InputError
        If it cannot be; the message names the layer.
    """
    called = f"Layer '{name}'"
    given = translator.checked(as_micrograph(values, called), called)
    planes = translator(given, device=device, precision=precision, stop=stop)
    return np.ascontiguousarray(np.moveaxis(planes, 0, 2)) if given.colour else planes[0]


def load_translator(path: str) -> Translator:
    """Read a translator from its file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from napari_style_transfer.translator import Translator

    return Translator.load(path)


def _loaded(job: TranslationJob) -> Translator:
    load_libraries()
    with no_collections():
        return job.load()
