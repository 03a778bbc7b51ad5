"""Translators: networks that make pictures of one kind look like those of another."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError, OutOfMemoryError, StyleTransferError
from napari_style_transfer.io.micrographs import Micrograph, as_micrograph
from napari_style_transfer.translation import TranslationInfo

if TYPE_CHECKING:
    from napari_style_transfer.engine.networks.generator import Generator


#: What limits of pictures in [0, 1] are below, at most: they are those of the target's mean and deviation.
_UNIT = 4.0


class Translator:
    """A network that makes pictures of a source look like those of a target.

    Parameters
    ----------
    generator
        The network, which does not change any more.
    info
        What is known of it.
    """

    def __init__(self, generator: Generator, info: TranslationInfo) -> None:
        self.generator, self.info = generator.requires_grad_(False).eval(), info

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Translator:
        """Read a file.

        Raises
        ------
        InputError
            If it cannot be read; the message says why.
        """
        from napari_style_transfer.engine.networks.generator import Generator
        from napari_style_transfer.engine.networks.load import load_network
        from napari_style_transfer.io.translator_file import read_translator_file

        architecture, info, tensors = read_translator_file(path)
        try:
            return cls(load_network(Generator, architecture, tensors), info)
        except InputError as error:
            raise InputError(f"Cannot read the translator {os.fspath(path)}: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a .safetensors file, whole or not at all.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        from napari_style_transfer.io.translator_file import save_translator_file

        state = self.generator.state_dict()
        tensors = {name: value.detach().float().cpu().numpy() for name, value in state.items()}
        architecture = {"channels": self.generator.channels, "width": self.generator.width}
        save_translator_file(path, architecture, self.info, tensors)

    def copy(self) -> Generator:
        """Return a copy of its network that can be trained."""
        return copy.deepcopy(self.generator).requires_grad_(True)

    def __call__(
        self,
        picture: Any,
        *,
        device: str = "auto",
        tile_size: int = 0,
        precision: Literal["auto", "float32", "bfloat16"] = "float32",
        stop: Callable[[], bool] | None = None,
    ) -> npt.NDArray[Any]:
        """Translate a picture.

        Parameters
        ----------
        picture
            A path, or an array (H, W), (H, W, 3) or (C, H, W), with the channels that were learned.
        device
            As in :class:`~napari_style_transfer.Settings`.
        tile_size
            Side in pixels of the parts in which large pictures are translated, a multiple of 4, to save
            memory; the result is the same. 0 chooses it.
        precision
            In which to convolve: auto takes bfloat16 where the device is fast at it, else float32.
        stop
            Asked before each part; once it answers true, what is left is the picture's own.

        Returns
        -------
        ndarray
            With the picture's axes, in the type and the range of values of the target.

        Raises
        ------
        InputError
            If the picture has other channels, or the tile size is none.
        OutOfMemoryError
            If the device has too little memory.
        """
        import torch

        from napari_style_transfer.engine.device import (
            choose_device,
            describe,
            has_fast_bfloat16,
            is_out_of_memory,
        )
        from napari_style_transfer.engine.networks.generator import STRIDE
        from napari_style_transfer.engine.translation.apply import translate

        if tile_size < 0 or tile_size % STRIDE:
            raise InputError(f"The tile size should be a multiple of {STRIDE}, got {tile_size!r}.")
        given = self.checked(as_micrograph(picture, "The picture"), "The picture")
        place, _ = choose_device(device)
        half = precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(place))
        values = torch.from_numpy(self.info.source_range.to_unit(given.planes))
        try:
            made = translate(
                self.generator.to(place),
                values,
                dtype=torch.bfloat16 if half else torch.float32,
                tile_size=tile_size,
                stop=stop or (lambda: False),
            )
        except RuntimeError as error:
            if isinstance(error, StyleTransferError) or not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                f"There is too little memory on {describe(place)} to translate {max(given.shape)} px; "
                "choose smaller tiles, or another device."
            ) from error
        planes = self.info.target_range.from_unit(made.numpy(), np.dtype(self.info.dtype))
        return planes if isinstance(picture, Micrograph) else _like(planes, given, picture)

    def checked(self, picture: Micrograph, name: str) -> Micrograph:
        """Return a picture that is of the kind that was learned.

        Raises
        ------
        InputError
            If it has other channels, integers of another size, or values of another scale.
        """
        picture = picture.in_colour() if self.info.colour else picture
        if len(picture.planes) != self.generator.channels or picture.colour != self.info.colour:
            wanted = "colours" if self.info.colour else f"{self.generator.channels} channel(s)"
            have = "colours" if picture.colour else f"{len(picture.planes)} channel(s)"
            raise InputError(f"{name} has {have}; this translator is for pictures with {wanted}.")
        learned, own = np.dtype(self.info.source_dtype), picture.planes.dtype
        if ({learned.kind, own.kind} == {"u"} and learned != own) or self._is_scaled(picture):
            raise InputError(
                f"{name} is of type {own}, but this translator learned from {learned}; give pictures with "
                "the microscope's own values."
            )
        return picture

    def _is_scaled(self, picture: Micrograph) -> bool:
        """Return whether either has been scaled to [0, 1], and the other one holds whole numbers."""
        limits = self.info.source_range
        learned, own = np.dtype(self.info.source_dtype).kind, picture.planes.dtype.kind
        if (learned, own) == ("u", "f"):
            span = float(np.abs(limits.high - limits.low).max())
            return bool(picture.planes.any() and np.abs(picture.planes).max() <= 1 < span / 50)
        ends = np.abs([limits.low, limits.high]).max()
        return bool((learned, own) == ("f", "u") and ends <= _UNIT < picture.planes.max())


def _like(planes: npt.NDArray[Any], given: Micrograph, picture: Any) -> npt.NDArray[Any]:
    """Return (C, H, W) planes with the axes of what was given."""
    if given.colour:
        return np.ascontiguousarray(np.moveaxis(planes, 0, 2))
    flat = isinstance(picture, str | os.PathLike) or np.ndim(picture) == 2
    return planes[0] if flat and len(planes) == 1 else planes
