"""The page opens without a complaint, draws every chart and fits its screen."""

import pytest

from report_values import ceilings_of, energies_of, points_of

SCREENS = [(1280, 900, False), (390, 844, True)]
STATES = ("Object.fromEntries([...document.querySelectorAll('.plot')]"
          ".map((one) => [one.id, one.dataset.state]))")
OVERFLOW = ("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def marks(tab, plot, selector):
    """Visible marks of a chart: elements of its picture that take room."""
    return tab.eval(f"""[...document.querySelectorAll('#plot-{plot} {selector}')]
        .map((one) => one.getBoundingClientRect())
        .filter((at) => at.width + at.height > 0).length""")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width,height,touch", SCREENS)
def test_every_chart_of_a_rich_report_is_drawn(tab, page, width, height, touch, theme):
    path, payload = page("rich")
    tab.open(path, width, height, theme, touch)
    tab.draw_all()
    assert tab.eval("document.documentElement.dataset.theme") == theme
    states = tab.eval(STATES)
    energies = energies_of(payload)
    expected = {"roofline", "waterfall", "classes", "distribution", "timeline", "memory", "speedup"}
    expected |= {f"energy-{number}" for number in range(len(energies))}
    assert states == {f"plot-{name}": "drawn" for name in expected}

    points = points_of(payload)
    ridges = len(ceilings_of(payload))
    assert marks(tab, "roofline", ".scatterlayer .points path") == len(points) + ridges
    # Both ceilings of two dtypes, and the roof of the cache.
    assert marks(tab, "roofline", ".scatterlayer .lines path.js-line") == ridges + 1
    steps = payload["cases"][0]["analysis"]["phases"]["decode"]["waterfall"]["steps"]
    assert marks(tab, "waterfall", ".barlayer .point path") == len(steps) + 1
    spread = payload["cases"][0]["distributions"]["decode"]
    assert marks(tab, "distribution", ".scatterlayer .js-line") == len(spread["invocations"])
    filled = sum(count > 0 for count in spread["histogram"]["counts"])
    assert marks(tab, "distribution", ".barlayer .point path") >= filled
    assert marks(tab, "timeline", ".scatterlayer .js-line") == 1
    windows = len(payload["cases"][0]["timeline"]["decode"]["marks"])
    assert tab.eval("document.querySelectorAll('#plot-timeline .shapelayer path').length") == \
        windows + 2  # and two levels of idle power
    for number, values in enumerate(energies.values()):
        assert marks(tab, f"energy-{number}", ".barlayer .point path") == 2 * len(values)
    assert marks(tab, "speedup", ".scatterlayer .points path") == 4
    assert marks(tab, "memory", ".barlayer .point path") > 10

    assert tab.eval(OVERFLOW) == 0
    assert tab.problems() == []


@pytest.mark.parametrize("name", ["cpu_llama", "h200_llama", "h200_bert"])
def test_real_records_are_drawn_and_what_they_lack_is_said(tab, page, name):
    path, payload = page(name)
    tab.open(path)
    tab.draw_all()
    states = tab.eval(STATES)
    for drawn in ("roofline", "waterfall", "speedup"):
        assert states[f"plot-{drawn}"] == "drawn"
    for absent in ("timeline", "memory", "classes"):
        assert states[f"plot-{absent}"] == "absent"
        reason = tab.eval(f"document.getElementById('plot-{absent}').textContent")
        assert reason.startswith("– ") and len(reason) > 20
    assert "not asked for by --metrics" in tab.eval(
        "document.getElementById('energy').textContent")
    assert len(points_of(payload)) == tab.eval(
        "document.querySelector('#plot-roofline .graph').data.filter((one) => one.meta?.points)"
        ".flatMap((one) => one.x).length")
    assert tab.eval(OVERFLOW) == 0
    assert tab.problems() == []


def test_charts_wait_until_they_are_scrolled_to(tab, page):
    tab.open(page("rich")[0])
    assert tab.eval("document.getElementById('plot-memory').dataset.state") is None
    tab.eval("document.getElementById('chart-memory').scrollIntoView()")
    tab.wait("document.getElementById('plot-memory').dataset.state === 'drawn'")


def test_print_is_light_open_and_complete(tab, page, tmp_path):
    tab.open(page("rich")[0], theme="dark")
    tab.eval(f"""addEventListener('beforeprint', () => (window.seen = {{
      states: {STATES},
      theme: document.documentElement.dataset.theme,
      open: [...document.querySelectorAll('details.section')].every((one) => one.open),
      widths: [...document.querySelectorAll('.plot .main-svg')].map((one) =>
        one.getBoundingClientRect().width),
    }}))""")
    tab.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    seen = tab.eval("window.seen")
    assert seen["theme"] == "light" and seen["open"]
    assert set(seen["states"].values()) == {"drawn"}
    # A4 less its margins is 182 mm wide: 688 px.
    assert seen["widths"] and max(seen["widths"]) <= 688
    # Afterwards the screen is as before.
    assert tab.eval("document.documentElement.dataset.theme") == "dark"
    assert not tab.eval("document.querySelector('details.section').open")
    assert tab.problems() == []


def test_without_plotly_static_pictures_stand_in(tab, page, tmp_path):
    from report_page import write_page

    attack = ('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" '
              'onload="parent.attacked=1"><script>window.attacked=1</script>'
              '<rect width="40" height="30" fill="red"/></svg>')
    payload = {**page("rich")[1], "svg": {"roofline": attack, "bars": attack}}
    path = write_page(tmp_path / "plain.html", payload, plotly=False)
    tab.open(path)
    tab.draw_all()
    assert "plotly.js was not built into" in tab.eval("document.querySelector('main').textContent")
    for name in ("roofline", "energy-0"):
        assert tab.eval(f"document.querySelector('#plot-{name} img').decode().then(() => "
                        f"document.querySelector('#plot-{name} img').naturalWidth)") == 40
    # The others show their numbers.
    assert tab.eval("document.querySelectorAll('#chart-waterfall tbody tr').length") == 4
    assert tab.eval("window.attacked") is None
    assert tab.problems() == []
