// Engines side by side: speed-ups with their intervals, and energy ratios.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const maxGroups = 40;
  const symbols = "circle square diamond triangle-up cross x star pentagon".split(" ");
  const methods = {
    paired_t: "t interval over log ratios of invocations that ran next to each other",
    welch_t: "Welch's 95 % interval of the difference of mean logs",
    single: "one value a side: no interval",
  };

  function ratioOf(raw) {
    const value = R.number(raw, "value");
    const bounds = R.numbers(raw, "ci95").filter((one) => one > 0);
    return {
      value: value > 0 ? value : null,
      ci95: bounds.length === 2 ? bounds : null,
      method: R.string(raw, "method"),
      n: R.numbers(raw, "n").filter((one) => one !== null),
      detectable: R.number(raw, "detectable"),
      reason: R.string(raw, "reason"),
    };
  }
  const groups = () =>
    R.list(R.payload, "comparisons")
      .slice(0, maxGroups)
      .map((raw) => ({
        baseline: R.string(raw, "baseline"),
        name: [
          R.string(raw, "model").split("/").pop(),
          workloadOf(raw),
          R.string(raw, "dtype"),
          R.string(raw, "phase"),
        ]
          .filter(Boolean)
          .join(" "),
        rows: R.list(raw, "rows").map((row) => ({
          engine: R.string(row, "engine"),
          baseline: R.at(row, "is_baseline") === true,
          latency: R.metric(row, "latency"),
          energy: R.metric(row, "energy"),
          speedup: ratioOf(R.at(row, "speedup")),
          ratio: ratioOf(R.at(row, "energy_ratio")),
          notes: R.list(row, "notes")
            .map((one) => R.text(one))
            .filter(Boolean),
        })),
      }));
  function workloadOf(raw) {
    const batch = R.number(raw, "workload", "batch");
    const sequence = R.number(raw, "workload", "sequence");
    return batch === null ? "" : sequence === null ? `${batch}` : `${batch}×${sequence}`;
  }

  const times = (value) => `${value.toFixed(value < 10 ? 3 : 1)}×`;
  // "4.952× [4.750, 5.162]"; a star where there is no interval.
  function ratioText(one) {
    const bounds = one.ci95 && one.ci95.map((bound) => bound.toFixed(3)).join(", ");
    return `${times(one.value)}${bounds ? ` [${bounds}]` : " *"}`;
  }
  function ratioNode(row, one, title, about) {
    if (row.baseline) return "baseline";
    if (one.value === null) return R.absent(one.reason || "no such comparison", title);
    return R.tip(R.el("span", { class: "value" }, ratioText(one)), () => ({
      title,
      about,
      rows: [
        [
          "interval",
          Object.hasOwn(methods, one.method) ? methods[one.method] : one.method || R.none,
        ],
        ["n", one.n.join(" and ") || R.none],
        [
          "finds",
          one.detectable === null
            ? R.none
            : `changes from ${R.format.percent(one.detectable)} on, 80 times of 100`,
        ],
      ],
    }));
  }
  function groupTable(group) {
    return R.table(
      group.name,
      [
        { label: "engine" },
        { label: "latency ± 95 %", right: true },
        { label: "speed-up", right: true },
        { label: "energy / call", right: true },
        { label: "energy ratio", right: true },
        { label: "notes" },
      ],
      group.rows.map((row) => [
        row.engine,
        R.metricNode(row.latency, { half: true }),
        ratioNode(
          row,
          row.speedup,
          "Speed-up",
          `Latency of ${group.baseline} over latency of ${row.engine}: above 1 is faster.`,
        ),
        R.metricNode(row.energy),
        ratioNode(
          row,
          row.ratio,
          "Energy ratio",
          `Joules a call of ${row.engine} over those of ${group.baseline}: below 1 is less.`,
        ),
        row.notes.join("; "),
      ]),
    );
  }

  const points = () =>
    groups().flatMap((group) =>
      group.rows
        .filter((row) => !row.baseline && row.speedup.value !== null)
        .map((row) => ({
          ...row.speedup,
          engine: row.engine,
          name: `${row.engine}: ${group.name}`,
          baseline: group.baseline,
        })),
    );
  function trace(engine, index, all, colours) {
    const own = all.map((one, at) => [one, at]).filter(([one]) => one.engine === engine);
    const arms = (side) =>
      own.map(([one]) =>
        one.ci95 ? Math.max(0, side * (one.ci95[side > 0 ? 1 : 0] - one.value)) : 0,
      );
    const colour = colours.of(index);
    return {
      type: "scatter",
      mode: "markers",
      name: R.plotText(engine, 60),
      meta: { speedup: true },
      x: own.map(([one]) => one.value),
      y: own.map(([, at]) => at),
      error_x: {
        type: "data",
        symmetric: false,
        array: arms(1),
        arrayminus: arms(-1),
        color: colour,
        thickness: 2,
        width: 5,
      },
      marker: { color: colour, symbol: symbols[index % symbols.length], size: 10 },
      hoverinfo: "text",
      hovertext: own.map(([one]) =>
        R.hover(one.name, `${ratioText(one)} as fast as ${one.baseline}`, methods[one.method]),
      ),
    };
  }

  function make() {
    const all = points();
    if (!all.length) {
      return { reason: "No engine could be compared with the baseline: the tables say why." };
    }
    const colours = R.colours();
    const engines = [...new Set(all.map((one) => one.engine))];
    const ends = all.flatMap((one) => one.ci95 || [one.value]).filter((one) => one > 0);
    const range = [Math.min(0.95, ...ends) / 1.06, Math.max(1.05, ...ends) * 1.06];
    const baselines = new Set(all.map((one) => one.baseline));
    const over = baselines.size === 1 ? all[0].baseline : "the baseline of each group";
    return {
      data: engines.map((engine, index) => trace(engine, index, all, colours)),
      summary: all
        .slice(0, 12)
        .map((one) => `${one.name} ${ratioText(one)}`)
        .join("; "),
      note: all.some((one) => !one.ci95)
        ? "Without an arm: one invocation only, so the spread between processes is not seen."
        : "Right of the line is faster; arms are 95 % intervals.",
      layout: {
        height: R.barHeight(all.length, 38, 110),
        xaxis: {
          type: "log",
          title: { text: R.plotText(`speed-up over ${over}`, 80) },
          range: range.map(Math.log10),
          ticksuffix: "×",
          dtick: "D2",
        },
        yaxis: { ...R.barAxis(all.map((one) => one.name)), showgrid: true },
        shapes: [
          {
            type: "line",
            xref: "x",
            yref: "paper",
            x0: 1,
            x1: 1,
            y0: 0,
            y1: 1,
            line: { color: colours.text, width: 1.4, dash: "dash" },
          },
        ],
      },
    };
  }
  const table = () => ({
    columns: [{ label: "engine and case" }, { label: "speed-up", right: true }],
    rows: points().map((one) => [one.name, ratioText(one)]),
  });

  R.startComparison = function () {
    const place = document.getElementById("comparison");
    const all = groups();
    if (all.length) {
      const chart = R.chart({ id: "speedup", title: "Speed-up of engines", make, table });
      place.append(chart.figure, ...all.map(groupTable));
    } else {
      const how = "`ridgeline run MODEL --engine native,transformers` puts engines side by side.";
      place.append(R.el("p", { class: "instead" }, `${R.none} One engine only: ${how}`));
    }
  };
})();
