"""The widget's buttons, and which of them can be pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import PushButton

if TYPE_CHECKING:
    from qtpy.QtWidgets import QPushButton

    from napari_style_transfer.plugin.runs.worker import Run


class Buttons:
    """Run, Pause and Stop; Continue and Load recipe.

    Attributes
    ----------
    run, pause, stop, go_on, load_recipe
        The buttons.
    """

    def __init__(self) -> None:
        self.run = PushButton(name="run", text="Run", tooltip="Start painting.")
        self.pause = PushButton(
            name="pause",
            text="Pause",
            tooltip="Wait after this evaluation, and go on when pressed again.",
        )
        self.stop = PushButton(
            name="stop", text="Stop", tooltip="Stop within one evaluation and keep the picture."
        )
        self.go_on = PushButton(
            name="go_on",
            text="Continue",
            tooltip="Go on painting the selected result layer, with the settings as they are now: "
            "what a stopped run had left to do, or as many steps again; of a stack, its other slices.",
        )
        self.load_recipe = PushButton(
            name="load_recipe",
            text="Load recipe",
            tooltip="Set every field as it was when the selected result layer was painted.",
        )

    def rows(self) -> list[list[QPushButton]]:
        """Return the buttons as they are laid out."""
        rows = (self.run, self.pause, self.stop), (self.go_on, self.load_recipe)
        return [[button.native for button in row] for row in rows]

    def show(self, run: Run | None, *, can_run: bool, can_go_on: bool) -> None:
        """Enable what can be pressed.

        Parameters
        ----------
        run
            The run that is on.
        can_run, can_go_on
            Whether there is something to paint, and something to go on from.
        """
        going = run is not None and not run.stopping
        paused = run is not None and run.steering.paused
        self.run.enabled = run is None and can_run
        self.pause.enabled = self.stop.enabled = going
        self.go_on.enabled = run is None and can_go_on
        self.load_recipe.enabled = run is None
        self.run.text = "Run" if run is None else "Paused" if paused else "Painting…"
        self.pause.text = "Resume" if paused else "Pause"
