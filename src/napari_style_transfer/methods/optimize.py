"""Optimising the pixels of one picture (Gatys, Ecker & Bethge 2015)."""

from __future__ import annotations

from collections.abc import Iterator

from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.device import choose_device
from napari_style_transfer.engine.initial import InitialPicture
from napari_style_transfer.engine.networks.weights import check_weights
from napari_style_transfer.engine.optimize.loop import run
from napari_style_transfer.engine.state import RunState
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.geometry import check_shape
from napari_style_transfer.methods.base import Controls, Neighbour, Request
from napari_style_transfer.progress import Step
from napari_style_transfer.spec import check_cover, check_regions

#: Evaluations of a slice that starts from its neighbour's result, relative to those of the first one.
_FOLLOWING_EVALUATIONS = 1 / 3


class Optimize:
    """The method that moves pixels by L-BFGS; see :class:`~napari_style_transfer.methods.base.Method`.

    Parameters
    ----------
    cache
        Keeps the network and the styles' targets; one of its own if None.
    """

    def __init__(self, cache: Cache | None = None) -> None:
        self.cache = cache or Cache()

    def run(self, request: Request, controls: Controls) -> Iterator[Step]:
        """Check the request at the call, and paint as the result is iterated over.

        Raises
        ------
        InputError
            If a picture or a parameter cannot be used.
        """
        settings, regions = request.settings, request.regions
        if regions is not None:
            check_regions(regions, len(request.styles))
        content = to_tensor(request.content, "content")
        init = None if request.init is None else to_tensor(request.init, "init")
        for style in request.styles:
            self.cache.picture(style.picture, "style")
        height, width = content.shape[-2:]
        if regions is not None:
            check_cover(regions, (height, width))
        check_shape((height, width), settings.size)
        check_weights(settings.weights)
        device, note = choose_device(settings.device)
        state = RunState(settings, content, request.styles, regions, self.cache, device)
        return run(state, InitialPicture(state, init), controls, request.bits, note)

    def following(self, request: Request, neighbour: Neighbour) -> Request:
        """Return the request for a slice whose neighbour has its result: it starts from that."""
        settings = request.settings.replace(
            coarsest_size=request.settings.size, steps=self.evaluations(request, follows=True)
        )
        return request.replace(settings=settings, init=neighbour.picture)

    def evaluations(self, request: Request, follows: bool = False) -> int:
        """Return how many evaluations a run takes at most; `follows` if after a neighbour."""
        steps = request.settings.steps
        return max(1, round(steps * _FOLLOWING_EVALUATIONS)) if follows else steps
