"""A first look: ``python -m napari_style_transfer.demo``.

With a display, napari opens on two samples and starts painting; without one, the same run goes to
``demo.png`` in the current folder.
"""

from __future__ import annotations

import os
import sys

CONTENT, STYLE = "chelsea", "night"


def has_display() -> bool:
    """Return whether a window can be opened here."""
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def paint_in_napari() -> None:
    """Open napari with two samples and the widget, press Run, and stay until it is closed."""
    import napari
    from qtpy.QtCore import QTimer

    from napari_style_transfer.samples import load

    viewer = napari.Viewer()
    style = viewer.add_image(load(STYLE), name=STYLE, rgb=True)
    content = viewer.add_image(load(CONTENT), name=CONTENT, rgb=True)
    # As high as the content and beside it: the painting will lie over the content.
    style.scale = [content.data.shape[0] / style.data.shape[0]] * 2
    style.translate = [0, 1.05 * content.data.shape[1]]
    _, widget = viewer.window.add_plugin_dock_widget("napari-style-transfer", "Style Transfer")
    widget.content.value, widget.style.value = content, style
    widget.run.changed.emit(True)
    QTimer.singleShot(0, viewer.reset_view)  # once the window knows how large it is
    napari.run()


def main() -> int:
    """Run the demo and return its exit code."""
    if has_display():
        paint_in_napari()
        return 0
    from napari_style_transfer.cli import main as cli

    print(f"No display: painting sample:{CONTENT} in the style of sample:{STYLE} to demo.png.")
    return cli.main([f"sample:{CONTENT}", f"sample:{STYLE}", "--output", "demo.png"])


if __name__ == "__main__":
    sys.exit(main())
