"""Fast styles: learned once, then applied to any picture in one pass (Johnson et al. 2016)."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from napari_style_transfer import samples
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.geometry import check_shape
from napari_style_transfer.io.fast_file import (
    FastFile,
    blended,
    read_fast_file,
    save_fast_file,
)
from napari_style_transfer.io.windows import PictureWindows, open_picture
from napari_style_transfer.learning import FastStyleInfo
from napari_style_transfer.progress import Picture
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import ImageSource

if TYPE_CHECKING:
    import torch

    from napari_style_transfer.engine.fast import Conditioned, Paint, Pass, Source
    from napari_style_transfer.engine.networks.transformer import Transformer

#: Limits of the stroke size, relative to what was learned.
STROKE_SIZES = (0.5, 2.0)

Shares = Sequence[float] | Mapping[str, float]


class FastStyle:
    """One style or several in a network that paints any picture in one pass.

    Parameters
    ----------
    transformer
        The network, which does not change any more.
    info
        What is known of it.
    """

    def __init__(self, transformer: Transformer, info: FastStyleInfo) -> None:
        self.transformer, self.info = transformer, info
        self._conditioned: tuple[object, Conditioned] | None = None
        self._painted_scene: tuple[Conditioned, tuple[ImageSource, ...], Paint] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make it in another process, without what it has prepared here."""
        return FastStyle, (self.transformer, self.info)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its styles."""
        return self.info.names

    @classmethod
    def load(cls, source: str | os.PathLike[str]) -> FastStyle:
        """Read a file, or one of the shipped styles by its name, such as ``"night"``.

        Raises
        ------
        InputError
            If there is none, or it cannot be read; the message says why.
        """
        from napari_style_transfer.engine.networks.load import load_transformer

        path = samples.find_fast(source)
        file = read_fast_file(path)
        if len(file.info.names) != file.architecture.get("styles"):
            raise InputError(f"Cannot read the fast style {path}: its description is damaged.")
        try:
            return cls(load_transformer(file.architecture, file.tensors), file.info)
        except InputError as error:
            raise InputError(f"Cannot read the fast style {path}: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a .safetensors file, whole or not at all.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        save_fast_file(path, self.file)

    @property
    def file(self) -> FastFile:
        """What a file of it holds."""
        state = self.transformer.state_dict()
        tensors = {name: value.detach().float().cpu().numpy() for name, value in state.items()}
        return FastFile(self._architecture, self.info, tensors)

    @property
    def _architecture(self) -> dict[str, int]:
        network = self.transformer
        return {
            "styles": network.styles,
            "width": network.width,
            "blocks": network.blocks,
            "frozen": int(network.frozen),
        }

    def only(self, index: int) -> FastStyle:
        """Return a fast style of one of its styles alone, by its place among the names."""
        from napari_style_transfer.engine.learning.start import with_styles

        if len(self.names) == 1:
            return self
        info = replace(
            self.info,
            names=(self.names[index],),
            thumbnails=(self.info.thumbnails[index],),
        )
        network = with_styles(self.transformer, [index]).requires_grad_(False).eval()
        return FastStyle(network, info)

    def mixed(self, other: FastStyle, share: float) -> FastStyle:
        """Return a fast style between this one and another one learned from the same base.

        Every parameter of the network is interpolated linearly.

        Parameters
        ----------
        other
            Of the same architecture and number of styles.
        share
            From 0, this one, to 1, the other one.

        Raises
        ------
        InputError
            If it is of another architecture, or the share lies outside 0..1.
        """
        import torch

        if not 0 <= share <= 1:
            raise InputError(f"The share of the other fast style should be 0 to 1, got {share!r}.")
        if self._architecture != other._architecture:
            one, two = (
                ", ".join(f"{name} {value}" for name, value in each._architecture.items())
                for each in (self, other)
            )
            raise InputError(
                f"Fast styles can be mixed if their networks are alike, but these are {one} and {two}."
            )
        from napari_style_transfer.engine.networks.load import load_transformer

        mine, theirs = (each.transformer.state_dict() for each in (self, other))
        state = {
            name: torch.lerp(value.float().cpu(), theirs[name].float().cpu(), share).numpy()
            for name, value in mine.items()
        }
        return FastStyle(
            load_transformer(self._architecture, state), _mixed_info(self.info, other.info, share)
        )

    def __call__(
        self,
        content: ImageSource,
        *,
        strength: float = 0.5,
        stroke_size: float = 1.0,
        shares: Shares | None = None,
        size: int | None = None,
        bits: Literal[8, 16] = 8,
        device: str = "auto",
        tile_size: int = 0,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        stop: Callable[[], bool] | None = None,
    ) -> Picture:
        """Paint a picture.

        The network stays on the device, ready for the next call with the same strength, stroke size and
        shares.

        Parameters
        ----------
        content
            What to paint, as :func:`~napari_style_transfer.stylize` takes it.
        strength
            From 0, a hint of the style, to 1, all style.
        stroke_size
            Relative to what the style was learned at; 0.5 to 2.
        shares
            Of its styles in the mix, relative to one another: in their order, or by name. All the same
            if None.
        size
            Long side of the result in pixels, to which the content is resized first; the content's own
            if None.
        bits
            8 for a uint8 result, 16 for a uint16 one.
        device
            As in :class:`~napari_style_transfer.Settings`.
        tile_size
            Side in pixels of the parts in which large pictures are painted, a multiple of 16, to save
            memory; the result is the same. 0 chooses it.
        precision
            In which to convolve: auto takes bfloat16 where the device is fast at it, else float32.
        stop
            Asked before each part; once it answers true, what is left is the content.

        Returns
        -------
        ndarray
            (H, W, 3) uint8 or uint16.

        Raises
        ------
        InputError
            If the content or a parameter cannot be used.
        OutOfMemoryError
            If the device has too little memory.
        """
        settings = Settings(
            strength=strength,
            style_scale=check_stroke_size(stroke_size),
            device=device,
            tile_size=tile_size,
            precision=precision,
        )
        if size is not None:
            settings = settings.replace(size=size)
        if bits not in (8, 16):
            raise InputError(f"A result has 8 or 16 bits, not {bits!r}.")
        painting = self.prepare(content, settings, shares=shares, own_size=size is None)
        return painting.paint(bits, stop or (lambda: False))[0]

    def prepare(
        self,
        content: ImageSource | PictureWindows,
        settings: Settings,
        *,
        shares: Shares | None = None,
        own_size: bool = True,
        references: Sequence[ImageSource] = (),
    ) -> Pass:
        """Check what is asked for, and make ready to paint it.

        Parameters
        ----------
        content
            What to paint, as for a call; or a picture that is open.
        settings
            Uses `strength`, `style_scale` (the stroke size), `size`, `device`, `precision` and
            `tile_size`.
        shares
            As for a call.
        own_size
            Whether the result has the content's size, not that of the settings.
        references
            Frames of the scene that the content belongs to. All its frames are painted by their statistics,
            whatever comes into sight; the content is painted by its own if there are none.

        Raises
        ------
        ContentError
            If the content cannot be painted.
        InputError
            If a parameter cannot be used.
        """
        from napari_style_transfer.engine.device import choose_device
        from napari_style_transfer.engine.fast import Pass, Source, choose_tile_size

        parts = self._shares(shares)
        check_stroke_size(settings.style_scale)
        try:
            picture = open_picture(content, name="The content picture")
            shape = check_shape(picture.shape, max(picture.shape) if own_size else settings.size)
        except InputError as error:
            raise ContentError(str(error)) from None
        device, note = choose_device(settings.device)
        network = self._condition(parts, settings, device)
        tile_size = settings.tile_size or choose_tile_size(shape, device)
        source = Source(picture, shape)
        return Pass(network, source, tile_size, note, self._scene(network, source, references))

    def _scene(
        self, network: Conditioned, source: Source, references: Sequence[ImageSource]
    ) -> Paint | None:
        """Return what paints all frames of a scene; None without references.

        The last scene's is kept, with its references, until another picture is painted.
        """
        from napari_style_transfer.engine.fast import Source, paint_scene

        kept = self._painted_scene
        if kept is not None and kept[0] is network and _same(kept[1], references):
            return kept[2]
        frames = [Source(open_picture(each), source.shape) for each in references]
        frames = [each for each in frames if each.picture.shape == source.picture.shape]
        paint = paint_scene(network, frames) if frames else None
        self._painted_scene = None if paint is None else (network, tuple(references), paint)
        return paint

    def _condition(
        self, shares: tuple[float, ...], settings: Settings, device: torch.device
    ) -> Conditioned:
        """Return the network ready to paint; the last one, if the same is asked for."""
        import torch

        from napari_style_transfer.engine.device import has_fast_bfloat16
        from napari_style_transfer.engine.fast import Conditioned

        fast = settings.precision == "auto" and has_fast_bfloat16(device)
        half = fast or settings.precision == "bfloat16"
        dtype = torch.bfloat16 if half else torch.float32
        key = (shares, settings.strength, settings.style_scale, device, dtype)
        kept = self._conditioned
        if kept is not None and kept[0] == key:
            return kept[1]
        condition = self.transformer.condition(shares, settings.strength, settings.style_scale)
        network = Conditioned(self.transformer, condition, device, dtype)
        self._conditioned = key, network
        return network

    def _shares(self, shares: Shares | None) -> tuple[float, ...]:
        """Return the share of each style, of 1."""
        if shares is None:
            shares = [1.0] * len(self.names)
        elif isinstance(shares, Mapping):
            for name in shares:
                if name not in self.names:
                    raise InputError(
                        f"There is no style {name!r} in this fast style; it has {', '.join(self.names)}."
                    )
            shares = [shares.get(name, 0.0) for name in self.names]
        if len(shares) != len(self.names):
            raise InputError(
                f"There are {len(self.names)} styles in this fast style ({', '.join(self.names)}), "
                f"but {len(shares)} shares."
            )
        parts = [float(share) for share in shares]
        total = sum(parts)
        if not all(0 <= part < math.inf for part in parts) or not 0 < total < math.inf:
            raise InputError(
                f"Shares of styles should be 0 or more, one of them above 0; got {parts}."
            )
        return tuple(part / total for part in parts)


def _same(some: Sequence[ImageSource], others: Sequence[ImageSource]) -> bool:
    """Return whether both are the very same pictures."""
    return len(some) == len(others) and all(a is b for a, b in zip(some, others, strict=True))


def check_stroke_size(stroke_size: float) -> float:
    """Return the stroke size of a fast style; raises InputError if it is none."""
    low, high = STROKE_SIZES
    if not low <= stroke_size <= high:
        raise InputError(
            f"The stroke size of a fast style should be {low:g} to {high:g}, got {stroke_size!r}."
        )
    return stroke_size


def _mixed_info(one: FastStyleInfo, two: FastStyleInfo, share: float) -> FastStyleInfo:
    """Return what is known of a mix of two fast styles."""
    names = (a if a == b else f"{a} + {b}" for a, b in zip(one.names, two.names, strict=True))
    notes = dict.fromkeys(filter(None, (one.note, two.note)))
    return FastStyleInfo(
        names=tuple(names),
        thumbnails=tuple(
            blended(*pair, share) for pair in zip(one.thumbnails, two.thumbnails, strict=True)
        ),
        settings=one.settings if share < 0.5 else two.settings,
        contents=tuple(dict.fromkeys((*one.contents, *two.contents))),
        versions=one.versions if share < 0.5 else two.versions,
        seconds=one.seconds + two.seconds,
        note=" ".join(notes),
    )
