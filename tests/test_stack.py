"""Stacks: each slice starts from its neighbour, a stop costs nothing, and memory does not grow."""

from __future__ import annotations

import itertools
import math
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from fake_method import FakeMethod, by_content_and_start

from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.base import Controls, Neighbour, Request
from napari_style_transfer.methods.optimize import Optimize
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Region, Regions, Style
from napari_style_transfer.stack.loop import SliceError, SliceStep, stylize_stack
from napari_style_transfer.stack.output import Record, fits_in_memory, identity, open_result
from napari_style_transfer.stack.plan import stack_shape
from napari_style_transfer.steering import Steering

FIRST = 9
SETTINGS = Settings(size=32, steps=FIRST, coarsest_size=16, device="cpu")
LATER = FIRST // 3
STYLE = np.random.default_rng(4).integers(0, 255, (20, 20, 3), np.uint8)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeMethod:
    fake = FakeMethod(paint=by_content_and_start, forget=True)
    monkeypatch.setattr("napari_style_transfer.methods.create", lambda: fake)
    return fake


def stack(*leading: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (*leading, 24, 40, 3), np.uint8)


def empty(slices: Any, settings: Settings = SETTINGS) -> np.ndarray[Any, Any]:
    return np.zeros(stack_shape(slices, settings), np.uint8)


def starts(fake: FakeMethod, out: np.ndarray[Any, Any]) -> list[tuple[int, ...] | None]:
    """Say of each slice painted whose result it started from."""
    return [
        None
        if call["start"] is None
        else next(i for i in np.ndindex(out.shape[:-3]) if out[i].tobytes() == call["start"])
        for call in fake.calls
    ]


def test_the_first_slice_is_painted_in_full_and_later_ones_from_their_neighbour(
    fake: FakeMethod,
) -> None:
    slices = stack(4)
    out = empty(slices)
    messages = list(stylize_stack(slices, STYLE, out=out, settings=SETTINGS))
    first, *later = [call["settings"] for call in fake.calls]
    assert first == SETTINGS
    assert later == [SETTINGS.replace(coarsest_size=32, steps=LATER)] * 3
    assert starts(fake, out) == [None, (0,), (1,), (2,)]
    assert [(m.index, m.position, m.total) for m in messages if m.finished] == [
        ((i,), i, 4) for i in range(4)
    ]
    assert len(messages) == FIRST + 3 * LATER


def test_the_neighbour_is_the_one_before_along_the_last_axis_else_along_the_one_before(
    fake: FakeMethod,
) -> None:
    slices = stack(2, 3)
    out = empty(slices)
    list(stylize_stack(slices, STYLE, out=out, settings=SETTINGS))
    assert starts(fake, out) == [None, (0, 0), (0, 1), (0, 0), (1, 0), (1, 1)]


def test_chosen_slices_are_painted_once_in_ascending_order_from_the_nearest_before(
    fake: FakeMethod,
) -> None:
    slices = stack(8)
    out = empty(slices)
    messages = list(
        stylize_stack(slices, STYLE, out=out, indices=[6, 2, (3,), 2], settings=SETTINGS)
    )
    assert [m.index for m in messages if m.finished] == [(2,), (3,), (6,)]
    assert starts(fake, out) == [None, (2,), (3,)]
    assert not out[[0, 1, 4, 5, 7]].any()


def test_a_slice_done_before_serves_as_neighbour_though_it_is_not_chosen(fake: FakeMethod) -> None:
    slices = stack(4)
    out = empty(slices)
    out[1] = 77
    list(stylize_stack(slices, STYLE, out=out, indices=[2], done={(1,)}, settings=SETTINGS))
    assert fake.calls[0]["start"] == out[1].tobytes()


def test_one_cache_serves_all_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def run(self: Optimize, request: Request, controls: Controls) -> Iterator[Step]:
        made.append(self.cache)
        return FakeMethod().run(request, controls)

    monkeypatch.setattr(Optimize, "run", run)
    slices = stack(3)
    list(stylize_stack(slices, STYLE, out=empty(slices), settings=SETTINGS))
    mine = Cache()
    list(stylize_stack(slices, STYLE, out=empty(slices), settings=SETTINGS, cache=mine))
    assert len({id(each) for each in made[:3]}) == 1
    assert all(each is mine for each in made[3:])


def test_regions_and_the_start_of_the_first_slice_are_handed_on(fake: FakeMethod) -> None:
    slices = stack(2)
    out = empty(slices)
    init = np.full((24, 40, 3), 5, np.uint8)
    regions = Regions(np.ones((24, 40), int), {1: Region()})
    list(stylize_stack(slices, STYLE, out=out, settings=SETTINGS, init=init, regions=regions))
    assert [call["start"] for call in fake.calls] == [init.tobytes(), out[0].tobytes()]
    assert all(call["regions"] is regions for call in fake.calls)


def moving(*leave_out: int) -> Any:
    """Return regions by slice, each in labels of its own, and what it was asked for."""
    asked: list[tuple[int, ...]] = []

    def regions(index: tuple[int, ...]) -> Regions:
        asked.append(index)
        if index[0] in leave_out:
            raise InputError("Layer 'parts' has no labels over this slice; add them there.")
        return Regions(np.full((24, 40), index[0] + 1), {})

    return regions, asked


def labels_of(fake: FakeMethod) -> list[int]:
    return [int(call["regions"].labels[0, 0]) for call in fake.calls]


def test_regions_that_move_are_those_of_each_slice(fake: FakeMethod) -> None:
    slices, (regions, asked) = stack(4), moving(2)
    left_out: list[SliceError] = []
    messages = stylize_stack(
        slices, STYLE, out=empty(slices), settings=SETTINGS, regions=regions,
        on_error=left_out.append,
    )  # fmt: skip
    assert [message.index[0] for message in messages if message.finished] == [0, 1, 3]
    assert labels_of(fake) == [1, 2, 4]
    assert asked == [(0,), (1,), (2,), (3,)]
    assert [str(error) for error in left_out] == [
        "Slice 2: Layer 'parts' has no labels over this slice; add them there."
    ]
    with pytest.raises(SliceError, match="Slice 2: Layer 'parts'"):
        list(stylize_stack(slices, STYLE, out=empty(slices), settings=SETTINGS, regions=regions))


def test_regions_that_were_steered_move_with_the_slices(fake: FakeMethod) -> None:
    slices, steering = stack(4), Steering()
    (first, _), (then, asked) = moving(3), moving()
    messages = stylize_stack(
        slices, STYLE, out=empty(slices), settings=SETTINGS, regions=first, steering=steering
    )
    for message in messages:
        if message.position == 1 and message.step.evaluation == 1:
            steering.change(regions=then)
    assert labels_of(fake) == [1, 2, 3, 4]
    updates = [[each for each in call["updates"] if each is not None] for call in fake.calls]
    assert [len(each) for each in updates] == [0, 1, 1, 1]
    given = [int(each[0].regions.labels[0, 0]) for each in updates[1:]]
    assert given == [2, 3, 4]  # what the run hears are the regions of its slice
    assert updates[2][0].regions is fake.calls[2]["regions"]
    assert asked == [(1,), (2,), (3,)]


def test_what_was_steered_stays_so_for_later_slices(fake: FakeMethod) -> None:
    slices = stack(3)
    steering = Steering()
    bold, other = SETTINGS.replace(strength=0.9), (Style(STYLE + 1),)
    messages = stylize_stack(slices, STYLE, out=empty(slices), settings=SETTINGS, steering=steering)
    for message in messages:
        if message.position == 0 and message.step.evaluation == 2:
            steering.change(settings=bold)
        if message.position == 1 and message.finished:
            steering.change(styles=other)
    first, second, third = [call["updates"] for call in fake.calls]
    assert [update and update.settings for update in first[:4]] == [None, None, bold, None]
    assert [update and update.settings for update in second] == [bold, None, None]
    assert (third[0].settings, third[0].styles) == (bold, other)
    assert third[1:] == [None, None]


def test_the_work_left_falls_to_nothing(fake: FakeMethod) -> None:
    slices = stack(3)
    left = [
        m.pixels_left for m in stylize_stack(slices, STYLE, out=empty(slices), settings=SETTINGS)
    ]
    pixels = 19 * 32
    # The third slice is taken to need what the second one did, of which one step was at half the size.
    assert left[:FIRST] == [pixels * n for n in reversed(range(2 * LATER, FIRST + 2 * LATER))]
    assert left[-LATER - 1] == pytest.approx(pixels * 2.25, abs=pixels * 0.02)
    assert left[-LATER:] == [pixels * n for n in reversed(range(LATER))]


def test_the_work_left_follows_what_slices_need_and_never_grows(fake: FakeMethod) -> None:
    """Slices that need all evaluations, of which a third were expected; then some that need fewest."""
    slices = stack(8)
    share = iter([1, 1, 1, 1 / 9, 1 / 9, 1 / 9, 1 / 9])

    def following(request: Request, neighbour: Neighbour, *_: object) -> Request:
        steps = round(FIRST * next(share))
        return request.replace(settings=SETTINGS.replace(steps=steps), init=neighbour.picture)

    fake.following = following  # type: ignore[method-assign]
    messages = list(stylize_stack(slices, STYLE, out=empty(slices), settings=SETTINGS))
    left = [m.pixels_left for m in messages]
    assert all(after <= before for before, after in itertools.pairwise(left))
    assert left[-1] == 0


# ---- stop and go on ------------------------------------------------------------------------------


def run_until(
    slices: Any, out: Any, done: set[tuple[int, ...]], evaluations: float, settings: Settings
) -> SliceStep:
    """Paint, asking to stop after so many evaluations; return the last message."""
    seen = 0

    def stop() -> bool:
        return seen >= evaluations

    for message in stylize_stack(slices, STYLE, out=out, done=done, settings=settings, stop=stop):
        seen += 1
        if message.finished:
            done.add(message.index)
    return message


@pytest.mark.parametrize(
    ("evaluations", "finished"),
    [(3, 0), (FIRST, 1), (FIRST + 19 * LATER, 20), (FIRST + 19 * LATER + 1, 20)],
)
def test_stopping_and_going_on_gives_the_same_bytes(
    fake: FakeMethod, evaluations: int, finished: int
) -> None:
    slices = stack(40)
    whole, parts = empty(slices), empty(slices)
    run_until(slices, whole, set(), math.inf, SETTINGS)
    done: set[tuple[int, ...]] = set()
    run_until(slices, parts, done, evaluations, SETTINGS)
    assert done == {(i,) for i in range(finished)}
    assert not parts[finished:].any()  # the slice in the making is dropped
    fake.calls.clear()
    run_until(slices, parts, done, math.inf, SETTINGS)
    assert len(fake.calls) == 40 - finished
    np.testing.assert_array_equal(parts, whole)


def test_the_last_step_of_a_stopped_slice_has_its_picture_but_is_not_finished(
    fake: FakeMethod,
) -> None:
    slices = stack(3)
    last = run_until(slices, empty(slices), set(), 3, SETTINGS)
    assert (last.step.status, last.finished, last.position) == (Status.STOPPED, False, 0)
    assert last.step.picture is not None


def test_a_slice_that_ends_by_its_own_stop_after_is_kept(fake: FakeMethod) -> None:
    slices = stack(2)
    out = empty(slices)
    messages = list(stylize_stack(slices, STYLE, out=out, settings=SETTINGS, stop_after=1))
    assert [m.finished for m in messages] == [True, True]
    assert out.any(axis=(1, 2, 3)).all()


def test_a_run_with_nothing_left_paints_nothing(fake: FakeMethod) -> None:
    slices = stack(2)
    assert not list(
        stylize_stack(slices, STYLE, out=empty(slices), done=[(0,), (1,)], settings=SETTINGS)
    )
    assert not fake.calls


# ---- memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", ["numpy", "zarr"])
def test_one_slice_at_a_time_is_made_and_each_only_once(
    fake: FakeMethod, tmp_path: Path, keep: str
) -> None:
    made: list[int] = []
    arrays: list[weakref.ref[Any]] = []

    def alive() -> int:
        found = (ref() for ref in (*arrays, *fake.pictures))
        return len({id(array) for array in found if array is not None})

    def make(number: int) -> np.ndarray[Any, Any]:
        assert alive() <= 1  # the slice before, with which this one will be compared
        made.append(number)
        array = np.full((24, 40, 3), number, np.uint8)
        arrays.append(weakref.ref(array))
        return array

    slices = da.stack(
        [da.from_delayed(dask.delayed(make)(i), (24, 40, 3), np.uint8) for i in range(50)]
    )
    folder = tmp_path / "result" if keep == "zarr" else None
    out = open_result(stack_shape(slices, SETTINGS), identity(SETTINGS), folder=folder)
    with dask.config.set(scheduler="synchronous"):
        for _ in stylize_stack(slices, STYLE, out=out, settings=SETTINGS):
            assert alive() <= 2  # the slice, or its copy, and its neighbour's result
    assert made == list(range(50))
    assert fake.befores == [24 * 40 * 3 * i for i in range(49)]
    assert len(fake.pictures) == 99
    assert not alive()
    assert out[(49,)].any()


# ---- shapes and refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "leading"),
    [((5, 24, 40), (5,)), ((5, 24, 40, 4), (5,)), ((2, 3, 24, 40, 1), (2, 3)), ((24, 40), ())],
)
def test_a_last_axis_of_one_three_or_four_holds_colours(
    fake: FakeMethod, shape: tuple[int, ...], leading: tuple[int, ...]
) -> None:
    slices = np.zeros(shape, np.uint8)
    out = empty(slices)
    assert out.shape == (*leading, 19, 32, 3)
    messages = list(stylize_stack(slices, STYLE, out=out, settings=SETTINGS))
    assert [m.index for m in messages if m.finished] == list(np.ndindex(leading))


def test_a_sequence_of_pictures_of_several_shapes_is_a_stack(fake: FakeMethod) -> None:
    out: dict[Any, Any] = {}
    pictures = [np.zeros((24, 40)), np.zeros((40, 24, 3))]
    list(stylize_stack(pictures, STYLE, out=out, settings=SETTINGS))
    assert [out[key].shape for key in sorted(out)] == [(19, 32, 3), (32, 19, 3)]


@pytest.mark.parametrize(
    ("slices", "change", "message"),
    [
        (stack(3), {"indices": [3]}, "There is no slice 3"),
        (stack(3), {"indices": [-1]}, "There is no slice -1"),
        (stack(2, 3), {"indices": [1]}, "There is no slice 1"),
        (stack(3), {"indices": []}, "No slice is chosen"),
        (stack(0), {"out": None}, "The stack has no slices"),
        ([], {}, "The stack has no slices"),
        (np.zeros(9), {"out": None}, r"its last axes must be \(H, W\)"),
        (stack(3), {"out": np.zeros((3, 9, 9, 3), np.uint8)}, r"it must be \(3, 19, 32, 3\)"),
        (stack(3), {"out": np.zeros((3, 19, 32, 3))}, "is of float64; it must be of uint8"),
        (stack(3), {"steps": 0}, "steps: "),
    ],
)
def test_what_cannot_be_painted_is_said_at_the_call(
    slices: Any, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        stylize_stack(slices, STYLE, **{"out": {}, "settings": SETTINGS, **change})


def test_a_bad_slice_is_named_and_those_before_it_are_kept(fake: FakeMethod) -> None:
    slices = np.ones((2, 3, 24, 40))
    slices[1, 1] = np.nan
    out = empty(slices)
    with pytest.raises(SliceError, match=r"^Slice 1, 1: The content picture has .* finite\.$"):
        list(stylize_stack(slices, STYLE, out=out, settings=SETTINGS))
    assert out[0].any(axis=(1, 2, 3)).all()
    assert out[1].any(axis=(1, 2, 3)).tolist() == [True, False, False]


def test_bad_slices_are_left_out_and_the_next_starts_from_the_nearest_that_is_painted(
    fake: FakeMethod,
) -> None:
    slices = np.ones((6, 24, 40)) * np.arange(1, 7)[:, None, None]
    slices[[0, 2, 3]] = np.nan
    out, errors = empty(slices), list[SliceError]()
    messages = list(
        stylize_stack(slices, STYLE, out=out, settings=SETTINGS, on_error=errors.append)
    )
    assert [error.index for error in errors] == [(0,), (2,), (3,)]
    assert all("not finite" in error.reason for error in errors)
    assert [m.index for m in messages if m.finished] == [(1,), (4,), (5,)]
    assert starts(fake, out) == [None, (1,), (4,)]
    assert list(dict.fromkeys(fake.befores)) == [24 * 40 * 2, 24 * 40 * 5]
    assert messages[-1].pixels_left == 0


def test_a_slice_that_cannot_be_read_is_left_out(fake: FakeMethod) -> None:
    def make(number: int) -> np.ndarray[Any, Any]:
        if number == 1:
            raise RuntimeError("the disk is gone")
        return np.full((24, 40), number, np.uint8)

    slices = da.stack(
        [da.from_delayed(dask.delayed(make)(i), (24, 40), np.uint8) for i in range(3)]
    )
    errors = list[SliceError]()
    list(stylize_stack(slices, STYLE, out={}, settings=SETTINGS, on_error=errors.append))
    assert [str(error) for error in errors] == ["Slice 1: It cannot be read: the disk is gone."]
    with pytest.raises(SliceError, match="Slice 1: It cannot be read"):
        list(stylize_stack(slices, STYLE, out={}, settings=SETTINGS))


def test_a_neighbour_that_can_be_read_no_more_is_done_without(fake: FakeMethod) -> None:
    class FirstIsGone(list[Any]):
        def __getitem__(self, place: Any) -> Any:
            if place == 0:
                raise OSError("gone")
            return super().__getitem__(place)

    slices = FirstIsGone([None, np.ones((24, 40), np.uint8)])
    out = {(0,): np.zeros((19, 32, 3), np.uint8)}
    messages = stylize_stack(slices, STYLE, out=out, done=[(0,)], settings=SETTINGS)
    assert [m.index for m in messages if m.finished] == [(1,)]
    assert [call["start"] for call in fake.calls] == [None]


def test_if_no_slice_can_be_painted_one_sentence_says_so(fake: FakeMethod) -> None:
    slices = np.full((3, 24, 40), np.nan)
    with pytest.raises(InputError, match=r"^None of the 3 slices can be painted\. Slice 0: "):
        list(stylize_stack(slices, STYLE, out={}, settings=SETTINGS, on_error=lambda _: None))


def test_a_bad_style_is_no_bad_slice(fake: FakeMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: Request, controls: Controls) -> Iterator[Step]:
        raise InputError("The style picture is empty.")

    monkeypatch.setattr(fake, "run", refuse)
    with pytest.raises(InputError, match=r"^The style picture is empty\.$"):
        list(stylize_stack(stack(2), STYLE, out={}, settings=SETTINGS, on_error=lambda _: None))


def test_sixteen_bits_are_asked_for_by_an_array_of_them(fake: FakeMethod) -> None:
    slices = stack(2)
    out = np.zeros(stack_shape(slices, SETTINGS), np.uint16)
    list(stylize_stack(slices, STYLE, out=out, settings=SETTINGS))
    assert [call["bits"] for call in fake.calls] == [16, 16]


# ---- where the result is kept --------------------------------------------------------------------


def paint(slices: Any, result: Any, until: float = math.inf) -> None:
    """Paint as an application does: note each slice that is done."""
    seen = 0

    def stop() -> bool:
        return seen >= until

    messages = stylize_stack(
        slices, STYLE, out=result, done=result.done, settings=SETTINGS, stop=stop
    )
    for message in messages:
        seen += 1
        if message.finished:
            recipe = Recipe.from_step(message.step, SETTINGS, content="cells", style="night")
            result.finish(message.index, recipe)


def test_a_store_goes_on_after_a_crash(fake: FakeMethod, tmp_path: Path) -> None:
    slices = stack(2, 3)
    shape, run = stack_shape(slices, SETTINGS), identity(SETTINGS, content="cells", style="night")
    whole = open_result(shape, run)
    paint(slices, whole)
    paint(slices, open_result(shape, run, folder=tmp_path / "zarr"), until=FIRST + 2 * LATER + 1)
    again = open_result(shape, run, folder=tmp_path / "zarr")
    assert again.done == {(0, 0), (0, 1), (0, 2)}
    assert again.recipe is not None
    assert again.recipe.settings == SETTINGS
    fake.calls.clear()
    paint(slices, again)
    assert len(fake.calls) == 3
    np.testing.assert_array_equal(again.array[:], whole.array)
    assert open_result(shape, run, folder=tmp_path / "zarr").done == set(np.ndindex(2, 3))


def test_a_store_has_one_chunk_a_slice_and_its_attributes_are_a_recipe(
    fake: FakeMethod, tmp_path: Path
) -> None:
    import zarr

    slices = stack(2, 3)
    shape, run = stack_shape(slices, SETTINGS), identity(SETTINGS, content="cells", style="night")
    paint(slices, open_result(shape, run, folder=tmp_path / "zarr"))
    array = zarr.open_array(tmp_path / "zarr", mode="r")
    assert array.chunks == (1, 1, 19, 32, 3)
    assert Recipe.parse(array.attrs.asdict()).content == "cells"


@pytest.mark.parametrize("before", ["file", "other", "broken"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, before: str) -> None:
    folder = tmp_path / "zarr"
    if before == "file":
        folder.write_text("mine")
    else:
        folder.mkdir()
        (folder / ("zarr.json" if before == "broken" else "letter.txt")).write_text("mine")
    with pytest.raises(InputError, match="holds something else; choose an empty or a new one"):
        open_result((2, 19, 32, 3), identity(SETTINGS), folder=folder)
    assert "mine" in (folder if before == "file" else next(folder.iterdir())).read_text()


def test_a_store_of_another_run_is_refused_in_a_sentence_that_names_the_difference(
    fake: FakeMethod, tmp_path: Path
) -> None:
    folder, slices = tmp_path / "zarr", stack(2)
    shape, run = (2, 19, 32, 3), identity(SETTINGS, style="night")
    paint(slices, open_result(shape, run, folder=folder), until=FIRST)
    with pytest.raises(InputError, match="begun with another style, seed; choose"):
        open_result(shape, identity(SETTINGS.replace(seed=4), style="day"), folder=folder)
    with pytest.raises(InputError, match=r"holds a result of the shape \(2, 19, 32, 3\)"):
        open_result((3, 19, 32, 3), run, folder=folder)
    tiled = identity(SETTINGS.replace(tile_size=512), style="night")  # does not change the result
    assert open_result(shape, tiled, folder=folder).done == {(0,)}


def test_a_record_from_before_a_parameter_existed_goes_on_with_its_default(tmp_path: Path) -> None:
    run = identity(SETTINGS, style="night")
    older = Record({key: value for key, value in run.items() if key != "coherence"})
    older.check(run, tmp_path)
    with pytest.raises(InputError, match="begun with another coherence;"):
        older.check(run | {"coherence": "steady"}, tmp_path)


def test_a_store_in_which_nothing_is_done_is_made_anew(fake: FakeMethod, tmp_path: Path) -> None:
    open_result((2, 19, 32, 3), identity(SETTINGS), folder=tmp_path)
    letter = tmp_path / "letter.txt"
    letter.write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        open_result((3, 19, 32, 3), identity(SETTINGS), folder=tmp_path)
    letter.unlink()
    slices, run = stack(3), identity(SETTINGS, style="day")
    paint(slices, open_result((3, 19, 32, 3), run, folder=tmp_path))
    assert open_result((3, 19, 32, 3), run, folder=tmp_path).done == {(0,), (1,), (2,)}


def test_a_result_that_fits_nowhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = (10**6, 4096, 4096, 3)
    assert fits_in_memory((2, 19, 32, 3))
    assert not fits_in_memory(huge)
    with pytest.raises(InputError, match=r"46875\.0 GB does not fit into memory; choose a folder"):
        open_result(huge, {})
    with pytest.raises(InputError, match=r"The result needs 46875\.0 GB, but .* GB free"):
        open_result(huge, {}, folder=tmp_path / "zarr")
    assert not (tmp_path / "zarr").exists()
    with pytest.raises(InputError, match="There is no folder"):
        open_result((2, 19, 32, 3), {}, folder=tmp_path / "no" / "zarr")


# ---- the engine itself ---------------------------------------------------------------------------


@pytest.mark.engine
def test_with_the_engine_stopping_and_going_on_gives_the_same_bytes() -> None:
    slices = stack(1).repeat(3, axis=0)
    slices[1, :, :5], slices[2, :, 35:] = 0, 255  # most is the same, something differs
    whole, parts = empty(slices), empty(slices)
    counts = [m.index for m in stylize_stack(slices, STYLE, out=whole, settings=SETTINGS)]
    done: set[tuple[int, ...]] = set()
    last = run_until(slices, parts, done, counts.index((2,)) + 1, SETTINGS)
    assert (last.index, last.step.status) == ((2,), Status.STOPPED)
    assert done == {(0,), (1,)}
    run_until(slices, parts, done, math.inf, SETTINGS)
    assert done == {(0,), (1,), (2,)}
    np.testing.assert_array_equal(parts, whole)
    assert len({picture.tobytes() for picture in whole}) == 3


@pytest.mark.engine
@pytest.mark.slow
def test_with_the_engine_a_slice_started_from_its_neighbour_is_closer_to_it() -> None:
    """The same scene, seen twice under independent noise: the strokes are to stay where they are."""
    scene = np.random.default_rng(1).integers(0, 256, (6, 10, 3)).repeat(4, 0).repeat(4, 1)
    noise = np.random.default_rng(2).normal(0, 6, (2, 24, 40, 3))
    slices = np.clip(scene + noise, 0, 255).astype(np.uint8)
    style = np.random.default_rng(3).integers(0, 256, (32, 32, 3), np.uint8)
    settings = SETTINGS.replace(steps=12, start="noise", strength=0.8)
    together, alone = empty(slices), empty(slices)
    list(stylize_stack(slices, style, out=together, settings=settings))
    list(stylize_stack(slices, style, out=alone, indices=[0], settings=settings))
    list(stylize_stack(slices, style, out=alone, indices=[1], settings=settings.replace(seed=1)))
    difference = [
        float(np.abs(np.diff(out.astype(int), axis=0)).mean()) for out in (together, alone)
    ]
    assert difference[0] < 0.5 * difference[1], difference
