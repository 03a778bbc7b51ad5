"""A run shows itself in Jupyter, and is a plain iterator elsewhere."""

from __future__ import annotations

import builtins
import re
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from napari_style_transfer import Run, Settings, Status, Step
from napari_style_transfer.progress import Losses


def steps(number: int, stopped: list[int], each: Any = lambda done: None) -> Iterator[Step]:
    """Yield steps of a run in two scales, a picture with every second."""
    for done in range(1, number + 1):
        each(done)
        last = bool(stopped) or done == number
        side = 8 if done < number / 2 else 16
        yield Step(
            evaluation=done,
            evaluations=number,
            scale=1,
            scales=2,
            shape=(side, side * 2),
            losses=Losses({"content": 1.0, "style": 0.5}),
            device="cpu",
            precision="float32",
            picture=np.full((side, side * 2, 3), done, np.uint8) if done % 2 == 0 or last else None,
            status=(Status.STOPPED if stopped else Status.FINISHED) if last else Status.RUNNING,
            settings=Settings(size=32),
        )
        if last:
            return


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a shell of IPython, whose publisher keeps what is shown."""
    core = pytest.importorskip("IPython.core.interactiveshell")
    capture = pytest.importorskip("IPython.core.displaypub").CapturingDisplayPublisher
    shell = core.InteractiveShell.instance()
    shell.display_pub = capture()
    yield shell
    core.InteractiveShell.clear_instance()


def test_a_run_is_an_iterator_that_keeps_its_last_picture() -> None:
    run = Run(steps(5, []), lambda: None)
    assert run.step is run.picture is None
    assert [step.evaluation for step in run] == [1, 2, 3, 4, 5]
    assert run.step is not None
    assert run.step.status is Status.FINISHED
    assert run.picture is not None
    assert run.picture.shape == (16, 32, 3)
    assert run.picture.max() == 5


def test_in_jupyter_the_last_line_of_a_cell_paints_and_shows_one_place(shell: Any) -> None:
    run = Run(steps(6, []), lambda: None)
    shell.display_formatter.format(run)  # as the last line of a cell
    shown = shell.display_pub.outputs
    assert [output["update"] for output in shown] == [False, True, True]
    assert len({output["transient"]["display_id"] for output in shown}) == 1
    pages = [output["data"]["text/html"] for output in shown]
    assert [re.findall(r'value="(\d+)" max="6"', page) for page in pages] == [["2"], ["4"], ["6"]]
    # The picture has the size of the result at every scale.
    assert all('<img width="32"' in page and "data:image/jpeg;base64," in page for page in pages)
    assert shown[-1]["data"]["text/plain"] == "finished: evaluation 6 of 6, loss 1.5"
    assert run.picture is not None
    assert run.picture.max() == 6


def test_interrupting_the_kernel_ends_the_run_with_its_picture(shell: Any) -> None:
    stopped: list[int] = []

    def interrupt(done: int) -> None:
        if done == 3:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    run = Run(steps(9, stopped, interrupt), lambda: stopped.append(1))
    shell.display_formatter.format(run)
    assert run.step is not None
    assert (run.step.evaluation, run.step.status) == (3, Status.STOPPED)
    assert run.picture is not None
    assert run.picture.max() == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_16_bits_are_shown_as_8(shell: Any) -> None:
    (step,) = steps(1, [])
    bright = Step(**{**vars(step), "picture": np.full((4, 4, 3), 65535, np.uint16)})
    run = Run(iter([bright]), lambda: None)
    shell.display_formatter.format(run)
    assert "data:image/jpeg" in shell.display_pub.outputs[0]["data"]["text/html"]


def test_elsewhere_nothing_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(list(Run(steps(4, []), lambda: None).shown())) == 4
    importing = builtins.__import__

    def no_ipython(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "IPython":
            raise ModuleNotFoundError("no IPython")
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_ipython)
    assert len(list(Run(steps(4, []), lambda: None).shown())) == 4
    assert capsys.readouterr().out == ""
