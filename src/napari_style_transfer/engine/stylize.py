"""The run: settings and two pictures in, one :class:`Step` after another out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy.typing as npt

from napari_style_transfer.engine.images import check_shape, to_tensor
from napari_style_transfer.engine.run import run
from napari_style_transfer.engine.step import Picture, Step
from napari_style_transfer.settings import Settings

#: A picture: an array (H, W), (H, W, 1 | 3 | 4), or the path of a file.
ImageSource = npt.ArrayLike | str | os.PathLike[str]


def stylize(
    content: ImageSource,
    style: ImageSource,
    *,
    settings: Settings | None = None,
    init: ImageSource | None = None,
    **overrides: Any,
) -> Picture:
    """Paint one picture in the manner of another (Gatys, Ecker & Bethge 2015).

    Parameters
    ----------
    content
        What to paint: an array (H, W) or (H, W, 1 | 3 | 4), bool, integer in 0..255 or 0..65535 or
        float in [0, 1], or the path of a file. Transparency is laid over white.
    style
        In whose manner, likewise; of any size and aspect ratio.
    settings
        The parameters; the defaults where None.
    init
        A picture to start from, instead of what `settings.start` says.
    **overrides
        Single parameters by the names of :class:`~napari_style_transfer.Settings`, such as
        ``size=1024``.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, the long side `settings.size` pixels, in the content's aspect ratio.

    Raises
    ------
    InputError
        If a picture or a parameter cannot be used.
    WeightsError
        If the network's weights are missing or damaged.
    OutOfMemoryError
        If the device has too little memory.

    Examples
    --------
    >>> from napari_style_transfer import samples, stylize
    >>> picture = stylize(samples.load("astronaut"), samples.load("night"), size=256)  # doctest: +SKIP
    """
    steps = iter_stylize(
        content, style, settings=settings, init=init, preview_interval=float("inf"), **overrides
    )
    *_, last = steps
    assert last.picture is not None
    return last.picture


def iter_stylize(
    content: ImageSource,
    style: ImageSource,
    *,
    settings: Settings | None = None,
    init: ImageSource | None = None,
    stop: Callable[[], bool] | None = None,
    preview_interval: float = 0.3,
    **overrides: Any,
) -> Iterator[Step]:
    """Paint as :func:`stylize` does and yield a :class:`Step` after each evaluation.

    Pictures and parameters are checked, and copied, at the call; the work begins with the iteration.

    Parameters
    ----------
    content, style, settings, init, **overrides
        As for :func:`stylize`.
    stop
        Asked after each evaluation; once it answers true, the next step is the last, with the picture
        so far.
    preview_interval
        Seconds, at least, between steps that carry a picture. The last step always does.

    Yields
    ------
    Step
        One for each evaluation; the last one has the status ``FINISHED`` or ``STOPPED``.
    """
    settings = (settings or Settings()).replace(**overrides)
    pictures = {"content": content, "style": style} | ({} if init is None else {"init": init})
    tensors = {what: to_tensor(image, what) for what, image in pictures.items()}
    height, width = tensors["content"].shape[-2:]
    check_shape((height, width), settings.size)
    return run(settings, tensors, stop or (lambda: False), preview_interval)
