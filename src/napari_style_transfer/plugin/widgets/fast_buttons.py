"""The buttons of the fast-style widget, and which of them can be pressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from magicgui.widgets import PushButton

from napari_style_transfer.plugin.widgets.calm import lock

if TYPE_CHECKING:
    from qtpy.QtWidgets import QPushButton

_NO_PICTURE = "Nothing is painted yet; choose a style first."
_NO_NOTE = "Select a picture painted by this widget in the layer list first."
_IDLE = "No stack is being painted."
_STOPPING = "It stops after this slice."


@dataclass(frozen=True)
class State:
    """What the buttons depend on.

    Attributes
    ----------
    live
        Whether a content is followed.
    obstacle
        Why nothing can be painted; empty if something can.
    painted
        Whether a picture is there.
    noted
        Whether a layer with settings is selected.
    slices
        How many slices the content has.
    busy
        Why no stack can be painted now; empty if one can.
    painting, stopping
        Whether a stack is being painted, and whether it is about to stop.
    """

    live: bool
    obstacle: str
    painted: bool
    noted: bool
    slices: int
    busy: str
    painting: bool
    stopping: bool


class FastButtons:
    """Live and Keep; Restore, Paint stack and Stop.

    Attributes
    ----------
    live, keep, restore, stack, stop
        The buttons.
    """

    def __init__(self) -> None:
        self.live = PushButton(
            name="live",
            text="Paint",
            tooltip="Paint live: follow the content, the slice on screen and every slider. Press again "
            "to leave the picture as it is.",
        )
        self.keep = PushButton(
            name="keep",
            text="Keep",
            tooltip="Keep the picture as it is now in a layer of its own, hidden, with its settings.",
        )
        self.restore = PushButton(
            name="restore",
            text="Restore",
            tooltip="Go back to the settings of the selected picture.",
        )
        self.stack = PushButton(
            name="stack",
            text="Paint stack",
            tooltip="Paint every slice of the content into a layer.",
        )
        self.stop = PushButton(
            name="stop", text="Stop", tooltip="Stop, and keep the slices that are done."
        )

    def rows(self) -> list[list[QPushButton]]:
        """Return the buttons as they are laid out."""
        rows = (self.live, self.keep, self.restore), (self.stack, self.stop)
        return [[button.native for button in row] for row in rows]

    def show(self, state: State) -> None:
        """Enable what can be pressed; the tooltip of what cannot says why."""
        self.live.text = "Pause" if state.live else "Paint"
        lock(self.live.native, "" if state.live else state.obstacle)
        lock(self.keep.native, "" if state.painted else _NO_PICTURE)
        lock(self.restore.native, "" if state.noted else _NO_NOTE)
        lock(self.stack.native, state.busy or state.obstacle)
        lock(
            self.stop.native,
            "" if state.painting and not state.stopping else _STOPPING if state.painting else _IDLE,
        )
        for button in (self.stack, self.stop):
            button.native.setVisible(state.slices > 1 or state.painting)
        self.stack.text = "Painting…" if state.painting else f"Paint all {state.slices} slices"
