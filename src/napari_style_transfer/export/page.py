"""A web page that paints with fast styles: static files, for any web server and without network.

The page runs onnxruntime-web, which is too large to come with this package. Its files are copied from where
npm put them. Nothing is downloaded, neither here nor by the page.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.io.names import check_name

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.progress import Picture

#: What the page needs of onnxruntime-web: a browser loads the first three, or the others if it has WebGPU.
RUNTIME_FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
#: The list of styles, which says that a folder is a page of ours, and the version of what is in it.
_LIST, _FORMAT = "styles.json", 1


def write_page(
    fast_styles: Sequence[FastStyle],
    folder: Path,
    *,
    onnxruntime_web: Path | None = None,
    half: bool = False,
    int8: bool = False,
    licence: str = "",
) -> Path:
    """Write a web page that paints with fast styles.

    An earlier page in the folder is replaced; files of others beside it stay.

    Parameters
    ----------
    fast_styles
        At least one. All their styles can be chosen on the page.
    folder
        Where to write it; made if it is missing.
    onnxruntime_web
        The package onnxruntime-web as npm installed it, its folder ``dist``, or a folder with
        ``node_modules``. The current folder if None.
    half, int8, licence
        Of each model; as for :func:`~napari_style_transfer.export_fast_style`.

    Returns
    -------
    Path
        Of its index.html.

    Raises
    ------
    InputError
        If onnxruntime-web is not found, the folder holds something else, or it cannot be written.
    """
    folder = Path(folder)
    if not fast_styles:
        raise InputError("A page needs at least one fast style.")
    runtime = find_runtime(onnxruntime_web)
    earlier = check_page(folder)
    models = [
        _model(fast_style, number, half, int8, licence)
        for number, fast_style in enumerate(fast_styles, start=1)
    ]
    files = {name: data for _, written in models for name, data in written.items()}
    listed = {
        "format": _FORMAT,
        "version": metadata.version("napari-style-transfer"),
        "models": [described for described, _ in models],
    }
    try:
        for name in RUNTIME_FILES:
            _save(folder / "onnxruntime" / name, (runtime / name).read_bytes())
        for name, data in (*_static(), *files.items()):
            _save(folder / name, data)
        _save(folder / _LIST, json.dumps(listed, ensure_ascii=False, indent=1).encode())
        for name in earlier - files.keys():
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"Cannot write the page {folder}: {error.strerror or error}.") from None
    return folder / "index.html"


def find_runtime(given: Path | None = None) -> Path:
    """Return the folder with the files of onnxruntime-web.

    Parameters
    ----------
    given
        As for :func:`write_page`.

    Raises
    ------
    InputError
        If they are not there; the message says how to get them.
    """
    start = Path.cwd() if given is None else Path(given)
    inside = Path("node_modules", "onnxruntime-web", "dist")
    for folder in (start, start / "dist", start / inside):
        if (folder / RUNTIME_FILES[0]).is_file():
            missing = [name for name in RUNTIME_FILES if not (folder / name).is_file()]
            if not missing:
                return folder
            raise InputError(
                f"The onnxruntime-web in {folder} has no {missing[0]}; "
                "run: npm install onnxruntime-web@1.30"
            )
    raise InputError(
        f"The page needs onnxruntime-web, which is not in {start}; run: npm install onnxruntime-web, "
        "and write the page from there, or name its folder with --onnxruntime-web."
    )


def check_page(folder: Path) -> set[str]:
    """Return models and thumbnails of the page that is in the folder, before any work is done.

    Raises
    ------
    InputError
        If the folder holds something else, or is none.
    """
    check_name(folder)
    try:
        if not folder.exists() or not any(folder.iterdir()):
            return set()
        listed = json.loads((folder / _LIST).read_text("utf-8"))
        models = [(each["file"], each["styles"]) for each in listed["models"]]
        names = {file for file, _ in models}
        names |= {style["thumbnail"] for _, styles in models for style in styles}
    except NotADirectoryError:
        raise InputError(f"Cannot write a page to {folder}: it is a file, not a folder.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{folder} holds other files; give the page a new folder, or an empty one."
        ) from None
    # Of what others may have written into the list, nothing outside these two folders is deleted.
    return {name for name in names if Path(name).parent in (Path("models"), Path("thumbnails"))}


def _static() -> Iterator[tuple[str, bytes]]:
    """Return the files that every page has, by name."""
    for file in (resources.files(__package__) / "page_files").iterdir():
        yield file.name, file.read_bytes()


def _model(
    fast_style: FastStyle, number: int, half: bool, int8: bool, licence: str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what the list says of a model, and its files by name."""
    from napari_style_transfer.export.onnx import onnx_model

    data = onnx_model(fast_style, half=half, int8=int8, licence=licence).SerializeToString()
    # Named by what is in it: a browser that keeps files never takes an earlier one.
    model = f"models/{hashlib.sha256(data).hexdigest()[:12]}.onnx"
    files, styles = {model: data}, []
    info = fast_style.info
    for index, (name, picture) in enumerate(zip(info.names, info.thumbnails, strict=True), start=1):
        thumbnail = f"thumbnails/{number}-{index}.jpg"
        files[thumbnail] = _jpeg(picture)
        styles.append({"name": name, "thumbnail": thumbnail})
    return {"file": model, "licence": licence or info.note, "styles": styles}, files


def _jpeg(picture: Picture) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=90, subsampling=0)
    return data.getvalue()


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_bytes(path, data)
