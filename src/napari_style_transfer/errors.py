"""What can go wrong, as exceptions whose message is one sentence for the user."""

from __future__ import annotations


class StyleTransferError(Exception):
    """Base of every error that this package raises on purpose; its message is fit to show."""


class InputError(StyleTransferError, ValueError):
    """A picture, a parameter or a file cannot be used; the message says why and what to do."""


class ContentError(InputError):
    """The content cannot be painted; with another content, the same request may be good."""


class WeightsError(StyleTransferError, RuntimeError):
    """The network's parameters are missing, damaged or of another network."""


class OutOfMemoryError(StyleTransferError, MemoryError):
    """The device has too little memory for this picture; the message says what to change."""


class LostSchedulerError(StyleTransferError):
    """The scheduler of many workers answers no more; what they have done is kept."""
