"""What each slice takes over from slices before it, and so which can be painted at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from napari_style_transfer.stack.plan import Index, Task, find_neighbour
from napari_style_transfer.stack.scenes import Scenes


class Order:
    """What slices take over from others.

    Parameters
    ----------
    scenes
        The scenes of a steady stack; None for others.
    independent
        Whether slices take over nothing.
    """

    def __init__(self, scenes: Scenes | None, *, independent: bool = False) -> None:
        self._scenes, self.independent = scenes, independent

    @property
    def steady(self) -> bool:
        """Whether frames follow what moves."""
        return self._scenes is not None

    def before(self, index: Index, painted: Collection[Index]) -> tuple[Index, ...]:
        """Return the slices from which another one takes something over: its neighbour, then anchors."""
        if self._scenes is not None:
            return self._scenes.before(index, painted)
        neighbour = None if self.independent else find_neighbour(index, painted)
        return () if neighbour is None else (neighbour,)

    def references(self, index: Index) -> tuple[Index, ...]:
        """Return the slices whose colours and statistics serve for another one."""
        return () if self._scenes is None else self._scenes.references(index)

    def waits_for(
        self, index: Index, there: Collection[Index], pending: Collection[Index]
    ) -> Index | None:
        """Return a slice that must be done before another one can begin; None if there is none.

        Parameters
        ----------
        index
            The slice that is to begin.
        there
            Slices that are painted, or still to be.
        pending
            Those of them that are still to be painted.
        """
        if self.independent:
            return None
        if self._scenes is not None:
            earlier = self._scenes.earlier(index)
            return next((each for each in earlier if each in pending), None)
        neighbour = find_neighbour(index, there)
        return neighbour if neighbour in pending else None


class Queue:
    """The slices that are still to be painted, in the order in which they can be.

    Each slice takes over the same as if all were painted one after another: frames of one scene wait for
    each other, and slices for their neighbours, while other scenes and rows go on.

    Parameters
    ----------
    order
        What slices take over from others.
    tasks
        The slices to paint, in ascending order.
    done
        Slices that are painted.
    """

    def __init__(self, order: Order, tasks: Sequence[Task], done: Collection[Index]) -> None:
        self._order, self._painted = order, set(done)
        self._pending = {task.index for task in tasks}
        self._there = self._painted | self._pending
        self._ready: deque[Task] = deque()
        self._waiting: dict[Index, list[Task]] = {}
        for task in tasks:
            self._place(task)

    def __len__(self) -> int:
        """Return how many slices are not settled."""
        return len(self._pending)

    def take(self) -> tuple[Task, tuple[Index, ...]] | None:
        """Return a slice that can be painted now, and the slices before it; None if there is none."""
        if not self._ready:
            return None
        task = self._ready.popleft()
        return task, self._order.before(task.index, self._painted)

    def settle(self, index: Index, *, painted: bool) -> None:
        """Take notice that a slice is painted, or cannot be."""
        self._pending.discard(index)
        if painted:
            self._painted.add(index)
        else:
            self._there.discard(index)
        for task in self._waiting.pop(index, []):
            self._place(task)

    def _place(self, task: Task) -> None:
        other = self._order.waits_for(task.index, self._there, self._pending)
        if other is None:
            self._ready.append(task)
        else:
            self._waiting.setdefault(other, []).append(task)
