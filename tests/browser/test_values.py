"""What is drawn and written equals the payload: SI units in the charts, words in the table."""

import pytest

from report_values import ceilings_of, energies_of, points_of, rows_of

TRACES = "document.querySelector('#plot-{0} .graph').data"


@pytest.fixture(scope="module")
def drawn(browser, page):
    """A tab with all charts drawn, and the payload."""
    path, payload = page("rich")
    tab = browser.tab()
    tab.open(path)
    tab.draw_all()
    yield tab, payload
    tab.close()


def close(found, expected):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        return all(close(found[key], expected[key]) for key in expected)
    if isinstance(expected, (tuple, list)):
        return len(found) == len(expected) and all(map(close, found, expected))
    return pytest.approx(expected, rel=1e-12) == found


def test_points_of_the_roofline_are_what_was_attained(drawn):
    tab, payload = drawn
    traces = tab.eval(f"{TRACES.format('roofline')}.map((one) => "
                      "({x: one.x, y: one.y, keys: one.customdata, meta: one.meta, line: one.line})"
                      ")")
    found = {key: (x, y) for one in traces if one["meta"].get("points")
             for key, x, y in zip(one["keys"], one["x"], one["y"])}
    assert close(found, points_of(payload))

    ceilings = ceilings_of(payload)
    drawn = [one for one in traces if one["meta"].get("roof") in ("measured", "datasheet")]
    assert len(drawn) == len(ceilings)
    for kind, flops, rate in ceilings:
        trace = next(one for one in drawn
                     if one["meta"]["roof"] == kind and close(max(one["y"]), flops))
        assert trace["line"]["dash"] == ("solid" if kind == "measured" else "dash")
        for x, y in zip(trace["x"], trace["y"]):
            assert close(y, min(flops, x * rate))
    # A picture that draws its points onto the roof would not know how slow a run was.
    bandwidth = 4.682e12
    assert sum(y < 0.9 * min(805.1e12, x * bandwidth) for x, y in found.values()) >= 5


def test_waterfall_adds_up_to_the_latency(drawn):
    tab, payload = drawn
    for number, phase in ((0, "decode"), (1, "prefill"), (4, "forward")):
        index = [one["name"] for one in payload["cases"][number]["record"]["phases"]].index(phase)
        tab.eval(f"Ridgeline.selectKey('{number}/{index}')")
        tab.draw_all()
        traces = tab.eval(f"{TRACES.format('waterfall')}.map((one) => "
                          "({x: one.x, base: one.base, kind: one.meta.steps}))")
        expected = payload["cases"][number]["analysis"]["phases"][phase]["waterfall"]
        lengths = [x for one in traces if one["kind"] != "latency" for x in one["x"]]
        assert close(lengths, [one["seconds"] for one in expected["steps"]])
        total = next(one for one in traces if one["kind"] == "latency")["x"][0]
        assert close(total, expected["latency"])
        assert sum(lengths) == pytest.approx(total, rel=1e-9)
        # Each step begins where the one before it ends.
        bases = [base for one in traces if one["kind"] != "latency" for base in one["base"]]
        ends = [base + length for base, length in zip(bases, lengths)]
        assert bases[0] == 0 and bases[1:] == pytest.approx(ends[:-1])


def test_energy_memory_distribution_and_power_are_the_payloads(drawn):
    tab, payload = drawn
    tab.eval("Ridgeline.select(null)")
    tab.draw_all()
    for number, (unit, expected) in enumerate(energies_of(payload).items()):
        found = tab.eval(f"""(() => {{
          const all = {TRACES.format(f'energy-{number}')};
          const one = all.find((one) => one.meta.energy === 'gross');
          return Object.fromEntries(one.customdata.map((key, at) => [key, one.x[at]]));
        }})()""")
        assert close(found, expected), unit
    split = payload["cases"][0]["analysis"]["memory"]["split"]
    found = tab.eval(f"Object.fromEntries({TRACES.format('memory')}"
                     ".filter((one) => one.meta.memory)"
                     ".map((one) => [one.meta.memory, one.x[one.y.indexOf(0)]]))")
    assert found == {one["id"]: one["bytes"] for one in split}
    spread = payload["cases"][0]["distributions"]["decode"]
    lines = tab.eval(f"{TRACES.format('distribution')}.filter((one) => one.meta.process)"
                     ".map((one) => [one.x, one.y])")
    assert [one[0] for one in lines] == [one["quantiles"] for one in spread["invocations"]]
    assert lines[0][1] == pytest.approx([at / 100 for at in range(101)])
    power = payload["cases"][0]["timeline"]["decode"]["series"][0]
    line = tab.eval(f"{TRACES.format('timeline')}.map((one) => [one.x, one.y])[0]")
    assert line == [power["seconds"], power["values"]]


def test_table_shows_each_phase_and_a_dash_with_a_reason(tab, page):
    path, payload = page("rich", charts=False)
    tab.open(path)
    rows = tab.eval("[...document.querySelectorAll('table.cases tbody tr')].map((row) => "
                    "[...row.cells].map((cell) => cell.textContent))")
    failed = sum(not case["record"]["phases"] for case in payload["cases"])
    assert len(rows) == len(rows_of(payload)) + failed
    decode = rows[1]
    assert decode[:6] == ["llama-3-8bsynthetic", "native", "bfloat16", "NVIDIA H200",
                          "1×512 depth 512", "decode"]
    assert decode[6] == "◆ memory bandwidth"
    assert decode[7:11] == ["3.850 ± 0.031 ms", "4.004 ms", "4.312 ms", "259.7 token/s"]
    assert decode[11:16] == ["950.0 mJ/token", "80 %", "0.5 %", "84 %", "17.40 GB"]
    assert rows[-1][7] == "failed: oom.device"
    whisper = next(row for row in rows if row[0].startswith("whisper") and row[5] == "decode")
    assert whisper[11].startswith("– not available: needs decode.energy.gross")
    assert not any(cell.startswith("0 J") for row in rows for cell in row)


@pytest.mark.parametrize("call,expected", [
    ("time(12.345e-9)", "12.35 ns"), ("time(412.3e-6)", "412.3 µs"), ("time(1234.5)", "1234 s"),
    ("time(999.96e-6)", "1.000 ms"), ("time(0)", "0 s"), ("time(NaN)", "–"),
    ("time(0.01234, 0.00005)", "12.34 ± 0.05 ms"), ("time(0.01234, 1e-9)", "12.34 ± <0.01 ms"),
    ("time(0.1234, 0.0123)", "123.4 ± 12.3 ms"), ("rate(123456.7)", "123457"),
    ("rate(12345678)", "12.35 M"), ("rate(2.5e9)", "2.500 G"), ("rate(1e308)", "1.000e+299 G"),
    ("bytes(437928960)", "437.9 MB"), ("bytes(512)", "512 B"), ("flops(416.8e9)", "416.8 GFLOP/s"),
    ("percent(0.0412)", "4.1 %"), ("percent(0.87)", "87 %"), ("energy(0.95)", "950.0 mJ"),
    ("metric(3.916e12, 'B/s')", "3.916 TB/s"), ("metric(0.0205, 'J/token')", "20.50 mJ/token"),
    ("metric(45.5119, 'token/s')", "45.51 token/s"), ("metric(1.0133, 'FLOP/B')", "1.013 FLOP/B"),
    ("metric(700, 'W')", "700.0 W"), ("metric(null, 's')", "–"),
])
def test_numbers_read_as_on_the_console(formats, call, expected):
    """The first lines are those of tests/unit/report/format_test.cpp."""
    assert formats.eval(f"Ridgeline.format.{call}") == expected


@pytest.fixture(scope="module")
def formats(browser, page):
    tab = browser.tab()
    tab.open(page("cpu_llama", charts=False)[0])
    yield tab
    tab.close()
