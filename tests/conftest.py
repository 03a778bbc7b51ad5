"""What all tests share: marks by place, networks that are read once, and a limit on windows."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

_ENGINE = Path(__file__).parent / "engine"

#: Windows that one process may open on Python 3.11 with PySide6, which leaks references to None
#: there: after 29 windows or so none is left and the interpreter aborts.
_MOST_WINDOWS = 20
_windows = 0


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that compute with the engine and those that open napari's window."""
    if _ENGINE in item.path.parents:
        item.add_marker("engine")
    if "make_napari_viewer" in getattr(item, "fixturenames", ()):
        item.add_marker("window")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out windows before the interpreter aborts."""
    global _windows
    if item.get_closest_marker("window") is None or sys.version_info >= (3, 12):
        return
    import qtpy

    _windows += 1
    if qtpy.API_NAME == "PySide6" and _windows > _MOST_WINDOWS:
        pytest.skip("PySide6 leaks references to None on Python 3.11; test with PyQt6")


@pytest.fixture(scope="session")
def _shared_networks() -> Iterator[None]:
    """Let the runs of all tests share their networks, each of which takes half a second to make."""
    from napari_style_transfer.engine.cache import Cache
    from napari_style_transfer.engine.cpu import probe

    real = Cache.network
    make = functools.lru_cache(maxsize=4)(functools.partial(real, Cache()))

    def network(
        self: Cache, weights: str, layers: Iterable[str], pooling: Any, precision: Any, device: Any,
        *choices: Any, **options: Any,
    ) -> Any:  # fmt: skip
        names = tuple(sorted(layers))
        # A file may change, fake tensors end with their test, and the kernels can be switched off.
        shared = weights == "oxford" and device.type == "cpu" and probe.available()
        owner = make if shared else functools.partial(real, self)
        return owner(weights, names, pooling, precision, device, *choices, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cache, "network", network)
        yield


@pytest.fixture(autouse=True)
def _engine(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("engine") is not None:
        request.getfixturevalue("_shared_networks")
