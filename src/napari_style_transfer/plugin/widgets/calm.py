"""What every field has in common: it is calm under the wheel, narrow, and says why it is locked."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QSlider, QWidget

#: Narrowest that a field may become, so that the widget fits a narrow dock.
_MIN_WIDTH = 60
#: Property in which a locked widget keeps the tooltip that it has while it is not.
_TOOLTIP = "unlockedToolTip"


class _WheelGuard(QObject):
    """Lets the wheel scroll past a field that has no focus, instead of changing its value."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if (
            event is not None
            and event.type() == QEvent.Type.Wheel
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        ):
            event.ignore()
            return True
        return False


def make_calm(native: QWidget) -> None:
    """Let a field shrink with a narrow dock, and keep its value when the wheel passes over it."""
    guard = _WheelGuard(native)
    for part in [native, *native.findChildren(QWidget)]:
        if isinstance(part, QComboBox):
            part.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            part.setMinimumContentsLength(1)
        if isinstance(part, QComboBox | QAbstractSpinBox | QSlider):
            part.setMinimumWidth(_MIN_WIDTH)
            part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            part.installEventFilter(guard)


def lock(native: QWidget, reason: str) -> None:
    """Disable a widget and say why in its tooltip, before what it says otherwise.

    Parameters
    ----------
    native
        The widget.
    reason
        A sentence; the widget is enabled again if it is empty.
    """
    if native.property(_TOOLTIP) is None:
        native.setProperty(_TOOLTIP, native.toolTip())
    purpose = str(native.property(_TOOLTIP))
    native.setEnabled(not reason)
    native.setToolTip("\n\n".join(part for part in (reason, purpose) if part))
