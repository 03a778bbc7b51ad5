"""Learning a fast style by the objective that the optimiser has (Johnson, Alahi & Fei-Fei 2016)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.learning import LearningSettings, LearningStep
from napari_style_transfer.spec import ImageSource


def iter_learn(
    styles: Mapping[str, ImageSource],
    contents: Sequence[Any],
    *,
    settings: LearningSettings | None = None,
    start: FastStyle | None = None,
    content_names: Sequence[str] = (),
    stop: Callable[[], bool] | None = None,
    snapshot_interval: float = 1.0,
    **overrides: Any,
) -> Iterator[LearningStep]:
    """Learn styles from contents, and yield a :class:`LearningStep` after each step of the optimiser.

    Pictures and parameters are checked at the call; the work begins with the iteration.

    Parameters
    ----------
    styles
        Name to style picture, at least one.
    contents
        Pictures to learn from: arrays or paths, or any sequence of them, such as the slices of a stack;
        read one at a time.
    settings
        The parameters; the defaults where None.
    start
        A fast style to go on with: of the same styles, to learn it longer; of others, to start from its
        network. What `settings.start` says if None.
    content_names
        What the contents are called in the file.
    stop
        Asked after each step; once it answers true, the next step is the last.
    snapshot_interval
        Seconds, at least, between steps that carry a fast style.
    **overrides
        Single parameters by the names of :class:`LearningSettings`, such as ``minutes=5``.

    Raises
    ------
    InputError
        If a picture or a parameter cannot be used.
    """
    raise NotImplementedError
