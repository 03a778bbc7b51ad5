from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from napari_style_transfer import samples
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.fast_file import read_info
from napari_style_transfer.samples import CONTENTS, STYLES, Sample

EVERY = [*CONTENTS.values(), *STYLES.values()]
PROGRAM = Path(__file__).parents[1] / "tools" / "paint_styles.py"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    if not PROGRAM.exists():
        pytest.skip("the source distribution comes without tools/")
    spec = importlib.util.spec_from_file_location("paint_styles", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("sample", EVERY, ids=lambda sample: sample.name)
def test_every_sample_is_an_rgb_picture(sample: Sample) -> None:
    picture = samples.load(sample.name)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    assert picture.std() > 20
    assert picture.flags.writeable
    assert np.array_equal(picture, sample.load())


@pytest.mark.parametrize("name", STYLES)
def test_a_style_is_large_enough_for_the_large_scales(name: str) -> None:
    assert samples.load(name).shape[1] >= 1024


@pytest.mark.parametrize("sample", EVERY, ids=lambda sample: sample.name)
def test_every_sample_says_what_it_is_and_under_which_terms(sample: Sample) -> None:
    assert sample.title
    assert sample.licence
    assert "\n" not in sample.licence


def test_every_fast_style_says_under_which_terms() -> None:
    for path in samples.fast_styles().values():
        assert read_info(path).note.startswith("BSD-3-Clause")


def test_samples_are_keyed_by_their_names_and_of_their_kind() -> None:
    assert [sample.name for sample in EVERY] == [*CONTENTS, *STYLES]
    assert {sample.kind for sample in CONTENTS.values()} == {"content"}
    assert {sample.kind for sample in STYLES.values()} == {"style"}


def test_an_unknown_name_is_answered_with_the_names() -> None:
    with pytest.raises(InputError, match=r"no sample named 'nigth'; .*astronaut, .*night, .*\.$"):
        samples.load("nigth")


def test_listing_samples_loads_no_image_library() -> None:
    code = (
        "import sys, napari_style_transfer.samples; "
        "sys.exit(bool({'torch', 'skimage', 'PIL', 'napari'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_program_paints_every_style(program: ModuleType) -> None:
    assert set(program.PICTURES) == set(STYLES)


@pytest.mark.parametrize("name", ["night", "woodcut"])
@pytest.mark.slow
def test_a_picture_is_painted_the_same_every_time(program: ModuleType, name: str) -> None:
    first, second = program.paint(name, width=48), program.paint(name, width=48)
    assert first.shape == (36, 48, 3)
    assert np.array_equal(first, second)


def test_a_small_picture_has_the_composition_of_the_large_one(program: ModuleType) -> None:
    small = program.paint("woodcut", width=64).astype(float)
    height, width = STYLES["woodcut"].load().shape[:2]
    large = STYLES["woodcut"].load().astype(float)
    blocks = large[: height // 8 * 8, : width // 8 * 8]
    coarse = blocks.reshape(8, height // 8, 8, width // 8, 3).mean((1, 3))
    similar = small.reshape(8, 6, 8, 8, 3).mean((1, 3))
    assert np.corrcoef(coarse.ravel(), similar.ravel())[0, 1] > 0.7
