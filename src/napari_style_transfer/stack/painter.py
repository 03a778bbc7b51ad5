"""Painting one slice of a stack: read, perhaps started from slices before it, painted, and kept."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.methods.base import Controls, Method, Neighbour, Request
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.stack.base import SliceError, StackOutput
from napari_style_transfer.stack.plan import Index
from napari_style_transfer.stack.relay import Relay


@dataclass(frozen=True, eq=False)
class Painting:
    """State of a slice after one evaluation.

    Attributes
    ----------
    step
        What the engine said.
    pixels
        Of the slice's result.
    finished
        Whether the slice is done, and its picture in the output.
    alpha
        (h, w) opacity of the content, of any size and real type; None if it is opaque.
    """

    step: Step
    pixels: int
    finished: bool
    alpha: npt.NDArray[Any] | None


@dataclass
class SlicePainter:
    """Paints one slice after another, and keeps between them what they share.

    Attributes
    ----------
    load
        Reads a slice by its index; may raise anything.
    output
        Takes the results, and has those of slices before.
    first
        The request for a slice without a neighbour, but for its content and regions.
    method
        What paints.
    relay
        Steers the runs.
    stop
        Asked after each evaluation; once it answers true, the slice in the making is dropped.
    preview_interval
        As for :func:`~napari_style_transfer.iter_stylize`.
    begun
        Whether style and parameters were good for a slice.
    stopped
        Whether `stop` has answered true.
    """

    load: Callable[[Index], Any]
    output: StackOutput
    first: Request
    method: Method
    relay: Relay
    stop: Callable[[], bool]
    preview_interval: float
    begun: bool = False
    stopped: bool = field(default=False, init=False)
    #: Slices that were read and may be needed again.
    contents: dict[Index, Any] = field(default_factory=dict, init=False)

    def paint(
        self, index: Index, before: Sequence[Index], references: Sequence[Index]
    ) -> Generator[Painting, None, bool]:
        """Paint one slice and return whether it is done, rather than dropped.

        Parameters
        ----------
        index
            Which one.
        before
            Slices from which it takes something over: its neighbour, then anchors.
        references
            Slices whose colours and statistics serve for it.

        Raises
        ------
        SliceError
            If it cannot be painted.
        InputError
            If no slice can be painted so, or the result cannot be kept.
        """
        self.relay.begin(index)
        request = self._request(index, before, references)
        steps = self._start(index, request)
        del request
        content = self.contents[index]
        alpha = content[..., 3] if content.shape[2:] == (4,) else None
        pixels = math.prod(result_shape(content.shape[:2], self.first.settings.size))
        finished = False
        for step in steps:
            # A run also ends as stopped by its own `stop_after`, which is part of the plan.
            dropped = step.status is Status.STOPPED and self.stopped
            finished = step.status is not Status.RUNNING and not dropped
            if finished:
                assert step.picture is not None  # a method's promise for the last step of every run
                self.output.write(index, step.picture, alpha)
            yield Painting(step, pixels, finished, alpha)
        return finished

    def ask(self) -> bool:
        """Return whether the run was stopped."""
        self.stopped = self.stopped or self.stop()
        return self.stopped

    def _request(
        self, index: Index, before: Sequence[Index], references: Sequence[Index]
    ) -> Request:
        """Read a slice and return the request for it."""
        # Nothing else is held while this one is read.
        kept = {*before, *references}
        self.contents = {each: held for each, held in self.contents.items() if each in kept}
        content = self._kept(index)
        request = self.first.replace(
            content=content,
            regions=self.relay.regions(),
            references=self._readable(references),
        )
        if not before:
            return request
        # Their pictures are read back rather than remembered, so that a run that goes on sees the same.
        earlier = [
            Neighbour(partial(self._kept, each), np.asarray(self.output[each])) for each in before
        ]
        try:
            return self.method.following(request, earlier[0], earlier[1:])
        except SliceError:  # one of them, painted before, can be read no more
            return request.replace(init=None)
        except InputError as error:
            raise SliceError(index, str(error)) from None
        finally:
            if not references:
                self.contents = {index: content}

    def _readable(self, indices: Iterable[Index]) -> tuple[Any, ...]:
        """Return those of some slices that can be read."""
        found = []
        for index in indices:
            with contextlib.suppress(SliceError):
                found.append(self._kept(index))
        return tuple(found)

    def _kept(self, index: Index) -> Any:
        """Return a slice, read once as long as it is needed."""
        if index not in self.contents:
            self.contents[index] = read_slice(self.load, index)
        return self.contents[index]

    def _start(self, index: Index, request: Request) -> Iterator[Step]:
        controls = Controls(self.relay, self.ask, self.preview_interval)
        try:
            steps = self.method.run(request, controls)
        except ContentError as error:
            raise SliceError(index, str(error)) from None
        except InputError as error:
            if not self.begun:
                raise
            # Style and parameters were good for the slices before: it is this one.
            raise SliceError(index, str(error)) from None
        self.begun = True
        return steps


def read_slice(load: Callable[[Index], Any], index: Index) -> Any:
    """Read a slice; raises SliceError if that cannot be."""
    try:
        return np.asarray(load(index))
    except (SliceError, MemoryError):
        raise
    except InputError as error:
        raise SliceError(index, str(error)) from None
    except Exception as error:  # whatever the storage behind the stack raises
        raise SliceError(index, f"It cannot be read: {str(error).rstrip('.')}.") from error
