from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fast_styles import fast_style, frozen, picture
from PIL import Image

from napari_style_transfer import FastStyle, InputError, export_fast_style, samples
from napari_style_transfer.io.fast_file import FAST_STYLE_KEY, read_info

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def run(
    path: Path,
    content: np.ndarray[Any, Any],
    shares: tuple[float, ...],
    strength: float = 0.5,
    stroke_size: float = 1.0,
    threads: int = 0,
) -> np.ndarray[Any, Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = {
        "picture": content[None],
        "strength": np.float32([strength]),
        "stroke_size": np.float32([stroke_size]),
        "shares": np.float32(shares),
    }
    (painted,) = session.run(["painted"], inputs)
    assert painted.dtype == np.uint8
    assert painted.shape == (1, *content.shape)
    return np.asarray(painted[0])


def difference(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> int:
    """Return the largest, in grey levels."""
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("make", [fast_style, frozen])
@pytest.mark.parametrize("shape", [(16, 16), (24, 40), (33, 25), (90, 71)])
@pytest.mark.parametrize(("strength", "stroke_size"), [(0, 0.5), (0.5, 1), (1, 2)])
def test_onnxruntime_paints_as_torch(
    tmp_path: Path, make: Any, shape: tuple[int, int], strength: float, stroke_size: float
) -> None:
    ours = make("night", "day")
    content, shares = picture(*shape), (0.5, 1.5)
    path = export_fast_style(ours, tmp_path / "two.onnx")
    painted = run(path, content, shares, strength, stroke_size)
    expected = ours(
        content,
        strength=strength,
        stroke_size=stroke_size,
        shares=shares,
        device="cpu",
        precision="float32",
    )
    assert expected.std() > 5
    assert difference(painted, expected) <= 1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_changes_nothing_that_is_seen(tmp_path: Path, threads: int) -> None:
    ours, content = FastStyle.load("night"), samples.load("chelsea")[:120, :160]
    path = export_fast_style(ours, tmp_path / "a.onnx")
    expected = ours(content, device="cpu", precision="float32")
    assert difference(run(path, content, (1,), threads=threads), expected) <= 1


def test_each_input_changes_the_picture(tmp_path: Path) -> None:
    path = export_fast_style(fast_style("night", "day"), tmp_path / "two.onnx")
    content = picture(32, 32)
    usual = run(path, content, (1, 1))
    assert difference(usual, run(path, content, (7, 7))) <= 1
    for other in (
        run(path, content, (1, 0)),
        run(path, content, (1, 1), strength=1),
        run(path, content, (1, 1), stroke_size=2),
    ):
        assert difference(usual, other) > 1


@pytest.mark.parametrize("size", [32, (33, 50), (18, 23)])
def test_a_model_of_one_size_paints_the_same(tmp_path: Path, size: Any) -> None:
    ours, shape = fast_style(), (size, size) if isinstance(size, int) else size
    fixed = export_fast_style(ours, tmp_path / "fixed.onnx", size=size)
    free = export_fast_style(ours, tmp_path / "free.onnx")
    content = picture(*shape)
    np.testing.assert_array_equal(run(fixed, content, (1,)), run(free, content, (1,)))
    with pytest.raises(Exception, match="invalid dimensions"):
        run(fixed, picture(40, 40), (1,))


@pytest.mark.parametrize("name", [*samples.STYLES])
def test_a_shipped_style_paints_the_same_in_less_than_a_megabyte(tmp_path: Path, name: str) -> None:
    night = FastStyle.load(name)
    path = export_fast_style(night, tmp_path / "night.onnx", half=True)
    assert path.stat().st_size < 1_000_000
    content = samples.load("chelsea")[100:163, 120:205]
    expected = night(content, device="cpu", precision="float32")
    assert difference(run(path, content, (1,)), expected) <= 1  # they are kept in half precision


def test_half_precision_changes_two_grey_levels_at_most(tmp_path: Path) -> None:
    ours = fast_style(width=8, blocks=3)
    full = export_fast_style(ours, tmp_path / "full.onnx")
    half = export_fast_style(ours, tmp_path / "half.onnx", half=True)
    kinds = {each.data_type for each in onnx.load(half).graph.initializer}
    assert kinds == {onnx.TensorProto.FLOAT16}
    content = picture(48, 40)
    expected = ours(content, device="cpu", precision="float32")
    assert difference(run(half, content, (1,)), expected) <= 2
    assert half.stat().st_size < full.stat().st_size


@pytest.mark.parametrize("name", [*samples.STYLES])
def test_kernels_of_8_bits_take_half_a_megabyte_and_hardly_change_a_picture(
    tmp_path: Path, name: str
) -> None:
    ours = FastStyle.load(name)
    path = export_fast_style(ours, tmp_path / "a.onnx", int8=True)
    assert path.stat().st_size < 500_000
    content = samples.load("chelsea")[100:163, 120:205]
    expected = ours(content, device="cpu", precision="float32")
    painted = run(path, content, (1,))
    assert 0 < np.abs(painted.astype(int) - expected).mean() < 1
    again = FastStyle.load(path)(content, device="cpu", precision="float32")
    assert difference(painted, again) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [*samples.STYLES, "base"])
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("shape", [(256, 256), (480, 640), (251, 333)])
def test_shipped_styles_paint_as_torch_at_every_strength_and_stroke_size(
    tmp_path: Path, name: str, half: bool, shape: tuple[int, int]
) -> None:
    ours = FastStyle.load(name)
    path = export_fast_style(ours, tmp_path / "a.onnx", half=half)
    resized = Image.fromarray(samples.load("astronaut")).resize(shape[::-1])
    content, shares = np.asarray(resized), tuple(range(1, len(ours.names) + 1))
    for strength in (0, 0.5, 1):
        for stroke_size in (0.5, 1, 2):
            painted = run(path, content, shares, strength, stroke_size)
            expected = ours(
                content,
                strength=strength,
                stroke_size=stroke_size,
                shares=shares,
                device="cpu",
                precision="float32",
            )
            assert difference(painted, expected) <= (2 if half else 1)


def test_what_several_styles_share_is_stored_once(tmp_path: Path) -> None:
    one, many = fast_style("a"), fast_style(*"abcdefgh")
    alone = export_fast_style(one, tmp_path / "one.onnx")
    together = export_fast_style(many, tmp_path / "many.onnx")
    convolutions = [
        sum(np.prod(each.dims) for each in model.graph.initializer if "weight" in each.name)
        for model in map(onnx.load, (alone, together))
    ]
    assert convolutions[0] == convolutions[1] > 0


@pytest.mark.parametrize("make", [fast_style, frozen])
def test_a_model_says_what_it_is(tmp_path: Path, make: Any) -> None:
    ours = make("night", "day")
    model = onnx.load(export_fast_style(ours, tmp_path / "a.onnx", name="Both", licence="CC-BY"))
    onnx.checker.check_model(model, full_check=True)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]
    assert said["opset"] == "17"
    assert said["name"] == "Both"
    assert json.loads(said["styles"]) == ["night", "day"]
    assert said["licence"] == "CC-BY"
    assert said["normalization"] == ("frozen" if make is frozen else "live")
    assert json.loads(said["settings"])["minutes"] == 2
    assert model.producer_version == said["version"] != ""


@pytest.mark.parametrize("make", [fast_style, frozen])
def test_a_model_is_read_back(tmp_path: Path, make: Any) -> None:
    ours = make("night", "day")
    path = export_fast_style(ours, tmp_path / "a.onnx")
    again = FastStyle.load(path)
    assert again.names == read_info(path).names == ("night", "day")
    assert again.info.settings == ours.info.settings
    assert again.info.note == "CC0"
    state = again.transformer.state_dict()
    assert state.keys() == ours.transformer.state_dict().keys()
    for name, values in ours.transformer.state_dict().items():
        torch.testing.assert_close(state[name], values, rtol=0, atol=0)


def test_one_style_of_several_is_exported_alone(tmp_path: Path) -> None:
    both = fast_style("night", "day")
    path = export_fast_style(both.only(1), tmp_path / "day.onnx")
    content = picture(24, 24)
    expected = both(content, shares={"day": 1}, device="cpu", precision="float32")
    assert difference(run(path, content, (1,)), expected) <= 1


def without_the_scales_of_8_bits(path: Path) -> None:
    export_fast_style(fast_style(), path, int8=True)
    model = onnx.load(path)
    del model.graph.initializer[1]
    onnx.save(model, path)


def foreign(path: Path) -> None:
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3000])


def without_a_tensor(path: Path) -> None:
    model = onnx.load(path)
    del model.graph.initializer[0]
    onnx.save(model, path)


def with_numbers_elsewhere(path: Path) -> None:
    model = onnx.load(path)
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "/etc/passwd")
    path.write_bytes(model.SerializeToString())


def with_a_tensor_of_another_shape(path: Path) -> None:
    model = onnx.load(path)
    model.graph.initializer[0].dims[0] += 1
    onnx.save(model, path)


def renamed(path: Path) -> None:
    fast_style().save(path.with_suffix(".safetensors"))
    path.with_suffix(".safetensors").replace(path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (foreign, f"of something else; its metadata lack the entry {FAST_STYLE_KEY}"),
        (empty, "it is empty"),
        (cut_short, "no ONNX model, or cut short|lack the entry"),
        (renamed, "no ONNX model"),
        (without_a_tensor, "but there is nothing"),
        (with_numbers_elsewhere, "its numbers are in other files"),
        (with_a_tensor_of_another_shape, "damaged"),
        (without_the_scales_of_8_bits, "damaged"),
    ],
)
def test_a_wrong_model_is_one_sentence(tmp_path: Path, change: Any, words: str) -> None:
    path = export_fast_style(fast_style(), tmp_path / "a.onnx")
    change(path)
    with pytest.raises(InputError, match=words) as raised:
        FastStyle.load(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_model_named_as_a_fast_style_is_one_sentence(tmp_path: Path) -> None:
    path = export_fast_style(fast_style(), tmp_path / "a.onnx").rename(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="no safetensors file"):
        FastStyle.load(path)


def test_without_onnx_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = export_fast_style(fast_style(), tmp_path / "a.onnx")
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'napari-style-transfer\[export\]'"):
        FastStyle.load(path)
    with pytest.raises(InputError, match=r"pip install 'napari-style-transfer\[export\]'"):
        export_fast_style(fast_style(), tmp_path / "b.onnx")
    assert not (tmp_path / "b.onnx").exists()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.txt", {}, "ends in .onnx"),
        ("a.onnx", {"half": True, "int8": True}, "choose one"),
        ("a.pte", {}, "needs the size"),
        ("a.pte", {"size": 32, "half": True}, "leave them out"),
        ("missing/a.onnx", {}, "there is no folder"),
        ("a.onnx", {"size": 15}, "16 to 8192"),
        ("a.onnx", {"size": (20, 9000)}, "16 to 8192"),
    ],
)
def test_what_cannot_be_written_is_said(
    tmp_path: Path, name: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        export_fast_style(fast_style(), tmp_path / name, **options)
    assert not any(tmp_path.iterdir())
