"""Stains are separated and matched (Macenko et al. 2009), against slides that are made from known ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_style_transfer.augment.stain import match_stain, stains
from napari_style_transfer.errors import ContentError, InputError

HAEMATOXYLIN, EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])
OTHER = np.array([0.55, 0.76, 0.35]), np.array([0.20, 0.90, 0.38])


def slide(
    first: Any, second: Any, seed: int = 0, strength: float = 1.0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return a slide, (64, 64, 3), and the amounts of its two stains, (2, 64, 64)."""
    amounts = np.random.default_rng(seed).gamma(1.2, 0.5, (2, 64, 64)) * strength
    amounts[0, :, :32] *= 0.02
    amounts[1, :, 32:] *= 0.02
    amounts[:, :6] = 0  # clear
    basis = np.stack([first / np.linalg.norm(first), second / np.linalg.norm(second)], 1)
    density = np.tensordot(basis, amounts, 1)
    return np.moveaxis(np.clip(240 / 255 * np.exp(-density), 0, 1), 0, 2), amounts


@pytest.mark.parametrize("pair", [(HAEMATOXYLIN, EOSIN), (EOSIN, HAEMATOXYLIN), OTHER])
def test_the_two_stains_are_found(pair: Any) -> None:
    found = stains(slide(*pair)[0])
    wanted = sorted(pair, key=lambda each: -each[0] / np.linalg.norm(each))
    for vector, each in zip(found.T, wanted, strict=True):
        assert vector @ each / np.linalg.norm(each) > 0.998


def test_a_slide_gets_the_others_stains_and_keeps_its_amounts() -> None:
    picture, _ = slide(HAEMATOXYLIN, EOSIN)
    reference, _ = slide(*OTHER, seed=1, strength=0.7)
    expected, _ = slide(*OTHER, seed=0, strength=0.7)
    matched = match_stain(picture, reference)
    assert np.abs(matched - expected).mean() < 0.02
    assert np.abs(matched - expected).mean() < 0.2 * np.abs(picture - expected).mean()
    half = match_stain(picture, reference, 0.5)
    np.testing.assert_allclose(half, (picture + matched) / 2, atol=1e-6)


def test_a_slide_matched_to_itself_stays() -> None:
    picture, _ = slide(HAEMATOXYLIN, EOSIN)
    assert np.abs(match_stain(picture, picture) - picture).mean() < 0.005


def test_without_stained_tissue_it_says_so() -> None:
    picture, _ = slide(HAEMATOXYLIN, EOSIN)
    clear = np.full((32, 32, 3), 0.95)
    with pytest.raises(ContentError, match="no stained tissue"):
        match_stain(clear, picture)
    with pytest.raises(InputError, match="The style: There is no stained tissue"):
        match_stain(picture, clear)
    with pytest.raises(ContentError, match="one colour only"):
        stains(np.full((32, 32, 3), (0.5, 0.2, 0.6)))
