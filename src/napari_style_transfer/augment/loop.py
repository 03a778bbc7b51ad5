"""New pictures for a training set: each image in the style of crops, its labels copied as they are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_style_transfer.augment.draw import Draw
from napari_style_transfer.augment.learn import learned, learned_translation
from napari_style_transfer.augment.make import Maker, Task
from napari_style_transfer.augment.pairs import (
    Pairs,
    check_pairs,
    check_place,
    check_styles_are_others,
    find_pairs,
    find_styles,
)
from napari_style_transfer.augment.record import SHEET_NAME, Augmentation, begun_way, make_folder
from napari_style_transfer.augment.settings import AugmentSettings, AugmentStep, Made
from napari_style_transfer.augment.sheet import save_sheet
from napari_style_transfer.augment.ways import (
    Fast,
    Optimised,
    Painter,
    Translated,
    match_colour,
    restain,
)
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.io.micrographs import read_micrograph
from napari_style_transfer.translator import Translator
from napari_style_transfer.value_range import Planes, ValueRange

if TYPE_CHECKING:
    from distributed import Client

#: New pictures up to which each is optimised, where the settings leave that open.
MOST_OPTIMISED = 24
#: New pictures after which there is a first contact sheet.
_FIRST_SHEET = 4

#: A path as users have it.
Name = str | os.PathLike[str]


def augment(
    images: Name,
    styles: Name | Sequence[Name],
    out: Name,
    *,
    labels: Name | None = None,
    settings: AugmentSettings | None = None,
    cache: Cache | None = None,
    stop: Callable[[], bool] | None = None,
    client: Client | None = None,
    **overrides: Any,
) -> Iterator[AugmentStep]:
    """Make new pictures of a training set's images, in the style of another microscope's pictures.

    Each new picture has the size, the type, the channels and the kind of file of its image, and a copy of
    its labels. A table says what was made from what. Whatever ends a run, the same call goes on.

    Names and files are checked at the call; the work begins with the iteration.

    Parameters
    ----------
    images
        A folder of images; with their labels where `labels` is None: ``x_masks.tif`` beside ``x.tif``, or
        folders ``images`` and ``masks`` in it.
    styles
        Pictures of the other microscope: files, folders or patterns. Crops are drawn from them.
    out
        The folder for the new pictures. It gets the folder ``images``, ``masks`` where labels have a
        folder of their own, ``augmentation.csv`` and ``contact-sheet.png``.
    labels
        A folder of labels with the images' names.
    settings
        The parameters; the defaults where None.
    cache
        Keeps the network for other runs.
    stop
        Asked now and then; once it answers true, the picture in the making is dropped.
    client
        A client of dask.distributed (extra ``cluster``), whose workers make the pictures, to the same
        bytes. They need this version of the package, and the same files. What fast and translated need is
        learned here. A picture is tried twice before it is left out.
    **overrides
        Single parameters by the names of :class:`AugmentSettings`, such as ``copies=5``.

    Yields
    ------
    AugmentStep
        One for each step of learning and each new picture.

    Raises
    ------
    InputError
        If a name, a file or a parameter cannot be used, or a picture cannot be saved.
    OutOfMemoryError
        If the device has too little memory.
    LostSchedulerError
        If the scheduler of `client` answers no more. What is done is kept.
    """
    if client is not None:  # workers may have another current folder
        images, out = os.path.abspath(images), os.path.abspath(out)
        labels = None if labels is None else os.path.abspath(labels)
        names = [styles] if isinstance(styles, str | os.PathLike) else styles
        styles = [os.path.abspath(each) for each in names]
    settings = (settings or AugmentSettings()).replace(**overrides)
    pairs = find_pairs(Path(images), None if labels is None else Path(labels))
    sources = [styles] if isinstance(styles, str | os.PathLike) else styles
    found = find_styles(sources)
    check_place(Path(out), pairs, found, settings.copies)
    check_pairs(pairs)
    check_styles_are_others(found, pairs)
    draw = Draw(pairs, found, settings)
    draw.check_styles()
    if settings.way == "auto":
        count = len(pairs.pairs) * settings.copies
        way = begun_way(Path(out)) or ("optimised" if count <= MOST_OPTIMISED else "fast")
        settings = settings.replace(way=way)
        draw = replace(draw, settings=settings)
    run = settings.model_dump(mode="json", exclude={"copies", "device"})
    record = Augmentation(Path(out), run | {"styles": [str(each.resolve()) for each in found]})
    run_on = _Run(pairs, draw, settings, record, cache or Cache(), stop or (lambda: False), client)
    return run_on.run()


@dataclass
class _Run:
    """An augmentation that is on."""

    pairs: Pairs
    draw: Draw
    settings: AugmentSettings
    record: Augmentation
    cache: Cache
    stop: Callable[[], bool]
    client: Client | None = None

    def run(self) -> Iterator[AugmentStep]:
        """Learn if need be, make all pictures, and say how it goes; at first, what may spoil them."""
        caution = self.draw.caution()
        for step in self._run():
            yield replace(step, note=f"{caution} {step.note}".strip())
            caution = ""

    def _run(self) -> Iterator[AugmentStep]:
        tasks = list(self._tasks())
        to_do = [task for task in tasks if not self.record.holds(task.picture)]
        painter: Painter | None = None
        if to_do:
            painter = yield from self._painter()
            if painter is None:  # stopped
                return
        try:
            yield from self._paint(to_do, painter, len(tasks))
        except BaseException:
            with contextlib.suppress(InputError):
                self._save_overview()
            raise
        self._save_overview()
        if not self.stop():
            done = len(self.record.made)
            yield AugmentStep("paint", len(tasks), len(tasks), f"{done} pictures", finished=True)

    def _tasks(self) -> Iterator[Task]:
        """Return what is to be made: a first picture of every image, then a second one, and so on."""
        folder = "masks" if self.pairs.apart else "images"
        for copy in range(1, self.settings.copies + 1):
            for pair in self.pairs.pairs:
                picture, labels = pair.names(copy)
                yield Task(pair, copy, f"images/{picture}", f"{folder}/{labels}")

    def _painter(self) -> Generator[AugmentStep, None, Painter | None]:
        """Return what makes pictures; None if it was stopped while it learned."""
        way = self.settings.way
        if way == "colour":
            return match_colour
        if way == "stain":
            return restain
        if way == "optimised":
            return Optimised(self.settings, self.cache)
        if way == "translated":
            return (yield from self._translated())
        crops, size = self.settings.crops, self.draw.learning_size
        steps = learned(
            self.record.folder,
            [self.draw.learned_crop(number).planes for number in range(crops)],
            _Units([pair.image for pair in self.pairs.pairs]),
            self.draw.first.colour,
            size,
            self.settings,
            cache=self.cache,
            stop=self.stop,
        )
        for step in steps:
            if isinstance(step, FastStyle):
                return Fast(step, crops, size, self.settings.device)
            yield step
        return None

    def _translated(self) -> Generator[AugmentStep, None, Painter | None]:
        """Return what translates images; None if it was stopped while it learned."""
        for step in learned_translation(
            self.record.folder,
            _Units([pair.image for pair in self.pairs.pairs]),
            self.draw.whole_styles,
            self.draw.first.colour,
            self.settings,
            stop=self.stop,
        ):
            if isinstance(step, Translator):
                return Translated(step, self.settings.device)
            yield step
        return None

    def _paint(
        self, tasks: Sequence[Task], painter: Painter | None, total: int
    ) -> Iterator[AugmentStep]:
        """Make pictures until all are done or it is stopped."""
        for name in {Path(each).parent for task in tasks for each in (task.picture, task.labels)}:
            make_folder(self.record.folder / name)
        if not tasks:
            return
        assert painter is not None
        done = total - len(tasks)
        yield AugmentStep("paint", done, total, _doing(done, total))
        for number, ended in enumerate(self._made(tasks, painter), start=done + 1):
            made, left_out = (None, ended) if isinstance(ended, str) else (ended, "")
            if made is not None:
                self.record.add(made)
                if len(self.record.made) == _FIRST_SHEET:
                    self._save_overview()
            doing = _doing(number, total)
            yield AugmentStep("paint", number, total, doing, made=made, left_out=left_out)

    def _made(self, tasks: Sequence[Task], painter: Painter) -> Iterator[Made | str]:
        """Yield what became of each picture: made, or why not; until it is stopped."""
        maker = Maker(self.draw, self.settings, self.record.folder, painter)
        if self.client is not None:
            from napari_style_transfer.augment.spread import spread

            yield from spread(self.client, maker, tasks, self.stop)
            return
        for task in tasks:
            try:
                made = maker.make(task, self.stop)
            except ContentError as error:
                yield str(error)
                continue
            if made is None:  # stopped
                return
            yield made

    def _save_overview(self) -> None:
        """Write the table and the contact sheet."""
        if self.record.made:
            self.record.save_table()
            save_sheet(self.record.folder / SHEET_NAME, self.record.folder, self.record.made)


def _doing(done: int, total: int) -> str:
    """Name the picture that is made after so many."""
    return f"Picture {min(done + 1, total)}/{total}"


class _Units(Sequence[Planes]):
    """Images, (C, H, W) and about 0 to 1, each read when it is asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, position: Any) -> Any:
        image = read_micrograph(self._paths[position])
        return ValueRange.of(image).to_unit(image.planes)
