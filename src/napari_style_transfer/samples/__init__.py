"""Pictures to start with: contents from scikit-image, styles painted for this package.

Nothing is downloaded, and nothing is read before a sample is loaded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_style_transfer.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CONTENTS", "STYLES", "Sample", "fast_styles", "find", "find_fast", "load"]

#: Where the fast styles lie, and how their names end.
_FAST, _SUFFIX = Path(__file__).parent / "fast", ".safetensors"


@dataclass(frozen=True)
class Sample:
    """A picture that comes with the package or with scikit-image."""

    name: str
    title: str
    licence: str
    """One line: the terms, and where the picture is from."""
    kind: Literal["content", "style"]

    def load(self) -> NDArray[np.uint8]:
        """Read the picture.

        Returns
        -------
        ndarray
            (H, W, 3) uint8, the caller's own to change.
        """
        import numpy as np

        if self.kind == "content":
            from skimage import data

            return np.array(getattr(data, self.name)()[..., :3], np.uint8)

        from importlib import resources

        from PIL import Image

        file = resources.files(__name__) / "styles" / f"{self.name}.jpg"
        with file.open("rb") as stream, Image.open(stream) as picture:
            return np.array(picture.convert("RGB"))


_CC0 = "CC0 1.0 (public domain dedication)"
_OURS = "BSD-3-Clause, painted for napari-style-transfer by tools/paint_styles.py"

CONTENTS: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample(
            "astronaut",
            "Astronaut Eileen Collins",
            "Public domain: NASA Great Images database, no known copyright restrictions",
            "content",
        ),
        Sample(
            "coffee",
            "Cup of coffee",
            f"{_CC0}: Rachel Michetti, courtesy of Pikolo Espresso Bar",
            "content",
        ),
        Sample("chelsea", "Chelsea the cat", f"{_CC0}: Stefan van der Walt", "content"),
        Sample(
            "immunohistochemistry",
            "Immunohistochemistry of colonic glands",
            "No known copyright restrictions: Center for Microscopy and Molecular Imaging (CMMI)",
            "content",
        ),
    )
}
"""Photographs and a micrograph, by name."""

STYLES: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample("night", "Night over a lake, in thick strokes", _OURS, "style"),
        Sample("papercut", "Leaves of cut, painted paper", _OURS, "style"),
        Sample("woodcut", "Red sun over waves, a woodcut", _OURS, "style"),
        Sample("meadow", "Poppies by a pond, in dabs", _OURS, "style"),
    )
}
"""Pictures in four manners, by name."""


def find(name: str) -> Sample:
    """Return the sample `name`, a key of `CONTENTS` or of `STYLES`; nothing is read.

    Raises
    ------
    InputError
        There is no sample of that name.
    """
    samples = CONTENTS | STYLES
    if name not in samples:
        raise InputError(
            f"There is no sample named {name!r}; the samples are {', '.join(samples)}."
        )
    return samples[name]


def load(name: str) -> NDArray[np.uint8]:
    """Read the sample `name`, a key of `CONTENTS` or of `STYLES`.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, the caller's own to change.

    Raises
    ------
    InputError
        There is no sample of that name.
    """
    return find(name).load()


def fast_styles() -> dict[str, Path]:
    """Return the file of each fast style that comes with the package, by name; nothing is read."""
    files = sorted(_FAST.glob(f"*{_SUFFIX}"))
    return {path.name.removesuffix(_SUFFIX): path for path in files}


def find_fast(source: str | os.PathLike[str]) -> Path:
    """Return the file of a fast style: one that comes with the package, by its name, or of a path.

    Raises
    ------
    InputError
        There is no such file.
    """
    shipped = fast_styles()
    if source in shipped:
        return shipped[str(source)]
    path = Path(source)
    if not os.path.lexists(path):
        names = f"; those that come with the package are {', '.join(shipped)}" if shipped else ""
        raise InputError(f"There is no file {os.fspath(source)}{names}.")
    return path
