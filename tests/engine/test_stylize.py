"""Whole runs at small sizes, with the real network."""

import threading

import numpy as np
import pytest
import torch

from napari_style_transfer import InputError, Settings, Status, iter_stylize, samples, stylize
from napari_style_transfer.engine.losses.gram import gram_matrix
from napari_style_transfer.engine.networks.vgg import VGG19
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.objective import Evaluation, Objective
from napari_style_transfer.engine.optimize import parametrization as parametrization_module
from napari_style_transfer.engine.optimize import scale_objective as scale_objective_module
from napari_style_transfer.engine.optimize import schedule as schedule_module
from napari_style_transfer.engine.optimize.parametrization import Parametrization
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tensors import resize, to_tensor
from napari_style_transfer.errors import OutOfMemoryError

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
FAST = {"size": 48, "steps": 6, "coarsest_size": 48, "device": "cpu"}


@pytest.fixture(scope="module")
def content():
    return samples.load("astronaut")[::4, ::4]


@pytest.fixture(scope="module")
def style():
    return samples.load("night")[::4, ::4]


def shared_style_loss(picture, style):
    """The loss that peers share: Gram matrices per position over five layers, weighed by 1 / C²."""
    network = VGG19(load_weights(), STYLE_LAYERS)
    height, width = picture.shape[:2]
    with torch.no_grad():
        first = network(to_tensor(picture, "picture"))
        second = network(resize(to_tensor(style, "style"), (height * 3 // 4, width)))
    loss = 0.0
    for layer in STYLE_LAYERS:
        a, b = (gram_matrix(f[layer])[0] / f[layer][0, 0].numel() for f in (first, second))
        loss += float((a - b).square().mean()) / a.shape[0] ** 2
    return loss


@pytest.mark.parametrize(
    ("size", "steps"), [(64, 20), pytest.param(128, 80, marks=pytest.mark.slow)]
)
def test_the_style_loss_falls_at_least_25_fold_and_the_content_stays(content, style, size, steps):
    before = np.asarray(content)[:: 128 // size, :: 128 // size]
    picture = stylize(before, style, size=size, steps=steps, coarsest_size=size // 2, device="cpu")
    assert picture.shape == (size, size, 3)
    assert shared_style_loss(picture, style) < shared_style_loss(before, style) / 25
    # The subject's light and dark are still where they were.
    assert np.corrcoef(picture.mean(2).ravel(), before.mean(2).ravel())[0, 1] > 0.4


def test_same_seed_and_settings_give_the_same_bytes(content, style):
    for settings in ({"start": "content"}, {"start": "noise", "seed": 3}):
        first = stylize(content, style, **FAST, **settings)
        assert np.array_equal(first, stylize(content, style, **FAST, **settings))
    assert not np.array_equal(first, stylize(content, style, **FAST, start="noise", seed=4))


def test_a_step_for_each_evaluation_and_a_picture_at_the_end(content, style):
    steps = list(
        iter_stylize(content, style, size=64, steps=7, coarsest_size=32, preview_interval=0)
    )
    assert [step.evaluation for step in steps] == list(range(1, 8))
    assert {step.evaluations for step in steps} == {7}
    assert [step.scale for step in steps] == [1, 1, 1, 2, 2, 2, 2]
    assert [step.status for step in steps] == [Status.RUNNING] * 6 + [Status.FINISHED]
    assert steps[0].picture.shape == (32, 32, 3)
    assert steps[-1].picture.shape == (64, 64, 3)
    assert steps[-1].losses.total == pytest.approx(
        steps[-1].losses.content + steps[-1].losses.style
    )


def test_stop_keeps_the_picture_so_far_at_the_results_size(content, style):
    stop = threading.Event()
    seen = []
    for step in iter_stylize(content, style, size=64, steps=30, coarsest_size=32, stop=stop.is_set):
        seen.append(step)
        if step.evaluation == 3:
            stop.set()
    assert len(seen) == 4
    assert seen[-1].status is Status.STOPPED
    assert seen[-1].picture.shape == (64, 64, 3)
    again = stylize(content, style, size=64, steps=30, coarsest_size=32, stop_after=4)
    assert np.array_equal(again, seen[-1].picture)


@pytest.mark.slow
def test_a_scale_that_gains_too_little_is_done_and_says_so(content, style, monkeypatch):
    monkeypatch.setattr(schedule_module, "_COARSE_EVALUATIONS", 30)  # enough to see a plateau in
    settings = {"size": 64, "steps": 50, "coarsest_size": 32, "device": "cpu"}
    steps = list(iter_stylize(content, style, **settings, tolerance=1, precision="float32"))
    assert [step.scale for step in steps] == [1] * 21 + [2] * 21
    assert steps[-1].status is Status.FINISHED
    assert steps[-1].picture is not None
    assert steps[-1].evaluations == 42
    assert [step.evaluation for step in steps if "enough" in step.note] == [21, 42]
    whole = list(iter_stylize(content, style, **settings, tolerance=0))
    assert len(whole) == 50
    assert not any(step.note for step in whole)


@pytest.mark.slow
def test_a_scale_that_gains_too_little_from_the_start_in_bfloat16_goes_on_in_float32(
    content, style
):
    settings = {"size": 64, "steps": 80, "coarsest_size": 64, "device": "cpu"}
    steps = list(iter_stylize(content, style, **settings, tolerance=1, precision="bfloat16"))
    assert [step.precision for step in steps] == ["bfloat16"] * 20 + ["float32"] * 22
    assert "float32" in steps[20].note
    assert "enough" in steps[41].note


@pytest.mark.slow
def test_more_style_weight_gives_less_style_loss(content, style):
    losses = [
        shared_style_loss(
            stylize(content, style, **FAST | {"steps": 12}, style_weight=weight), style
        )
        for weight in (1e-3, 100)
    ]
    assert losses[1] < losses[0] / 3


def test_a_style_equal_to_the_content_leaves_it_as_it_is(content):
    picture = stylize(content, content, **FAST)
    start = resize(to_tensor(content, "content"), (48, 48))
    assert np.abs(picture / 255 - start[0].permute(1, 2, 0).numpy()).mean() < 0.03


@pytest.mark.parametrize("shape", [(1, 1, 3), (30, 20), (15, 200, 3), (40, 300)])
def test_contents_and_styles_of_any_shape_work(style, shape):
    odd = np.full(shape, 90, np.uint8)
    picture = stylize(odd, style, size=256, steps=2, device="cpu")
    assert max(picture.shape[:2]) == 256
    picture = stylize(style, odd, **FAST | {"steps": 2})
    assert picture.shape[1] == 48


def test_constant_pictures_give_finite_ones():
    flat = np.full((32, 32, 3), 120, np.uint8)
    for losses in (step.losses for step in iter_stylize(flat, flat[:8] // 2, **FAST)):
        assert np.isfinite(losses.total)


def test_an_initial_picture_is_started_from(content, style):
    start = np.full((20, 30, 3), 7, np.uint8)
    picture = stylize(content, style, **FAST | {"steps": 1}, init=start)
    assert np.abs(picture.astype(int) - 7).max() <= 1


@pytest.mark.parametrize(
    "settings", [{"size": 0}, {"size": 100_000}, {"style_weight": -1}, {"colour": 1}]
)
def test_impossible_parameters_are_said_at_the_call(content, style, settings):
    with pytest.raises(InputError) as caught:
        iter_stylize(content, style, **settings)
    assert "\n" not in str(caught.value)


def test_a_too_narrow_content_is_said_at_the_call(style):
    with pytest.raises(InputError, match="at least 427"):
        iter_stylize(np.zeros((15, 400)), style, size=400)


@pytest.mark.slow
def test_running_out_of_memory_goes_on_in_smaller_tiles_and_says_so(content, style, monkeypatch):
    evaluate = Objective.evaluate
    calls = []

    def cramped(self, picture):
        calls.append(len(self.tiles))
        if len(calls) > 4 and len(self.tiles) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate everything")
        return evaluate(self, picture)

    settings = {"size": 272, "steps": 8, "coarsest_size": 272, "precision": "float32"}
    pictures = content[32:64], style[:32]  # narrow, so that they are painted soon
    whole = list(iter_stylize(*pictures, **settings))
    monkeypatch.setattr(Objective, "evaluate", cramped)
    tiled = list(iter_stylize(*pictures, **settings))
    assert [step.note for step in tiled if step.note] == [
        "The memory was too small; going on in tiles of 128 px."
    ]
    assert len(tiled) == 8
    assert tiled[-1].tile_size == 128
    assert tiled[-1].losses.total == pytest.approx(whole[-1].losses.total, rel=1e-2)


def test_too_little_memory_for_the_smallest_tiles_is_one_sentence(content, style, monkeypatch):
    def greedy(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate everything")

    monkeypatch.setattr(scale_objective_module, "build_objective", greedy)
    with pytest.raises(OutOfMemoryError, match="smaller size"):
        stylize(content, style, **FAST)


@pytest.mark.slow
def test_tiles_paint_the_same_picture_without_a_seam(content, style):
    settings = {"size": 224, "steps": 6, "coarsest_size": 224, "precision": "float32"}
    pictures = content[32:64], style[:32]  # narrow, so that they are painted soon
    whole, tiled = (stylize(*pictures, **settings, tile_size=t).astype(int) for t in (0, 96))
    assert np.abs(whole - tiled).mean() < 0.5


@pytest.mark.slow
def test_a_stall_in_bfloat16_goes_on_in_float32(content, style, monkeypatch):
    real = scale_objective_module.build_objective

    def stalling(network, *args, **options):
        objective = real(network, *args, **options)
        if network.dtype is torch.bfloat16:
            evaluate = objective.evaluate
            objective.evaluate = lambda x: Evaluation(
                {name: loss * torch.nan for name, loss in evaluate(x).losses.items()},
                torch.zeros_like(x),
            )
        return objective

    monkeypatch.setattr(scale_objective_module, "build_objective", stalling)
    steps = list(iter_stylize(content, style, **FAST | {"steps": 20}, precision="bfloat16"))
    assert any("float32" in step.note for step in steps)
    assert steps[-1].precision == "float32"
    assert steps[-1].losses.total < steps[3].losses.total


@pytest.mark.slow
def test_bfloat16_ends_near_float32_in_the_shared_loss(content, style):
    settings = FAST | {"steps": 30}
    exact, rough = (
        shared_style_loss(stylize(content, style, **settings, precision=precision), style)
        for precision in ("float32", "bfloat16")
    )
    before = shared_style_loss(np.asarray(content), style)
    assert abs(exact - rough) < 0.03 * before
    assert rough < 1.5 * exact


def test_what_is_optimised_is_what_is_shown(content, style, monkeypatch):
    """Every picture that the objective sees is in gamut before anything is clipped."""
    seen = []
    real = Objective.evaluate

    def noting(self, picture):
        seen.append((float(picture.detach().min()), float(picture.detach().max())))
        return real(self, picture)

    monkeypatch.setattr(Objective, "evaluate", noting)
    stylize(content, style, **FAST | {"steps": 15, "strength": 1})
    assert len(seen) == 15
    assert min(low for low, _ in seen) >= -1e-6
    assert max(high for _, high in seen) <= 1 + 1e-6


@pytest.mark.parametrize("levels", [1, 7])
@pytest.mark.slow
def test_no_pyramid_keeps_a_picture_from_leaving_its_start(content, style, monkeypatch, levels):
    monkeypatch.setattr(parametrization_module, "_LEVELS", levels)
    steps = list(iter_stylize(content, style, size=256, steps=8, coarsest_size=256, device="cpu"))
    assert not any(step.note for step in steps)
    assert steps[-1].losses.total < 0.6 * steps[0].losses.total


def test_the_gradient_through_canvas_and_objective_agrees_with_finite_differences(content, style):
    settings = Settings(
        tv_weight=0.5, style_layers="relu1_1 relu2_1 relu3_1", content_layers="relu2_2"
    )
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu2_2"]
    network = VGG19(load_weights(), layers, dtype=torch.float64).double()
    shape = (16, 18)
    target, manner = (resize(to_tensor(x, "picture"), shape).double() for x in (content, style))
    targets = [StyleTarget(gram_matrices(network, manner, settings.style_layers))]
    objective = build_objective(network, settings, target, targets)
    canvas = Parametrization(shape)
    parameters = canvas.encode(0.8 * target + 0.05)
    painted, backward = canvas.record(parameters)
    analytic = backward(objective.evaluate(painted).gradient)
    for seed in range(4):
        direction = torch.randn(
            parameters.shape, generator=torch.Generator().manual_seed(seed)
        ).double()
        h = 1e-7
        up, down = (
            sum(objective.evaluate(canvas.decode(parameters + d * direction)).losses.values())
            for d in (h, -h)
        )
        assert float((up - down) / (2 * h)) == pytest.approx(float(analytic @ direction), rel=1e-4)
