"""The method: settings and two pictures in, steps out. Knows neither napari nor Qt.

Prepares the environment for torch, unless the user has. That counts only before torch is loaded, so that no
other package here may import torch first.
"""

import logging
import os
import sys

_ENVIRONMENT = {
    # Large pages on Linux: a fifth of an evaluation went into the system's small ones.
    "THP_MEM_ALLOC_ENABLE": "1",
    # Threads that wait for another sleep. By default they spin, and one other busy thread, such as the
    # viewer's, makes a run twice as slow.
    "OMP_WAIT_POLICY": "passive",
}

_late = [name for name in _ENVIRONMENT if "torch" in sys.modules and name not in os.environ]
if _late:
    logging.getLogger(__name__).info(
        "torch was loaded before; painting is faster beside other work if %s is set from the start.",
        " and ".join(f"{name}={_ENVIRONMENT[name]}" for name in _late),
    )
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
