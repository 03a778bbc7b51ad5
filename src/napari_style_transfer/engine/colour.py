"""Colour control: a style in the content's colours, or only its light and shade (Gatys et al. 2016, 2017).

Two ways to keep the content's colours. Either the style picture is given them before it is used as a style:
`match_colours`. Or only luminance is painted, with `luminance` and `match_luminance` of the pictures,
and `with_chrominance_of` lays the content's colours over the result.

Gatys et al. (2016), "Preserving color in neural artistic style transfer", arXiv:1606.05897; and (2017),
"Controlling perceptual factors in neural style transfer", CVPR, section on colour control.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: What red, green and blue add to luminance: ITU-R BT.601, as in YIQ, the space of Gatys et al. (2017).
REC_601 = (0.299, 0.587, 0.114)

#: Standard deviation below which colours are stretched no further: one grey level. Less than that is the
#: rounding of a grey picture, and would be blown up to specks of colour.
_LEAST_SPREAD = 1 / 255
#: Pixels whose float64 copies are held at once.
_TOGETHER = 1 << 18


def match_colours(
    picture: Tensor,
    reference: Tensor,
    least_spread: float = _LEAST_SPREAD,
    colours: Tensor | None = None,
) -> Tensor:
    """Return a picture with the mean and the covariance of the reference's colours.

    The map is affine, x ↦ A (x − μ_picture) + μ_reference with the symmetric roots
    A = Σ_reference^½ Σ_picture^−½ (Gatys et al. 2016, the variant they name after Image Analogies). In
    directions in which the picture's colours spread less than `least_spread`, as a grey picture's do in
    hue, the result spreads less than the reference; a flat picture becomes the reference's mean colour.

    Parameters
    ----------
    picture, reference
        (1, 3, ...) in [0, 1], each of any size.
    least_spread
        Standard deviation below which colours are stretched no further.
    colours
        (1, 3, ...), the picture that gets exactly the reference's mean and covariance, where `picture` is
        one of several like it; `picture` if None.

    Returns
    -------
    Tensor
        Shaped as `picture`, on its device. *Not* clamped to [0, 1], which would undo the match.
    """
    found = colour_map(picture if colours is None else colours, reference, least_spread)
    matrix, offset = (each.to(picture) for each in found)
    return torch.addmm(offset, matrix, picture[0].flatten(1)).view_as(picture)


def colour_map(
    picture: Tensor, reference: Tensor, least_spread: float = _LEAST_SPREAD
) -> tuple[Tensor, Tensor]:
    """Return the matrix (3, 3) and the offset (3, 1) of the map that :func:`match_colours` applies."""
    mean, covariance = _colour_statistics(picture)
    wanted_mean, wanted_covariance = _colour_statistics(reference)
    variances, axes = torch.linalg.eigh(covariance)
    whiten = axes / variances.clamp_min(least_spread**2).sqrt() @ axes.T
    variances, axes = torch.linalg.eigh(wanted_covariance)
    colour = axes * variances.clamp_min(0).sqrt() @ axes.T  # rounding may leave one below 0
    matrix = colour @ whiten
    return matrix, wanted_mean - matrix @ mean


def luminance(picture: Tensor) -> Tensor:
    """Return the luminance (Rec. 601) of a (1, 3, H, W) picture in [0, 1], as a grey picture."""
    weights = picture.new_tensor(REC_601).view(1, 3, 1, 1)
    return (picture * weights).sum(1, keepdim=True).repeat(1, 3, 1, 1)


def match_luminance(style: Tensor, content: Tensor) -> Tensor:
    """Return the style's luminance with the mean and the spread of the content's.

    L ↦ σ_content / σ_style · (L − μ_style) + μ_content (Gatys et al. 2017, luminance-only transfer). A
    style that spreads less than one grey level is stretched as if it spread by one; a flat one becomes
    the content's mean luminance.

    Parameters
    ----------
    style, content
        (1, 3, H, W) in [0, 1], each of any size.

    Returns
    -------
    Tensor
        Grey in three channels, shaped as `style`, *not* clamped to [0, 1]; as :func:`match_colours`.
    """
    light, wanted = luminance(style), luminance(content)
    spread, wanted_spread = (each.std(correction=0) for each in (light, wanted))
    gain = wanted_spread / spread.clamp_min(_LEAST_SPREAD)
    return (light - light.mean()) * gain + wanted.mean()


def with_chrominance_of(painted: Tensor, content: Tensor) -> Tensor:
    """Return the luminance of what was painted in the colours of the content.

    The chrominance of a pixel is what is left of it without its luminance. Grey content leaves room for
    every luminance, pure red for a single one: the painted luminance is clamped to what the chrominance
    allows, so that nothing leaves the gamut and no colour is changed by clipping it.

    Parameters
    ----------
    painted, content
        (1, 3, H, W) in [0, 1], of the same shape.

    Returns
    -------
    Tensor
        (1, 3, H, W) in [0, 1].
    """
    chrominance = content - luminance(content)
    least = -chrominance.amin(1, keepdim=True)
    most = 1 - chrominance.amax(1, keepdim=True)
    return (luminance(painted).clamp(least, most) + chrominance).clamp(0, 1)


def _colour_statistics(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (3, 1) and covariance (3, 3) of a picture's colours: float64, on the CPU.

    Not every device has float64; in float32 the small variances of greyish pictures are lost.
    """
    colours = picture[0].flatten(1)
    total = torch.zeros(3, 1, dtype=torch.float64)
    products = torch.zeros(3, 3, dtype=torch.float64)
    for part in torch.split(colours, _TOGETHER, dim=1):
        part = part.cpu().double()
        total += part.sum(1, keepdim=True)
        products += part @ part.T
    mean = total / colours.shape[1]
    return mean, products / colours.shape[1] - mean @ mean.T
