"""Time to quality: this package beside pastiche, PyTorch's tutorial and `torch.optim`.

The rules, the same for every party: the same 8-bit pictures, already of the size that is painted; the
same network (the original VGG-19); a process of its own; a clock that runs from the pictures' paths to
the picture and leaves out only imports, reading the network's parameters and waking the device. What is
judged is what a user would get, the 8-bit picture, by one float32 network, after the race.
"""

import os

#: The environment that every party's process gets: the one that this was started in, before this package
#: prepares its own for torch.
INHERITED = dict(os.environ)
