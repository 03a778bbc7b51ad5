"""Learning to translate between two domains of pictures, without pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata

import numpy as np
import torch
from torch import Tensor

from napari_style_transfer.engine.device import (
    choose_device,
    describe,
    has_fast_bfloat16,
    is_out_of_memory,
    release_memory,
)
from napari_style_transfer.engine.networks.generator import STRIDE, Generator
from napari_style_transfer.engine.translation.apply import translate
from napari_style_transfer.engine.translation.contrastive import ContrastiveTrainer
from napari_style_transfer.engine.translation.cycle import CycleTrainer
from napari_style_transfer.engine.translation.domain import Domain
from napari_style_transfer.engine.translation.judge import Likeness, compare_edges
from napari_style_transfer.engine.translation.trainer import Trainer
from napari_style_transfer.errors import InputError, OutOfMemoryError, StyleTransferError
from napari_style_transfer.io.micrographs import Micrograph
from napari_style_transfer.methods.domains import read_domains
from napari_style_transfer.progress import Losses, Status
from napari_style_transfer.translation import (
    Agreement,
    TranslationInfo,
    TranslationSettings,
    TranslationStep,
    harmonic,
)
from napari_style_transfer.translator import Translator
from napari_style_transfer.value_range import ValueRange

#: Seconds between two looks at what is held out, at least, and as a share of the time to learn.
_LOOK_EVERY, _LOOK_SHARE = 10.0, 0.02
#: A negative is nearer to the target if its distance is this share of the other's, at most.
_CLEARLY_NEARER = 0.97
_NOTHING = (
    "Nothing was found yet that is nearer to the target than a match of mean and deviation; "
    "learn longer."
)
_TRAINERS: dict[str, type[Trainer]] = {"contrastive": ContrastiveTrainer, "cycle": CycleTrainer}


def iter_translation(
    source: Sequence[object],
    target: Sequence[object],
    *,
    names: tuple[str, str] = ("source", "target"),
    settings: TranslationSettings | None = None,
    start: Translator | None = None,
    stop: Callable[[], bool] | None = None,
    **overrides: object,
) -> Iterator[TranslationStep]:
    """Learn to translate pictures of a source so that they look like a target's, and say how it goes.

    Pictures and parameters are checked at the call; the work begins with the iteration.

    Parameters
    ----------
    source, target
        Pictures of two domains, none of which needs a partner: paths, arrays (H, W), (H, W, 3) or
        (C, H, W); or any sequence of them, such as the slices of a stack. Of more than 64, 64 at even
        distances are read.
    names
        What both are called.
    settings
        The parameters; the defaults where None.
    start
        A translator to learn longer, from pictures of the same kinds.
    stop
        Asked after each step; once it answers true, the next step is the last.
    **overrides
        Single parameters by the names of :class:`~napari_style_transfer.TranslationSettings`, such as
        ``minutes=5``.

    Yields
    ------
    TranslationStep
        The last one has the status ``FINISHED`` or ``STOPPED``, and the best translator.

    Raises
    ------
    InputError
        If a picture or a parameter cannot be used.
    OutOfMemoryError
        If the device has too little memory.
    """
    settings = (settings or TranslationSettings()).replace(**overrides)
    domains = read_domains(source, target, names)
    one, two = domains.source, domains.target
    if start is not None:
        start.checked(one[0], f"{names[0]!r}")
        tones = start.info.settings.tones
        if tones != settings.tones:
            raise InputError(
                f"The translator was learned with the tones {tones}; choose the same to learn on."
            )
        dtype = two[0].planes.dtype.name
        if dtype != start.info.dtype:
            raise InputError(
                f"{names[1]!r} is of type {dtype}, but the translator learned to make {start.info.dtype}; "
                "learn a new one."
            )
    device, note = choose_device(settings.device)
    note = f"{note} {domains.note}".strip()
    learning = _Learning(
        settings, one, two, names, domains.cautions, start, device, note, stop or (lambda: False)
    )
    return learning.run()


@dataclass
class _Learning:
    """A learning that is on; the fields are as for :func:`iter_translation`."""

    settings: TranslationSettings
    source: list[Micrograph]
    target: list[Micrograph]
    names: tuple[str, str]
    cautions: tuple[str, ...]
    start: Translator | None
    device: torch.device
    note: str
    stop: Callable[[], bool]

    def run(self) -> Iterator[TranslationStep]:
        """Learn, and say how it goes."""
        try:
            yield from self._run()
        except RuntimeError as error:
            if isinstance(error, StyleTransferError) or not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                f"There is too little memory on {describe(self.device)} to learn from patches of "
                f"{self.settings.patch} px; choose smaller ones, or another device."
            ) from error
        finally:
            release_memory(self.device)

    def _run(self) -> Iterator[TranslationStep]:
        began = time.monotonic()
        total = self.settings.minutes * 60
        start = self.start
        if start is None:
            ranges = _ranges(self.source, self.target, self.settings.tones == "negative")
        else:
            ranges = start.info.source_range, start.info.target_range
        domains = [
            Domain.of([_tensor(each, values) for each in pictures], STRIDE)
            for pictures, values in zip((self.source, self.target), ranges, strict=True)
        ]
        packages = "napari-style-transfer", "torch"
        self._info = TranslationInfo(
            source=self.names[0],
            target=self.names[1],
            source_range=ranges[0],
            target_range=ranges[1],
            source_dtype=self.source[0].planes.dtype.name,
            dtype=self.target[0].planes.dtype.name,
            colour=self.target[0].colour,
            agreement=Agreement(1, 0, 0),
            likeness=0.0,
            settings=self.settings,
            versions={name: metadata.version(name) for name in packages},
            cautions=self.cautions,
        )
        fast = has_fast_bfloat16(self.device)
        self._dtype = torch.bfloat16 if fast else torch.float32
        self._held_out = domains[0].held_out
        likeness = Likeness(self._held_out, domains[1].shown)
        self._info = replace(self._info, opposite=_is_opposite(likeness, self._held_out))
        trainer = self._trainer(*domains)
        steps, status = 0, Status.RUNNING
        # What it begins with stays the best until something better is found.
        agreement, alike = self._look(trainer, likeness)
        best = harmonic(agreement.score, max(0.0, alike))
        found = self._translator(trainer, agreement, alike, 0.0)
        looked = time.monotonic()
        while status is Status.RUNNING:
            losses = trainer.step(min(1.0, (time.monotonic() - began) / total))
            steps += 1
            now, newest = time.monotonic(), None
            stopped, over = self.stop(), now - began >= total
            if stopped or over or now - looked >= max(_LOOK_EVERY, _LOOK_SHARE * total):
                agreement, alike = self._look(trainer, likeness)
                newest = self._translator(trainer, agreement, alike, now - began)
                looked = time.monotonic()
                score = harmonic(agreement.score, max(0.0, alike))
                if score > best:
                    best, found = score, newest
            values = torch.stack(list(losses.values())).tolist()  # one read from the device
            said = [self.note, *self._info.warnings] if steps == 1 else []
            note = " ".join(filter(None, said))
            ended = stopped or over
            if ended:
                status, newest = Status.STOPPED if stopped else Status.FINISHED, found
                note = "" if best > 0 else _NOTHING
            yield TranslationStep(
                steps=steps,
                seconds=now - began,
                seconds_left=0.0 if ended else max(0.0, total - (now - began)),
                losses=Losses(dict(zip(losses, values, strict=True))),
                structure=agreement.score,
                likeness=alike,
                best=best,
                device=describe(self.device),
                precision=str(self._dtype).removeprefix("torch."),
                translator=newest,
                status=status,
                note=note,
            )

    def _trainer(self, source: Domain, target: Domain) -> Trainer:
        """Return what changes the network, made ready to begin."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            channels = len(self.source[0].planes)
            generator = Generator(channels, self.settings.width)
            if self.start is not None:
                generator = self.start.copy()
            patch = min(self.settings.patch, source.smallest, target.smallest) // 16 * 16
            settings = self.settings.replace(patch=patch)
            make = _TRAINERS[settings.kind]
            return make(generator, source, target, settings, self.device, self._dtype)

    def _look(self, trainer: Trainer, likeness: Likeness) -> tuple[Agreement, float]:
        """Return how pictures that are held out are translated."""
        made = [translate(trainer.average, each, dtype=self._dtype) for each in self._held_out]
        return compare_edges(self._held_out, made, self._info.colour), likeness(made)

    def _translator(
        self, trainer: Trainer, agreement: Agreement, likeness: float, seconds: float
    ) -> Translator:
        before = 0.0 if self.start is None else self.start.info.seconds
        info = replace(self._info, agreement=agreement, likeness=likeness, seconds=before + seconds)
        return Translator(trainer.copy(), info)


def _ranges(
    source: list[Micrograph], target: list[Micrograph], negative: bool
) -> tuple[ValueRange, ValueRange]:
    """Return which values are 0 and 1 in both: the source's have the target's mean and deviation then.

    So the network begins near to the target, and has only to learn what no range can do. In a negative,
    light and dark of the source have changed places.
    """
    ranges = ValueRange.of(*source), ValueRange.of(*target)
    units = [
        np.concatenate(
            [values.to_unit(each.planes).reshape(len(each.planes), -1) for each in pictures], 1
        )
        for pictures, values in zip((source, target), ranges, strict=True)
    ]
    return ranges[0].matched(*units, negative=negative), ranges[1]


def _is_opposite(likeness: Likeness, source: Sequence[Tensor]) -> bool:
    """Return whether the negative of a source's pictures is nearer to the target."""
    means = torch.cat([each.flatten(1) for each in source], 1).mean(1)[:, None, None]
    turned = likeness.distance([2 * means - each for each in source])
    return turned < _CLEARLY_NEARER * likeness.before


def _tensor(picture: Micrograph, values: ValueRange) -> Tensor:
    """Return a picture as (C, H, W) float32, about 0 to 1."""
    return torch.from_numpy(values.to_unit(picture.planes))
