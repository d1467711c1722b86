"""Sorting, filtering, choosing and explanations, by keyboard, pointer and finger."""

import pytest

TIP = "[document.getElementById('tip')].map((tip) => (tip.hidden ? '' : tip.innerText))[0]"
COLUMN = ("[...document.querySelectorAll('table.cases tbody tr')]"
          ".map((row) => row.cells[{0}].textContent)")


def focus(tab, selector):
    # As a keyboard would: a focus that scripts set counts as such only after a key.
    tab.press("Tab")
    tab.eval(f"document.querySelector({selector!r}).focus()")


def test_headers_sort_by_keyboard(tab, page):
    tab.open(page("rich", charts=False)[0])
    head = "table.cases thead th:nth-child(8)"
    focus(tab, f"{head} button")
    tab.press("Enter")
    assert tab.eval(f"document.querySelector('{head}').getAttribute('aria-sort')") == "ascending"
    rows = "Ridgeline.state.visible.map((row) => row.latency.value)"
    values = tab.eval(rows)
    known = [one for one in values if one is not None]
    assert known == sorted(known) and values[-1] is None  # what is absent stands last
    assert tab.eval(COLUMN.format(7))[0] == "410.0 ± 3.3 µs"
    tab.press(" ")
    assert tab.eval(f"document.querySelector('{head}').getAttribute('aria-sort')") == "descending"
    values = tab.eval(rows)
    assert values[:-1] == known[::-1] and values[-1] is None
    # Another column takes over.
    tab.click("table.cases thead th:nth-child(1) button")
    assert tab.eval(f"document.querySelector('{head}').getAttribute('aria-sort')") == "none"
    assert tab.eval(COLUMN.format(0))[0].startswith("bert-base")
    assert tab.problems() == []


def test_arrows_walk_the_table_and_enter_selects_for_the_charts(tab, page):
    tab.open(page("rich")[0])
    tab.draw_all()
    focus(tab, "table.cases tbody [tabindex='0']")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "End"):
        tab.press(key)
    at = "[document.activeElement.parentElement.sectionRowIndex, document.activeElement.cellIndex]"
    assert tab.eval(at) == [3, 15]
    tab.press("Enter")
    assert "llama-3-8b 1×512 bfloat16 transformers · decode" in tab.eval(
        "document.getElementById('shown').textContent")
    assert tab.eval("[...document.querySelectorAll('tr[aria-selected=true]')]"
                    ".map((one) => one.sectionRowIndex)") == [3]
    tab.draw_all()
    sizes = tab.eval("document.querySelector('#plot-roofline .graph').data.filter((one) => "
                     "one.meta?.points).flatMap((one) => one.customdata.map((key, at) => "
                     "[key, one.marker.size[at]]))")
    assert [key for key, size in sizes if size > 12] == ["1/1"]
    assert "21.97 ms" in tab.eval("document.getElementById('card-latency').textContent")
    assert "host" in tab.eval("document.getElementById('card-limit').textContent")
    # The cell stands where it was: one stop of the Tab key for the whole table.
    assert tab.eval("document.querySelectorAll('table.cases tbody [tabindex=\"0\"]').length") == 1
    tab.press("Enter")
    assert tab.eval("document.getElementById('scope').textContent") == "all 7 cases"
    assert tab.problems() == []


def test_filters_narrow_table_and_charts(tab, page):
    tab.open(page("rich")[0])
    tab.draw_all()
    focus(tab, "#filter")
    tab.type("llama decode")
    assert tab.eval("document.querySelectorAll('table.cases tbody tr').length") == 3
    assert tab.eval("document.querySelector('.count').textContent") == "3 of 12 rows"
    tab.draw_all()
    assert tab.eval("document.querySelector('#plot-roofline .graph').data.filter((one) => "
                    "one.meta?.points).flatMap((one) => one.customdata)") == ["0/1", "1/1", "2/1"]
    tab.type(" nothing")
    tab.draw_all()
    assert "filter leaves no row" in tab.eval(
        "document.getElementById('plot-roofline').textContent")
    assert tab.problems() == []


def test_explanations_by_focus_and_escape(tab, page):
    tab.open(page("rich", charts=False)[0])
    focus(tab, "table.cases tbody tr:nth-child(2) td:nth-child(8)")
    shown = tab.eval(TIP)
    for part in ("Latency", "Duration of one call of the phase.", "0.00385 s", "1,200",
                 "timed with the monotonic clock", "t interval over the medians"):
        assert part in shown
    assert tab.eval("document.activeElement.getAttribute('aria-describedby')") == "tip"
    tab.press("Escape")
    assert tab.eval(TIP) == ""
    # What is absent says why, and how to have it.
    focus(tab, "table.cases tbody tr:nth-child(7) td:nth-child(12)")
    assert "no sensor of energy" in tab.eval(TIP)
    focus(tab, "#cards .value")
    assert "why" in tab.eval(TIP) or "source" in tab.eval(TIP)
    focus(tab, ".gain")
    assert "follows from" in tab.eval(TIP)
    tab.press("Tab")
    assert tab.problems() == []


def test_explanations_by_pointer_stay_while_it_is_on_them(tab, page):
    tab.open(page("rich", charts=False)[0])
    tab.point("#card-energy .value")
    tab.wait(f"{TIP} !== ''")
    for part in ("weakest input", "counted by hardware", "energy.gross"):
        assert part in tab.eval(TIP)
    tab.point("#tip dd")
    tab.eval("new Promise((done) => setTimeout(done, 250))")
    assert tab.eval(TIP) != ""
    tab.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": 2, "y": 2})
    tab.wait(f"{TIP} === ''")


def test_explanations_by_a_finger(tab, page):
    tab.open(page("rich", charts=False)[0], 390, 844, touch=True)
    tab.tap("#card-throughput .value")
    tab.wait(f"{TIP} !== ''")
    box = tab.eval("(() => { const at = document.getElementById('tip').getBoundingClientRect();"
                   " return [at.left, at.right, at.top, at.bottom] })()")
    assert box[0] >= 0 and box[1] <= 390 and box[2] >= 0
    tab.tap("#summary-title")
    tab.wait(f"{TIP} === ''")


def test_the_tab_key_reaches_everything_and_is_never_caught(tab, page):
    tab.open(page("rich", charts=False)[0])
    first = None
    seen = []
    for _ in range(400):
        tab.press("Tab")
        seen.append(tab.eval("""(() => {
          const one = document.activeElement;
          if (!one || one === document.body) return null;
          window.stops = window.stops || new Map();
          if (!window.stops.has(one)) window.stops.set(one, window.stops.size);
          return [window.stops.get(one), one.id || one.className || one.tagName,
            Boolean(one.closest('footer, main, nav, header, .skip'))];
        })()"""))
        if first is None:
            first = seen[-1]
            assert first[1] == "skip"
        elif seen[-1] is None or seen[-1] == first:
            break
    assert seen[-1] is None or seen[-1] == first, "the focus never came round"
    stops = [one for one in seen if one]
    assert len({one[0] for one in stops[:-1]}) == len(stops[:-1]), "a stop came twice"
    names = {one[1] for one in stops}
    assert {"theme", "case", "phase", "filter"} <= names


def test_theme_is_chosen_and_remembered(tab, page):
    path, _ = page("cpu_llama")
    tab.open(path, theme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = tab.eval(background)
    tab.click("#theme")
    assert tab.eval("document.documentElement.dataset.theme") == "dark"
    assert tab.eval(background) != light
    tab.open(path, theme="light")
    assert tab.eval("document.documentElement.dataset.theme") == "dark"
    tab.draw_all()
    colour = tab.eval("document.querySelector('#plot-roofline .graph').layout.font.color")
    assert colour == tab.eval("getComputedStyle(document.documentElement)"
                              ".getPropertyValue('--text').trim()")
    assert tab.problems() == []


def test_the_page_answers_what_limits_each_model_and_what_to_do(tab, page):
    path, payload = page("rich", charts=False)
    tab.open(path)
    cards = tab.eval("[...document.querySelectorAll('#limits-list .case')].map((one) => "
                     "one.innerText)")
    assert len(cards) == len(payload["cases"])
    for case, text in zip(payload["cases"], cards):
        assert case["label"] in text
        for one in case["analysis"]["phases"].values():
            assert one["limit"]["evidence"] in text
            if one["advice"]:
                assert one["advice"][0]["do"] in text and one["advice"][0]["why"] in text
    assert "1.55–1.90× faster" in cards[0] and "gain not known" in cards[0]
    assert "141.1 GB were needed" in cards[-1] and "quantize=int8" in cards[-1]
    assert "synthetic weights" in cards[0] and "synthetic weights" not in cards[3]


@pytest.mark.parametrize("landmark", ["header", "nav[aria-label]", "main", "footer", "h1"])
def test_landmarks(landmarks, landmark):
    assert landmarks.eval(f"document.querySelectorAll('body {landmark}').length") == 1


def test_every_chart_and_table_has_words(landmarks):
    tab = landmarks
    tab.draw_all()
    for label in tab.eval("[...document.querySelectorAll('.plot')].map((one) => "
                          "[one.getAttribute('role'), one.getAttribute('aria-label')])"):
        assert label[0] == "img" and len(label[1]) > 30
    tab.eval("document.querySelectorAll('details.data').forEach((one) => (one.open = true))")
    tab.wait("[...document.querySelectorAll('.chart')].every((one) => "
             "one.querySelector('details.data tbody tr'))")
    assert tab.eval("[...document.querySelectorAll('table')].every((one) => one.caption && "
                    "one.caption.textContent)")
    # Levels of headings do not jump.
    levels = tab.eval("[...document.querySelectorAll('h1,h2,h3,h4')].map((one) => +one.tagName[1])")
    assert levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:]))


@pytest.fixture(scope="module")
def landmarks(browser, page):
    tab = browser.tab()
    tab.open(page("rich")[0])
    yield tab
    tab.close()
