"""Many workers: the same bytes as one process, whatever happens on the way."""

from __future__ import annotations

import collections
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import zarr
from augment_sets import cellpose, style
from PIL import Image
from portable import (
    FOLDER,
    Lazy,
    Portable,
    RefusingAll,
    RefusingFirst,
    by_device,
    by_references,
    killing,
    killing_once,
)

from napari_style_transfer.augment import augment
from napari_style_transfer.cli.main import main
from napari_style_transfer.cli.stack import paint_stack
from napari_style_transfer.cluster import connect, local
from napari_style_transfer.cluster.connect import connected
from napari_style_transfer.errors import InputError, LostSchedulerError, StyleTransferError
from napari_style_transfer.settings import Settings
from napari_style_transfer.stack.base import SliceError
from napari_style_transfer.stack.loop import SliceStep, stylize_stack
from napari_style_transfer.stack.order import Order, Queue
from napari_style_transfer.stack.output import open_result
from napari_style_transfer.stack.plan import Task, stack_shape
from napari_style_transfer.steering import Steering

distributed = pytest.importorskip("distributed")

SETTINGS = Settings(size=32, steps=3, coarsest_size=16, device="cpu", coherence="independent")
STYLE = np.full((20, 20, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers in this process."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=False,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two workers, each a process, as `--scheduler local` starts them on two devices."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setattr(local, "_gpus", lambda: ["0", "1"])
    with connected("local", SETTINGS.replace(device="auto")) as client:
        yield client


def stack(*leading: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, (*leading, 4, 6, 3), np.uint8)


def store(path: Path, slices: Any, settings: Settings = SETTINGS) -> Any:
    return open_result(stack_shape(slices, settings), {}, folder=path)


def painted(
    path: Path, slices: Any, settings: Settings = SETTINGS, method: Any = None, **options: Any
) -> np.ndarray[Any, Any]:
    """Return the result of a run in a store."""
    out = store(path, slices, settings)
    run(slices, out, settings, method, **options)
    return np.asarray(out.array)


def run(
    slices: Any, out: Any, settings: Settings = SETTINGS, method: Any = None, **options: Any
) -> list[SliceStep]:
    return list(
        stylize_stack(
            slices, STYLE, out=out, settings=settings, method=method or Portable(), **options
        )
    )


# ---- the same as in one process ------------------------------------------------------------------


def test_independent_slices_are_the_same_bytes(client: Any, tmp_path: Path) -> None:
    slices = stack(9)
    one, many = (
        painted(tmp_path / f"{each}", slices, client=each_client)
        for each, each_client in enumerate((None, client))
    )
    assert len(np.unique(one)) > 5
    np.testing.assert_array_equal(many, one)


@pytest.mark.parametrize("leading", [(7,), (3, 4)])
@pytest.mark.parametrize("coherence", ["neighbour", "steady"])
def test_slices_take_over_the_same_as_in_one_process(
    client: Any, tmp_path: Path, leading: tuple[int, ...], coherence: Any
) -> None:
    slices = stack(*leading)
    slices[:2] = 0  # two scenes at least
    settings = SETTINGS.replace(coherence=coherence)
    one, many = (
        painted(tmp_path / f"{each}", slices, settings, Portable(by_references), client=each_client)
        for each, each_client in enumerate((None, client))
    )
    np.testing.assert_array_equal(many, one)


def test_a_lazy_stack_is_read_by_the_workers(client: Any, tmp_path: Path) -> None:
    import dask.array

    slices = dask.array.from_array(stack(4), chunks=(1, 4, 6, 3))
    np.testing.assert_array_equal(
        painted(tmp_path / "many", slices, client=client),
        painted(tmp_path / "one", np.asarray(slices)),
    )


def test_what_is_said_has_no_picture_and_the_work_left_falls_to_nothing(
    client: Any, tmp_path: Path
) -> None:
    slices = stack(5)
    messages = run(slices, store(tmp_path / "out", slices), client=client)
    assert sorted(message.index for message in messages) == [(n,) for n in range(5)]
    assert all(message.finished and message.step.picture is None for message in messages)
    left = [message.pixels_left for message in messages]
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert messages[0].work > 0
    assert messages[0].total == 5


# ---- whatever happens ----------------------------------------------------------------------------


def test_a_slice_that_cannot_be_read_is_tried_twice_and_left_out(
    client: Any, tmp_path: Path
) -> None:
    note, errors = tmp_path / "read", list[SliceError]()
    slices = Lazy(6, damaged=[2], note=note)
    messages = run(slices, store(tmp_path / "out", slices), client=client, on_error=errors.append)
    assert sorted(message.index[0] for message in messages) == [0, 1, 3, 4, 5]
    assert [str(error) for error in errors] == ["Slice 2: It cannot be read: it is torn."]
    assert note.read_text().split().count("2") == 2


def test_without_on_error_such_a_slice_ends_the_run(client: Any, tmp_path: Path) -> None:
    slices = Lazy(3, damaged=[1])
    with pytest.raises(SliceError, match="Slice 1: It cannot be read: it is torn"):
        run(slices, store(tmp_path / "out", slices), client=client)


def test_if_no_slice_can_be_painted_one_sentence_says_so(client: Any, tmp_path: Path) -> None:
    slices = Lazy(2, damaged=[0, 1])
    with pytest.raises(InputError, match="None of the 2 slices can be painted"):
        run(slices, store(tmp_path / "out", slices), client=client, on_error=lambda _: None)


def test_one_slice_is_refused_where_others_are_not_and_a_bad_style_ends_the_run(
    client: Any, tmp_path: Path
) -> None:
    slices, errors = Lazy(4), list[SliceError]()
    run(
        slices,
        store(tmp_path / "one", slices),
        method=RefusingFirst(),
        client=client,
        on_error=errors.append,
    )
    assert [error.index for error in errors] == [(0,)]
    with pytest.raises(InputError, match=r"^The regions do not fit\.$"):
        run(
            slices,
            store(tmp_path / "all", slices),
            method=RefusingAll(),
            client=client,
            on_error=errors.append,
        )
    assert len(errors) == 1


@pytest.mark.parametrize("coherence", ["independent", "steady"])
def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(
    client: Any, tmp_path: Path, coherence: Any
) -> None:
    slices, settings = stack(8), SETTINGS.replace(coherence=coherence)
    out, done = store(tmp_path / "many", slices, settings), []
    for message in stylize_stack(
        slices, STYLE, out=out, settings=settings, method=Portable(), client=client,
        stop=lambda: len(done) >= 2,
    ):  # fmt: skip
        done.append(message.index)
    assert 2 <= len(done) < 8
    rest = run(slices, out.array, settings, client=client, done=done)
    assert sorted([*done, *(message.index for message in rest)]) == [(n,) for n in range(8)]
    one = painted(tmp_path / "one", slices, settings)
    np.testing.assert_array_equal(np.asarray(out.array), one)


def test_what_is_under_way_is_dropped_when_a_run_is_stopped(client: Any, tmp_path: Path) -> None:
    slices, began = stack(2), time.monotonic()
    endless = Portable(delay=0.05)
    settings = SETTINGS.replace(steps=100_000)
    out = store(tmp_path / "out", slices, settings)
    assert not run(
        slices, out, settings, endless, client=client, stop=lambda: time.monotonic() > began + 1
    )
    again = painted(tmp_path / "next", slices, client=client)  # the workers are free
    assert again.any()


def test_a_lost_scheduler_is_said_and_what_is_done_is_kept(tmp_path: Path) -> None:
    slices = stack(30)
    cluster = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    )
    done = []

    def close_at_first(message: SliceStep) -> None:
        if not done:
            cluster.close()
        done.append(message.index)

    with distributed.Client(cluster, set_as_default=False, timeout=1) as client:
        out, method = store(tmp_path / "out", slices), Portable(delay=0.02)
        messages = stylize_stack(
            slices, STYLE, out=out, settings=SETTINGS, method=method, client=client
        )
        with pytest.raises(LostSchedulerError, match=r"The scheduler inproc://\S+ was lost"):
            collections.deque(map(close_at_first, messages))
    assert 0 < len(done) < 30
    for index in done:
        assert out[index].any()


# ---- what is refused -----------------------------------------------------------------------------


def test_results_go_only_where_workers_can_write(client: Any, tmp_path: Path) -> None:
    slices = stack(4)
    shape = stack_shape(slices, SETTINGS)
    for memory in (np.zeros(shape, np.uint8), {}, open_result(shape, {})):
        with pytest.raises(InputError, match="cannot write into this process's memory"):
            run(slices, memory, client=client)
    in_memory = zarr.create_array({}, shape=shape, chunks=(1, *shape[1:]), dtype="u1")
    with pytest.raises(InputError, match="cannot write into this process's memory"):
        run(slices, in_memory, client=client)
    coarse = zarr.create_array(tmp_path / "c", shape=shape, chunks=(2, *shape[1:]), dtype="u1")
    with pytest.raises(InputError, match="several slices share a chunk"):
        run(slices, coarse, client=client)


def test_workers_cannot_be_steered(client: Any, tmp_path: Path) -> None:
    slices = stack(2)
    with pytest.raises(InputError, match="cannot be steered"):
        run(slices, store(tmp_path / "out", slices), client=client, steering=Steering())


def test_workers_of_another_version_are_refused(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = stack(2)
    monkeypatch.setattr(connect, "own_version", lambda: "9.9")
    with pytest.raises(
        InputError, match=r"The worker inproc://\S+ has version .* process version 9\.9"
    ):
        run(slices, store(tmp_path / "out", slices), client=client)
    with pytest.raises(InputError, match="has no napari-style-transfer"):
        connect.check_version("tcp://there:1", "", "9.9")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "A scheduler is local, or an address such as tcp://host:8786; got 'nonsense'"),
        ("tcp://", "A scheduler is local"),
        (
            "tcp://127.0.0.1:1",
            r"No scheduler answers at tcp://127\.0\.0\.1:1; start one with: dask",
        ),
    ],
)
def test_a_scheduler_that_is_none_is_said(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "_TIMEOUT", 0.3)
    with pytest.raises(InputError, match=message), connected(name, SETTINGS):
        pass


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r'pip install "napari-style-transfer\[cluster\]"'):
        connect.check_scheduler("local")


def test_one_picture_is_not_for_many_workers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "out.png")
    words = ["sample:coffee", "sample:night", "-o", path, "--scheduler", "local"]
    assert main(words) == 2
    assert "--scheduler is for many pictures" in capsys.readouterr().err


# ---- where there is room -------------------------------------------------------------------------


def test_each_gpu_is_one_workers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "napari_style_transfer.engine.device.available_devices", lambda: ("cpu", "cuda", "cuda:1")
    )
    monkeypatch.setattr("dask.system.CPU_COUNT", 8)
    for device in ("auto", "cuda"):
        found = local.environments(SETTINGS.replace(device=device))
        assert [each["CUDA_VISIBLE_DEVICES"] for each in found] == ["0", "1"]
        assert {each["OMP_NUM_THREADS"] for each in found} == {"4"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-8a")
    found = local.environments(SETTINGS.replace(device="auto"))
    assert [each["CUDA_VISIBLE_DEVICES"] for each in found] == ["5", "GPU-8a"]
    assert len(local.environments(SETTINGS.replace(device="cuda:1"))) == 1
    assert len(local.environments(SETTINGS.replace(device="cpu"))) >= 1


def test_cores_are_shared_by_as_many_processes_as_memory_has_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", 8)
    for gigabytes, workers, threads in [(100, 8, 1), (2.5, 2, 4), (0, 1, 8)]:
        memory = type("Memory", (), {"available": int(gigabytes * 10**9)})
        monkeypatch.setattr(local.psutil, "virtual_memory", lambda memory=memory: memory)
        found = local.environments(SETTINGS)
        assert [each["OMP_NUM_THREADS"] for each in found] == [str(threads)] * workers


def test_rows_of_neighbours_go_on_side_by_side() -> None:
    tasks = [Task(index, place) for place, index in enumerate(np.ndindex(2, 3))]
    queue = Queue(Order(None), tasks, ())

    def taken() -> list[tuple[Any, Any]]:
        return [(found[0].index, found[1]) for found in iter(queue.take, None) if found is not None]

    assert taken() == [((0, 0), ())]
    queue.settle((0, 0), painted=True)
    assert sorted(taken()) == [((0, 1), ((0, 0),)), ((1, 0), ((0, 0),))]
    queue.settle((0, 1), painted=False)
    assert taken() == [((0, 2), ((0, 0),))]
    queue.settle((1, 0), painted=True)
    assert taken() == [((1, 1), ((1, 0),))]
    assert len(queue) == 3


# ---- files ---------------------------------------------------------------------------------------


def fill(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        Image.fromarray(np.full((4, 6, 3), number, np.uint8)).save(folder / f"p{number}.png")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def paint_files(source: Path, output: Path, **options: Any) -> Any:
    given = {"stop": threading.Event(), "quiet": True, "method": Portable(), **options}
    return paint_stack(
        str(source), STYLE, output, SETTINGS, names={"content": "in", "style": "x"}, **given
    )


def test_a_folder_is_the_same_to_the_byte_its_record_included(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_style_transfer.cli.stack.client_of", lambda *_: _Given(client))
    source = fill(tmp_path / "in", 7)
    (source / "p8.png").write_bytes(b"\x89PNG torn")
    for output, scheduler in [("one", None), ("many", "local")]:
        with pytest.raises(StyleTransferError, match=r"Saved 7 of 8 pages.*p8\.png"):
            paint_files(source, tmp_path / output, scheduler=scheduler)
    assert files(tmp_path / "many") == files(tmp_path / "one")


class _Given:
    """A client that is not closed."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __enter__(self) -> Any:
        return self._client

    def __exit__(self, *_: object) -> None:
        pass


def test_a_training_set_is_augmented_to_the_same_bytes(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    images, real = cellpose(Path("train")), style(Path("real.tif"))
    for out, each_client in [("one", None), ("many", client)]:
        steps = augment(images, real, Path(out), way="colour", copies=3, client=each_client)
        *_, last = steps
        assert last.finished
    assert len(files(tmp_path / "one" / "images")) == 12
    assert files(tmp_path / "many" / "images") == files(tmp_path / "one" / "images")


# ---- processes -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_devices_paint_and_a_killed_workers_slices_are_painted_again(
    processes: Any, tmp_path: Path
) -> None:
    slices = stack(12)
    devices = painted(
        tmp_path / "devices", slices, method=Portable(by_device, 0.1), client=processes
    )
    assert set(np.unique(devices)) == {0, 1}
    slices = Lazy(12)
    many = painted(tmp_path / "many", slices, method=Portable(killing_once, 0.05), client=processes)
    assert (tmp_path / "killed").exists()
    np.testing.assert_array_equal(many, painted(tmp_path / "one", slices))


@pytest.mark.slow
@pytest.mark.parametrize("coherence", ["independent", "steady"])
def test_workers_killed_from_outside_change_nothing(
    processes: Any, tmp_path: Path, coherence: Any
) -> None:
    slices, settings = stack(16), SETTINGS.replace(coherence=coherence)
    out = store(tmp_path / "many", slices, settings)
    messages = stylize_stack(
        slices, STYLE, out=out, settings=settings, method=Portable(by_references, 0.05),
        client=processes,
    )  # fmt: skip
    done = []
    for message in messages:
        done.append(message.index)
        if len(done) in (2, 6):
            os.kill(next(iter(processes.run(os.getpid).values())), signal.SIGKILL)
    assert sorted(done) == [(n,) for n in range(16)]
    one = painted(tmp_path / "one", slices, settings, Portable(by_references))
    np.testing.assert_array_equal(np.asarray(out.array), one)


@pytest.mark.slow
def test_a_slice_that_ends_its_workers_is_left_out(processes: Any, tmp_path: Path) -> None:
    slices, errors = Lazy(8), list[SliceError]()
    many = painted(
        tmp_path / "many",
        slices,
        method=Portable(killing),
        client=processes,
        on_error=errors.append,
    )
    assert [error.index for error in errors] == [(3,)]
    assert "Workers ended, one after another" in str(errors[0])
    one = painted(tmp_path / "one", slices)
    one[3] = 0
    np.testing.assert_array_equal(many, one)


_SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import threading
from pathlib import Path
from portable import Portable
from test_cluster import paint_files
from napari_style_transfer.cli.terminal import stop_on_interrupt

if __name__ == "__main__":
    with stop_on_interrupt() as stop:
        outcome = paint_files(
            Path("in"), Path("many"), method=Portable(delay=0.1), scheduler="local", stop=stop
        )
    print(outcome.sentence)
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process_and_goes_on_to_the_same_bytes(
    tmp_path: Path, end: signal.Signals
) -> None:
    fill(tmp_path / "in", 40)
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(_SCRIPT.format(tests=str(Path(__file__).parent))))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(lambda: len(list((tmp_path / "many").glob("*.png"))) > 3)
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) >= 2
        os.killpg(process.pid, end) if end == signal.SIGINT else process.kill()
        said, complained = process.communicate(timeout=120)
    finally:
        process.kill()
    wait_for(lambda: not any(each.is_running() for each in workers))
    if end == signal.SIGINT:
        assert said.startswith("Stopped with "), complained
        assert complained == ""
    assert len(list((tmp_path / "many").glob("p*.png"))) < 40
    paint_files(tmp_path / "in", tmp_path / "many")
    paint_files(tmp_path / "in", tmp_path / "one")
    assert files(tmp_path / "many") == files(tmp_path / "one")


def wait_for(true: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
