"""Learning a fast style by the objective that the optimiser has (Johnson, Alahi & Fei-Fei 2016)."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch
from torch import Tensor

from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.device import (
    Precision,
    choose_device,
    choose_precision,
    describe,
    is_out_of_memory,
    release_memory,
)
from napari_style_transfer.engine.learning.crops import Contents
from napari_style_transfer.engine.learning.start import network_from, random_network
from napari_style_transfer.engine.learning.trainer import Trainer
from napari_style_transfer.engine.networks.transformer import Transformer
from napari_style_transfer.engine.networks.weights import check_weights
from napari_style_transfer.engine.tensors import resize, to_array, to_tensor
from napari_style_transfer.errors import InputError, OutOfMemoryError, StyleTransferError
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.io.fast_file import thumbnail
from napari_style_transfer.learning import FastStyleInfo, LearningSettings, LearningStep
from napari_style_transfer.progress import Losses, Status
from napari_style_transfer.settings import MIN_SIDE, Settings
from napari_style_transfer.spec import ImageSource

#: Contents that are read, at most: of a stack, slices at even distances.
_CONTENTS = 64
#: Side in pixels of the crops on which it is found what a style begins with.
_FIRST_LOOK = 128
#: Seconds between two looks at the crops held out, at least, and as a share of the time to learn.
_LOOK_EVERY, _LOOK_SHARE = 5.0, 0.02
#: Share of the time without a better look after which it is over.
_PATIENCE = 0.5


def iter_learn(
    styles: Mapping[str, ImageSource],
    contents: Sequence[Any],
    *,
    settings: LearningSettings | None = None,
    base: FastStyle | None = None,
    content_names: Sequence[str] = (),
    cache: Cache | None = None,
    stop: Callable[[], bool] | None = None,
    snapshot_interval: float = 1.0,
    **overrides: Any,
) -> Iterator[LearningStep]:
    """Learn styles from contents, and yield a :class:`LearningStep` after each step of the optimiser.

    Styles and parameters are checked at the call; the work begins with the iteration.

    Parameters
    ----------
    styles
        Name to style picture, at least one.
    contents
        Pictures to learn from: arrays or paths, or any sequence of them, such as the slices of a stack.
        Of more than 64, 64 at even distances are read.
    settings
        The parameters; the defaults where None.
    base
        A fast style to go on with: of the same names, to learn it longer; of others, to start from its
        network. What `settings.start` says if None.
    content_names
        What the contents are called in the file.
    cache
        Keeps VGG-19 for other runs.
    stop
        Asked after each step; once it answers true, the next step is the last.
    snapshot_interval
        Seconds, at least, between steps that carry a fast style.
    **overrides
        Single parameters by the names of :class:`LearningSettings`, such as ``minutes=5``.

    Yields
    ------
    LearningStep
        The last one has the status ``FINISHED`` or ``STOPPED``, and the best fast style.

    Raises
    ------
    InputError
        If a picture or a parameter cannot be used.
    OutOfMemoryError
        If the device has too little memory.
    """
    settings = (settings or LearningSettings()).replace(**overrides)
    if not styles:
        raise InputError("Name at least one style picture to learn.")
    if not len(contents):
        raise InputError("Name at least one picture to learn from.")
    pictures = {name: _picture(source, f"style {name!r}") for name, source in styles.items()}
    for name, picture in pictures.items():
        if float(picture.amax() - picture.amin()) < 1 / 255:
            raise InputError(f"The style {name!r} has one colour only; there is nothing to learn.")
    check_weights(settings.weights)
    device, note = choose_device(settings.device)
    if base is None and settings.start == "base":
        base = FastStyle.load("base")
    learning = _Learning(
        settings, pictures, contents, tuple(content_names), base, cache or Cache(),
        device, note, stop or (lambda: False), snapshot_interval,
    )  # fmt: skip
    return learning.run()


@dataclass
class _Learning:
    """A learning that is on; the fields are as for :func:`iter_learn`."""

    settings: LearningSettings
    styles: Mapping[str, Tensor]
    contents: Sequence[Any]
    content_names: tuple[str, ...]
    base: FastStyle | None
    cache: Cache
    device: torch.device
    note: str
    stop: Callable[[], bool]
    snapshot_interval: float

    def run(self) -> Iterator[LearningStep]:
        """Learn, and say how it goes."""
        try:
            yield from self._run()
        except RuntimeError as error:
            if isinstance(error, StyleTransferError) or not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                f"There is too little memory on {describe(self.device)} to learn from crops of "
                f"{self.settings.crop} px; choose smaller crops, or another device."
            ) from error
        finally:
            release_memory(self.device)

    def _run(self) -> Iterator[LearningStep]:
        began = time.monotonic()
        total = self.settings.minutes * 60
        contents = Contents.of(self._read_contents(), self.settings.size, self.settings.crop)
        precision = choose_precision("auto", self.device)
        trainer = self._trainer(contents, precision)
        best, best_at = trainer.copy(), began
        losses = lowest = trainer.measure()
        first = dict(losses)
        looked = shown = time.monotonic()
        look_every = max(_LOOK_EVERY, _LOOK_SHARE * total)
        steps, status = 0, Status.RUNNING
        while status is Status.RUNNING:
            trainer.step(min(1.0, (time.monotonic() - began) / total))
            steps += 1
            now = time.monotonic()
            stopped, over = self.stop(), now - began >= total
            if self.settings.frozen and not trainer.transformer.frozen and now - began >= total / 2:
                trainer.freeze()
                best, best_at = trainer.copy(), now
                losses = lowest = trainer.measure()
            if stopped or over or now - looked >= look_every:
                losses, looked = trainer.measure(), time.monotonic()
                if sum(losses.values()) < sum(lowest.values()):
                    lowest, best, best_at = losses, trainer.copy(), now
                over = over or now - best_at > max(_PATIENCE * total, 60.0)
            snapshot, left = None, max(0.0, total - (now - began))
            if stopped or over:
                status, left = Status.STOPPED if stopped else Status.FINISHED, 0.0
                snapshot = self._fast_style(best, now - began, lowest, first)
            elif now - shown >= self.snapshot_interval:
                snapshot, shown = self._fast_style(trainer.copy(), now - began, losses, first), now
            yield LearningStep(
                steps=steps,
                seconds=now - began,
                seconds_left=left,
                losses=Losses(losses),
                best=sum(lowest.values()),
                device=describe(self.device),
                precision=precision.value,
                fast_style=snapshot,
                status=status,
                note=self.note if steps == 1 else "",
            )

    def _read_contents(self) -> list[Tensor]:
        """Read the contents, each no larger than is seen of it."""
        count = len(self.contents)
        chosen = torch.linspace(0, count - 1, min(count, _CONTENTS)).round().int().tolist()
        pictures, names = [], []
        for number in chosen:
            name = self.content_names[number] if number < len(self.content_names) else str(number)
            names.append(name)
            picture = _picture(self.contents[number], f"content {name!r}")
            shape = picture.shape[-2], picture.shape[-1]
            largest = 2 * self.settings.size
            pictures.append(
                resize(picture, result_shape(shape, largest)) if max(shape) > largest else picture
            )
        if self.content_names:
            self.content_names = tuple(dict.fromkeys(names))  # of many slices, the layer's once
        return pictures

    def _trainer(self, contents: Contents, precision: Precision) -> Trainer:
        """Return what changes the network, made ready to begin."""
        settings = Settings(
            content_weight=self.settings.content_weight,
            style_weight=self.settings.style_weight,
            content_layers=self.settings.content_layers,
            style_layers=self.settings.style_layers,
        )
        layers = {*settings.content_layers, *settings.style_layers}
        vgg = self.cache.network(self.settings.weights, layers, "max", precision, self.device)
        trainer = Trainer(
            vgg, precision, settings, list(self.styles.values()), contents,
            self.settings.tone_weight, self.device, self.settings.seed,
        )  # fmt: skip
        trainer.begin(self._network(trainer))
        return trainer

    @property
    def _known(self) -> FastStyle | None:
        """The fast style of these very styles that is learned longer, if any."""
        goes_on = self.base is not None and self.base.names == tuple(self.styles)
        return self.base if goes_on else None

    def _network(self, trainer: Trainer) -> Transformer:
        """Return the network to begin with."""
        if self.base is None:
            return random_network(len(self.styles), self.settings.seed)
        if self._known is not None:
            return self._known.transformer
        # The caller's stays where it is.
        base = copy.deepcopy(self.base.transformer).to(self.device)
        return network_from(base, len(self.styles), *trainer.first_look(_FIRST_LOOK))

    def _fast_style(
        self,
        network: Transformer,
        seconds: float,
        losses: Mapping[str, float],
        first: Mapping[str, float],
    ) -> FastStyle:
        before = 0.0 if self._known is None else self._known.info.seconds
        return FastStyle(
            network,
            FastStyleInfo(
                names=tuple(self.styles),
                thumbnails=tuple(thumbnail(to_array(each)) for each in self.styles.values()),
                settings=self.settings,
                contents=self.content_names,
                figures={
                    **{name: round(loss, 4) for name, loss in losses.items()},
                    **{f"{name} before": round(loss, 4) for name, loss in first.items()},
                },
                versions={
                    name: metadata.version(name) for name in ("napari-style-transfer", "torch")
                },
                seconds=before + seconds,
            ),
        )


def _picture(source: Any, what: str) -> Tensor:
    """Read a picture that can be learned from."""
    picture = to_tensor(source, what)
    if min(picture.shape[-2:]) < MIN_SIDE:
        raise InputError(
            f"The {what} picture is {picture.shape[-1]} × {picture.shape[-2]} px; there is too little to "
            f"learn from below {MIN_SIDE} px."
        )
    return picture
