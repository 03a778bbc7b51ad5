"""What both ways of learning a translation share: patches, the discriminator's step, and the average."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from random import Random
from typing import TypeVar

import torch
from torch import Tensor, nn

from napari_style_transfer.engine.networks.discriminator import Discriminator
from napari_style_transfer.engine.networks.generator import Generator
from napari_style_transfer.engine.translation.domain import Domain
from napari_style_transfer.translation import TranslationSettings

#: Adam's rates (Kingma & Ba 2015) of generator and discriminator, and its betas (Park et al. 2020).
_RATE, _DISCRIMINATOR_RATE, _BETAS = 4e-4, 4e-4, (0.5, 0.99)
#: Share of the time after which the rates fall to 0.
_CONSTANT = 0.5
#: What is kept is an average over about so many steps: single steps swing.
_AVERAGED = 100
#: Patches of each domain in a step.
_PATCHES = 1


Network = TypeVar("Network", bound=nn.Module)


class Trainer(ABC):
    """Changes a generator so that what it makes passes for a picture of the target.

    Parameters
    ----------
    generator
        To begin with; it is changed.
    source, target
        The domains.
    settings
        Uses `patch`, `width`, `seed` and the weights of the terms.
    device
        Where to compute.
    dtype
        Of the networks' maps: float32 or bfloat16.
    """

    def __init__(
        self,
        generator: Generator,
        source: Domain,
        target: Domain,
        settings: TranslationSettings,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._source, self._target, self._settings = source, target, settings
        self._device, self._dtype = device, dtype
        self._random = Random(settings.seed)
        self.generator = self._placed(generator)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self._optimizers: list[tuple[torch.optim.Adam, float]] = []
        self._steps = 0

    @abstractmethod
    def step(self, progress: float) -> Mapping[str, Tensor]:
        """Do one step, and return the losses by name.

        Parameters
        ----------
        progress
            Of the time to learn, the share that is over, from 0 to 1.
        """

    def copy(self) -> Generator:
        """Return a copy of the generator's average, on the CPU."""
        return copy.deepcopy(self.average).cpu().eval()

    def _placed(self, network: Network) -> Network:
        """Return a network where it is to be trained."""
        network.to(self._device).to(memory_format=torch.channels_last)
        return network.train()

    def _adam(self, parameters: Iterable[nn.Parameter], rate: float = _RATE) -> torch.optim.Adam:
        adam = torch.optim.Adam(parameters, rate, _BETAS)
        self._optimizers.append((adam, rate))
        return adam

    def _new_discriminator(self) -> tuple[Discriminator, torch.optim.Adam]:
        """Return a discriminator, and what moves it."""
        network = self._placed(Discriminator(self.generator.channels, self._settings.width))
        return network, self._adam(network.parameters(), _DISCRIMINATOR_RATE)

    def _draw(self) -> tuple[Tensor, Tensor]:
        """Return patches of both domains."""
        source, target = (
            domain.draw(_PATCHES, self._settings.patch, self._random).to(
                self._device, memory_format=torch.channels_last
            )
            for domain in (self._source, self._target)
        )
        return source, target

    def _begin(self, progress: float) -> torch.autocast:
        """Set the rates of a step, and return the context in which it is computed."""
        left = min(1.0, (1 - progress) / (1 - _CONSTANT))
        for adam, rate in self._optimizers:
            adam.param_groups[0]["lr"] = rate * max(left, 0.01)
        return torch.autocast(
            self._device.type, self._dtype, enabled=self._dtype is not torch.float32
        )

    @torch.no_grad()
    def _end(self) -> None:
        """Take the generator as it is now into the average."""
        self._steps += 1
        share = max(1 / self._steps, 1 / _AVERAGED)
        for mean, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(now, share)


def move(adam: torch.optim.Adam, loss: Tensor) -> None:
    """Do a step down a loss."""
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()


def discriminator_loss(discriminator: Discriminator, real: Tensor, translated: Tensor) -> Tensor:
    """Return the discriminator's loss, least squares (Mao et al. 2017).

    A hinge learned slower from the same pictures: the haze around nuclei was missing.
    """
    ones, zeros = discriminator(real).float(), discriminator(translated.detach()).float()
    loss: Tensor = ((ones - 1).square().mean() + zeros.square().mean()) / 2
    return loss


def adversarial_loss(discriminator: Discriminator, translated: Tensor) -> Tensor:
    """Return the generator's loss: how far translated pictures are from passing for real ones."""
    score: Tensor = (discriminator(translated).float() - 1).square().mean()
    return score
