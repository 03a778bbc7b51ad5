"""The contrastive term: a place of a picture stays recognisable (Park et al. 2020, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Numbers that describe a place.
_LENGTH = 256
#: Of the softmax (equation 2).
_TEMPERATURE = 0.07
#: Places of a picture that are told from one another.
_PLACES = 256


class PatchContrast(nn.Module):
    """How well places of a translated picture are recognised among those of its original (PatchNCE).

    At some places, the encoder's maps of both pictures are projected to vectors of length 1. Each place of
    the translated picture is to be most like the same place of the original.

    Parameters
    ----------
    widths
        Channels of each of the encoder's maps.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(width, _LENGTH), nn.ReLU(), nn.Linear(_LENGTH, _LENGTH))
            for width in widths
        )

    def forward(
        self, translated: Sequence[Tensor], original: Sequence[Tensor], random: Random
    ) -> Tensor:
        """Return the mean cross-entropy, 0 where every place is recognised.

        Parameters
        ----------
        translated, original
            The encoder's maps (N, C, h, w) of both, from full size to the smallest.
        random
            Draws the places.
        """
        losses = []
        for projection, one, two in zip(self.projections, translated, original, strict=True):
            count = one.shape[-2] * one.shape[-1]
            drawn = random.sample(range(count), min(_PLACES, count))
            places = torch.tensor(drawn, device=one.device)
            query, key = (
                functional.normalize(projection(each.flatten(2)[..., places].mT.float()), dim=-1)
                for each in (one, two)
            )
            # What is compared with stays as it is: only the translated picture is moved.
            scores = query @ key.detach().mT / _TEMPERATURE
            wanted = torch.arange(len(places), device=one.device).expand(len(scores), -1)
            losses.append(functional.cross_entropy(scores.mT, wanted))
        return torch.stack(losses).mean()
