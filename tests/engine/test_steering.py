"""The hand on a run: what is changed takes effect at once, and the picture goes on from where it is."""

import threading

import numpy as np
import pytest

from napari_style_transfer import InputError, Settings, iter_stylize
from napari_style_transfer.progress import Status
from napari_style_transfer.spec import Region, Regions, Style
from napari_style_transfer.steering import Steering

FAST = {"size": 64, "coarsest_size": 64, "precision": "float32", "device": "cpu"}


def speckle(seed, colour=(1.0, 1.0, 1.0)):
    noise = np.random.default_rng(seed).random((64, 64, 1))
    return (noise * np.array(colour) * 255).astype(np.uint8)


@pytest.mark.slow
def test_a_weight_changed_on_the_way_counts_from_the_next_evaluation():
    steering, settings = Steering(), Settings(**FAST, steps=30)
    losses = []
    for step in iter_stylize(speckle(0), speckle(1), settings=settings, steering=steering):
        losses.append(step.losses)
        assert step.steered == (step.evaluation > 10)
        if step.evaluation == 10:
            before = step.losses
            steering.change(settings=settings.replace(style_weight=4000, size=999))
    # The first evaluation after it is of the same picture or one step on, at a hundred times the weight.
    assert 30 * before.style < losses[10].style < 101 * before.style
    assert step.settings.style_weight == 4000
    assert step.settings.size == 64
    assert step.status is Status.FINISHED


@pytest.mark.slow
def test_a_steered_run_ends_where_one_from_its_picture_ends():
    content, style, steering = speckle(0), speckle(1, (1, 0.4, 0.1)), Steering()
    small = FAST | {"size": 32, "coarsest_size": 32}
    new = Settings(**small, steps=40, style_weight=400)
    for step in iter_stylize(
        content, style, **small, steps=40, steering=steering, preview_interval=0
    ):
        if step.evaluation == 10:
            picture = step.picture
            steering.change(settings=new)
    *_, anew = iter_stylize(content, style, settings=new.replace(steps=30), init=picture)
    assert step.losses.total == pytest.approx(anew.losses.total, rel=0.05)


def test_a_change_keeps_the_picture():
    steering, pictures = Steering(), []
    for step in iter_stylize(
        speckle(0), speckle(1), **FAST, steps=12, steering=steering, preview_interval=0
    ):
        pictures.append(step.picture.astype(float))
        if step.evaluation == 10:
            steering.change(styles=[Style(speckle(1)), Style(speckle(2))])
    jump = np.abs(pictures[10] - pictures[9]).mean()
    assert jump < np.abs(pictures[9] - pictures[0]).mean() / 2


@pytest.mark.slow
def test_regions_painted_on_the_way_reach_the_engine_and_what_is_freed_is_painted():
    content, labels = speckle(0, (0.4, 0.4, 0.4)), np.zeros((64, 64), int)
    labels[:, :20] = 1
    style, steering = Style(speckle(1, (1, 0, 0))), Steering()
    for step in iter_stylize(
        content,
        style,
        regions=Regions(labels, {}),
        steering=steering,
        preview_interval=0,
        **FAST,
        steps=20,
    ):
        if step.evaluation == 8:
            assert np.array_equal(step.picture[:, 20:], content[:, 20:])
            labels = labels.copy()
            labels[:, :40] = 1
            steering.change(styles=[style], regions=Regions(labels, {1: Region(0, 0.8)}))
    assert np.array_equal(step.picture[:, 40:], content[:, 40:])
    assert not np.array_equal(step.picture[:, 20:40], content[:, 20:40])


def test_a_wish_that_cannot_be_met_is_told_and_changes_nothing():
    steering, notes = Steering(), []
    for step in iter_stylize(speckle(0), speckle(1), **FAST, steps=6, steering=steering):
        notes.append(step.note)
        if step.evaluation == 2:
            steering.change(styles=[Style("not/there.png")])
    assert "not/there.png" in notes[2]
    assert step.evaluation == 6
    assert not step.steered
    with pytest.raises(InputError, match="share"):
        steering.change(styles=[Style("a.png", share=0)])
    with pytest.raises(InputError, match="style 3"):
        steering.change(
            styles=[Style("a.png")], regions=Regions(np.ones((4, 4), int), {1: Region(3)})
        )


def test_regions_of_another_form_are_refused_on_the_way():
    steering, notes = Steering(), []
    for step in iter_stylize(speckle(0), speckle(1), **FAST, steps=4, steering=steering):
        notes.append(step.note)
        if step.evaluation == 1:
            steering.change(regions=Regions(np.zeros((10, 30), int), {}))
    assert any("another form" in note for note in notes)
    assert step.evaluation == 4
    assert not step.steered


def test_a_paused_run_waits_and_can_be_stopped():
    steering, stop, steps = Steering(), threading.Event(), []

    def paint():
        engine = iter_stylize(
            speckle(0), speckle(1), **FAST, steps=500, steering=steering, stop=stop.is_set
        )
        steps.extend(engine)

    steering.pause()
    assert steering.paused
    thread = threading.Thread(target=paint)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert [step.status for step in steps] == [Status.STOPPED]
    steering.resume()
    assert not steering.paused


@pytest.mark.slow
def test_colours_can_be_switched_on_the_way():
    content, steering = speckle(3, (0.2, 0.6, 0.9)), Steering()
    settings = Settings(**FAST, steps=16)
    for step in iter_stylize(
        content, speckle(1, (1, 0, 0)), settings=settings, steering=steering, preview_interval=0
    ):
        if step.evaluation == 8:
            steering.change(settings=settings.replace(colours="luminance"))
    painted, kept = (each.astype(float) for each in (step.picture, content))
    for a, b in ((0, 1), (1, 2)):  # grey offsets leave differences of channels as they are
        difference = (painted[..., a] - painted[..., b]) - (kept[..., a] - kept[..., b])
        assert np.abs(difference).max() <= 2


def test_with_nothing_to_paint_the_run_waits_for_a_region():
    content, labels = speckle(0, (0.4, 0.4, 0.4)), np.zeros((64, 64), int)
    style, steering, notes = Style(speckle(1, (1, 0, 0))), Steering(), []
    settings = Settings(**FAST | {"precision": "bfloat16"}, steps=24)
    for step in iter_stylize(
        content, style, settings=settings, regions=Regions(labels, {}), steering=steering
    ):
        notes.append(step.note)
        if step.evaluation == 12:
            labels = labels + 1
            steering.change(regions=Regions(labels, {}))
    assert "Every region is left as it is." in notes
    assert step.evaluation == 24
    assert not np.array_equal(step.picture, content)
