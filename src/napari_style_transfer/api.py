"""The public functions: one picture in the style of another, at once or step by step."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from napari_style_transfer.methods.base import Controls, Request, StyleSource
from napari_style_transfer.progress import Picture
from napari_style_transfer.run import Run
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import ImageSource, Regions
from napari_style_transfer.steering import Steering

if TYPE_CHECKING:
    from napari_style_transfer.engine.cache import Cache


def stylize(
    content: ImageSource,
    style: StyleSource,
    *,
    settings: Settings | None = None,
    init: ImageSource | None = None,
    regions: Regions | None = None,
    cache: Cache | None = None,
    bits: Literal[8, 16] = 8,
    **overrides: Any,
) -> Picture:
    """Paint one picture in the style of another (Gatys, Ecker & Bethge 2015).

    Parameters
    ----------
    content
        What to paint: an array (H, W) or (H, W, 1 | 3 | 4), bool, integer in 0..255 or 0..65535 or
        float in [0, 1], or the path of a file. Transparency is laid over white.
    style
        In whose style, likewise; of any size and aspect ratio. Or a :class:`Style`, or a list of
        pictures and styles, whose targets are mixed by their shares.
    settings
        The parameters; the defaults where None.
    init
        A picture to start from, instead of what `settings.start` says.
    regions
        Where each style goes (Gatys et al. 2017, spatial control); everywhere if None.
    cache
        Keeps the network and the styles' targets for other runs that are given the same.
    bits
        8 for a uint8 result, 16 for a uint16 one.
    **overrides
        Single parameters by the names of :class:`~napari_style_transfer.Settings`, such as
        ``size=1024``.

    Returns
    -------
    ndarray
        (H, W, 3) uint8 or uint16, the long side `settings.size` pixels, in the content's aspect ratio.

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
    from napari_style_transfer.methods.optimize import Optimize

    request = Request.of(
        content,
        style,
        settings=(settings or Settings()).replace(**overrides),
        init=init,
        regions=regions,
        bits=bits,
    )
    *_, last = Optimize(cache).run(request, Controls(preview_interval=math.inf))
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
    cache: Cache | None = None,
    bits: Literal[8, 16] = 8,
    stop: Callable[[], bool] | None = None,
    preview_interval: float = 0.3,
    **overrides: Any,
) -> Run:
    """Paint as :func:`stylize` does and yield a :class:`Step` after each evaluation.

    Pictures and parameters are checked, and copied, at the call; the work begins with the iteration.
    In Jupyter, what is returned paints and shows itself as the last line of a cell.

    Parameters
    ----------
    content, style, settings, init, regions, cache, bits, **overrides
        As for :func:`stylize`.
    steering
        Through it, settings, styles and regions can be changed while the run is on, and it can be
        made to pause.
    stop
        Asked after each evaluation; once it answers true, the next step is the last, with the picture
        so far.
    preview_interval
        Seconds, at least, between steps that carry a picture. The last step always does.

    Returns
    -------
    Run
        An iterator of steps, one for each evaluation; the last one has the status ``FINISHED`` or
        ``STOPPED``.
    """
    from napari_style_transfer.methods.optimize import Optimize

    request = Request.of(
        content,
        style,
        settings=(settings or Settings()).replace(**overrides),
        init=init,
        regions=regions,
        bits=bits,
    )
    stopped = threading.Event()
    controls = Controls(
        steering=steering or Steering(),
        stop=stopped.is_set if stop is None else lambda: stopped.is_set() or stop(),
        preview_interval=preview_interval,
    )
    return Run(Optimize(cache).run(request, controls), stopped.set)
