"""Progress: evaluations done, the present scale, and the time left."""

from __future__ import annotations

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_style_transfer.plugin.runs.eta import ETA, format_duration
from napari_style_transfer.plugin.runs.messages import Place
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.progress import Step


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
        self._bar.setRange(0, 0)
        self._where = ""
        self._text.say("Loading the network…")
        self.show()

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
        self._text.say(
            where if left is None else f"{where}\n{format_duration(left).capitalize()} left"
        )
