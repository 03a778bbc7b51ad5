"""The colours of the viewer's theme, on what napari does not colour by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QPushButton

    from napari_style_transfer.plugin.runs.lifetime import Lifetime
    from napari_style_transfer.plugin.widgets.loss_plot import LossPlot


class ThemeColours:
    """Has a button stand out in the theme's accent, and draws a plot in its colours, as the theme changes.

    Parameters
    ----------
    viewer
        Has the theme.
    lifetime
        Of the widget.
    button
        The one that matters; it stands out while it can be pressed.
    plot
        The plot, if there is one.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        lifetime: Lifetime,
        button: QPushButton,
        plot: LossPlot | None = None,
    ) -> None:
        self._viewer, self._lifetime = viewer, lifetime
        self._button, self._plot = button, plot
        viewer.events.theme.connect(self._show)
        self._show()

    def _show(self) -> None:
        from napari.utils.theme import get_theme

        if self._lifetime.ended:
            return
        theme = get_theme(self._viewer.theme)
        self._button.setStyleSheet(
            "QPushButton { font-weight: bold; } "
            f"QPushButton:enabled {{ background: {theme.current.as_hex()}; }}"
        )
        if self._plot is not None:
            self._plot.set_colours(theme.text.as_hex(), theme.background.as_hex())
