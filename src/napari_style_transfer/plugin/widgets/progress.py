"""Progress: evaluations done, the present scale, and the time left."""

from __future__ import annotations

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_style_transfer.plugin.runs.eta import ETA, format_duration
from napari_style_transfer.plugin.runs.messages import Place
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.progress import Step

#: Into how many parts the bar shows what is no whole number.
_PARTS = 1000


class ProgressPanel(QWidget):
    """A bar that counts evaluations or slices, and a line that names scale, device and time left.

    Shown from :meth:`start` until it is hidden.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar = QProgressBar()
        self._text = Sentence()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._bar)
        layout.addWidget(self._text)
        self.hide()

    def start(self) -> None:
        """Show that a run is being prepared."""
        self._eta = ETA()
        self._where = ""
        self.prepare("Loading the network…")

    def prepare(self, text: str) -> None:
        """Show that something is on whose end is not known."""
        self._bar.setRange(0, 0)
        self._text.say(text)
        self.show()

    def count(self, done: float, total: float, text: str, seconds_left: float | None) -> None:
        """Show how much of something is done, and how long the rest takes if that is known."""
        self._bar.setFormat("%p %")
        self._bar.setRange(0, _PARTS)
        self._bar.setValue(round(_PARTS * done / total) if total else _PARTS)
        self._text.say(text if seconds_left is None else f"{text}\n{_left(seconds_left)}")

    def pause(self) -> None:
        """Say that the run waits; the next evaluation says that it goes on."""
        self._eta.interrupt()
        self._text.say(f"Paused. {self._where}".strip())

    def advance(self, steps: tuple[Step, ...], place: Place | None = None) -> None:
        """Count further evaluations, of a picture or of a slice of a stack."""
        self._eta.tick(steps)
        step = steps[-1]
        height, width = step.shape
        where = f"Scale {step.scale} of {step.scales}, {width} × {height} px, on {step.device}"
        if place is None:
            self._bar.setFormat("%v of %m evaluations")
            self._bar.setRange(0, step.evaluations)
            self._bar.setValue(step.evaluation)
        else:
            self._bar.setFormat(f"Slice {place.position + 1} of {place.total}; {place.done} done")
            self._bar.setRange(0, place.total * step.evaluations)
            self._bar.setValue(place.position * step.evaluations + step.evaluation)
            where = (
                f"Evaluation {step.evaluation} of {step.evaluations}, {where[0].lower()}{where[1:]}"
            )
        pixels, evaluations = step.pixels_left, step.evaluations - step.evaluation
        if place is not None:
            pixels, evaluations = pixels + place.pixels_left, evaluations + place.evaluations_left
        left = self._eta.left(pixels, evaluations)
        self._where = where
        self._text.say(where if left is None else f"{where}\n{_left(left)}")


def _left(seconds: float) -> str:
    return f"{format_duration(seconds).capitalize()} left"
