"""Translation there and back (CycleGAN; Zhu, Park, Isola & Efros 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.networks.generator import Generator
from napari_style_transfer.engine.translation.trainer import (
    Trainer,
    adversarial_loss,
    discriminator_loss,
    move,
)

#: Weight of the identity term, relative to that of the cycle (section 5.2).
_IDENTITY = 0.5


class CycleTrainer(Trainer):
    """Pictures pass for the target's, and a second generator finds the way back to the source's."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._back = self._placed(Generator(self.generator.channels, self.generator.width))
        self._discriminator, self._discriminator_adam = self._new_discriminator()
        self._discriminator_back, self._discriminator_back_adam = self._new_discriminator()
        self._generator_adam = self._adam(
            chain(self.generator.parameters(), self._back.parameters())
        )

    def step(self, progress: float) -> Mapping[str, Tensor]:
        """Do one step, and return the losses by name."""
        source, target = self._draw()
        there, back = self.generator, self._back
        with self._begin(progress):
            # Each generator also meets the pictures that it should leave as they are.
            translated, kept = there(torch.cat([source, target])).float().chunk(2)
            returned, kept_back = back(torch.cat([target, source])).float().chunk(2)
            discriminated = discriminator_loss(self._discriminator, target, translated)
            discriminated_back = discriminator_loss(self._discriminator_back, source, returned)
        move(self._discriminator_adam, discriminated)
        move(self._discriminator_back_adam, discriminated_back)
        for each in (self._discriminator, self._discriminator_back):
            each.requires_grad_(False)
        with self._begin(progress):
            adversarial = adversarial_loss(self._discriminator, translated) + adversarial_loss(
                self._discriminator_back, returned
            )
            cycle = functional.l1_loss(back(translated).float(), source) + functional.l1_loss(
                there(returned).float(), target
            )
            identity = functional.l1_loss(kept, target) + functional.l1_loss(kept_back, source)
            loss = adversarial + self._settings.cycle_weight * (cycle + _IDENTITY * identity)
        move(self._generator_adam, loss)
        for each in (self._discriminator, self._discriminator_back):
            each.requires_grad_(True)
        self._end()
        return {
            "adversarial": adversarial.detach(),
            "cycle": cycle.detach(),
            "identity": identity.detach(),
            "discriminator": (discriminated + discriminated_back).detach(),
        }
