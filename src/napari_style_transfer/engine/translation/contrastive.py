"""Contrastive unpaired translation (CUT; Park, Efros, Zhang & Zhu 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from napari_style_transfer.engine.losses.contrastive import PatchContrast
from napari_style_transfer.engine.translation.trainer import (
    Trainer,
    adversarial_loss,
    discriminator_loss,
    move,
)


class ContrastiveTrainer(Trainer):
    """Pictures pass for the target's, and each place stays recognisable by the source's.

    The same is asked of the target's own pictures, which are to stay as they are (section 3.3).
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._discriminator, self._discriminator_adam = self._new_discriminator()
        patch = torch.zeros(1, self.generator.channels, 16, 16, device=self._device)
        widths = [each.shape[1] for each in self.generator.encode(patch)]
        self._contrast = self._placed(PatchContrast(widths))
        self._generator_adam = self._adam(
            chain(self.generator.parameters(), self._contrast.parameters())
        )

    def step(self, progress: float) -> Mapping[str, Tensor]:
        """Do one step, and return the losses by name."""
        source, target = self._draw()
        generator, contrast = self.generator, self._contrast
        with self._begin(progress):
            both = torch.cat([source, target])
            maps = generator.encode(both)
            made = generator.decode(both, maps)
            translated = made[: len(source)].float()
            discriminated = discriminator_loss(self._discriminator, target, translated)
        move(self._discriminator_adam, discriminated)
        self._discriminator.requires_grad_(False)
        with self._begin(progress):
            adversarial = adversarial_loss(self._discriminator, translated)
            again = generator.encode(made.float())
            contrastive = contrast(again, maps, self._random)
            loss = adversarial + self._settings.contrast_weight * contrastive
        move(self._generator_adam, loss)
        self._discriminator.requires_grad_(True)
        self._end()
        return {
            "adversarial": adversarial.detach(),
            "contrastive": contrastive.detach(),
            "discriminator": discriminated.detach(),
        }
