"""Styles and regions as they are written on the command line."""

import numpy as np
import pytest
from PIL import Image

from napari_style_transfer.cli.inputs import load_regions, load_styles
from napari_style_transfer.cli.main import main
from napari_style_transfer.cli.style_options import parse_regions, parse_styles
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.labels import read_labels
from napari_style_transfer.recipe import Recipe, RegionEntry, StyleEntry

FAST = ["--size", "32", "--steps", "2", "--coarsest-size", "32", "--device", "cpu", "--quiet"]


def test_a_style_is_a_file_with_a_share_and_more():
    assert parse_styles(["a.jpg", "b=c.png=0.7", "sample:night=.3,scale=2,angle=-30"]) == [
        StyleEntry(picture="a.jpg"),
        StyleEntry(picture="b=c.png", share=0.7),
        StyleEntry(picture="sample:night", share=0.3, scale=2, angle=-30),
    ]
    (note,) = parse_styles(["a.jpg=1,mask=part.png"])
    assert note.mask == "part.png"


def test_a_region_may_name_a_style_that_nothing_else_does():
    regions, styles = parse_regions(
        "mask.png",
        ["1=a.jpg", "2=b.jpg,strength=0.8", "3=mix", "0=none"],
        [StyleEntry(picture="a.jpg")],
    )
    assert styles == [StyleEntry(picture="a.jpg"), StyleEntry(picture="b.jpg", share=0)]
    assert regions.table == {
        1: RegionEntry(style=0),
        2: RegionEntry(style=1, strength=0.8),
        3: RegionEntry(style="mix"),
        0: RegionEntry(style=None),
    }
    _, styles = parse_regions("mask.png", ["1=a.jpg", "2=b.jpg"], [])
    assert [style.share for style in styles] == [1, 1]


@pytest.mark.parametrize(
    ("labels", "texts"), [(None, ["1=a.jpg"]), ("mask.png", ["a.jpg"]), ("mask.png", ["x=a.jpg"])]
)
def test_what_cannot_be_read_is_told(labels, texts):
    with pytest.raises(InputError, match=r"^[A-Z].*\.$"):
        parse_regions(labels, texts, [])


def test_labels_are_grey_levels_or_palette_indices(tmp_path):
    labels = np.array([[0, 1], [2, 3]], np.uint8)
    Image.fromarray(labels).save(tmp_path / "grey.png")
    palette = Image.fromarray(labels).convert("P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    palette.save(tmp_path / "palette.png")
    Image.fromarray(labels).convert("RGB").save(tmp_path / "colour.png")
    for name in ("grey.png", "palette.png"):
        assert np.array_equal(read_labels(str(tmp_path / name)), labels)
    for name in ("colour.png", "absent.png"):
        with pytest.raises(InputError, match=name):
            read_labels(str(tmp_path / name))


def test_the_command_paints_each_region_and_the_recipe_paints_it_again(tmp_path, capsys):
    labels = np.zeros((40, 40), np.uint8)
    labels[:, 20:] = 1
    rng = np.random.default_rng(0)
    for name in ("content", "a", "b"):
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(tmp_path / f"{name}.png")
    Image.fromarray(labels).save(tmp_path / "mask.png")
    content, a, b, mask = (str(tmp_path / f"{n}.png") for n in ("content", "a", "b", "mask"))
    out, again = tmp_path / "out.png", tmp_path / "again.png"
    styles = ["--style", f"{a}=0.7", "--style", f"{b}=0.3,angle=90"]
    regions = ["--regions", mask, "--region", f"1={b}"]
    assert main([content, *styles, *regions, "-o", str(out), *FAST]) == 0
    recipe = Recipe.parse(tmp_path / "out.json")
    assert [style.picture for style in recipe.all_styles] == [a, b]
    assert recipe.regions.labels == mask
    assert not recipe.steered
    assert main(["--recipe", str(tmp_path / "out.json"), "-o", str(again), "--quiet"]) == 0
    assert out.read_bytes() == again.read_bytes()
    assert load_regions(recipe.regions).region(1).style == 1
    assert load_styles(recipe.all_styles)[1].angle == 90
    assert main([content, a, "--region", "1=x.png", "-o", str(out), *FAST]) == 2
    assert "--regions" in capsys.readouterr().err
    assert main([content, a, "--regions", mask, "--region", f"7={b}", "-o", str(out), *FAST]) == 2
    assert "no label 7" in capsys.readouterr().err
    Image.fromarray(labels * 0).save(mask)
    assert main([content, a, "--regions", mask, "-o", str(out), *FAST]) == 2
    assert "nothing would be painted" in capsys.readouterr().err


def test_a_misspelt_option_of_a_style_is_told():
    with pytest.raises(InputError, match="FILE=SHARE"):
        parse_styles(["a.png=0.5,scael=2"])
