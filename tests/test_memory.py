"""The estimate bounds what a run takes, and tiles are chosen only where they are needed."""

import subprocess
import sys

import numpy as np
import pytest
from fake_device import DEVICE, FakeDevice

from napari_style_transfer import Style, iter_stylize
from napari_style_transfer.engine import state as state_module
from napari_style_transfer.memory import GIB, needed_bytes, plan_memory
from napari_style_transfer.methods import optimize as method_module
from napari_style_transfer.settings import Settings

_MEASURE = """
import sys
from napari_style_transfer import samples, stylize
size, precision, tile = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
stylize(samples.load("astronaut"), samples.load("night"), size=size, steps=2, coarsest_size=size,
        precision=precision, tile_size=tile, device="cpu")
with open("/proc/self/status") as file:
    print(next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM")))
"""


@pytest.mark.engine
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc, on Linux only")
@pytest.mark.parametrize(
    ("size", "precision", "tile_size"),
    [
        pytest.param(512, "bfloat16", 0, marks=pytest.mark.slow),
        pytest.param(384, "float32", 0, marks=pytest.mark.slow),
        pytest.param(512, "float32", 0, marks=pytest.mark.slow),
        pytest.param(512, "mixed", 0, marks=pytest.mark.slow),
        pytest.param(768, "bfloat16", 256, marks=pytest.mark.slow),
    ],
)
def test_the_estimate_is_near_the_peak_measured_from_outside(size, precision, tile_size):
    output = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(size), precision, str(tile_size)],
        capture_output=True,
        text=True,
        check=True,
    )
    measured = int(output.stdout)
    value_bytes = 2 if precision == "bfloat16" else 4
    estimate = needed_bytes((size, size), Settings(), value_bytes=value_bytes, tile_size=tile_size)
    assert estimate == pytest.approx(measured, rel=0.35)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("size", "precision", "options"),
    [
        (512, "bfloat16", {}),
        (512, "float32", {}),
        (1024, "bfloat16", {"tile_size": 256}),
        (256, "bfloat16", {"style_scale": 2.0}),
    ],
)
@pytest.mark.slow
def test_on_other_devices_the_estimate_is_what_the_tensors_take(
    monkeypatch, size, precision, options
):
    monkeypatch.setattr(method_module, "choose_device", lambda _: (DEVICE, ""))
    monkeypatch.setattr(state_module, "free_memory", lambda _: 1 << 40)
    settings = Settings(size=size, coarsest_size=size, steps=2, precision=precision, **options)
    grey = np.full((64, 64, 3), 99, np.uint8)
    with FakeDevice() as device:
        *_, last = iter_stylize(grey, Style(grey), settings=settings)
    assert last.tile_size == settings.tile_size
    estimate = needed_bytes(
        (size, size),
        settings,
        value_bytes=2 if precision == "bfloat16" else 4,
        tile_size=settings.tile_size,
        cpu=False,
    )
    assert estimate == pytest.approx(device.peak_bytes, rel=0.15)


def test_a_small_device_gets_tiles_in_time():
    """By the CPU's figures, a whole picture would have been tried here, and memory have run out."""
    plan = plan_memory((1024, 1024), Settings(), value_bytes=2, free=3 * GIB, cpu=False)
    assert plan.tile_size
    assert plan.needed < 1.5 * GIB


def plan(side, free, **settings):
    return plan_memory((side, side), Settings(**settings), value_bytes=2, free=int(free * GIB))


def test_whole_pictures_where_they_fit_and_tiles_where_they_do_not():
    assert plan(512, 20).tile_size == 0
    assert plan(2048, 20).tile_size == 0
    assert plan(2048, 7).tile_size > 0
    assert plan(4096, 20).tile_size > 0
    assert plan(4096, 20).needed < 6e9


def test_less_memory_gives_smaller_tiles():
    sides = [plan(2048, free).tile_size for free in (7, 6, 5)]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] > sides[-1]


def test_a_tile_size_that_is_asked_for_is_taken():
    assert plan(512, 20, tile_size=256).tile_size == 256


def test_the_plan_is_told_in_a_line():
    assert str(plan(512, 20)) == "about 1.1 GB; 20.0 GB free"
    assert "in tiles of" in str(plan(4096, 20))
