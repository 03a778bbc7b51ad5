"""A fast style that paints nothing, a learning that learns nothing: stand-ins for torch's in all tests."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.learning import FastStyleInfo, LearningSettings, LearningStep
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.progress import Losses, Status, Step


def colour(name: str) -> np.ndarray:
    """The colour of a style's name, (3,) uint8."""
    return np.random.default_rng(sum(map(ord, name))).integers(40, 256, 3).astype(np.uint8)


@dataclass(eq=False)
class FakeFastStyle:
    """Paints the content's mean of each quarter in the colour of the style; counts its calls.

    Attributes
    ----------
    gate, hold
        While `hold` is set, a call waits for the gate.
    """

    info: FastStyleInfo
    calls: list[dict[str, Any]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    hold: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    most: int = 0
    now: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        return self.info.names

    def save(self, path: Path) -> None:
        Path(path).write_text(json.dumps({"names": self.names, "seconds": self.info.seconds}))

    def only(self, index: int) -> FakeFastStyle:
        if len(self.names) == 1:
            return self
        return FakeFastStyle(info(self.names[index]), self.calls, self.threads)

    def mixed(self, other: FakeFastStyle, share: float) -> FakeFastStyle:
        if other.info.note == "foreign":
            raise InputError("The two were learned from different bases and cannot be mixed.")
        name = f"{self.names[0]}+{other.names[0]}*{share:g}"
        return FakeFastStyle(info(name), self.calls, self.threads)

    def __call__(self, content: Any, **options: Any) -> np.ndarray:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            self.threads.add(threading.get_ident())
            content = np.asarray(content)
            self.calls.append({"content": content.copy(), "name": self.names[0], **options})
            if self.hold:
                assert self.gate.wait(60)
            if self.error is not None:
                raise self.error
            shape = result_shape(content.shape[:2], options["size"])
            grey = content[..., :3].mean() / 255
            return np.full((*shape, 3), np.rint(colour(self.names[0]) * grey), np.uint8)
        finally:
            self.now -= 1


def info(*names: str, seconds: float = 0.0, note: str = "") -> FastStyleInfo:
    thumbnails = tuple(np.full((20, 30, 3), colour(name), np.uint8) for name in names)
    return FastStyleInfo(names, thumbnails, seconds=seconds, note=note)


@dataclass
class FakeLibrary:
    """What is shipped, and what is read from the user's files."""

    shipped: dict[str, FakeFastStyle]
    folder: Path

    def read_info(self, path: Any) -> FastStyleInfo:
        if str(path) in self.shipped:
            return self.shipped[str(path)].info
        try:
            values = json.loads(Path(path).read_text())
        except (OSError, ValueError):
            raise InputError(f"{path} holds no fast style.") from None
        return info(*values["names"], seconds=values["seconds"])

    def files(self) -> dict[str, Path]:
        return {name: Path(name) for name in self.shipped}

    def load(self, source: Any) -> FakeFastStyle:
        return self.shipped.get(str(source)) or FakeFastStyle(self.read_info(source))


class FakeFast:
    """The method of one pass, by a fake fast style."""

    def __init__(self, fast: FakeFastStyle, *, shares: Any, own_size: bool) -> None:
        assert not own_size
        self.fast, self.shares = fast, shares

    def run(self, request: Request, controls: Controls) -> Iterator[Step]:
        settings = request.settings
        picture = self.fast(
            request.content,
            strength=settings.strength,
            stroke_size=settings.style_scale,
            size=settings.size,
            shares=self.shares,
        )
        yield Step(
            evaluation=1,
            evaluations=1,
            scale=1,
            scales=1,
            shape=picture.shape[:2],
            losses=Losses({}),
            device="cpu",
            precision="bfloat16",
            picture=picture,
            status=Status.STOPPED if controls.stop() else Status.FINISHED,
            settings=settings,
        )

    def following(self, request: Request, *_: object) -> Request:
        return request

    def evaluations(self, _: Request, follows: bool = False) -> int:
        return 1


@dataclass
class FakeLearning:
    """Learns nothing, in so many steps.

    Attributes
    ----------
    hold
        Step before which it waits until `gate` is set or it is told to stop; 0 for none.
    error
        Raised at step `error_at`.
    """

    steps: int = 6
    hold: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    error_at: int = 3
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(
        self,
        styles: Mapping[str, Any],
        contents: Sequence[Any],
        *,
        settings: LearningSettings,
        base: Any = None,
        content_names: Sequence[str] = (),
        stop: Callable[[], bool],
        **_: Any,
    ) -> Iterator[LearningStep]:
        self.calls.append(
            {
                "styles": dict(styles),
                "contents": [np.asarray(each) for each in contents],
                "settings": settings,
                "base": base,
                "content_names": list(content_names),
            }
        )
        return self._run(tuple(styles), settings, stop)

    def _run(
        self, names: tuple[str, ...], settings: LearningSettings, stop: Callable[[], bool]
    ) -> Iterator[LearningStep]:
        for number in itertools.count(1):
            while number == self.hold and not self.gate.is_set() and not stop():
                time.sleep(0.005)
            if self.error is not None and number == self.error_at:
                raise self.error
            stopped, finished = stop(), number == self.steps
            status = Status.FINISHED if finished else Status.STOPPED if stopped else Status.RUNNING
            seconds = 60 * settings.minutes * number / self.steps
            yield LearningStep(
                steps=number,
                seconds=seconds,
                seconds_left=60 * settings.minutes - seconds,
                losses=Losses({"content": 1 / number, "style": 2 / number}),
                best=3 / number,
                device="cpu",
                precision="bfloat16",
                fast_style=FakeFastStyle(info(*names, seconds=seconds)),  # type: ignore[arg-type]
                status=status,
            )
            if status is not Status.RUNNING:
                return
