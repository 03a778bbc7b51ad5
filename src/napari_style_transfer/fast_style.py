"""Fast styles: learned once, then applied to any picture in one pass (Johnson et al. 2016)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from napari_style_transfer.learning import FastStyleInfo
from napari_style_transfer.progress import Picture
from napari_style_transfer.spec import ImageSource

if TYPE_CHECKING:
    from napari_style_transfer.engine.networks.transformer import Transformer


class FastStyle:
    """One style or several in a network that paints any picture in one pass.

    Parameters
    ----------
    transformer
        The network.
    info
        What is known of it.
    """

    def __init__(self, transformer: Transformer, info: FastStyleInfo) -> None:
        self.transformer, self.info = transformer, info

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its styles."""
        return self.info.names

    @classmethod
    def load(cls, source: str | os.PathLike[str]) -> FastStyle:
        """Read a file, or one of the shipped styles by its name, such as ``"night"``."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a .safetensors file, whole or not at all."""
        raise NotImplementedError

    def mixed(self, other: FastStyle, share: float) -> FastStyle:
        """Return a fast style between this one (0) and another one (1) learned from the same base."""
        raise NotImplementedError

    def __call__(
        self,
        content: ImageSource,
        *,
        strength: float = 0.5,
        stroke_size: float = 1.0,
        shares: Sequence[float] | Mapping[str, float] | None = None,
        size: int | None = None,
        bits: Literal[8, 16] = 8,
        device: str = "auto",
        tile_size: int = 0,
    ) -> Picture:
        """Paint a picture: (H, W, 3) uint8 or uint16, of the content's size unless `size` says another."""
        raise NotImplementedError
