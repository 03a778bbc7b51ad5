"""A run as its caller holds it: an iterator of steps that shows itself in Jupyter."""

from __future__ import annotations

import base64
import io
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from napari_style_transfer.progress import Picture, Step

#: Long side of the picture on screen, in CSS pixels.
SHOWN = 512


class Run(Iterator[Step]):
    """The steps of a run, one for each evaluation.

    As the last line of a cell in Jupyter it shows a bar and the picture while it is painted. Interrupt the
    kernel when you like it.

    Parameters
    ----------
    steps
        What to iterate over.
    stop
        What makes the next step the last, with the picture so far.

    Attributes
    ----------
    step
        The last :class:`~napari_style_transfer.Step`, None before the first.
    picture
        (H, W, 3) uint8, the last picture that a step had; None before there is one. After the last step it
        is the result.
    """

    def __init__(self, steps: Iterator[Step], stop: Callable[[], None]) -> None:
        self._steps = steps
        self._stop = stop
        self.step: Step | None = None
        self.picture: Picture | None = None

    def __next__(self) -> Step:
        """Paint until the next evaluation is done."""
        self.step = next(self._steps)
        if self.step.picture is not None:
            self.picture = self.step.picture
        return self.step

    def stop(self) -> None:
        """Make the next step the last one, with the picture so far; from any thread."""
        self._stop()

    def shown(self) -> Iterator[Step]:
        """Iterate, and show a bar and the picture in Jupyter meanwhile.

        Yields
        ------
        Step
            The same. Outside IPython nothing is shown.
        """
        screen = _Screen()
        for step in self:
            if step.picture is not None:
                screen.show(step, step.picture)
            yield step

    def _ipython_display_(self) -> None:
        """Run to the end and show it: what IPython calls for the last line of a cell."""
        with _interrupted(self.stop):
            for _ in self.shown():
                pass


class _Screen:
    """Where a run is shown: one place in the output of a cell."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, step: Step, picture: Picture) -> None:
        """Show a bar and the picture, in the place of those before."""
        try:
            from IPython import get_ipython
            from IPython.display import display
        except ModuleNotFoundError:
            return
        if get_ipython() is None:
            return
        text = (
            f"{step.status.value}: evaluation {step.evaluation} of {step.evaluations}, "
            f"loss {step.losses.total:.4g}"
        )
        bar = f'<progress value="{step.evaluation}" max="{step.evaluations}"></progress>'
        image = _image(picture, step.settings.size)
        bundle = {"text/plain": text, "text/html": f"<div>{bar} {text}<br>{image}</div>"}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)


def _image(picture: Any, size: int) -> str:
    """Return a picture as an element of HTML, which has the same size at every scale of a run."""
    from PIL import Image

    if picture.dtype.itemsize > 1:
        picture = (picture // 257).astype("uint8")
    height, width = picture.shape[:2]
    stream = io.BytesIO()
    Image.fromarray(picture[..., :3]).save(stream, "JPEG", quality=90)
    data = base64.b64encode(stream.getvalue()).decode()
    width = round(min(size, SHOWN) * width / max(height, width))
    return f'<img width="{width}" alt="The picture so far" src="data:image/jpeg;base64,{data}">'


@contextmanager
def _interrupted(stop: Callable[[], None]) -> Iterator[None]:
    """Within it the first interrupt calls `stop`, and a second one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hear(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
