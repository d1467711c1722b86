// Where the memory goes, how much there is, and the largest batch and context that fit.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const maxBars = 16;
  const parts = [
    ["weights", "weights", ""],
    ["packed", "packed weights", "/"],
    ["cache", "cache", "\\"],
    ["activations", "activations", "x"],
    ["inputs", "inputs", "-"],
    ["outputs", "outputs", "|"],
    ["graphs", "recorded graphs", "+"],
    ["other", "other", "."],
  ];

  // Parts of the split in bytes, of the analysis or else of the record.
  function read(item) {
    const memory = R.at(item.analysis, "memory");
    const split = new Map();
    for (const one of R.list(memory, "split")) {
      const bytes = R.number(one, "bytes");
      const id = R.string(one, "id");
      if (bytes === null || bytes < 0) continue;
      const key = parts.some(([known]) => known === id) ? id : "other";
      split.set(key, (split.get(key) || 0) + bytes);
    }
    if (!split.size) {
      for (const [id] of parts) {
        const { value } = R.metric(R.at(item.record, "memory", "metrics"), id);
        if (value !== null) split.set(id, value);
      }
    }
    return {
      split,
      total: [...split.values()].reduce((sum, bytes) => sum + bytes, 0),
      capacity: R.number(memory, "capacity"),
      capacityOf: R.string(memory, "capacity_of") || "memory",
      peak:
        R.number(memory, "peak") ?? R.metric(R.at(item.record, "memory", "metrics"), "peak").value,
    };
  }
  function shown() {
    const seen = new Set(R.state.visible.map((row) => row.item));
    const found = [...seen].map((item) => ({ item, ...read(item) })).filter((one) => one.total > 0);
    const own = found.filter((one) => one.item === R.state.selected);
    return [...own, ...found.filter((one) => one.item !== R.state.selected)];
  }
  function reason() {
    const item = (R.shownRow() || {}).item;
    const why = item && R.metric(R.at(item.record, "memory", "metrics"), "weights").reason;
    return `No case has a memory split${why ? `: ${why}` : ""}.`;
  }
  const labelOf = ({ item }) => R.caseName(item);

  function partTrace([id, name, shape], index, rows, colours) {
    const known = rows.map((one, at) => [one, at]).filter(([one]) => one.split.has(id));
    return {
      type: "bar",
      orientation: "h",
      name,
      meta: { memory: id },
      y: known.map(([, at]) => at),
      x: known.map(([one]) => one.split.get(id)),
      marker: R.fillOf(colours.of(index), shape, colours),
      hoverinfo: "text",
      hovertext: known.map(([one]) =>
        R.hover(
          labelOf(one),
          `${name} ${R.format.bytes(one.split.get(id))}`,
          `${R.format.percent(one.split.get(id) / one.total)} of the sum`,
          "tracked by the engine's allocators",
        ),
      ),
    };
  }
  // A stroke across the bars at a value of each case.
  function strokeTrace(name, value, rows, colour) {
    const known = rows.map((one, at) => [one, at]).filter(([one]) => value(one) > 0);
    return {
      type: "scatter",
      mode: "markers",
      name,
      meta: { mark: name },
      x: known.map(([one]) => value(one)),
      y: known.map(([, at]) => at),
      marker: {
        symbol: "line-ns-open",
        size: 20,
        color: colour,
        line: { width: 3, color: colour },
      },
      hoverinfo: "text",
      hovertext: known.map(([one]) =>
        R.hover(labelOf(one), `${name} ${R.format.bytes(value(one))}`),
      ),
    };
  }

  function make() {
    const all = shown();
    if (!all.length) return { reason: reason() };
    const colours = R.colours();
    const rows = all.slice(0, maxBars);
    const most = Math.max(...rows.map((one) => Math.max(one.total, one.peak || 0)));
    // A capacity far to the right would leave nothing to see of the bars.
    const isNear = (one) => one.capacity < 5 * most;
    const far = rows
      .filter((one) => one.capacity > 0 && !isNear(one))
      .map((one) => `${one.capacityOf} has ${R.format.bytes(one.capacity)}`);
    const splits = (one) => [...one.split].map(([id, bytes]) => `${id} ${R.format.bytes(bytes)}`);
    const notes = [];
    if (far.length)
      notes.push(`Beyond the right edge: ${[...new Set(far)].slice(0, 3).join("; ")}.`);
    if (all.length > rows.length) {
      notes.push(
        `The first ${rows.length} of ${all.length} cases: filter the table to see others.`,
      );
    }
    return {
      data: [
        ...parts.map((part, index) => partTrace(part, index, rows, colours)),
        strokeTrace("peak", (one) => one.peak, rows, colours.text),
        strokeTrace("capacity", (one) => (isNear(one) ? one.capacity : 0), rows, colours.of(1)),
      ].filter((one) => one.x.length),
      summary: rows
        .slice(0, 8)
        .map((one) => `${labelOf(one)}: ${splits(one).join(", ")}`)
        .join("; "),
      note: notes.join(" "),
      layout: {
        height: R.barHeight(rows.length, 40, 120),
        barmode: "stack",
        bargap: 0.34,
        xaxis: R.axis("memory", "B", { rangemode: "tozero" }),
        yaxis: R.barAxis(rows.map(labelOf)),
        legend: {
          orientation: "h",
          traceorder: "normal",
          x: 0,
          y: 1.02,
          yanchor: "bottom",
          font: { size: 11 },
        },
      },
    };
  }

  function table() {
    const rows = shown().slice(0, 200);
    return {
      columns: [
        { label: "case" },
        ...parts.map(([, name]) => ({ label: name, right: true })),
        { label: "peak", right: true },
        { label: "capacity", right: true },
      ],
      rows: rows.map((one) => [
        labelOf(one),
        ...parts.map(([id]) => (one.split.has(id) ? R.format.bytes(one.split.get(id)) : R.none)),
        one.peak ? R.format.bytes(one.peak) : R.none,
        one.capacity ? R.format.bytes(one.capacity) : R.none,
      ]),
      reason: reason(),
    };
  }

  // "Largest batch that fits: 96 (how)".
  function fitNode(name, raw) {
    const value = R.number(raw, "value");
    const how = R.string(raw, "how");
    const why = R.string(raw, "reason") || "the record says too little";
    return [
      R.el("dt", null, name),
      R.el(
        "dd",
        null,
        value === null
          ? R.absent(why, name)
          : R.tip(R.el("span", { class: "value" }, R.format.count(value)), () => ({
              title: name,
              rows: [
                ["how", how || R.none],
                ["source", R.sourceText("modelled")],
              ],
            })),
        ` ${value === null ? why : how}`,
      ),
    ];
  }
  function buildFit(place) {
    const row = R.shownRow();
    const memory = R.at(row && row.item.analysis, "memory");
    if (!row) return R.fill(place);
    const capacity = R.number(memory, "capacity");
    R.fill(
      place,
      R.el("dt", null, "case"),
      R.el("dd", null, row.item.label),
      R.el("dt", null, "capacity"),
      R.el(
        "dd",
        null,
        capacity === null
          ? R.absent("not known for this device", "capacity")
          : `${R.format.bytes(capacity)} ${R.string(memory, "capacity_of")}`,
      ),
      fitNode("largest batch", R.at(memory, "largest_batch")),
      fitNode("largest context", R.at(memory, "largest_context")),
    );
  }

  R.startMemory = function () {
    const chart = R.chart({ id: "memory", title: "Memory split", make, table });
    const fit = R.el("dl", { class: "facts", id: "fit" });
    document.getElementById("memory").append(fit, chart.figure);
    buildFit(fit);
    R.on("select", () => buildFit(fit));
    R.on("select", chart.refresh);
    R.on("filter", chart.refresh);
  };
})();
