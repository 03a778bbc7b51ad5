"""The party *shared-torch*: the shared objective, minimised as PyTorch's tutorial minimises its own.

Float32, losses between the layers of a plain trunk, and the pixels, from the content, as the parameter of
`torch.optim.LBFGS` at its defaults, clamped to [0, 1] in the closure. As it minimises what the total
measures, it is what that total can be brought to without this package's canvas, schedule and precision.
"""

from __future__ import annotations

from benchmarks.recorder import Job
from benchmarks.shared_objective import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT
from benchmarks.tutorial import Objective, paint
from napari_style_transfer.engine.networks.weights import load_weights

#: The tutorial's Gram matrices are those per position divided by C, which makes up for the 1 / C² of
#: the shared objective.
_SHARED = Objective((CONTENT_LAYER,), CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT)


def main() -> None:
    paint(Job.from_command_line(), load_weights(), _SHARED)


if __name__ == "__main__":
    main()
