"""The widget's buttons, and which of them can be pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import PushButton

from napari_style_transfer.plugin.widgets.calm import lock

if TYPE_CHECKING:
    from qtpy.QtWidgets import QPushButton

    from napari_style_transfer.plugin.runs.worker import Run
RUNNING = "A picture is being painted; stop it first, or wait until it is done."
_IDLE = "Nothing is being painted."
_STOPPING = "It stops after this evaluation."
_NO_RESULT = "Select a result of style transfer in the layer list first."


class Buttons:
    """Run, Pause and Stop; Continue, Load recipe and Defaults.

    Attributes
    ----------
    run, pause, stop, go_on, load_recipe, defaults
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
        self.defaults = PushButton(
            name="defaults",
            text="Defaults",
            tooltip="Set every field to its default; layers, styles and regions stay.",
        )

    def rows(self) -> list[list[QPushButton]]:
        """Return the buttons as they are laid out."""
        rows = (self.run, self.pause, self.stop), (self.go_on, self.load_recipe, self.defaults)
        return [[button.native for button in row] for row in rows]

    def show(self, run: Run | None, *, obstacle: str, has_result: bool) -> None:
        """Enable what can be pressed; the tooltip of what cannot says why.

        Parameters
        ----------
        run
            The run that is on.
        obstacle
            Why nothing can be painted; empty if something can.
        has_result
            Whether a layer with a recipe is selected.
        """
        paused = run is not None and run.steering.paused
        idle = _IDLE if run is None else _STOPPING if run.stopping else ""
        running = "" if run is None else RUNNING
        no_result = "" if has_result else _NO_RESULT
        lock(self.run.native, running or obstacle)
        for button in (self.pause, self.stop):
            lock(button.native, idle)
        lock(self.go_on.native, running or no_result or obstacle)
        lock(self.load_recipe.native, running or no_result)
        lock(self.defaults.native, running)
        self.run.text = "Run" if run is None else "Paused" if paused else "Painting…"
        self.pause.text = "Resume" if paused else "Pause"
