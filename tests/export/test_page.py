"""The web page's files: whole, without addresses of others, and nothing of the user's is overwritten."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fast_styles import fast_style
from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.export.page import RUNTIME_FILES, find_runtime, write_page
from napari_style_transfer.fast_style import FastStyle

pytest.importorskip("onnx")


def runtime(folder: Path) -> Path:
    """Return a folder as npm leaves it, with other contents."""
    dist = folder / "node_modules" / "onnxruntime-web" / "dist"
    dist.mkdir(parents=True)
    for name in RUNTIME_FILES:
        (dist / name).write_bytes(name.encode())
    return folder


def page(tmp_path: Path, *styles: FastStyle) -> Path:
    web = tmp_path / "web"
    if not web.exists():
        runtime(web)
    folder = tmp_path / "page"
    index = write_page(styles or [fast_style("night")], folder, onnxruntime_web=web)
    assert index == folder / "index.html"
    return folder


def listed(folder: Path) -> list[dict[str, object]]:
    models = json.loads((folder / "styles.json").read_text("utf-8"))["models"]
    assert isinstance(models, list)
    return models


def own_files(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.suffix in (".html", ".css", ".js", ".json")]


def test_every_file_that_is_named_is_there(tmp_path: Path) -> None:
    folder = page(tmp_path, fast_style("night", "meadow"), fast_style("woodcut", seed=1))
    named = {"index.html"}
    for model in listed(folder):
        named |= {str(model["file"])} | {style["thumbnail"] for style in model["styles"]}  # type: ignore[attr-defined]
    for path in own_files(folder):
        text = path.read_text("utf-8")
        named |= set(re.findall(r"(?:href|src)=\"([^\"]+)\"", text))
        named |= set(re.findall(r"from '\./([^']+)'", text))
        named |= set(re.findall(r"new URL\('([^']+)', import", text))
        named |= {f"onnxruntime/{name}" for name in re.findall(r"'(ort[\w.-]+)'", text)}
    assert {"worker.js", "picture-worker.js", "app.js", "style.css"} < named
    for name in named:
        assert (folder / name).exists(), name
    for name in RUNTIME_FILES:
        assert (folder / "onnxruntime" / name).read_bytes() == name.encode()


def test_models_and_thumbnails_are_those_of_the_styles(tmp_path: Path) -> None:
    styles = [fast_style("night", "meadow"), fast_style("woodcut", seed=1, sides=(20, 30))]
    folder = page(tmp_path, *styles)
    first, second = listed(folder)
    assert FastStyle.load(folder / str(first["file"])).names == ("night", "meadow")
    assert [style["name"] for style in first["styles"]] == ["night", "meadow"]  # type: ignore[attr-defined]
    (style,) = second["styles"]  # type: ignore[misc]
    with Image.open(folder / style["thumbnail"]) as thumbnail:
        assert thumbnail.size == (30, 20)
    assert second["licence"] == "CC0"


def test_the_page_names_no_address_of_others(tmp_path: Path) -> None:
    files = own_files(page(tmp_path))
    assert len(files) >= 8
    for path in files:
        assert not re.search(r"\b(?:https?|wss?|ftp)://|[\"'(]//\w", path.read_text("utf-8")), path


def test_names_are_data_and_never_markup(tmp_path: Path) -> None:
    name = '</script><img src=x onerror=alert(1)> "q" \'é'
    folder = page(tmp_path, fast_style(name))
    assert listed(folder)[0]["styles"][0]["name"] == name  # type: ignore[index]
    for path in own_files(folder):
        text = path.read_text("utf-8")
        assert path.name == "styles.json" or "onerror=" not in text
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text
        ), path


def test_a_page_is_written_over_and_the_files_of_others_stay(tmp_path: Path) -> None:
    folder = page(tmp_path, fast_style("night", "meadow"))
    (folder / "CNAME").write_text("example", encoding="utf-8")
    page(tmp_path, fast_style("woodcut"))
    (model,) = listed(folder)
    assert [each.name for each in (folder / "models").iterdir()] == [Path(str(model["file"])).name]
    assert [each.name for each in (folder / "thumbnails").iterdir()] == ["1-1.jpg"]
    assert (folder / "CNAME").read_text("utf-8") == "example"


@pytest.mark.parametrize("text", [None, "{", '{"models": 3}', '{"other": []}'])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, text: str | None) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine", encoding="utf-8")
    if text is not None:
        (folder / "styles.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="holds other files"):
        page(tmp_path)
    assert {each.name for each in folder.iterdir()} <= {"thesis.txt", "styles.json"}


def test_a_list_that_names_files_elsewhere_deletes_none(tmp_path: Path) -> None:
    folder = page(tmp_path)
    victim = tmp_path / "victim.onnx"
    victim.touch()
    (folder / "keep.txt").touch()
    names = ["../victim.onnx", "models/../../victim.onnx", str(victim), "keep.txt"]
    models = [{"file": name, "styles": []} for name in names]
    (folder / "styles.json").write_text(json.dumps({"models": models}), encoding="utf-8")
    page(tmp_path)
    assert victim.exists()
    assert (folder / "keep.txt").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "page").touch()
    with pytest.raises(InputError, match="a file, not a folder"):
        page(tmp_path)


def test_the_runtime_is_found_where_npm_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dist = runtime(tmp_path) / "node_modules" / "onnxruntime-web" / "dist"
    assert find_runtime(dist) == find_runtime(dist.parent) == find_runtime(tmp_path) == dist
    monkeypatch.chdir(tmp_path)
    assert find_runtime() == dist


def test_without_the_runtime_a_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="npm install onnxruntime-web"):
        find_runtime(tmp_path)
    dist = runtime(tmp_path) / "node_modules" / "onnxruntime-web" / "dist"
    (dist / RUNTIME_FILES[-1]).unlink()
    with pytest.raises(InputError, match=f"has no {RUNTIME_FILES[-1]}"):
        find_runtime(tmp_path)


def test_nothing_is_written_without_the_runtime(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_page([fast_style()], tmp_path / "page", onnxruntime_web=tmp_path / "none")
    assert not (tmp_path / "page").exists()


def test_a_page_needs_a_style(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one"):
        write_page([], tmp_path / "page")


def test_the_models_are_as_small_and_say_the_licence_that_is_asked_for(tmp_path: Path) -> None:
    def size(folder: Path) -> int:
        (model,) = (folder / "models").iterdir()
        return model.stat().st_size

    web, styles = runtime(tmp_path / "web"), [fast_style()]
    folders = [tmp_path / name for name in ("full", "half", "int8")]
    write_page(styles, folders[0], onnxruntime_web=web)
    write_page(styles, folders[1], onnxruntime_web=web, half=True, licence="MIT")
    write_page(styles, folders[2], onnxruntime_web=web, int8=True)
    full, half, int8 = map(size, folders)
    assert full > half > int8
    assert [listed(folder)[0]["licence"] for folder in folders] == ["CC0", "MIT", "CC0"]
