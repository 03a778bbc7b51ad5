"""A translator that adds a number, a learning that learns nothing: stand-ins for torch's in all tests."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.micrographs import Micrograph, as_micrograph
from napari_style_transfer.progress import Losses, Status
from napari_style_transfer.translation import (
    Agreement,
    TranslationInfo,
    TranslationSettings,
    TranslationStep,
)
from napari_style_transfer.value_range import ValueRange

GOOD, BAD = Agreement(0.9, 0.1, 0.0), Agreement(0.5, 0.1, 0.6)


@dataclass(eq=False)
class FakeTranslator:
    """Adds `plus` to its pictures, in the target's type; counts its calls.

    Attributes
    ----------
    gate, hold
        While `hold` is set, a call waits for the gate.
    """

    info: TranslationInfo
    plus: int = 1
    calls: list[np.ndarray] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    hold: bool = False
    gate: threading.Event = field(default_factory=threading.Event)

    def save(self, path: Path) -> None:
        described = {
            "names": [self.info.source, self.info.target],
            "dtype": self.info.dtype,
            "colour": self.info.colour,
            "plus": self.plus,
            "agreement": asdict(self.info.agreement),
        }
        Path(path).write_text(json.dumps(described))

    def checked(self, picture: Micrograph, name: str) -> Micrograph:
        if picture.colour != self.info.colour:
            raise InputError(f"{name} has other channels.")
        return picture

    def __call__(self, picture: Micrograph, **options: Any) -> np.ndarray:
        self.threads.add(threading.get_ident())
        self.calls.append(picture.planes.copy())
        if self.hold:
            assert self.gate.wait(60)
        return (picture.planes + self.plus).astype(self.info.dtype)


def info(
    source: str,
    target: str,
    *,
    dtype: str = "uint8",
    agreement: Agreement = GOOD,
    colour: bool = False,
) -> TranslationInfo:
    ones = np.ones((1, 1, 1))
    return TranslationInfo(
        source, target, ValueRange(0 * ones, ones), ValueRange(10 * ones, 90 * ones), "uint16", dtype,
        colour,
        agreement, 0.4,
    )  # fmt: skip


def read_info(path: Any) -> TranslationInfo:
    return load(path).info


def load(path: Any) -> FakeTranslator:
    try:
        values = json.loads(Path(path).read_text())
        agreement = Agreement(**values["agreement"])
        read = info(
            *values["names"], dtype=values["dtype"], colour=values["colour"], agreement=agreement
        )
    except (OSError, ValueError, KeyError):
        raise InputError(f"{path} holds no translator.") from None
    return FakeTranslator(read, values["plus"])


@dataclass
class FakeTranslation:
    """Learns nothing, in so many steps; each translator adds one more than the last.

    Attributes
    ----------
    hold
        Step before which it waits until `gate` is set or it is told to stop; 0 for none.
    error
        Raised at step 3.
    agreement, best
        Of what it learns; and the best score, which what it learned on the way does not reach if it is 1.
    """

    steps: int = 6
    hold: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    agreement: Agreement = GOOD
    best: float = 0.0
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(
        self,
        source: Sequence[Any],
        target: Sequence[Any],
        *,
        names: tuple[str, str],
        settings: TranslationSettings,
        start: FakeTranslator | None,
        stop: Callable[[], bool],
    ) -> Iterator[TranslationStep]:
        both = [[np.array(each) for each in pictures] for pictures in (source, target)]
        for name, pictures in zip(names, both, strict=True):
            as_micrograph(pictures[0], f"{name} 1")
        self.calls.append({"pictures": both, "names": names, "settings": settings, "start": start})
        dtype, colour = both[1][0].dtype.name, both[1][0].ndim == 3
        known = info(*names, dtype=dtype, agreement=self.agreement, colour=colour)
        return self._run(known, 0 if start is None else start.plus, settings, stop)

    def _run(
        self,
        known: TranslationInfo,
        plus: int,
        settings: TranslationSettings,
        stop: Callable[[], bool],
    ) -> Iterator[TranslationStep]:
        for number in itertools.count(1):
            while number == self.hold and not self.gate.is_set() and not stop():
                time.sleep(0.005)
            if self.error is not None and number == 3:
                raise self.error
            stopped, finished = stop(), number == self.steps
            status = Status.FINISHED if finished else Status.STOPPED if stopped else Status.RUNNING
            seconds = 60 * settings.minutes * number / self.steps
            yield TranslationStep(
                steps=number,
                seconds=seconds,
                seconds_left=60 * settings.minutes - seconds,
                losses=Losses({"adversarial": 1 / number}),
                structure=known.agreement.score,
                likeness=number / self.steps,
                best=self.best,
                device="cpu",
                precision="bfloat16",
                translator=FakeTranslator(known, plus + number),  # type: ignore[arg-type]
                status=status,
            )
            if status is not Status.RUNNING:
                return
