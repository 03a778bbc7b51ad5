"""A page in Chromium, used as people use it: served, seen, pressed and typed into."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image


class _Handler(http.server.SimpleHTTPRequestHandler):
    #: Whether the page may use threads.
    isolated = True

    def end_headers(self) -> None:
        if self.isolated:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def served(folder: Path, isolated: bool = True) -> Iterator[str]:
    """Serve a folder, and give its address."""
    handler = type("Handler", (_Handler,), {"isolated": isolated})
    make = functools.partial(handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}/"
        server.shutdown()


def chromium() -> tuple[str, str] | None:
    """Return where Chromium and its driver are, if both are installed."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """Chromium without a window, its downloads in a folder."""

    def __init__(self, downloads: Path, *arguments: str) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        found = chromium()
        assert found is not None
        self.downloads = downloads
        options = webdriver.ChromeOptions()
        options.binary_location = found[0]
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            *arguments,
        ):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(found[1]))

    def screen(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the size of the screen and the colours that its user likes."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def open(self, address: str) -> None:
        """Open the page, and wait until it can paint."""
        self.driver.get(address)
        self.wait("document.getElementById('status').textContent.startsWith('Ready')")

    def run(self, script: str) -> Any:
        return self.driver.execute_script(f"return {script}")

    def wait(self, condition: str, seconds: float = 120) -> Any:
        """Wait until a condition holds, and return its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.run(condition):
                return value
            time.sleep(0.05)
        log = [entry["message"] for entry in self.driver.get_log("browser")]
        raise AssertionError(f"{condition} does not hold; the page says {self.said()!r}; {log}")

    def said(self) -> str:
        """Return what the page says to its user."""
        return str(self.run("document.getElementById('said').innerText")).strip()

    def find(self, name: str) -> Any:
        return self.driver.find_element("id", name)

    @property
    def results(self) -> int:
        return int(self.run("document.documentElement.dataset.results ?? 0"))

    def wait_for_result(self, after: int) -> None:
        self.wait(f"Number(document.documentElement.dataset.results ?? 0) > {after}")
        self.wait("document.getElementById('busy').hidden")

    def choose(self, path: Path) -> None:
        """Give the page a file, and wait for the picture."""
        before = self.results
        self.find("file").send_keys(str(path))
        self.wait_for_result(before)

    def saved(self, button: str) -> Path:
        """Press a button, and return the file that it saved."""
        before = set(self.downloads.iterdir())
        self.find(button).click()
        end = time.monotonic() + 30
        while time.monotonic() < end:
            new = {
                path for path in self.downloads.iterdir() if path.suffix in {".png", ".jpg"}
            } - before
            if new and not any(self.downloads.glob("*.crdownload")):
                path = new.pop()
                if path.exists() and _is_whole(path):
                    return path
            time.sleep(0.05)
        raise AssertionError("nothing is saved")

    def log(self) -> list[str]:
        """Return what went wrong, as the browser sees it."""
        entries = self.driver.get_log("browser")
        return [each["message"] for each in entries if each["level"] == "SEVERE"]

    def close(self) -> None:
        self.driver.quit()


def _is_whole(path: Path) -> bool:
    """Return whether all of a picture is written."""
    try:
        with Image.open(path) as picture:
            picture.load()
    except OSError:
        return False
    return True
