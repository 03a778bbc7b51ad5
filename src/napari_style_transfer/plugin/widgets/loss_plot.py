"""The curve of the losses by term, drawn as a run goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_style_transfer.progress import Losses, Step
from napari_style_transfer.settings import parameters

#: Colours that the colour-blind tell apart (after Okabe and Ito) and that stand out from light and
#: dark alike.
_COLOURS = ("#2f9bdc", "#e69f00", "#009e73", "#cc79a7", "#d55e00")


def _label(term: str) -> str:
    """Name a term as the field of its weight does, if it has one."""
    field = parameters().get(f"{term}_weight")
    return ((field and field.title) or term).removesuffix(" weight").lower()


_HEIGHT = 128
#: Size of the letters in points, and the room that they take beside and below the curves, in pixels.
_POINTS, _LEFT, _RIGHT, _BELOW = 8, 58, 14, 34
_AXES = ("left", "bottom")
#: Takes the height of a legend.
_NO_LEGEND = "&nbsp;"


class LossPlot(QWidget):
    """Small plot of every term over the evaluations, on a logarithmic axis.

    A faint line marks where the next scale begins: the terms are comparable within one scale only.

    Parameters
    ----------
    unit
        What the curves run over.
    scores
        What the curves are if they are scores from 0 to 1, which go on a linear axis, and not losses.
    """

    def __init__(self, unit: str = "evaluation", scores: str = "") -> None:
        super().__init__()
        self._labels = {"left": "score" if scores else "loss, log scale", "bottom": unit}
        self._is_log = not scores
        axes = {} if scores else {"left": _Decades("left")}
        self._plot = pg.PlotWidget(axisItems=axes)
        self._plot.setFixedHeight(_HEIGHT)
        self._plot.setMinimumWidth(0)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setMenuEnabled(False)
        # pyqtgraph makes the menu nevertheless, without a parent that would delete it.
        menu = self._plot.getPlotItem().ctrlMenu
        menu.setParent(self._plot, menu.windowFlags())
        self._plot.hideButtons()
        # Room for the half of a number that lies beyond the end of its axis.
        self._plot.getPlotItem().layout.setContentsMargins(1, 8, _RIGHT, 1)
        self._plot.setLogMode(y=self._is_log)
        self._plot.setToolTip(
            f"{scores}, by {unit}."
            if scores
            else f"Each term of the loss, times its weight, by {unit}."
        )
        for side in _AXES:
            self._plot.getAxis(side).setStyle(
                tickFont=QFont(self.font().family(), _POINTS),
                maxTickLevel=0,
                tickLength=-4,
                hideOverlappingLabels=False,
            )
        self._plot.getAxis("left").setWidth(_LEFT)
        self._plot.getAxis("bottom").setHeight(_BELOW)
        self._curves: dict[str, Any] = {}
        self._marks: list[Any] = []
        self._legend = QLabel()
        self._legend.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._plot)
        layout.addWidget(self._legend)
        self.hide()

    def start(self, extent: float) -> None:
        """Show an empty plot for a run of so many evaluations (or seconds)."""
        self._positions: list[float] = []
        self._losses: dict[str, list[float]] = {}
        self._scale = 1
        for mark in self._marks:
            self._plot.removeItem(mark)
        self._marks.clear()
        for curve in self._curves.values():
            curve.setData([], [])
        self._plot.setXRange(0, extent, padding=0.01)
        self._plot.setYRange(*((-2, 1) if self._is_log else (0, 1)))
        self._legend.setText(_NO_LEGEND)
        self.show()

    def add(self, steps: Iterable[Step]) -> None:
        """Draw the losses of further evaluations."""
        points = []
        for step in steps:
            if step.scale != self._scale:
                self._mark(step.evaluation - 0.5)
                self._scale = step.scale
            points.append((step.evaluation, step.losses))
        self.draw(points)

    def draw(self, points: Iterable[tuple[float, Losses]]) -> None:
        """Draw further losses, each at its evaluation (or second)."""
        if self._is_log:
            self._plot.enableAutoRange(axis="y")
        for position, losses in points:
            self._positions.append(position)
            before = len(self._positions) - 1
            for term in losses:
                self._losses.setdefault(term, [np.nan] * before)
            for term, values in self._losses.items():
                loss = losses.get(term, 0.0)
                # a logarithmic axis has no 0
                values.append(loss if loss > 0 or not self._is_log else np.nan)
        legend = []
        for term, values in self._losses.items():
            if not np.isnan(values).all():
                curve, colour = self._curve(term)
                curve.setData(self._positions, values)
                legend.append(f'<span style="color:{colour}">&#9644;</span>&nbsp;{_label(term)}')
        text = "&nbsp;&nbsp; ".join(legend) or _NO_LEGEND
        if text != self._legend.text():
            self._legend.setText(text)

    def _curve(self, term: str) -> tuple[Any, str]:
        """Return the curve of a term and its colour."""
        colour = _COLOURS[list(self._losses).index(term) % len(_COLOURS)]
        if term not in self._curves:
            self._curves[term] = self._plot.plot(connect="finite")
        self._curves[term].setPen(pg.mkPen(colour, width=1.6))
        return self._curves[term], colour

    def end(self) -> None:
        """Hide a plot in which nothing was drawn, because the run failed or had nothing to paint."""
        if self._legend.text() == _NO_LEGEND:
            self.hide()

    def set_colours(self, text: str, background: str) -> None:
        """Draw in a theme's colours."""
        self._colour = text
        self._plot.setBackground(background)
        for side, name in self._labels.items():
            axis = self._plot.getAxis(side)
            axis.setLabel(name, **{"color": text, "font-size": f"{_POINTS}pt"})
            axis.setTextPen(text)
            axis.setPen(pg.mkPen(_faint(text)))
        for mark in self._marks:
            mark.setPen(_dotted(text))

    def _mark(self, evaluation: float) -> None:
        mark = pg.InfiniteLine(evaluation, angle=90, pen=_dotted(self._colour))
        self._plot.addItem(mark, ignoreBounds=True)
        self._marks.append(mark)


class _Decades(pg.AxisItem):  # type: ignore[misc]
    """A logarithmic axis with a few whole powers of ten, instead of a crowd of ticks."""

    def tickValues(self, low: float, high: float, _: float) -> list[tuple[float, list[float]]]:
        decades = range(math.ceil(low), math.floor(high) + 1)
        stride = max(1, math.ceil(len(decades) / 4))
        return [(stride, [float(decade) for decade in decades[::stride]])]

    def tickStrings(self, values: list[float], *_: Any) -> list[str]:
        return [f"{10**value:g}" for value in values]


def _faint(colour: str) -> Any:
    faint = pg.mkColor(colour)
    faint.setAlpha(90)
    return faint


def _dotted(colour: str) -> Any:
    return pg.mkPen(_faint(colour), style=Qt.PenStyle.DotLine)
