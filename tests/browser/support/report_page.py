"""The page as the program puts it together: template, plotly, payload and scripts into one file."""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCES = ROOT / "data/report"
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028",
           "\u2029": "\\u2029"}


def find_plotly():
    """plotly.min.js of the virtual environment, or None."""
    places = sorted(ROOT.glob(".venv/lib/python3*/site-packages/plotly/package_data/plotly.min.js"))
    return places[0] if places else None


def script_safe(payload):
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return "".join(ESCAPES.get(one, one) for one in text) if any(
        one in text for one in ESCAPES) else text


def scripts():
    return "".join(path.read_text() for path in sorted(SOURCES.glob("*.js")))


def page_of(payload, plotly=True):
    """The HTML of a payload (or of a text that stands where its JSON should)."""
    text = payload if isinstance(payload, str) else script_safe(payload)
    drawing = find_plotly().read_text() if plotly else ""
    assert "</script" not in drawing.lower()
    pieces = {
        "style": f"<style>{(SOURCES / 'report.css').read_text()}</style>",
        "plotly": f"<script>{drawing}</script>" if plotly else "",
        "payload": f'<script type="application/json" id="payload">{text}</script>',
        "script": f"<script>{scripts()}</script>",
    }
    page = (SOURCES / "report.html").read_text()
    for name, piece in pieces.items():
        mark = f"<!--ridgeline:{name}-->"
        assert page.count(mark) == 1, mark
        before, after = page.split(mark)
        page = before + piece + after
    return page


def write_page(path, payload, plotly=True):
    path = pathlib.Path(path)
    path.write_text(page_of(payload, plotly))
    return path
