"""Make the pictures of the documentation: ``python tools/illustrate.py hero gallery screenshot``.

They are what the package itself paints at its default settings on its own samples. The screenshot
needs a display (on a server: ``xvfb-run -a -s "-screen 0 1280x1024x24" python tools/...``).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from PIL import Image

from napari_style_transfer import samples, stylize

DOCS = Path(__file__).parent.parent / "docs"
HERO = ("chelsea", "night")
GAP = 8


def fitted(image: Image.Image, height: int) -> Image.Image:
    width = round(image.width * height / image.height)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Lay pictures out in rows and columns, each in the middle of its cell."""
    widths = [max(row[i].width for row in rows) for i in range(len(rows[0]))]
    heights = [max(each.height for each in row) for row in rows]
    page = Image.new(
        "RGB",
        (sum(widths) + GAP * (len(widths) - 1), sum(heights) + GAP * (len(heights) - 1)),
        "white",
    )
    y = 0
    for row, height in zip(rows, heights, strict=True):
        x = 0
        for each, width in zip(row, widths, strict=True):
            page.paste(each, (x + (width - each.width) // 2, y + (height - each.height) // 2))
            x += width + GAP
        y += height + GAP
    return page


def hero() -> None:
    """Content, style and result, side by side."""
    content, style = (samples.load(name) for name in HERO)
    pictures = [content, style, stylize(content, style, size=768)]
    page = sheet([[fitted(Image.fromarray(each), 340) for each in pictures]])
    page.save(DOCS / "hero.jpg", quality=88)


def gallery() -> None:
    """Every sample content in every sample style."""
    height = 250
    styles = {name: samples.load(name) for name in samples.STYLES}
    corner = Image.new("RGB", (1, height), "white")
    rows = [[corner, *(fitted(Image.fromarray(each), height) for each in styles.values())]]
    for name in samples.CONTENTS:
        content = samples.load(name)
        row = [fitted(Image.fromarray(content), height)]
        for style in styles.values():
            row.append(fitted(Image.fromarray(stylize(content, style)), height))
            print(f"{name}: {len(row) - 1} of {len(styles)}", flush=True)
        rows.append(row)
    sheet(rows).save(DOCS / "gallery.jpg", quality=85)


def screenshot() -> None:
    """Take napari with the widget, while it paints."""
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer()
    window = viewer.window._qt_window
    window.resize(1240, 800)
    _, widget = viewer.window.add_plugin_dock_widget("napari-style-transfer", "Style Transfer")
    style = viewer.add_image(samples.load("night"), name="night", rgb=True)
    content = viewer.add_image(samples.load("chelsea"), name="chelsea", rgb=True)
    style.scale = [content.data.shape[0] / style.data.shape[0]] * 2
    style.translate = [0, 1.02 * content.data.shape[1]]
    widget.content.value, widget.style.value = content, style
    for _ in range(50):  # until the window knows how large it is
        QApplication.processEvents()
        time.sleep(0.01)
    viewer.reset_view()
    widget.run.changed.emit(True)
    deadline = time.monotonic() + 600
    steps = widget.steps.value
    while widget.stop.enabled and time.monotonic() < deadline:
        QApplication.processEvents()
        time.sleep(0.005)
        if widget._progress._bar.value() >= 0.8 * steps:
            break
    window.grab().save(str(DOCS / "widget.png"))
    widget.stop.changed.emit(True)
    while not widget.run.enabled and time.monotonic() < deadline:
        QApplication.processEvents()
    viewer.close()


if __name__ == "__main__":
    for name in sys.argv[1:] or ("hero", "gallery", "screenshot"):
        globals()[name]()
