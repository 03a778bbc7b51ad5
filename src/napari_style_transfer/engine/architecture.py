"""torchvision's VGG-19: its layout and where its weights are, loaded with care."""

from napari_style_transfer.engine.coexist import load_libraries

load_libraries()  # before torchvision, or a process with a window open may crash

from torchvision.models import VGG19_Weights  # noqa: E402
from torchvision.models.vgg import cfgs, make_layers  # noqa: E402

__all__ = ["VGG19_Weights", "cfgs", "make_layers"]
