"""Which part of a movie is painted, and how fast it is shown. Loads no numpy."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from napari_style_transfer.errors import InputError

#: Pictures per second of a movie, at most.
MOST_RATE = 1000


class Clip(BaseModel):
    """Which frames of a movie are painted, and how fast they are shown.

    Attributes
    ----------
    start, stop
        Seconds of the movie: frames that appear from `start` on and before `stop` are painted; up to the
        end where `stop` is None.
    every
        Of them, every so many-th; its time on the screen grows by as much.
    rate
        Frames a second of the result; as in the movie where None. Of pictures that are no movie, 25.
    """

    model_config = ConfigDict(frozen=True)

    start: float = 0
    stop: float | None = None
    every: int = 1
    rate: float | None = None


def check_rate(rate: float) -> None:
    """Raise :class:`InputError` if no movie has so many pictures a second."""
    if not 0 < rate <= MOST_RATE:
        raise InputError(
            f"A movie has more than 0 and at most {MOST_RATE} pictures a second; got {rate:g}."
        )
