"""The page in a real browser: what it paints is what torch paints, and people can use it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, chromium, served
from PIL import Image

from napari_style_transfer import samples
from napari_style_transfer.errors import InputError
from napari_style_transfer.export.page import find_runtime, write_page
from napari_style_transfer.fast_style import FastStyle

ROOT = Path(__file__).parents[2]
#: A folder with node_modules/onnxruntime-web.
WEB = Path(os.environ.get("ONNXRUNTIME_WEB", ROOT))


def missing() -> str:
    """Return what is not installed here."""
    try:
        import selenium  # noqa: F401

        find_runtime(WEB)
    except ImportError:
        return "Selenium is not installed: pip install selenium"
    except InputError as error:
        return str(error)
    return "" if chromium() else "Chromium and chromedriver are not installed"


# Selenium's sockets are closed by the collector, which pytest would warn of.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "page"
    styles = [FastStyle.load(name) for name in ("night", "woodcut")]
    write_page(styles, folder, onnxruntime_web=WEB)
    return folder


@pytest.fixture(scope="module")
def address(page: Path) -> Iterator[str]:
    with served(page) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("downloads"))
    browser.screen(390, 844)
    yield browser
    browser.close()


def photo(folder: Path, width: int, height: int, name: str = "photo.png") -> Path:
    path = folder / name
    picture = Image.fromarray(samples.load("chelsea")).resize((width, height))
    picture.save(path)
    return path


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def slide(browser: Browser, name: str, keys: str, times: int) -> None:
    from selenium.webdriver.common.keys import Keys

    before = browser.results
    browser.find(name).send_keys(getattr(Keys, keys) * times)
    browser.wait_for_result(before)


@pytest.mark.parametrize(("width", "height"), [(256, 256), (640, 480), (301, 207)])
@pytest.mark.parametrize("isolated", [True, False])
def test_it_paints_what_torch_paints(
    page: Path, browser: Browser, tmp_path: Path, width: int, height: int, isolated: bool
) -> None:
    path = photo(tmp_path, width, height)
    with served(page, isolated) as address:
        browser.open(f"{address}?engine=wasm")
        assert browser.run("self.crossOriginIsolated") == isolated
        browser.run("document.getElementById('size').value = '768'")
        browser.choose(path)
        if (width, height) == (640, 480):
            browser.find("size").send_keys("640")
        slide(browser, "strength", "ARROW_RIGHT", 4)
        slide(browser, "stroke-size", "ARROW_LEFT", 5)
        browser.wait("!document.getElementById('save-png').disabled")
        result = read(browser.saved("save-png"))
    expected = FastStyle.load("night")(
        path, strength=0.7, stroke_size=2**-0.5, device="cpu", precision="float32"
    )
    assert result.shape == expected.shape
    assert np.abs(result - expected).max() <= 1
    assert np.abs(result - read(path)).mean() > 10  # it is painted at all
    assert not browser.log()


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_number_of_threads_changes_nothing_that_is_seen(
    page: Path, browser: Browser, tmp_path: Path, threads: int
) -> None:
    folder, path = tmp_path / "page", photo(tmp_path, 256, 192)
    shutil.copytree(page, folder)
    worker = folder / "worker.js"
    text = worker.read_text("utf-8")
    worker.write_text(
        text.replace("self.navigator.hardwareConcurrency", str(threads)), encoding="utf-8"
    )
    with served(folder) as address:
        browser.open(f"{address}?engine=wasm")
        number = "1 thread" if threads == 1 else f"{threads} threads"
        assert browser.find("engine").text.endswith(f"in {number}.")
        browser.choose(path)
        result = read(browser.saved("save-png"))
    expected = FastStyle.load("night")(path, device="cpu", precision="float32")
    assert np.abs(result - expected).max() <= 1


def test_the_second_style_is_another(address: str, browser: Browser, tmp_path: Path) -> None:
    path = photo(tmp_path, 200, 150)
    browser.open(f"{address}?engine=wasm")
    browser.choose(path)
    before = browser.results
    browser.driver.find_elements("css selector", ".style")[1].click()
    browser.wait_for_result(before)
    saved = browser.saved("save-png")
    assert saved.name == "photo in woodcut.png"
    expected = FastStyle.load("woodcut")(path, device="cpu", precision="float32")
    assert np.abs(read(saved) - expected).max() <= 1


def test_jpegs_are_saved_too(address: str, browser: Browser, tmp_path: Path) -> None:
    browser.open(f"{address}?engine=wasm")
    browser.choose(photo(tmp_path, 120, 90))
    with Image.open(browser.saved("save-jpeg")) as picture:
        assert (picture.format, picture.size) == ("JPEG", (120, 90))


def test_a_photo_of_48_megapixels_is_turned_and_shrunk(
    address: str, browser: Browser, tmp_path: Path
) -> None:
    quarters = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]], np.uint8)
    picture = Image.fromarray(quarters).resize((8000, 6000), Image.Resampling.NEAREST)
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned right by 90 degrees
    path = tmp_path / "large.jpg"
    picture.save(path, exif=exif)
    browser.open(f"{address}?engine=wasm")
    browser.run(
        "(() => { window.gap = 0; let last = performance.now(); setInterval(() => {"
        "const now = performance.now(); gap = Math.max(gap, now - last); last = now; }, 10); })()"
    )
    browser.choose(path)
    corners = [
        browser.run(
            f"[...document.getElementById('original').getContext('2d').getImageData({x}, {y}, 1, 1).data]"
        )[:3]
        for y in (100, 1900)
        for x in (100, 1400)
    ]
    turned = np.rot90(quarters, -1).reshape(4, 3).astype(int)
    assert np.abs(np.array(corners) - turned).max() <= 3
    assert browser.run("[painted.width, painted.height]") == [384, 512]
    assert "6000 × 8000" in browser.find("size-note").text
    assert browser.run("gap") < 500  # milliseconds: the page was awake all the while


def test_it_is_used_with_the_keyboard_alone(address: str, browser: Browser, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    def press(*keys: str) -> str:
        ActionChains(browser.driver).send_keys(*keys).perform()
        return str(browser.run("document.activeElement.id || document.activeElement.name"))

    browser.open(f"{address}?engine=wasm")
    assert press(Keys.TAB) == "choose"
    browser.run(
        "document.getElementById('file').addEventListener('click', () => { window.asked = true; })"
    )
    browser.driver.execute_cdp_cmd("Page.setInterceptFileChooserDialog", {"enabled": True})
    press(Keys.ENTER)
    assert browser.wait("window.asked === true")
    browser.choose(photo(tmp_path, 160, 120))
    browser.driver.execute_cdp_cmd("Page.setInterceptFileChooserDialog", {"enabled": False})
    order = [press(Keys.TAB) for _ in range(9)]
    wanted = [
        "camera",
        "style",
        "strength",
        "stroke-size",
        "size",
        "compare",
        "save-jpeg",
        "save-png",
    ]
    assert [name for name in order if name in wanted] == wanted
    while press(Keys.SHIFT + Keys.TAB + Keys.NULL) != "style":
        pass
    before = browser.results
    press(Keys.ARROW_RIGHT)
    browser.wait_for_result(before)
    assert "woodcut" in browser.run("painted.getAttribute('aria-label')")
    assert browser.run(
        "getComputedStyle(document.querySelector('input[name=style]:checked + img')).outlineStyle"
    ) == "solid"  # fmt: skip
    before = browser.results
    assert press(Keys.TAB) == "strength"
    press(Keys.ARROW_RIGHT)
    browser.wait_for_result(before)
    for name in ("stroke-size", "size", "compare"):
        assert press(Keys.TAB) == name
    press(Keys.SPACE)
    assert browser.find("original").is_displayed()
    press(Keys.SPACE)
    assert browser.find("painted").is_displayed()


def test_holding_the_picture_shows_the_original(
    address: str, browser: Browser, tmp_path: Path
) -> None:
    from selenium.webdriver import ActionChains

    browser.open(f"{address}?engine=wasm")
    browser.choose(photo(tmp_path, 120, 90))
    ActionChains(browser.driver).click_and_hold(browser.find("seen")).perform()
    assert browser.find("original").is_displayed()
    assert browser.find("tag").text == "Original"
    ActionChains(browser.driver).release().perform()
    assert not browser.find("original").is_displayed()


def test_the_camera_gives_stills_and_live_frames(address: str, browser: Browser) -> None:
    browser.open(f"{address}?engine=wasm")
    browser.find("camera").click()
    browser.wait("document.getElementById('video').videoWidth > 0")
    before = browser.results
    browser.find("live").click()
    browser.wait_for_result(before)
    browser.wait("document.getElementById('said').innerText.match(/^Live|too slow/)")
    browser.find("shoot").click()
    assert browser.find("choose").is_displayed()
    browser.wait("document.getElementById('said').innerText.startsWith('Painted')")
    assert browser.run("document.getElementById('video').srcObject === null")
    assert browser.saved("save-png").name.startswith("camera in night")


def test_what_is_no_picture_gets_a_sentence(address: str, browser: Browser, tmp_path: Path) -> None:
    browser.open(f"{address}?engine=wasm")
    for name, data, sentence in [
        ("thesis.jpg", b"not a picture", "thesis.jpg is no picture that this browser can read"),
        ("empty.png", b"", "empty.png is no picture"),
    ]:
        path = tmp_path / name
        path.write_bytes(data)
        browser.find("file").send_keys(str(path))
        browser.wait(f"document.getElementById('error').textContent.includes('{sentence}')")
    browser.find("file").send_keys(str(photo(tmp_path, 12, 300)))
    browser.wait("document.getElementById('error').textContent.includes('at least 16 pixels')")
    browser.choose(photo(tmp_path, 100, 80))  # and it goes on
    assert browser.said().startswith("Painted 100 × 80")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "is damaged"),
        (lambda path: path.write_bytes(b"\0" * 3000), "is damaged"),
        (Path.unlink, "answers 404"),
    ],
)
def test_a_damaged_model_gets_a_sentence(
    browser: Browser, tmp_path: Path, damage: object, sentence: str
) -> None:
    folder = tmp_path / "page"
    write_page([FastStyle.load("night")], folder, onnxruntime_web=WEB)
    (model,) = (folder / "models").iterdir()
    damage(model)  # type: ignore[operator]
    with served(folder) as address:
        browser.driver.get(f"{address}?engine=wasm")
        browser.wait(f"document.getElementById('error').textContent.includes('{sentence}')")


def test_without_webassembly_it_says_so(page: Path, browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    shutil.copytree(page, folder)
    worker = folder / "worker.js"
    worker.write_text(f"delete self.WebAssembly;\n{worker.read_text('utf-8')}", encoding="utf-8")
    with served(folder) as address:
        browser.driver.get(address)
        browser.wait("document.getElementById('error').textContent.includes('no WebAssembly')")


def test_nothing_is_asked_of_another_server(address: str, browser: Browser, tmp_path: Path) -> None:
    browser.open(f"{address}?engine=wasm")
    browser.choose(photo(tmp_path, 100, 80))
    names = browser.run("performance.getEntriesByType('resource').map((each) => each.name)")
    assert names
    assert all(name.startswith(address) for name in names)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_text_has_contrast_and_nothing_is_cut(
    address: str, browser: Browser, tmp_path: Path, width: int, height: int, dark: bool
) -> None:
    browser.screen(width, height, dark=dark)
    try:
        browser.open(f"{address}?engine=wasm")
        browser.choose(photo(tmp_path, 240, 180))
        assert browser.run("document.documentElement.scrollWidth") == width
        controls = browser.run(
            "(({scrollWidth, clientWidth}) => [scrollWidth, clientWidth])("
            "document.querySelector('.controls'))"
        )
        assert controls[0] == controls[1]
        pairs = browser.driver.execute_script(_COLOURS)
        assert len(pairs) > 12
        for text, front, ground in pairs:
            assert contrast(front, ground) >= 4.5, (text, front, ground)
        if folder := os.environ.get("SCREENSHOTS"):
            name = f"{width}-{'dark' if dark else 'light'}.png"
            browser.driver.save_screenshot(str(Path(folder) / name))
    finally:
        browser.screen(390, 844)


#: Each text on the screen, its colour and that of the first ground below it that is not transparent.
_COLOURS = """
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const seen = [];
for (const each of document.querySelectorAll('body *')) {
  const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!own || !each.checkVisibility() || each.tagName === 'OPTION') continue;
  let at = each;
  while (at && numbers(getComputedStyle(at).backgroundColor)[3] === 0) at = at.parentElement;
  seen.push([each.textContent.trim().slice(0, 30), numbers(getComputedStyle(each).color),
             numbers(getComputedStyle(at ?? document.body).backgroundColor)]);
}
return seen;
"""


def contrast(front: list[float], ground: list[float]) -> float:
    """Return the contrast of two colours, as WCAG 2.2 defines it."""

    def luminance(colour: list[float]) -> float:
        parts = [value / 255 for value in colour[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    high, low = sorted((luminance(front), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)
