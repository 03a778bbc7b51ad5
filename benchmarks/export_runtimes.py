"""Runtimes that paint in turn, each in a process of its own: Python's, and Chromium with the page."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from benchmarks import INHERITED
from benchmarks.environment import HOME
from benchmarks.export_party import ExportJob
from benchmarks.launch import PartyError

#: Where the tests have what drives Chromium.
_BROWSER = HOME.parent / "tests" / "export"
#: Lets the page's own code paint a picture of the same server, and returns it with what it took.
_PAINT = """
const [content, done] = arguments;
(async () => {
  if (!self.bench) {
    const { Engine } = await import('./engine.js');
    const { models } = await (await fetch('styles.json')).json();
    const ready = Promise.withResolvers();
    const facts = {};
    const engine = new Engine({
      onProgress() {},
      onBusy() {},
      onEngine: ({ threads }) => (facts.threads = threads),
      onReady: () => ready.resolve(),
      onFailed: ({ message, detail }) => ready.reject(new Error(message || detail)),
    }, 'wasm');
    engine.start(models[0].file);
    await ready.promise;
    const bitmap = await createImageBitmap(await (await fetch(content)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const pixels = () => context.getImageData(0, 0, bitmap.width, bitmap.height);
    const request = { file: models[0].file, shares: [1], strength: 0.5, strokeSize: 1, pixels };
    self.bench = { engine, request, facts };
  }
  const { picture, milliseconds } = await self.bench.engine.paint(self.bench.request);
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext('2d').putImageData(picture, 0, 0);
  done({ milliseconds, picture: canvas.toDataURL('image/png'), ...self.bench.facts });
})().catch((error) => done({ error: String(error) }));
"""


class Runtime(Protocol):
    """Paints one picture, again and again.

    Attributes
    ----------
    facts
        Memory of its process in bytes: at its peak when it had painted once, and before that.
    """

    facts: dict[str, Any]

    def lap(self) -> dict[str, float]:
        """Paint once, and return wall and processor seconds."""
        ...

    def close(self) -> None:
        """End its process."""
        ...


class PythonRuntime:
    """A process of `benchmarks.export_party`, which has painted once when this is there."""

    def __init__(self, job: ExportJob, python: str = sys.executable) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [python, "-W", "ignore", "-m", "benchmarks.export_party", job.to_json()],
            cwd=HOME.parent,
            env=INHERITED | {"OMP_NUM_THREADS": str(job.threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.facts = self._read()

    def lap(self) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        self._process.communicate()
        self._errors.close()

    def _read(self) -> dict[str, Any]:
        """Return what the process says next."""
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):  # libraries may say something, too
                read: dict[str, Any] = json.loads(line)
                return read
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()[-1:]
        self.close()
        raise PartyError(said[0] if said else f"it ended with {self._process.returncode}")


class PageRuntime:
    """Chromium without a window, with a page that is served from a folder.

    Parameters
    ----------
    folder
        The page, with the picture to paint in it.
    content
        Name of that picture.
    painted
        Path of the picture to write.
    """

    def __init__(self, folder: Path, content: str, painted: Path) -> None:
        sys.path.append(str(_BROWSER))
        import psutil
        from browser import Browser, served

        self._content = content
        with ExitStack() as stack:
            address = stack.enter_context(served(folder))
            downloads = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            browser = Browser(downloads)
            stack.callback(browser.close)
            self._driver = browser.driver
            self._driver.set_script_timeout(600)
            self._server = psutil.Process(self._driver.service.process.pid)
            self._driver.get(f"{address}styles.json")  # no page of ours, which would paint, too
            before = self._memory()
            found = self._paint()
            painted.write_bytes(base64.b64decode(found["picture"].partition(",")[2]))
            self.facts = {"before": before, "peak": self._memory(), "threads": found["threads"]}
            self._open = stack.pop_all()

    def lap(self) -> dict[str, float]:
        before = self._processor()
        milliseconds = self._paint()["milliseconds"]
        time.sleep(0.1)  # until the processes have told what they took
        return {"seconds": milliseconds / 1000, "processor": self._processor() - before}

    def close(self) -> None:
        self._open.close()

    def _paint(self) -> dict[str, Any]:
        found: dict[str, Any] = self._driver.execute_async_script(_PAINT, self._content)
        if "error" in found:
            raise PartyError(found["error"])
        return found

    def _processor(self) -> float:
        """Return the processor seconds of all of Chromium's processes so far."""
        times = [each.cpu_times() for each in self._server.children(recursive=True)]
        return float(sum(each.user + each.system for each in times))

    def _memory(self) -> int:
        """Return the peak of the largest of Chromium's processes that show pages."""
        renderers = [
            each
            for each in self._server.children(recursive=True)
            if "--type=renderer" in each.cmdline()
        ]
        statuses = [Path(f"/proc/{each.pid}/status").read_text() for each in renderers]
        peaks = [status.partition("VmHWM:")[2].split()[0] for status in statuses]
        return max(int(peak) for peak in peaks) * 1024
