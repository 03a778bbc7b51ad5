"""Painting by a network that has learned the style (Johnson, Alahi & Fei-Fei 2016)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from napari_style_transfer.engine.fast import Pass
from napari_style_transfer.fast_style import FastStyle, Shares
from napari_style_transfer.methods.base import Controls, Neighbour, Request
from napari_style_transfer.progress import Losses, Status, Step


class Fast:
    """The method of one pass; see :class:`~napari_style_transfer.methods.base.Method`.

    It paints in its own styles. Of a request it takes the content, the bits, and of the settings
    `strength`, `style_scale` (the stroke size), `size`, `device`, `precision` and `tile_size`.

    Parameters
    ----------
    fast_style
        What paints.
    shares
        Of its styles, as :class:`~napari_style_transfer.FastStyle` takes them when called.
    own_size
        Whether a result has its content's size, not that of the settings.
    """

    def __init__(
        self, fast_style: FastStyle, *, shares: Shares | None = None, own_size: bool = True
    ) -> None:
        self.fast_style, self.shares, self.own_size = fast_style, shares, own_size

    def run(self, request: Request, controls: Controls) -> Iterator[Step]:
        """Check the request at the call, and paint as the result is iterated over: one step.

        Where it was stopped, what was not painted yet is the content.

        Raises
        ------
        ContentError
            If the content cannot be painted.
        InputError
            If a parameter cannot be used.
        """
        painting = self.fast_style.prepare(
            request.content,
            request.settings,
            shares=self.shares,
            own_size=self.own_size,
            references=request.references,
        )
        return _steps(painting, request, controls)

    def following(
        self,
        request: Request,
        neighbour: Neighbour,  # noqa: ARG002
        anchors: Sequence[Neighbour] = (),  # noqa: ARG002
    ) -> Request:
        """Return the request as it is: the same content becomes the same picture by itself."""
        return request

    def evaluations(self, request: Request, follows: bool = False) -> int:  # noqa: ARG002
        """Return 1: there is one pass."""
        return 1


def _steps(painting: Pass, request: Request, controls: Controls) -> Iterator[Step]:
    picture, complete = painting.paint(request.bits, controls.stop)
    yield Step(
        evaluation=1,
        evaluations=1,
        scale=1,
        scales=1,
        shape=painting.source.shape,
        losses=Losses({}),
        device=painting.device,
        precision=painting.precision,
        tile_size=painting.tile_size,
        picture=picture,
        status=Status.FINISHED if complete else Status.STOPPED,
        settings=request.settings,
        note=painting.note,
    )
