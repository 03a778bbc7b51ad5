"""Fast styles applied: any content, any size, whole or in tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fast_styles import fast_style, picture, saved
from PIL import Image
from torch.nn import functional

from napari_style_transfer import samples
from napari_style_transfer.engine import fast
from napari_style_transfer.engine.fast import Conditioned, Pass, Source, paint_tile
from napari_style_transfer.engine.networks.transformer import STRIDE, Transformer
from napari_style_transfer.engine.resample import resized_part
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.engine.tiles import cut_tiles
from napari_style_transfer.errors import ContentError, InputError, OutOfMemoryError
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.io.fast_file import FastFile, read_fast_file, save_fast_file
from napari_style_transfer.io.pictures import over_white
from napari_style_transfer.io.windows import open_picture
from napari_style_transfer.methods.base import Controls, Neighbour, Request
from napari_style_transfer.methods.fast import Fast
from napari_style_transfer.progress import Status
from napari_style_transfer.settings import Settings
from napari_style_transfer.stack.loop import stylize_stack

CPU = torch.device("cpu")
PLAIN: dict[str, Any] = {"device": "cpu", "precision": "float32"}


def difference(one: Any, two: Any) -> int:
    return int(np.abs(np.asarray(one).astype(int) - two).max())


# --- files ------------------------------------------------------------------------------------------


def test_a_file_paints_what_was_saved(tmp_path: Path) -> None:
    style = fast_style("night", "day", width=16, blocks=5)
    style.save(tmp_path / "a.safetensors")
    read = FastStyle.load(tmp_path / "a.safetensors")
    content = picture(40, 52)
    assert difference(read(content, **PLAIN), style(content, **PLAIN)) <= 1
    assert read.names == ("night", "day")
    assert (tmp_path / "a.safetensors").stat().st_size < 1_000_000
    read.save(str(tmp_path / "b.safetensors"))
    again = FastStyle.load(str(tmp_path / "b.safetensors"))
    np.testing.assert_array_equal(again(content, **PLAIN), read(content, **PLAIN))


def test_loading_draws_no_random_numbers(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.safetensors")
    torch.manual_seed(3)
    FastStyle.load(path)
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert drawn == torch.rand(1)


def test_shipped_styles_go_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_FAST", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert samples.fast_styles() == {}
    with pytest.raises(InputError, match=r"There is no file night\.$"):
        FastStyle.load("night")
    path = saved(tmp_path / "night.safetensors")
    saved(tmp_path / "woodcut.safetensors")
    assert list(samples.fast_styles()) == ["night", "woodcut"]
    assert FastStyle.load("night").names == FastStyle.load(path).names
    with pytest.raises(InputError, match="come with the package are night, woodcut"):
        FastStyle.load("dawn")


def changed(path: Path, change: Any, **fields: Any) -> None:
    file = read_fast_file(path)
    tensors = dict(file.tensors)
    change(tensors)
    architecture = fields.get("architecture", file.architecture)
    save_fast_file(path, FastFile(architecture, file.info, tensors))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tensors: tensors.pop(min(tensors)), "but there is nothing"),
        (lambda tensors: tensors.update(more=np.zeros(2, np.float32)), "should be nothing"),
        (lambda tensors: tensors.update({min(tensors): np.zeros((2, 2), np.float32)}), r"\(2, 2\)"),
    ],
)
def test_tensors_that_are_not_the_networks_are_refused(
    tmp_path: Path, change: Any, words: str
) -> None:
    path = saved(tmp_path / "a.safetensors")
    changed(path, change)
    with pytest.raises(InputError, match=words) as raised:
        FastStyle.load(path)
    assert str(path) in str(raised.value)


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.safetensors")
    changed(path, lambda _: None, architecture={"styles": 1, "wings": 2})
    with pytest.raises(InputError, match="of a kind that is not known here"):
        FastStyle.load(path)
    changed(path, lambda _: None, architecture={"styles": 2, "width": 4, "blocks": 1})
    with pytest.raises(InputError, match="description is damaged"):
        FastStyle.load(path)
    changed(path, lambda _: None, architecture={"styles": 1, "width": 4096, "blocks": 4096})
    with pytest.raises(InputError, match="too few for 4096 blocks"):
        FastStyle.load(path)
    changed(path, lambda _: None, architecture={"styles": 1, "width": 4096, "blocks": 1})
    with pytest.raises(InputError, match="there should be"):  # and at once, without making it
        FastStyle.load(path)


# --- mixing -----------------------------------------------------------------------------------------


def test_a_mix_lies_between() -> None:
    one, two = fast_style("a", seed=1), fast_style("b", seed=2)
    content = picture(24, 32)
    np.testing.assert_array_equal(one.mixed(two, 0)(content, **PLAIN), one(content, **PLAIN))
    np.testing.assert_array_equal(one.mixed(two, 1)(content, **PLAIN), two(content, **PLAIN))
    middle = one.mixed(two, 0.25)
    mine, theirs = one.transformer.state_dict(), two.transformer.state_dict()
    for name, value in middle.transformer.state_dict().items():
        torch.testing.assert_close(value, 0.75 * mine[name] + 0.25 * theirs[name])
    assert middle.names == ("a + b",)
    expected = 0.75 * one.info.thumbnails[0] + 0.25 * two.info.thumbnails[0].astype(float)
    assert np.abs(middle.info.thumbnails[0] - expected).max() <= 1


def test_one_of_several_styles_is_a_fast_style_of_its_own() -> None:
    both = fast_style("a", "b")
    alone = both.only(1)
    assert alone.names == ("b",)
    np.testing.assert_array_equal(alone.info.thumbnails[0], both.info.thumbnails[1])
    content = picture(40, 40)
    assert difference(alone(content, **PLAIN), both(content, shares={"b": 1.0}, **PLAIN)) <= 1
    assert alone.only(0) is alone


def test_unlike_networks_are_not_mixed() -> None:
    with pytest.raises(InputError, match=r"styles 1, width 4, .* and styles 2, width 4"):
        fast_style("a").mixed(fast_style("b", "c"), 0.5)
    with pytest.raises(InputError, match="0 to 1, got 2"):
        fast_style("a").mixed(fast_style("b"), 2)


# --- painting ---------------------------------------------------------------------------------------


def test_folding_changes_nothing() -> None:
    network = fast_style("a", "b").transformer
    condition = network.condition([1, 3], 0.8, 1.5)
    content = torch.rand(1, 3, 32, 40)
    conditioned = Conditioned(network, condition, CPU, torch.float32)
    folded = conditioned.folded(conditioned.statistics(lambda: content))
    torch.testing.assert_close(folded(content), network(content, condition), atol=1e-5, rtol=0)


def test_statistics_of_parts_are_taken_together() -> None:
    network = fast_style("a").transformer
    condition = network.condition([1], 0.5, 1)
    first, second = torch.rand(2, 1, 3, 16, 16)
    (mean, variance), *_ = network.statistics(torch.cat([first, second]), condition)
    convolved = torch.cat([network.down[0].convolve(4 * functional.pad(
        each, (12, 12, 12, 12), mode="reflect") - 2) for each in (first, second)])  # fmt: skip
    torch.testing.assert_close(mean, convolved.mean((0, 2, 3)))
    torch.testing.assert_close(variance, convolved.var((0, 2, 3), correction=0))


@pytest.mark.parametrize("shape", [(256, 384), (203, 310), (16, 401), (129, 16)])
@pytest.mark.parametrize("side", [16, 112])
def test_a_tile_is_what_the_whole_is_there(shape: tuple[int, int], side: int) -> None:
    network = fast_style("a").transformer
    conditioned = Conditioned(network, network.condition([1], 0.5, 1), CPU, torch.float32)
    source = Source(open_picture(picture(*shape)), shape)
    folded = conditioned.folded(conditioned.statistics(lambda: torch.rand(1, 3, 32, 32)))
    (one,) = cut_tiles(shape, 0, STRIDE, conditioned.halo)
    whole = paint_tile(folded, source, one)
    assert whole.shape == (1, 3, *shape)
    assert whole.std() > 0.01
    seen = torch.zeros(shape)
    for tile in cut_tiles(shape, side, STRIDE, conditioned.halo):
        part = paint_tile(folded, source, tile)
        assert (part - whole[(..., *tile.owned)]).abs().max() < 1e-5
        seen[tile.owned] += 1
    assert (seen == 1).all()


def test_the_halo_is_as_wide_as_it_must_be() -> None:
    """What lies beyond the receptive field changes nothing, and what lies within may."""
    torch.manual_seed(0)
    network = Transformer(1, 4, 1)
    condition = network.condition([1], 0.5, 1)
    content = torch.rand(1, 3, 16, 256)
    conditioned = Conditioned(network, condition, CPU, torch.float32)
    folded = conditioned.folded(conditioned.statistics(lambda: content))
    other = content.clone()
    other[..., 128:] = 1 - other[..., 128:]
    changed = (folded(content) - folded(other)).abs().amax((0, 1, 2)).nonzero()
    assert 128 - network.receptive_field <= int(changed.min()) < 124


def test_a_large_picture_is_normalised_by_parts_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "_SAMPLED", 32)
    style, content = fast_style("a"), picture(160, 200)
    tiled = style(content, tile_size=64, **PLAIN)
    # Noise has the same statistics everywhere.
    assert difference(tiled, style(content, **PLAIN)) <= 12


@pytest.mark.parametrize("size", [None, 48, 100])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiles_leave_no_seam_in_the_result(size: int | None, bits: Any) -> None:
    style, content = fast_style("a"), picture(61, 83)
    whole = style(content, size=size, bits=bits, **PLAIN)
    tiled = style(content, size=size, bits=bits, tile_size=16, **PLAIN)
    assert whole.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert difference(whole, tiled) <= 1


def test_large_pictures_are_painted_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "_SIDES", {"cpu": 32, "other": 32})
    style, content = fast_style("a"), picture(50, 90)
    painting = style.prepare(content, Settings(device="cpu", precision="float32"))
    assert painting.tile_size == 32
    assert difference(painting.paint()[0], style(content, tile_size=512, **PLAIN)) <= 1
    assert style.prepare(picture(30, 30), Settings(device="cpu")).tile_size == 0


@pytest.mark.parametrize("to", [(61, 97), (30, 48), (7, 11), (122, 194), (100, 33)])
def test_a_resized_part_is_what_the_resized_whole_is_there(to: tuple[int, int]) -> None:
    content = torch.rand(1, 3, 61, 97)
    rows, columns = slice(to[0] // 3, to[0]), slice(0, to[1] // 2)
    part = resized_part(lambda r, c: content[..., r, c], (61, 97), to, rows, columns)
    torch.testing.assert_close(part, resize(content, to)[..., rows, columns], atol=1e-5, rtol=0)


def test_a_tall_picture_is_resized_band_by_band() -> None:
    content = torch.rand(1, 3, 1100, 8)
    read = []

    def part(rows: slice, columns: slice) -> torch.Tensor:
        read.append(rows)
        return content[..., rows, columns]

    resized = resized_part(part, (1100, 8), (50, 4), slice(0, 50), slice(0, 4))
    torch.testing.assert_close(resized, resize(content, (50, 4)), atol=1e-5, rtol=0)
    assert len(read) == 3


@pytest.mark.parametrize(
    "content",
    [
        picture(33, 45),
        picture(33, 45)[..., 0],
        picture(33, 45)[..., :1],
        picture(33, 45, 4),
        picture(33, 45).astype(np.uint16) * 257,
        picture(33, 45) / 255,
        picture(33, 45)[..., 0] > 128,
    ],
    ids=lambda content: f"{content.dtype}{content.shape}",
)
def test_every_content_is_painted_as_its_colours_over_white(content: Any) -> None:
    style = fast_style("a")
    painted = style(content, **PLAIN)
    assert painted.shape == (33, 45, 3)
    colours = open_picture(content).read(slice(0, 33), slice(0, 45))
    assert difference(painted, style(over_white(colours), **PLAIN)) <= 1


def test_files_are_painted(tmp_path: Path) -> None:
    style, content = fast_style("a"), picture(33, 45)
    Image.fromarray(content).save(tmp_path / "a.png")
    for source in (tmp_path / "a.png", str(tmp_path / "a.png")):
        np.testing.assert_array_equal(style(source, **PLAIN), style(content, **PLAIN))


def test_strength_stroke_size_and_shares_act() -> None:
    style, content = fast_style("a", "b"), picture(33, 45)

    def painted(**options: Any) -> Any:
        return style(content, **options, **PLAIN)

    plain = painted()
    assert difference(plain, painted(strength=1)) > 1
    assert difference(plain, painted(stroke_size=2)) > 1
    assert difference(plain, painted(shares=[1, 0])) > 1
    assert difference(painted(shares=[2, 6]), painted(shares={"b": 3, "a": 1})) == 0
    assert difference(plain, painted(shares=(5, 5))) == 0


def test_the_network_is_made_ready_once() -> None:
    style = fast_style("a")
    settings = Settings(device="cpu")
    first = style.prepare(picture(20, 20), settings).network
    assert style.prepare(picture(30, 40), settings.replace(tile_size=64)).network is first
    assert style.prepare(picture(20, 20), settings.replace(strength=1)).network is not first


def test_bfloat16_is_close() -> None:
    style, content = fast_style("a"), picture(64, 64)
    half = style(content, device="cpu", precision="bfloat16")
    exact = style(content, **PLAIN)
    assert np.abs(half.astype(int) - exact).mean() < 4
    assert (
        style.prepare(content, Settings(device="cpu", precision="bfloat16")).precision == "bfloat16"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strength": 1.5}, "strength"),
        ({"strength": float("nan")}, "strength"),
        ({"stroke_size": 0.4}, "0.5 to 2, got 0.4"),
        ({"stroke_size": float("nan")}, "0.5 to 2"),
        ({"size": 8}, "size"),
        ({"size": 20_000}, "size"),
        ({"bits": 12}, "8 or 16 bits"),
        ({"device": "tpu"}, "device"),
        ({"tile_size": 17}, "tile_size"),
        ({"shares": [1]}, "2 styles"),
        ({"shares": [0, 0]}, "above 0"),
        ({"shares": [1, -1]}, "0 or more"),
        ({"shares": [1, float("inf")]}, "0 or more"),
        ({"shares": {"c": 1}}, "no style 'c'.*a, b"),
        ({"shares": {}}, "above 0"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(options: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        fast_style("a", "b")(picture(20, 20), **options)


@pytest.mark.parametrize(
    "content",
    [
        picture(1, 1),
        picture(15, 400),
        np.full((20, 20), np.nan),
        np.zeros((20, 20, 5)),
        np.zeros((2, 20, 20, 3)),
        "absent.png",
    ],
    ids=["pixel", "narrow", "nan", "channels", "axes", "absent"],
)
def test_a_content_that_cannot_be_painted_is_one_sentence(content: Any) -> None:
    with pytest.raises(ContentError) as raised:
        fast_style("a")(content)
    assert "\n" not in str(raised.value)


def test_too_little_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def paint(*_: Any) -> None:
        raise RuntimeError("[enforce fail] can't allocate memory: you tried to allocate")

    monkeypatch.setattr(fast, "paint_tile", paint)
    with pytest.raises(OutOfMemoryError, match="on cpu to paint 20 px"):
        fast_style("a")(picture(20, 20), device="cpu")


def test_what_was_stopped_is_the_content_where_it_is_not_painted() -> None:
    style, content = fast_style("a"), picture(32, 64)
    answers = iter([False, True])
    painted = style(content, tile_size=32, stop=lambda: next(answers), **PLAIN)
    np.testing.assert_array_equal(painted[:, 32:], content[:, 32:])
    assert difference(painted[:, :32], style(content, **PLAIN)[:, :32]) <= 1


# --- as a method ------------------------------------------------------------------------------------


def test_the_method_takes_one_step() -> None:
    style, content = fast_style("a", "b"), picture(33, 45)
    method = Fast(style, shares={"a": 1})
    settings = Settings(device="cpu", precision="float32", strength=0.9, style_scale=2)
    (step,) = method.run(Request(content, (), settings), Controls())
    assert (step.status, step.shape, step.settings) == (Status.FINISHED, (33, 45), settings)
    assert (step.device, step.precision, step.evaluations) == ("cpu", "float32", 1)
    expected = style(content, strength=0.9, stroke_size=2, shares=[1, 0], **PLAIN)
    np.testing.assert_array_equal(step.picture, expected)
    resized = Fast(style, own_size=False)
    (step,) = resized.run(Request(content, (), settings.replace(size=64), bits=16), Controls())
    assert step.picture is not None
    assert (step.picture.shape, step.picture.dtype) == ((47, 64, 3), np.uint16)


def test_the_method_checks_at_the_call_and_hears_of_stop() -> None:
    method = Fast(fast_style("a"))
    with pytest.raises(ContentError):
        method.run(Request(picture(1, 1), ()), Controls())
    with pytest.raises(InputError, match="stroke size"):
        method.run(Request(picture(20, 20), (), Settings(style_scale=4)), Controls())
    content = picture(20, 20)
    (step,) = method.run(Request(content, (), Settings(device="cpu")), Controls(stop=lambda: True))
    assert step.status is Status.STOPPED
    np.testing.assert_array_equal(step.picture, content)


def test_a_neighbour_changes_nothing() -> None:
    method, request = Fast(fast_style("a")), Request(picture(20, 20), ())
    assert method.following(request, Neighbour(lambda: picture(20, 20), picture(20, 20))) is request
    assert method.evaluations(request) == method.evaluations(request, True) == 1


def test_a_stack_is_painted_slice_by_slice() -> None:
    style = fast_style("a")
    slices = np.stack([picture(24, 32, seed=seed) for seed in range(3)])
    out: dict[Any, Any] = {}
    settings = Settings(device="cpu", precision="float32")
    steps = list(
        stylize_stack(
            slices, style.info.thumbnails[0], out=out, settings=settings, method=Fast(style)
        )
    )
    assert [step.finished for step in steps] == [True, True, True]
    assert steps[-1].pixels_left == 0
    for number in range(3):
        np.testing.assert_array_equal(out[number,], style(slices[number], **PLAIN))


def test_frames_of_a_scene_are_painted_by_the_same_statistics() -> None:
    """A patch that stays is painted alike, whatever happens elsewhere."""
    style, frames = fast_style(), np.stack([picture(96, 128)] * 3)
    frames[1, :, 100:], frames[2, :, 100:] = 255, 0
    painted = {}
    for coherence in ("independent", "steady"):
        out = np.zeros_like(frames)
        settings = Settings(coherence=coherence, size=128)
        for _ in stylize_stack(frames, frames[0], out=out, method=Fast(style), settings=settings):
            pass
        painted[coherence] = out[:, :, :40]
    assert difference(painted["independent"][0], painted["independent"][1]) > 8
    assert difference(painted["steady"][0], painted["steady"][1]) <= 1
    assert difference(painted["steady"][0], painted["steady"][2]) <= 1


def test_a_scene_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    style, frames = fast_style(), [picture(32, 48, seed=number) for number in range(3)]
    settings, asked = Settings(), []
    measure = Transformer.statistics
    monkeypatch.setattr(
        Transformer, "statistics", lambda *arguments: asked.append(1) or measure(*arguments)
    )
    for references in (frames[:2], frames[:2], frames[1:]):
        style.prepare(frames[0], settings, references=references)
    assert len(asked) == 2


@pytest.mark.slow
def test_a_picture_much_larger_than_its_tiles_takes_little_memory() -> None:
    import tracemalloc

    style, content = fast_style("a", width=2, blocks=1), np.zeros((1, 1, 3), np.uint8)
    large = np.broadcast_to(content, (4096, 4096, 3))
    tracemalloc.start()
    painted = style(large, tile_size=512, device="cpu")
    _, peak = tracemalloc.get_traced_memory()  # of numpy: float copies of the whole would be here
    tracemalloc.stop()
    assert peak < painted.nbytes + 64e6


def test_a_pass_knows_what_it_is() -> None:
    painting = fast_style("a").prepare(picture(20, 20), Settings(device="cuda:77"))
    assert isinstance(painting, Pass)
    assert painting.note == "There is no cuda:77 device here; painting on the CPU instead."
