"""The run: settings and two pictures in, one :class:`Step` after another out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from napari_style_transfer.engine.commission import (
    ImageSource,
    Regions,
    Style,
    check_cover,
    check_regions,
    styles_of,
)
from napari_style_transfer.engine.device import choose_device
from napari_style_transfer.engine.images import check_shape, to_tensor
from napari_style_transfer.engine.run import run
from napari_style_transfer.engine.steering import Steering
from napari_style_transfer.engine.step import Picture, Step
from napari_style_transfer.engine.studio import Studio
from napari_style_transfer.engine.weights import check_weights
from napari_style_transfer.engine.work import Work
from napari_style_transfer.settings import Settings

#: One style or several.
StyleSource = ImageSource | Style | Sequence[ImageSource | Style]


def stylize(
    content: ImageSource,
    style: StyleSource,
    *,
    settings: Settings | None = None,
    init: ImageSource | None = None,
    regions: Regions | None = None,
    studio: Studio | None = None,
    **overrides: Any,
) -> Picture:
    """Paint one picture in the manner of another (Gatys, Ecker & Bethge 2015).

    Parameters
    ----------
    content
        What to paint: an array (H, W) or (H, W, 1 | 3 | 4), bool, integer in 0..255 or 0..65535 or
        float in [0, 1], or the path of a file. Transparency is laid over white.
    style
        In whose manner, likewise; of any size and aspect ratio. Or a :class:`Style`, or a list of
        pictures and styles, whose targets are mixed by their shares.
    settings
        The parameters; the defaults where None.
    init
        A picture to start from, instead of what `settings.start` says.
    regions
        Where each style goes (Gatys et al. 2017, spatial control); everywhere if None.
    studio
        Keeps the network and the styles' targets for other runs that are given the same.
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
        content,
        style,
        settings=settings,
        init=init,
        regions=regions,
        studio=studio,
        preview_interval=float("inf"),
        **overrides,
    )
    *_, last = steps
    assert last.picture is not None
    return last.picture


def iter_stylize(
    content: ImageSource,
    style: StyleSource,
    *,
    settings: Settings | None = None,
    init: ImageSource | None = None,
    regions: Regions | None = None,
    steering: Steering | None = None,
    studio: Studio | None = None,
    stop: Callable[[], bool] | None = None,
    preview_interval: float = 0.3,
    **overrides: Any,
) -> Iterator[Step]:
    """Paint as :func:`stylize` does and yield a :class:`Step` after each evaluation.

    Pictures and parameters are checked, and copied, at the call; the work begins with the iteration.

    Parameters
    ----------
    content, style, settings, init, regions, studio, **overrides
        As for :func:`stylize`.
    steering
        Through it, settings, styles and regions can be changed while the run is on, and it can be
        made to pause.
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
    studio = studio or Studio()
    styles = styles_of(style)
    if regions is not None:
        check_regions(regions, len(styles))
    tensor = to_tensor(content, "content")
    start = None if init is None else to_tensor(init, "init")
    for each in styles:
        studio.picture(each.picture, "style")
    height, width = tensor.shape[-2:]
    if regions is not None:
        check_cover(regions, (height, width))
    check_shape((height, width), settings.size)
    check_weights(settings.weights)
    device, note = choose_device(settings.device)
    work = Work(settings, tensor, styles, regions, start, studio, device)
    return run(work, steering or Steering(), stop or (lambda: False), preview_interval, note)
