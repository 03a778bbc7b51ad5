"""The page of the translation's benchmark."""

from __future__ import annotations

from typing import Any

from benchmarks.report import machine_text

#: Kinds of learning.
LEARNED = ("contrastive", "cycle")
#: Ways of the package that need no learning.
_MATCHES = ("colour", "stain")
#: The aim, in dB.
_WANTED = 25.0
_WHAT = {
    "recoloured": "Photographs, to those of a camera with other colours, more contrast, blur and noise.",
    "restained": "A slide with haematoxylin and DAB, to another part of it in other, paler stains.",
    "fluorescent": "Cells in phase contrast, made here, to their nuclei in 16-bit fluorescence, from "
    "the negative (`--tones negative`).",
    "widefield": "Nuclei in focus, made here, to a microscope with out-of-focus light, blur and other "
    "16-bit values.",
}
_NOTES = (
    "*PSNR*: of the test's pictures against what the true map makes of them, without noise; the peak is "
    "the range of the truth, 255 for 8 bits. *SSIM*: scikit-image's, of the same. *Agreement*: "
    "intersection over union of what lies above Otsu's threshold in both, below it for colours. *Edges "
    "kept* and *inverted*: between a picture and its translation, as the translator's own guard measures "
    "it. Learning saw neither the test's pictures nor any pair. *Histogram*: scikit-image's "
    "`match_histograms`, with all the target's pictures as the reference. *Mean and deviation*: of each "
    "channel, over all pictures; with these learning begins. Where objects are dark in the source and "
    "bright in the target, both are of the negative. *Colour*: mean and covariance (`augment --colour`), "
    "*stain*: `augment --stain`; *torchstain*: its Macenko normaliser, for slides. *Seams*: largest "
    "difference between a picture translated whole and in tiles of 64 pixels, in shares of the range."
)


def text(data: dict[str, Any]) -> str:
    """Return the page, in Markdown."""
    lines = [
        "# Is a learned translation the true one?",
        "",
        f"Made by `{data['command']}`: {data['minutes']:g} minutes of learning each.",
        "",
        machine_text(data["machine"]),
        "",
        _NOTES,
        "",
        "![In each row a picture, its colours matched, what was learned of it, the truth, and one of the "
        "target's pictures](translate-benchmark.jpg)",
        "",
        "In each row: a test's picture, the match of colours, the translations that were learned, the "
        "truth, and a picture of the target.",
    ]
    for name, figures in data["figures"].items():
        lines += ["", f"## {name}", "", _WHAT[name], ""]
        instant = {
            who: each["psnr"] for who, each in figures.items() if not who.startswith(LEARNED)
        }
        best = max(instant, key=lambda who: instant[who])
        matched = max(instant.get(who, 0.0) for who in _MATCHES)
        for kind in LEARNED:
            if kind in figures:
                reached = figures[kind]["psnr"]
                lines += [
                    f"- {kind}: {reached:.1f} dB, {'above' if reached >= _WANTED else 'below'} the aim of "
                    f"{_WANTED:g}; {reached - matched:+.1f} dB beside the matches of colours and stains, "
                    f"{reached - instant[best]:+.1f} dB beside the best that needs no learning ({best})."
                ]
        keys = ("psnr", "ssim", "agreement", "kept", "inverted")
        lines += [
            "",
            "| method | PSNR, dB | SSIM | agreement | edges kept | inverted | seams |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for who, found in figures.items():
            numbers = [f"{found[key]:.{1 if key == 'psnr' else 2}f}" for key in keys]
            seams = f"{found['seams']:.1e}" if "seams" in found else "–"
            lines += [f"| {who} | {' | '.join(numbers)} | {seams} |"]
    return "\n".join(lines) + "\n"
