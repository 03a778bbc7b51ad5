"""Optimising the pixels of one picture (Gatys, Ecker & Bethge 2015)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.device import choose_device
from napari_style_transfer.engine.initial import InitialPicture
from napari_style_transfer.engine.networks.weights import check_weights
from napari_style_transfer.engine.optimize.loop import run
from napari_style_transfer.engine.state import RunState
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.geometry import Shape, check_shape, result_shape
from napari_style_transfer.methods.base import Controls, Neighbour, Request
from napari_style_transfer.methods.neighbour import agreement
from napari_style_transfer.methods.steady import Painted, carry
from napari_style_transfer.progress import Picture, Step
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import check_cover, check_regions

#: Evaluations of a slice that shows the same as its neighbour, relative to those of the first one: where it
#: starts from the neighbour's result, and where it is held to it.
_FOLLOWING, _STEADY = 1 / 3, 1 / 10
#: Further ones of a slice that has moved, all of it: warping takes some of the strokes' sharpness.
_MOVED = 1 / 5
#: What stands still is held more firmly, by so many times the weight of what moves, against drift.
_STILL_WEIGHT = 9.0
#: Share of the picture that differs up to which a slice is painted at full size only. More needs the
#: coarse scales, which put large shapes in place.
_FULL_SIZE_ONLY = 0.05
#: Share from which on the neighbour is of no use.
_NOTHING_AGREES = 0.95


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
        ContentError
            If the content cannot be painted.
        InputError
            If another picture or a parameter cannot be used.
        """
        settings, regions = request.settings, request.regions
        if regions is not None:
            check_regions(regions, len(request.styles))
        content = self._content(request)
        init = None if request.init is None else to_tensor(request.init, "init")
        for style in request.styles:
            self.cache.picture(style.picture, "style")
        height, width = content.shape[-2:]
        if regions is not None:
            check_cover(regions, (height, width))
        check_weights(settings.weights)
        device, note = choose_device(settings.device)
        mask, weights = (
            None if each is None else torch.from_numpy(each)[None, None]
            for each in (request.init_mask, request.init_weights)
        )
        held = None if init is None or weights is None else (init, weights)
        reference = None
        if request.references:
            reference = to_tensor(request.references[0], "content")
        state = RunState(
            settings, content, request.styles, regions, self.cache, device, reference, held
        )
        return run(state, InitialPicture(state, init, mask), controls, request.bits, note)

    @staticmethod
    def _content(request: Request) -> Tensor:
        try:
            content = to_tensor(request.content, "content")
            check_shape((content.shape[-2], content.shape[-1]), request.settings.size)
        except InputError as error:
            raise ContentError(str(error)) from None
        return content

    def following(
        self, request: Request, neighbour: Neighbour, anchors: Sequence[Neighbour] = ()
    ) -> Request:
        """Return the request for a slice whose neighbour has its result.

        It starts from that where the two contents agree; a steady one from what :func:`carry` finds, and
        is held to it. The more of them differs, the more evaluations it gets; where hardly anything does,
        it is painted at full size only. Where nothing agrees, it is painted as without a neighbour.

        Raises
        ------
        InputError
            If one of the contents cannot be used.
        """
        settings = request.settings
        content = to_tensor(request.content, "content")
        before = to_tensor(neighbour.content(), "content")
        request = request.replace(init=None)
        if _shape(before, settings) != _shape(content, settings):
            return request
        if settings.coherence == "steady":
            return self._steady(request, content, Painted(before, _tensor(neighbour)), anchors)
        mask = agreement(content, before, settings.size)
        return _started(request, neighbour.picture, mask, _FOLLOWING)

    @staticmethod
    def _steady(
        request: Request, content: Tensor, before: Painted, anchors: Sequence[Neighbour]
    ) -> Request:
        painted = [Painted(to_tensor(each.content(), "content"), _tensor(each)) for each in anchors]
        carried = carry(content, before, painted, request.settings.size)
        picture = carried.picture[0].permute(1, 2, 0).contiguous().numpy()
        started = _started(request, picture, carried.mask, _STEADY + _MOVED * carried.moving)
        weights = carried.mask * (1 + _STILL_WEIGHT * carried.still)
        return started.replace(init_weights=weights[0, 0].numpy())

    def evaluations(self, request: Request, follows: bool = False) -> int:
        """Return how many evaluations a run takes at most.

        Parameters
        ----------
        request
            What is asked for; its content need not be there yet.
        follows
            Whether the slice will follow a neighbour; then about how many, between the least and all.
        """
        settings, share = request.settings, 1.0
        if follows and settings.coherence != "independent":
            share = (1 + (_STEADY if settings.coherence == "steady" else _FOLLOWING)) / 2
        return max(1, round(settings.steps * share))


def _shape(content: Tensor, settings: Settings) -> Shape:
    return result_shape((content.shape[-2], content.shape[-1]), settings.size)


def _tensor(neighbour: Neighbour) -> Tensor:
    return to_tensor(neighbour.picture, "init")


def _started(request: Request, picture: Picture, mask: Tensor, least: float) -> Request:
    """Return the request for a slice that starts from a picture where a mask says so.

    Parameters
    ----------
    request
        As for a slice of its own.
    picture
        What it starts from.
    mask
        (1, 1, h, w) in [0, 1]: where.
    least
        Share of the evaluations that it gets where nothing differs.
    """
    settings, differs = request.settings, 1 - float(mask.mean())
    if differs > _NOTHING_AGREES:
        return request
    settings = settings.replace(
        steps=max(1, round(settings.steps * (least + (1 - least) * differs))),
        coarsest_size=settings.size if differs < _FULL_SIZE_ONLY else settings.coarsest_size,
    )
    return request.replace(settings=settings, init=picture, init_mask=mask[0, 0].numpy())
