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


def load_libraries() -> None:
    """Load torch's library before torch is imported; Linux only.

    An import holds the interpreter's lock while it loads a shared library, and the window stands
    still; a foreign call does not. Failure is no error: the import that follows tells of it.
    """
    if "torch" not in sys.modules:
        _load("torch", "lib/libtorch_python.so")


def load_triton() -> None:
    """Load triton's library, which torchvision imports, so that it sees its own symbols first.

    It brings an LLVM. Where OpenGL is drawn in software (on a virtual display, a remote desktop) the
    window has loaded Mesa's LLVM before, for all to see; triton's library would bind to symbols of
    the wrong one, and the process would crash.
    """
    if "torchvision" not in sys.modules:
        _load("triton", "_C/libtriton.so", getattr(os, "RTLD_DEEPBIND", 0))


def _load(package: str, library: str, mode: int = 0) -> None:
    if not sys.platform.startswith("linux"):
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        dlopen(os.fsencode(Path(folder) / library), os.RTLD_NOW | mode)


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
