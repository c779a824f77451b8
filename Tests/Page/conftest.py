"""A site and a browser for the page's tests; both are told of by a skip where they cannot be had."""

import os
import pathlib
import sys

import pytest

# The client of this checkout, not one that is installed.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium, or say where it is with CHROMIUM")
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve_page():
    """The module that starts a daemon which serves the page."""
    pytest.importorskip("zmq", reason="zmq is not installed")
    if not pathlib.Path("/usr/share/javascript/leaflet").is_dir():
        pytest.skip("there is no Leaflet: apt-get install libjs-leaflet")
    import serve_page

    return serve_page


@pytest.fixture(scope="module")
def site(serve_page):
    """A week without feedback, two days with it, and the same without it."""
    with serve_page.Site() as site:
        serve_page.patrol(site.simulation, "patrols", hours=48, pause=0)
        yield site


@pytest.fixture(scope="session")
def axe():
    """The text of axe-core."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (pathlib.Path(package.__file__).parent / "axe.min.js").read_text()


class Watched:
    """A page of the browser, and all that went wrong in it or that it asked of others."""

    def __init__(self, page, address):
        self.page, self.address = page, address
        self.errors, self.outside = [], []
        page.on("console", lambda message: message.type in ("error", "warning") and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self.note)

    def note(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(request.url)

    def check(self):
        assert self.errors == []
        assert self.outside == []


@pytest.fixture
def visit(browser):
    """Opens a page of a site: visit(site, width=…, scheme=…, run=…)."""
    opened = []

    def open_page(site, path="/", width=1440, height=1000, scheme="light", run=None, other=None, before=None,
                  **options):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        watched = Watched(page, site.address)
        opened.append(watched)
        if before:
            before(page)
        query = "&".join(f"{key}={value}" for key, value in (("run", run), ("with", other)) if value)
        page.goto(f"{site.address}{path}#{query}")
        return watched

    yield open_page
    for watched in opened:
        watched.page.close()
