"""Files of fast styles: what is written is read, and every wrong file is one sentence."""

from __future__ import annotations

import errno
import json
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from napari_style_transfer.errors import InputError
from napari_style_transfer.io import network_file
from napari_style_transfer.io.fast_file import (
    FILES,
    FastFile,
    read_fast_file,
    read_info,
    save_fast_file,
    thumbnail,
)
from napari_style_transfer.learning import FastStyleInfo, LearningSettings

KEY = "napari_style_transfer.fast_style"
RNG = np.random.default_rng(0)


def smooth(height: int, width: int) -> np.ndarray[Any, Any]:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows, columns, rows + columns], axis=2).astype(np.uint8)


def a_file(**changes: Any) -> FastFile:
    info = FastStyleInfo(
        names=("night", "a = b"),
        thumbnails=(smooth(100, 128), smooth(30, 20)),
        settings=LearningSettings(minutes=7.5, style_layers={"relu3_1": 2.0}),
        contents=("coffee", "frames/1.png"),
        figures={"style": 1.25},
        versions={"torch": "2.4"},
        seconds=180.5,
        note="CC0",
    )
    tensors = {"a.weight": RNG.normal(size=(4, 3)).astype(np.float32), "b": np.ones(2, np.float32)}
    return replace(FastFile({"styles": 2, "width": 4, "blocks": 1}, info, tensors), **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my.safetensors"


def rewritten(path: Path, change: Any) -> None:
    """Write a good file, and change its description."""
    save_fast_file(path, a_file())
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    description = json.loads(header["__metadata__"][KEY])
    change(description)
    save_file(load_file(path), path, {KEY: json.dumps(description)})


def test_what_is_written_is_read(path: Path) -> None:
    written = a_file()
    save_fast_file(path, written)
    read = read_fast_file(path)
    assert read.architecture == written.architecture
    for name, values in written.tensors.items():
        assert read.tensors[name].dtype == np.float32
        np.testing.assert_allclose(read.tensors[name], values, atol=2e-3)
    for info in (read.info, read_info(path)):
        for name in ("names", "settings", "contents", "figures", "versions", "seconds", "note"):
            assert getattr(info, name) == getattr(written.info, name), name
        for one, two in zip(info.thumbnails, written.info.thumbnails, strict=True):
            assert one.shape == two.shape
            assert np.abs(one.astype(int) - two).mean() < 3


def test_numbers_take_two_bytes_unless_that_would_change_them(path: Path) -> None:
    halves = {"small": np.float32([0.1, -3]), "none": np.zeros((0, 2), np.float32)}
    singles = {"large": np.float32([1e6, 1]), "tiny": np.float32([3e-8, -2.2e-8])}
    save_fast_file(path, a_file(tensors=halves | singles))
    stored = load_file(path)
    assert {name for name, values in stored.items() if values.dtype == np.float16} == set(halves)
    read = read_fast_file(path).tensors
    for name, values in singles.items():
        np.testing.assert_array_equal(read[name], values)


def test_large_thumbnails_become_small(path: Path) -> None:
    file = a_file()
    info = replace(file.info, thumbnails=(smooth(300, 600), smooth(2, 1)))
    save_fast_file(path, replace(file, info=info))
    assert [each.shape for each in read_info(path).thumbnails] == [(64, 128, 3), (2, 1, 3)]
    assert thumbnail(smooth(1000, 10)).shape == (128, 1, 3)


def test_many_names_of_contents_are_cut_short(path: Path) -> None:
    file = a_file()
    info = replace(file.info, contents=tuple(map(str, range(5000))))
    save_fast_file(path, replace(file, info=info))
    assert read_info(path).contents[-2:] == ("999", "and 4000 more")


def test_a_parameter_of_a_later_version_is_passed_over(path: Path) -> None:
    rewritten(path, lambda description: description["settings"].update(later=3))
    assert read_info(path).settings.minutes == 7.5


def nothing(path: Path) -> None:
    pass


def a_folder(path: Path) -> None:
    path.mkdir()


def an_empty_file(path: Path) -> None:
    path.write_bytes(b"")


def a_text(path: Path) -> None:
    path.write_text("a recipe for pancakes, with eggs and milk")


def an_absurd_header(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")


def a_long_header(path: Path) -> None:
    text = json.dumps({"x": "y" * 17_000_000}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)


def deep_json(path: Path) -> None:
    text = b"[" * 100_000
    path.write_bytes(struct.pack("<Q", len(text)) + text)


def a_list(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2) + b"[]")


def of_something_else(path: Path) -> None:
    save_file({"a": np.ones(2, np.float32)}, path, {"format": "pt"})


def without_metadata(path: Path) -> None:
    save_file({"a": np.ones(2, np.float32)}, path)


def cut_short(path: Path) -> None:
    save_fast_file(path, a_file())
    path.write_bytes(path.read_bytes()[:-3])


def of_a_later_format(path: Path) -> None:
    rewritten(path, lambda description: description.update(format=2, version="9.1"))


def with_another_type(path: Path) -> None:
    rewritten(path, lambda description: description.update(names=5))


def with_too_few_thumbnails(path: Path) -> None:
    rewritten(path, lambda description: description["thumbnails"].pop())


def with_a_broken_thumbnail(path: Path) -> None:
    rewritten(path, lambda description: description.update(thumbnails=["AAAA", "AAAA"]))


def with_an_impossible_setting(path: Path) -> None:
    rewritten(path, lambda description: description["settings"].update(minutes=-1))


def with_an_absurd_network(path: Path) -> None:
    rewritten(path, lambda description: description["architecture"].update(width=10**9))


def with_an_infinite_number(path: Path) -> None:
    rewritten(path, lambda _: None)
    tensors = {"a": np.float32([1, np.inf])}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    save_file(tensors, path, header["__metadata__"])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nothing, "There is no file"),
        (a_folder, "it is a folder"),
        (an_empty_file, "no safetensors file"),
        (a_text, "no safetensors file"),
        (an_absurd_header, "no safetensors file"),
        (a_long_header, "no safetensors file"),
        (deep_json, "no safetensors file"),
        (a_list, "no safetensors file"),
        (of_something_else, "of something else"),
        (without_metadata, "of something else"),
        (of_a_later_format, "version 9.1 wrote it; update"),
        (with_another_type, "description is damaged"),
        (with_too_few_thumbnails, "description is damaged"),
        (with_a_broken_thumbnail, "description is damaged"),
        (with_an_impossible_setting, "description is damaged"),
        (with_an_absurd_network, "description is damaged"),
        (cut_short, "damaged or cut short"),
        (with_an_infinite_number, "not finite"),
    ],
)
def test_a_wrong_file_is_one_sentence(path: Path, make: Any, words: str) -> None:
    make(path)
    with pytest.raises(InputError, match=words) as raised:
        read_fast_file(path)
    assert str(path) in str(raised.value)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)
    if make not in (cut_short, with_an_infinite_number, with_an_absurd_network):
        with pytest.raises(InputError, match=words):
            read_info(path)


def test_a_name_that_no_file_can_have_is_one_sentence() -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_info("a\0b")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_one_sentence(path: Path) -> None:
    save_fast_file(path, a_file())
    path.chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        read_info(path)


def test_a_network_that_is_not_finite_replaces_nothing(path: Path) -> None:
    save_fast_file(path, a_file())
    before = path.read_bytes()
    with pytest.raises(InputError, match="not finite; learn it again"):
        save_fast_file(path, a_file(tensors={"a": np.float32([np.nan])}))
    assert path.read_bytes() == before


def test_a_full_disk_replaces_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_fast_file(path, a_file())
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        save_fast_file(path, a_file())
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_where_nothing_can_be_written_is_said_before(tmp_path: Path) -> None:
    for name, words in (
        ("a.pt", "ends in .safetensors"),
        ("no/a.safetensors", "there is no folder"),
        (f"{'x' * 300}.safetensors", "choose a shorter name"),
    ):
        with pytest.raises(InputError, match=words):
            FILES.check_output(tmp_path / name)
    (tmp_path / "b.safetensors").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        FILES.check_output(tmp_path / "b.safetensors")


def test_too_many_numbers_are_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_fast_file(path, a_file())
    monkeypatch.setattr(network_file, "_MOST_NUMBERS", 10)
    with pytest.raises(InputError, match="too large"):
        read_fast_file(path)
