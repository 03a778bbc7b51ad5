"""A field for a folder, typed or chosen in a dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from magicgui.types import FileDialogMode
from magicgui.widgets import FileEdit

#: Width in pixels of the button that opens the dialog.
_BUTTON = 30


class FolderField(FileEdit):
    """magicgui's field, narrow, that may be empty.

    Parameters
    ----------
    hint
        What is shown while it is empty.
    **kwargs
        As magicgui takes them.
    """

    def __init__(self, hint: str, **kwargs: Any) -> None:
        super().__init__(mode=FileDialogMode.EXISTING_DIRECTORY, nullable=True, **kwargs)
        self.choose_btn.text = "…"
        self.choose_btn.tooltip = "Choose the folder."
        self.choose_btn.native.setFixedWidth(_BUTTON)
        self.line_edit.tooltip = self.tooltip
        self.line_edit.native.setPlaceholderText(hint)
        self.margins = (0, 0, 0, 0)

    @property
    def path(self) -> Path | None:
        """The folder; None if nothing is typed."""
        typed = str(self.line_edit.value).strip()
        return Path(typed).expanduser() if typed else None

    def show_path(self, path: str) -> None:
        """Show a path as it is; an empty one for none."""
        self.line_edit.value = path
