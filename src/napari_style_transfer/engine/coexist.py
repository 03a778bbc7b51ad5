"""Loading torch into a process in which a window is already open."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

#: Shared libraries that take long to load or must be loaded with care: package, path in it, and
#: whether its own symbols go before those that are already in the process.
_LIBRARIES = (
    ("torch", "lib/libtorch_python.so", False),
    # triton, which torchvision imports, brings an LLVM. Where OpenGL is drawn in software (on a
    # virtual display, a remote desktop) the window has loaded Mesa's LLVM before, for all to see;
    # triton's library would bind to symbols of the wrong one, and the process would crash.
    ("triton", "_C/libtriton.so", True),
)


def load_libraries() -> None:
    """Load what torch and torchvision need, before they are imported; Linux only.

    An import holds the interpreter's lock while it loads a shared library, and the window stands
    still; a foreign call does not. Failure is no error: the import that follows tells of it.
    """
    if not sys.platform.startswith("linux") or "torchvision" in sys.modules:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for package, name, own_symbols_first in _LIBRARIES:
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            deepbind = getattr(os, "RTLD_DEEPBIND", 0) if own_symbols_first else 0
            dlopen(os.fsencode(Path(folder) / name), os.RTLD_NOW | deepbind)


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Let no garbage collection happen meanwhile, such as an import of torch provokes in numbers.

    Each would hold the interpreter's lock for a tenth of a second or more. For the same reason what
    was made meanwhile is counted as old at the end, or the next collection would go through it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        if was_enabled:
            gc.enable()
