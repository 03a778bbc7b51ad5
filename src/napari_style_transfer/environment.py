"""The environment that torch is loaded into."""

from __future__ import annotations

import os
import sys

_WANTED = {
    # Large pages on Linux: a fifth of an evaluation went into the system's small ones.
    "THP_MEM_ALLOC_ENABLE": "1",
    # Threads that wait for another sleep. By default they spin, and one other busy thread, such as the
    # viewer's, makes a run twice as slow or worse.
    "OMP_WAIT_POLICY": "passive",
}


def prepare() -> None:
    """Set what makes torch fast, unless the user has; the log says where torch was loaded before."""
    missing = {name: value for name, value in _WANTED.items() if name not in os.environ}
    os.environ.update(missing)
    if missing and "torch" in sys.modules:
        import logging

        logging.getLogger(__name__).info(
            "torch was loaded before. Painting is faster, above all beside other work, if you set %s.",
            " and ".join(f"{name}={value}" for name, value in missing.items()),
        )
