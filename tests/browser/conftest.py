"""One Chromium for all tests of the report's page; a fresh tab for each of them."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

import report_payloads as payloads  # noqa: E402
from report_browser import Browser, find_chromium  # noqa: E402
from report_page import find_plotly, write_page  # noqa: E402
from report_rich import rich  # noqa: E402

MAKERS = {
    "rich": rich,
    "hostile": lambda: payloads.hostile(rich()),
    "many": lambda: payloads.many(500),
    "cpu_llama": lambda: payloads.real("cpu_llama"),
    "h200_llama": lambda: payloads.real("h200_llama"),
    "h200_bert": lambda: payloads.real("h200_bert"),
}


@pytest.fixture(scope="session")
def browser():
    program = find_chromium()
    if program is None:
        pytest.skip("no chromium: `tools/setup.sh --test` installs it where the system has it")
    found = Browser(program)
    yield found
    found.close()


@pytest.fixture
def tab(browser):
    found = browser.tab()
    yield found
    found.close()


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """page(name) → (file, payload): made once and kept for all tests. Without charts it opens in a
    fraction of the time, for tests that look at none."""
    folder = tmp_path_factory.mktemp("pages")
    made = {}

    def make(name, charts=True):
        if name not in made:
            made[name] = MAKERS[name]()
        path = folder / f"{name}-{charts}.html"
        if not path.exists():
            write_page(path, made[name], plotly=charts)
        return path, made[name]

    return make


@pytest.fixture(scope="session", autouse=True)
def plotly():
    assert find_plotly() is not None, "plotly is not in .venv: run tools/setup.sh"
