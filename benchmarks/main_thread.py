"""How long a run holds up napari's main thread: ``python -m benchmarks.main_thread``.

Opens a viewer (on a server under xvfb-run), paints two samples, and prints the longest gaps between the
beats of a timer: those over 100 ms are felt.
"""

from __future__ import annotations

import itertools
import time

import napari
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_style_transfer import samples


def main() -> None:
    viewer = napari.Viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-style-transfer", "Style Transfer")
    viewer.add_image(samples.load("astronaut"), name="astronaut", rgb=True)
    viewer.add_image(samples.load("night"), name="night", rgb=True)
    widget.steps.value = 60
    beats = []
    heart = QTimer()
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    for _ in range(20):
        QApplication.processEvents()
    heart.start(1)
    widget.run.changed.emit(True)
    while not widget.run.enabled:
        QApplication.processEvents()
    gaps = sorted((after - before for before, after in itertools.pairwise(beats)))
    print("longest gaps, ms:", *(f"{1000 * gap:.0f}" for gap in reversed(gaps[-8:])))
    viewer.close()


if __name__ == "__main__":
    main()
