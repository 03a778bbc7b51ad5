"""Judge pictures of one content in one style: ``python -m benchmarks.fast_judge CONTENT STYLE RESULT...``.

By the float32 VGG-19 of the other benchmarks, and by a second network that nobody here has learned from.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.judge import Judge
from benchmarks.second_network import SecondNetwork, distance
from napari_style_transfer.engine.tensors import resize, to_array, to_tensor
from napari_style_transfer.spec import ImageSource


@dataclass(frozen=True)
class FastVerdict:
    """What one picture is worth.

    Attributes
    ----------
    style, content, balanced
        As in :class:`benchmarks.judge.Verdict`.
    times_lower
        How many times lower its style loss is than the content's own.
    gram
        Relative distance of the second network's Gram matrices from the painting's.
    gram_share
        This distance in units of the content's own.
    """

    style: float
    content: float
    balanced: float
    times_lower: float
    gram: float
    gram_share: float


class FastJudge:
    """Judges pictures painted from one content and one style.

    Parameters
    ----------
    content, style
        Arrays or paths. Results of another size are first scaled to the content's.
    device
        Where it computes.
    second
        The second network; its own if None.
    """

    def __init__(
        self,
        content: ImageSource,
        style: ImageSource,
        device: str = "cpu",
        second: SecondNetwork | None = None,
    ) -> None:
        self._device = torch.device(device)
        self._first = Judge(content, style, device)
        self._second = second or SecondNetwork(self._device)
        self._shape = to_tensor(content, "content").shape[-2:]
        self._grams = self._second.grams(to_tensor(style, "style").to(self._device))
        self._start = self._first(content)
        self._start_gram = self._distance(content)

    def __call__(self, result: ImageSource) -> FastVerdict:
        """Judge a picture."""
        verdict = self._first(result)
        gram = self._distance(result)
        return FastVerdict(
            style=verdict.style,
            content=verdict.content,
            balanced=verdict.balanced,
            times_lower=self._start.style / verdict.style if verdict.style else float("inf"),
            gram=gram,
            gram_share=gram / self._start_gram,
        )

    def _distance(self, source: ImageSource) -> float:
        picture = to_tensor(source, "judged")
        if picture.shape[-2:] != self._shape:
            scaled = resize(picture, (self._shape[0], self._shape[1]))
            picture = to_tensor(to_array(scaled), "judged")
        return distance(self._second.grams(picture.to(self._device)), self._grams)


def judge(
    content: ImageSource, style: ImageSource, results: Sequence[ImageSource], device: str = "cpu"
) -> list[FastVerdict]:
    """Judge several pictures of one pair."""
    one = FastJudge(content, style, device)
    return [one(result) for result in results]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fast_judge", description=__doc__)
    parser.add_argument("content", help="path of the content")
    parser.add_argument("style", help="path of the painting")
    parser.add_argument("results", nargs="+", help="paths of the pictures to judge")
    parser.add_argument("--device", default="cpu", help="where to compute")
    options = parser.parse_args()
    print("| picture | style | times lower | content | balanced | second network | share |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for path, verdict in zip(
        (options.content, *options.results),
        judge(options.content, options.style, [options.content, *options.results], options.device),
        strict=True,
    ):
        print(
            f"| {path} | {verdict.style:.4g} | {verdict.times_lower:.3g} | {verdict.content:.4g} | "
            f"{verdict.balanced:.4g} | {verdict.gram:.3f} | {verdict.gram_share:.2f} |"
        )


if __name__ == "__main__":
    main()
