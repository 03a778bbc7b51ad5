"""Augmentation: pairs, values, structure, and the loop with a stand-in for what paints."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from augment_sets import cellpose, discs, stardist, style, texture
from fast_styles import fast_style
from PIL import Image
from scipy import ndimage

from napari_style_transfer.augment import AugmentSettings, augment, learn, loop
from napari_style_transfer.augment.pairs import find_pairs, find_styles
from napari_style_transfer.augment.structure import edges_added, edges_kept
from napari_style_transfer.augment.values import draw_crop
from napari_style_transfer.augment.ways import Painting
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.io.micrographs import Micrograph, read_micrograph
from napari_style_transfer.learning import LearningStep
from napari_style_transfer.progress import Losses, Status
from napari_style_transfer.value_range import ValueRange


class FakePainter:
    """Paints the image a little darker; counts, and does what it is told to."""

    def __init__(self) -> None:
        self.paintings: list[Painting] = []
        self.on_paint: Any = lambda _: None

    def __call__(self, *_: object) -> FakePainter:
        """Be the class, and the painter that it makes."""
        if isinstance(_[0], Painting):
            self.paintings.append(_[0])
            self.on_paint(len(self.paintings))
            return _[0].image * 0.9  # type: ignore[return-value]
        return self


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> FakePainter:
    fake = FakePainter()
    monkeypatch.setattr(loop, "Optimised", fake)
    return fake


def run(*arguments: Any, **options: Any) -> list[Any]:
    return list(augment(*arguments, **options))


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "augmentation.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# Pairs


def test_cellpose_finds_its_own_layout(painter: FakePainter, tmp_path: Path) -> None:
    images, real, out = cellpose(tmp_path / "train"), style(tmp_path / "real.tif"), tmp_path / "out"
    (images / "n0_flows.tif").write_bytes((images / "n0.tif").read_bytes())
    *_, last = run(images, real, out, copies=2)
    assert last.finished
    assert sorted(each.name for each in (out / "images").iterdir()) == [
        f"n{number}_style{copy}{masks}.tif"
        for number in (0, 1)
        for copy in (1, 2)
        for masks in ("", "_masks")
    ]
    again = find_pairs(out / "images")
    assert len(again.pairs) == 4
    assert not again.apart


def test_stardist_finds_its_own_layout(painter: FakePainter, tmp_path: Path) -> None:
    images, real, out = stardist(tmp_path / "train"), style(tmp_path / "real.tif"), tmp_path / "out"
    run(images, real, out, copies=1)
    assert [(each / "n1_style1.tif").exists() for each in (out / "images", out / "masks")] == [
        True
    ] * 2
    assert len(find_pairs(out).pairs) == 2


def test_labels_in_a_folder_of_their_own_are_found_by_name(tmp_path: Path) -> None:
    images, masks = tmp_path / "a", tmp_path / "b"
    images.mkdir(), masks.mkdir()
    for number in (1, 2, 10):
        Image.fromarray(texture()).save(images / f"p{number}.png")
        tifffile.imwrite(masks / f"p{number}_masks.tif", discs(side=96)[1])
    pairs = find_pairs(images, masks)
    assert [pair.image.name for pair in pairs.pairs] == ["p1.png", "p2.png", "p10.png"]
    assert pairs.pairs[2].names(3) == ("p10_style3.png", "p10_style3_masks.tif")


def test_what_cannot_be_paired_is_said_before_the_work(tmp_path: Path) -> None:
    train = cellpose(tmp_path / "train")
    (train / "n1_masks.tif").unlink()
    with pytest.raises(
        InputError, match=r"no labels in .*train for n1\.tif; give both the same name"
    ):
        find_pairs(train)
    (train / "n1.tif").rename(train / "n7_masks.tif")
    with pytest.raises(InputError, match=r"no images for the labels n7_masks\.tif"):
        find_pairs(train)
    for file in train.glob("*_masks.tif"):
        file.unlink()
    with pytest.raises(InputError, match="holds no labels; name their folder, or put"):
        find_pairs(train)
    (train / "n0.tif").unlink()
    with pytest.raises(InputError, match="holds no pictures"):
        find_pairs(train)
    with pytest.raises(InputError, match="There is no folder"):
        find_pairs(tmp_path / "nowhere")


def test_styles_come_from_files_folders_and_patterns(tmp_path: Path) -> None:
    folder = cellpose(tmp_path / "real", 3)
    assert [each.name for each in find_styles([folder])] == ["n0.tif", "n1.tif", "n2.tif"]
    assert len(find_styles([str(folder / "n*.tif"), folder / "n0.tif"])) == 3
    with pytest.raises(InputError, match="There is no file"):
        find_styles([tmp_path / "nothing.tif"])
    with pytest.raises(InputError, match="No picture matches"):
        find_styles([str(tmp_path / "*.png")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda at: tifffile.imwrite(at / "train/n0_masks.tif", discs(side=65)[1]), "of one size"),
        (
            lambda at: tifffile.imwrite(at / "train/n0_masks.tif", discs()[0].astype(np.float32)),
            "are of type float32; save them as whole numbers",
        ),
        (
            lambda at: tifffile.imwrite(at / "train/n0_masks.tif", discs()[0]),
            "looks like a picture, not like labels",
        ),
        (
            lambda at: [
                tifffile.imwrite(each, 0 * discs()[1])
                for each in (at / "train").glob("*_masks.tif")
            ],
            "are all empty",
        ),
        (
            lambda at: (at / "real.tif").write_bytes((at / "train/n1.tif").read_bytes()),
            "are the training images themselves",
        ),
        (lambda at: tifffile.imwrite(at / "real.tif", texture(side=12)), "must have 16 px"),
        (lambda at: tifffile.imwrite(at / "real.tif", np.full((64, 64), 7)), "one value only"),
        (lambda at: (at / "real.tif").write_bytes(b"II*\0"), "Cannot read"),
        (lambda at: (at / "out").write_text(""), "it is no folder"),
        (
            lambda at: ((at / "out").mkdir(), (at / "out/mine").write_text("")),
            "holds something else",
        ),
        (lambda at: tifffile.imwrite(at / "real.tif", np.stack([texture()] * 9)), "is a stack"),
        (
            lambda at: tifffile.imwrite(
                at / "real.tif", np.stack([texture()] * 2), imagej=True, metadata={"axes": "CYX"}
            ),
            "have 1 channel, but a style has 2 channels",
        ),
    ],
)
def test_bad_input_is_one_sentence_before_the_work(
    change: Any, message: str, painter: FakePainter, tmp_path: Path
) -> None:
    cellpose(tmp_path / "train"), style(tmp_path / "real.tif")
    change(tmp_path)
    with pytest.raises(InputError, match=message):
        augment(tmp_path / "train", tmp_path / "real.tif", tmp_path / "out")
    assert not painter.paintings


def test_what_may_spoil_pictures_is_said_at_first(painter: FakePainter, tmp_path: Path) -> None:
    train, real = cellpose(tmp_path / "train"), tmp_path / "real.tif"
    large = np.kron(discs(7)[0], np.ones((10, 10), np.uint16))
    tifffile.imwrite(real, np.where(large < 600, 1023, large // 8)[:300])
    first, *others = run(train, real, tmp_path / "out", copies=1)
    assert "of 'styles' have the highest value there is" in first.note
    assert "What 'styles' shows seems about" in first.note
    assert not any(step.note for step in others)


def test_the_output_and_what_is_read_are_kept_apart(tmp_path: Path) -> None:
    train, real = cellpose(tmp_path / "train"), style(tmp_path / "real.tif")
    for out in (train, train / "out"):
        with pytest.raises(InputError, match="is within the images"):
            augment(train, real, out)
    with pytest.raises(InputError, match="which is in the output"):
        augment(train, real, tmp_path)


def test_a_full_disk_is_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, real = cellpose(tmp_path / "train"), style(tmp_path / "real.tif")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(InputError, match="make fewer copies"):
        augment(train, real, tmp_path / "out")


def test_stains_need_colours(tmp_path: Path) -> None:
    train, real = cellpose(tmp_path / "train"), style(tmp_path / "real.tif")
    with pytest.raises(InputError, match="The images have no colours"):
        augment(train, real, tmp_path / "out", way="stain")


# What is made


def test_pictures_keep_type_size_and_range_and_labels_every_byte(
    painter: FakePainter, tmp_path: Path
) -> None:
    train, real, out = cellpose(tmp_path / "train"), style(tmp_path / "real.tif"), tmp_path / "out"
    run(train, real, out, copies=1, strength="0.3")
    before, after = (
        tifffile.imread(each) for each in (train / "n0.tif", out / "images/n0_style1.tif")
    )
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    low, high = np.percentile(before, (0.1, 99.9))
    np.testing.assert_allclose(after, (before - low) * 0.9 + low, atol=1)
    assert after.max() > high * 0.85
    labels = (out / "images/n0_style1_masks.tif").read_bytes()
    assert labels == (train / "n0_masks.tif").read_bytes()
    painted = painter.paintings[0]
    assert painted.image.shape == painted.style.shape == (1, 64, 64)
    assert painted.strength == 0.3
    table = rows(out)
    assert [each["picture"] for each in table] == ["images/n0_style1.tif", "images/n1_style1.tif"]
    assert table[0]["style"] == str(real)
    assert float(table[0]["edges_kept"]) == 1.0
    crop = texture()[int(table[0]["top"]) :, int(table[0]["left"]) :][:64, :64]
    low, high = np.percentile(texture(), (0.1, 99.9))
    np.testing.assert_allclose(painted.style[0], (crop - low) / (high - low), atol=1e-5)
    with Image.open(out / "contact-sheet.png") as sheet:
        assert sheet.width > 1000


def test_the_styles_range_is_taken_where_asked_for(painter: FakePainter, tmp_path: Path) -> None:
    train, real, out = cellpose(tmp_path / "train"), style(tmp_path / "real.tif"), tmp_path / "out"
    run(train, real, out, copies=1, values="style")
    made = tifffile.imread(out / "images/n0_style1.tif")
    high = np.percentile(texture(), 99.9) * 257  # uint8 and uint16 by their full scales
    assert 0.7 * high < made.max() < 1.2 * high


def test_what_ended_goes_on_with_the_same_pictures(painter: FakePainter, tmp_path: Path) -> None:
    train, real = cellpose(tmp_path / "train"), style(tmp_path / "real.tif")
    whole = tmp_path / "whole"
    run(train, real, whole, copies=2)
    painter.paintings.clear()

    def kill(number: int) -> None:
        if number == 3:
            raise KeyboardInterrupt

    painter.on_paint = kill
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(train, real, out, copies=2)
    assert len(rows(out)) == 2
    (out / "images/n0_style1.tif").unlink()
    painter.paintings.clear()
    painter.on_paint = lambda _: None
    *_, last = run(train, real, out, copies=2)
    assert last.finished
    assert len(painter.paintings) == 3

    def told(place: Path) -> set[tuple[str, ...]]:
        return {tuple(v for k, v in row.items() if k != "seconds") for row in rows(place)}

    assert told(out) == told(whole)
    run(train, real, out, copies=3)
    assert len(painter.paintings) == 5
    with pytest.raises(InputError, match="begun with another seed"):
        run(train, real, out, copies=3, seed=1)


def test_stopping_keeps_what_is_done(painter: FakePainter, tmp_path: Path) -> None:
    train, real, out = cellpose(tmp_path / "train"), style(tmp_path / "real.tif"), tmp_path / "out"
    steps = run(train, real, out, stop=lambda: len(painter.paintings) >= 2)
    assert len(rows(out)) == 2
    assert not steps[-1].finished


def test_an_image_that_cannot_be_painted_is_left_out(painter: FakePainter, tmp_path: Path) -> None:
    train, real, out = cellpose(tmp_path / "train"), style(tmp_path / "real.tif"), tmp_path / "out"

    def refuse(number: int) -> None:
        if number == 1:
            raise ContentError("It is odd.")

    painter.on_paint = refuse
    steps = run(train, real, out, copies=1)
    assert [step.left_out for step in steps if step.left_out] == [f"{train / 'n0.tif'}: It is odd."]
    assert len(rows(out)) == 1


def test_an_image_that_cannot_be_read_or_has_other_channels_is_left_out(
    painter: FakePainter, tmp_path: Path
) -> None:
    train, real, out = cellpose(tmp_path / "train", 4), tmp_path / "real.tif", tmp_path / "out"
    options: Any = {"imagej": True, "metadata": {"axes": "CYX"}}
    for name in ("n0", "n3"):
        tifffile.imwrite(train / f"{name}.tif", np.stack([discs()[0]] * 2), **options)
    tifffile.imwrite(real, np.stack([texture(), texture(3)]), **options)
    tifffile.imwrite(train / "n2.tif", np.full((64, 64), np.nan, np.float32))
    steps = run(train, real, out, copies=1)
    assert [step.left_out for step in steps if step.left_out] == [
        f"{train / 'n1.tif'}: The images have 1 channel, but a style has 2 channels; give pictures with "
        "the same channels.",
        f"The picture {train / 'n2.tif'} has pixels that are not finite (NaN or infinite); replace them "
        "first.",
    ]
    assert [row["picture"] for row in rows(out)] == [
        "images/n0_style1.tif",
        "images/n3_style1.tif",
    ]
    assert steps[-1].finished


def test_many_pictures_are_painted_by_a_fast_style_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def iter_learn(styles: Any, contents: Any, **options: Any) -> Iterator[LearningStep]:
        calls.append((dict(styles), [np.shape(each) for each in contents], options["settings"]))
        for status in (Status.RUNNING, Status.FINISHED):
            yield LearningStep(
                1, 1.0, 0.0, Losses({"style": 1.0}), 1.0, "cpu", "float32",
                fast_style(*styles) if status is Status.FINISHED else None, status,
            )  # fmt: skip

    monkeypatch.setattr(learn.learn, "iter_learn", iter_learn)
    monkeypatch.setattr(loop, "MOST_OPTIMISED", 3)
    train, real, out = cellpose(tmp_path / "train"), style(tmp_path / "real.tif"), tmp_path / "out"
    steps = run(train, real, out, copies=2, crops=3, minutes=2)
    assert {step.phase for step in steps} == {"learn", "paint"}
    ((styles, contents, settings),) = calls
    assert list(styles) == ["crop 1", "crop 2", "crop 3"]
    assert contents == [(64, 64)] * 2
    assert (settings.minutes, settings.size, settings.crop) == (2, 128, 128)
    made = rows(out)
    assert {row["way"] for row in made} == {"fast"}
    boxes = {(row["top"], row["left"]) for row in made}
    assert len(boxes) <= 3
    after = tifffile.imread(out / "images/n0_style1.tif")
    assert after.dtype == np.uint16
    assert after.std() > 0
    run(train, real, out, copies=3, crops=3, minutes=2)  # by the fast style that is there
    assert len(calls) == 1
    assert len(rows(out)) == 6


def test_channels_are_painted_each_by_itself(painter: FakePainter, tmp_path: Path) -> None:
    train, out = tmp_path / "train", tmp_path / "out"
    train.mkdir()
    image, labels = discs()
    both = np.stack([image, image[::-1]])
    options: Any = {"imagej": True, "metadata": {"axes": "CYX"}}
    tifffile.imwrite(train / "a.tif", both, **options)
    tifffile.imwrite(train / "a_masks.tif", labels)
    tifffile.imwrite(tmp_path / "real.tif", np.stack([texture(), texture(3)]), **options)
    run(train, tmp_path / "real.tif", out, copies=1)
    with tifffile.TiffFile(out / "images/a_style1.tif") as file:
        assert file.series[0].axes == "CYX"
        assert file.asarray().shape == (2, 64, 64)
        assert file.asarray().dtype == np.uint16
    (painting,) = painter.paintings
    assert [part[0].shape for part in painting.parts] == [(64, 64)] * 2
    assert rows(out)[0]["edges_kept"] == "1.0"


def test_colours_are_matched_at_once(tmp_path: Path) -> None:
    train, out = tmp_path / "train", tmp_path / "out"
    train.mkdir()
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(90, 160, (64, 64, 3), np.uint8)).save(train / "a.png")
    tifffile.imwrite(train / "a_masks.tif", discs()[1])
    real = random.normal((60, 120, 180), (10, 20, 8), (80, 80, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(real).save(tmp_path / "real.png")
    run(train, tmp_path / "real.png", out, way="colour", copies=1)
    after = read_micrograph(out / "images/a_style1.png")
    assert after.colour
    np.testing.assert_allclose(after.planes.mean((1, 2)), real.mean((0, 1)), atol=3)
    np.testing.assert_allclose(after.planes.std((1, 2)), real.std((0, 1)), atol=3)


# Values


def test_values_come_back_as_they_were() -> None:
    image = Micrograph(discs()[0][None], False)
    found = ValueRange.of(image)
    back = found.from_unit(found.to_unit(image.planes), image.planes.dtype)
    assert np.abs(back.astype(int) - image.planes).max() <= 1
    flat = Micrograph(np.full((1, 20, 20), 7, np.uint8), False)
    found = ValueRange.of(flat)
    assert (found.from_unit(found.to_unit(flat.planes), np.dtype(np.uint8)) == 7).all()


def test_crops_have_something_in_them() -> None:
    from random import Random

    planes = np.zeros((1, 200, 200), np.float32)
    planes[:, :70, :70] = np.random.default_rng(0).random((70, 70))
    spreads = [draw_crop(planes, (60, 60), Random(n)).of(planes).std() for n in range(20)]
    assert np.mean(np.array(spreads) > 0) > 0.7  # one place in three has something


def test_strengths_are_a_range() -> None:
    assert AugmentSettings(strength="0.2..0.5").strengths == (0.2, 0.5)
    assert AugmentSettings(strength=0.4).strengths == (0.4, 0.4)
    for typed in ("0,2 - 0,5", "0.2…0.5", "0.2 to 0.5", " 0.2 – 0.5 "):
        assert AugmentSettings(strength=typed).strengths == (0.2, 0.5)
    assert AugmentSettings().strengths == (0.2, 0.6)
    assert AugmentSettings(way="stain").strengths == (1, 1)
    with pytest.raises(InputError, match="from a lower to a higher"):
        AugmentSettings(strength="0.6..0.2")


# Structure


def test_edges_are_kept_by_what_leaves_them_in_place() -> None:
    image, labels = discs(side=80)
    image = image.astype(float)
    noise = np.random.default_rng(1).normal(0, 60, image.shape)
    assert edges_kept(image, image, labels) == 1
    assert edges_kept(image, 3 * np.sqrt(image) + 5, labels) > 0.95
    assert edges_kept(image, image + noise, labels) > 0.9
    assert edges_kept(image, ndimage.shift(image, (1, 0)), labels) > 0.9


def test_edges_are_lost_by_what_moves_inverts_or_hides_them() -> None:
    image, labels = discs(side=80)
    image = image.astype(float)
    noise = np.random.default_rng(1).normal(0, 1, image.shape)
    assert edges_kept(image, -image, labels) == 0
    assert edges_kept(image, ndimage.shift(image, (4, 4)), labels) < 0.45
    assert edges_kept(image, noise, labels) < 0.35


def test_objects_that_came_in_are_seen() -> None:
    image, labels = discs(side=80)
    image = image.astype(float)
    assert edges_added(image, image, labels) == 0
    invented = image.copy()
    invented[30:38, 0:8] += 2000
    invented[70:78, 66:74] += 2000
    assert edges_kept(image, invented, labels) > 0.95
    assert edges_added(image, invented, labels) > 0.02


def test_without_objects_there_is_nothing_to_measure() -> None:
    image, labels = discs()
    assert edges_kept(image, image, 0 * labels) is None
    assert edges_added(image, image, 0 * labels) is None


def test_images_are_translated_by_what_was_learned_once(tmp_path: Path) -> None:
    train, real, out = cellpose(tmp_path / "train"), style(tmp_path / "real.tif"), tmp_path / "out"
    options: dict[str, Any] = {"way": "translated", "minutes": 0.01, "device": "cpu"}
    steps = run(train, real, out, copies=1, strength=0, **options)
    assert steps[-1].finished
    assert steps[0].phase == "learn"
    kept = (out / "translator.safetensors").read_bytes()
    for number in range(2):  # at no strength an image stays as it is
        image = tifffile.imread(train / f"n{number}.tif").astype(int)
        made = tifffile.imread(out / "images" / f"n{number}_style1.tif")
        assert made.dtype == np.uint16
        assert np.abs(made - image).max() <= 1 + 0.02 * np.ptp(image)  # hot pixels are clipped
        labels = f"n{number}_style1_masks.tif"
        assert (out / "images" / labels).read_bytes() == (
            train / f"n{number}_masks.tif"
        ).read_bytes()
    again = run(train, real, out, copies=2, strength=0, **options)
    assert not any(step.losses for step in again)
    assert (out / "translator.safetensors").read_bytes() == kept
    whole = tmp_path / "whole"
    run(train, real, whole, copies=1, strength=1, **options)
    translated = tifffile.imread(whole / "images" / "n0_style1.tif")
    assert (translated != tifffile.imread(train / "n0.tif")).mean() > 0.5
