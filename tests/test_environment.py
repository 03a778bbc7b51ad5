"""torch is loaded into an environment that suits painting, whatever loads it."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

#: Ends the process when torch is looked for, to be loaded, and says in which environment.
_WATCH = """
import os, sys

class Watch:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("OMP_WAIT_POLICY"), os.environ.get("THP_MEM_ALLOC_ENABLE"))
            sys.stdout.flush()
            os._exit(0)

sys.meta_path.insert(0, Watch)
"""

_PATHS = {
    "the Python functions": "napari_style_transfer.stylize([[0.0]], [[0.0]])",
    "the cache": "napari_style_transfer.Cache()",
    "a stack": "next(iter(napari_style_transfer.stylize_stack([[[0.0]]], [[0.0]], out=[None])))",
    "the command line": (
        "from napari_style_transfer.cli.main import main\n"
        "main(['sample:coffee', 'sample:night', '--output', sys.argv[1]])"
    ),
    "the widget's thread": (
        "from napari_style_transfer.plugin.runs.worker import load_libraries\nload_libraries()"
    ),
}


def output(code, *arguments, **environment):
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OMP_WAIT_POLICY", "THP_MEM_ALLOC_ENABLE")
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize("path", _PATHS.values(), ids=_PATHS)
def test_the_environment_is_ready_before_torch_is_loaded(path, tmp_path):
    code = f"{_WATCH}\nimport napari_style_transfer\n{path}"
    assert output(code, str(tmp_path / "out.png")) == ("passive 1", "")


def test_what_the_user_has_set_stays():
    code = f"{_WATCH}\nimport napari_style_transfer\n{_PATHS['the cache']}"
    found, _ = output(code, OMP_WAIT_POLICY="active", THP_MEM_ALLOC_ENABLE="0")
    assert found == "active 0"


def test_torch_loaded_before_is_said_in_the_log():
    code = (
        "import logging, sys, types\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "sys.modules['torch'] = types.ModuleType('torch')\n"
        "import napari_style_transfer"
    )
    _, log = output(code)
    assert "torch was loaded before" in log
    assert "OMP_WAIT_POLICY=passive" in log
    _, log = output(code, OMP_WAIT_POLICY="active", THP_MEM_ALLOC_ENABLE="1")
    assert log == ""
