"""What the command says never costs what it has painted."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_method import FakeMethod
from PIL import Image

from napari_style_transfer.cli import INTERRUPTED
from napari_style_transfer.cli.main import main
from napari_style_transfer.cli.report import Unfailing
from napari_style_transfer.recipe import Recipe

FAST = ["--size", "32", "--steps", "2", "--device", "cpu"]


class Full(io.RawIOBase):
    """A file on a disk without space."""

    def writable(self) -> bool:
        return True

    def write(self, _: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def full() -> io.TextIOWrapper:
    return io.TextIOWrapper(Full(), "utf-8", write_through=True)  # type: ignore[type-var]


def closed() -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    return stream


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photo.png", "painting.png"):
        Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(name)
    (tmp_path / "pages").mkdir()
    Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save("pages/1.png")
    monkeypatch.setattr("napari_style_transfer.methods.create", lambda: FakeMethod(note="Slow."))


@pytest.mark.parametrize("stream", [lambda: None, full, closed], ids=["none", "full", "closed"])
@pytest.mark.parametrize("which", ["stdout", "stderr"])
@pytest.mark.parametrize(("source", "recipe"), [("photo.png", "out.json"), ("pages", "out.json")])
def test_streams_that_take_nothing_cost_nothing(
    which: str, stream: Any, source: str, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = "out.png" if source == "photo.png" else "out.tif"
    with monkeypatch.context() as patch:
        patch.setattr(sys, which, stream())
        assert main([source, "painting.png", "-o", output, *FAST]) == 0
        assert main([source, "none.png", "-o", output, *FAST]) == 2
        assert main(["samples"]) == 0
    with Image.open(output) as image:
        assert image.size == (32, 24)
    assert Recipe.parse(recipe).evaluations == 2


def test_letters_that_an_encoding_lacks_are_written_as_escapes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(raw, "cp1252", write_through=True))
        assert main(["photo.png", "painting.png", "-o", "Живопись-é.png", *FAST]) == 0
        said = raw.getvalue().decode("cp1252")
    assert said.startswith("Saved \\u0416\\u0438")
    assert "-é.png and its recipe" in said
    assert Path("Живопись-é.json").exists()


def test_a_stream_is_left_alone_once_it_has_failed() -> None:
    stream = Unfailing(full())
    assert stream.write("one") == 3
    stream.write("two")
    stream.flush()


def run(*words: str, **streams: Any) -> subprocess.CompletedProcess[str]:
    code = "import sys; from napari_style_transfer.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *words], check=False, text=True, timeout=60, **streams
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_behind_standard_output_is_not_heard_of_at_the_end() -> None:
    with open("/dev/full", "w") as full_disk:
        done = run("samples", stdout=full_disk, stderr=subprocess.PIPE)
        assert (done.returncode, done.stderr) == (0, "")
        done = run("none.png", "painting.png", stdout=subprocess.PIPE, stderr=full_disk)
        assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are closed otherwise there")
def test_closed_streams_leave_their_numbers_to_no_file() -> None:
    code = """
import os, sys
from napari_style_transfer.cli.main import main
code = main()
sys.exit(code if os.open(os.devnull, os.O_RDONLY) > 2 else 99)
"""
    command = 'exec "$0" -c "$1" none.png painting.png >&- 2>&-'
    done = subprocess.run(["sh", "-c", command, sys.executable, code], check=False, timeout=60)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device.\n"),
        (OSError(errno.EIO, "Input/output error", "a.png"), "a.png: Input/output error.\n"),
        (OSError("a library's own words"), "a library's own words.\n"),
        (OSError(), "OSError.\n"),
    ],
)
def test_a_failure_of_the_system_is_told_without_names_that_are_none(
    error: OSError,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        "napari_style_transfer.methods.create", lambda: FakeMethod(error=error, error_at=1)
    )
    words = ["photo.png", "painting.png", "-o", "out.png", "--quiet", *FAST]
    assert main(words) == 1
    assert capsys.readouterr().err == sentence


# ---- Ctrl-C in the first moments -----------------------------------------------------------------


def test_ctrl_c_while_libraries_are_loaded_is_one_word() -> None:
    # Where an exception would be swallowed, as some libraries do, and where it would be printed.
    code = """
import signal, sys
from napari_style_transfer.cli import main as command

def load(words):
    try:
        signal.raise_signal(signal.SIGINT)
    except BaseException:
        pass

command._run = load
sys.exit(command.main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "Interrupted.\n")


def test_ctrl_c_in_another_program_that_calls_the_command_is_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_style_transfer.cli.job.plan", interrupted)
    assert main(["photo.png", "painting.png", "-o", "out.png", *FAST]) == INTERRUPTED
    assert capsys.readouterr().err == "Interrupted.\n"


def test_until_ctrl_c_can_be_heard_next_to_nothing_is_loaded() -> None:
    code = """
import sys
import napari_style_transfer.cli.main
print(*{"argparse", "contextlib", "pathlib", "pydantic", "typing"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "\n"
