"""The thread of an export."""

from __future__ import annotations

from collections.abc import Generator
from typing import Never

from napari_style_transfer.engine.libraries import load_libraries, no_collections
from napari_style_transfer.plugin.inputs.export_job import ExportJob
from napari_style_transfer.plugin.runs.messages import Exported


def export(job: ExportJob, *_: object) -> Generator[Never, None, Exported]:
    """Export a fast style, which is not stopped half-way.

    The other arguments are those of :func:`~napari_style_transfer.plugin.runs.worker.paint`.
    """
    yield from ()
    load_libraries()
    with no_collections():
        from napari_style_transfer.export.export import export_fast_style
        from napari_style_transfer.export.page import write_page
        from napari_style_transfer.fast_style import FastStyle

    source, kind = job.source, job.kind
    fast_style = FastStyle.load(source) if isinstance(source, str) else source
    fast_style = fast_style.only(job.entry.index)
    if kind.is_page:
        write_page(
            [fast_style], job.path, onnxruntime_web=job.runtime, half=kind.half, int8=kind.int8
        )
        return Exported(job.path)
    path = export_fast_style(fast_style, job.path, size=job.size, half=kind.half, int8=kind.int8)
    return Exported(path, path.stat().st_size)
