// The payload as cases and rows: one row for each phase of each case, with what the table shows.
(function () {
  "use strict";
  const R = window.Ridgeline;

  /** Limits by name: a shape beside the colour, so that neither is needed alone. */
  R.limits = {
    compute: { label: "compute", glyph: "▲", symbol: "triangle-up" },
    memory: { label: "memory bandwidth", glyph: "◆", symbol: "diamond" },
    host: { label: "host", glyph: "●", symbol: "circle" },
    input: { label: "input preparation", glyph: "▶", symbol: "triangle-right" },
    capacity: { label: "memory capacity", glyph: "■", symbol: "square" },
    power: { label: "power cap", glyph: "★", symbol: "star" },
    thermal: { label: "heat", glyph: "▼", symbol: "triangle-down" },
    kernels: { label: "kernels", glyph: "✚", symbol: "cross" },
    mixed: { label: "mixed", glyph: "◐", symbol: "hexagon" },
    unknown: { label: "not known", glyph: "○", symbol: "circle-open" },
  };

  /** The limit of a phase: {id, label, glyph, evidence}. */
  R.limitOf = function (analysis) {
    const limit = R.at(analysis, "limit");
    const named = R.string(limit, "id");
    const id = Object.hasOwn(R.limits, named) ? named : "unknown";
    return {
      id,
      glyph: R.limits[id].glyph,
      symbol: R.limits[id].symbol,
      label: R.string(limit, "headline") || R.limits[id].label,
      evidence: R.string(limit, "evidence"),
      among: R.list(limit, "among").map((one) => R.text(one, 40)),
    };
  };

  // "1×512 depth 512", "32×224 px", "1×30 s": rows of a call, and what each of them is.
  function workloadText(record) {
    const work = R.at(record, "workload");
    const short = (value) => String(Number(value.toPrecision(4)));
    const size = R.at(work, "image_size");
    const sides = (Array.isArray(size) ? size : [size]).filter(Number.isFinite);
    const sequence = R.number(work, "sequence");
    const audio = R.number(work, "audio_seconds");
    const each = [
      sequence !== null && short(sequence),
      sides.length && `${sides.map(short).join("×")} px`,
      audio !== null && `${short(audio)} s`,
    ].filter(Boolean);
    const batch = R.number(work, "batch");
    const parts = [[batch !== null && short(batch), each.join(" + ")].filter(Boolean).join("×")];
    const depth = R.number(work, "depth");
    if (depth !== null) parts.push(`depth ${short(depth)}`);
    return parts.join(" ").trim() || R.none;
  }

  function deviceName(record, machine) {
    const device = R.name(record, "configuration", "device");
    if (!device || device === "cpu") return R.name(machine, "cpu", "model") || device || R.none;
    const ordinal = Number((/:(\d+)$/.exec(device) || [0, 0])[1]);
    for (const list of ["devices", "accelerators"]) {
      const name = R.name(R.list(machine, list)[ordinal], "name");
      if (name) return name;
    }
    return device;
  }

  function makeCase(raw, index) {
    const record = R.at(raw, "record") || {};
    const machine =
      R.list(R.payload, "machines")[R.number(raw, "machine_index") ?? 0] ||
      R.at(R.payload, "machine");
    const reference =
      R.name(record, "model", "reference") || R.name(record, "configuration", "model");
    const status = R.string(record, "outcome", "status") || "ok";
    return {
      index,
      id: R.string(raw, "id") || R.string(record, "id"),
      label: R.name(raw, "label") || reference || `case ${index + 1}`,
      record,
      analysis: R.at(raw, "analysis"),
      distributions: R.at(raw, "distributions"),
      timeline: R.at(raw, "timeline"),
      model: reference.replace(/\/+$/, "").split("/").pop() || R.none,
      engine:
        R.name(record, "configuration", "engine") || R.name(record, "engine", "name") || R.none,
      dtype: R.name(record, "model", "dtype") || R.name(record, "configuration", "dtype") || R.none,
      device: R.name(record, "configuration", "device") || R.none,
      deviceName: deviceName(record, machine),
      workload: workloadText(record),
      status,
      synthetic: R.at(record, "model", "synthetic") === true,
      syntheticInputs: R.at(record, "workload", "inputs", "synthetic") === true,
      rows: [],
    };
  }

  const throughputKeys = ["token", "image", "audio_second", "window", "sequence"];

  // The item a phase is about, and its metrics of rate and energy.
  function itemOf(phase) {
    const metrics = R.at(phase, "metrics");
    const unit = R.string(phase, "unit");
    const order = [unit, ...throughputKeys].filter(Boolean);
    return (
      order.find((item) => Object.hasOwn(metrics || {}, `throughput.${item}`)) || unit || "call"
    );
  }

  function makeRow(item, phase, index) {
    const metrics = R.at(phase, "metrics");
    // As it is for looking things up, printable for the page.
    const key = typeof R.at(phase, "name") === "string" ? phase.name : "";
    const unit = itemOf(phase);
    const memory = R.at(item.record, "memory", "metrics");
    const perItem = R.metric(metrics, `energy_per_${unit}.gross`);
    const names = ["peak", "device_peak", "resident_peak"];
    const peaks = names.map((one) => R.metric(memory, one));
    const row = {
      key: `${item.index}/${index}`,
      item,
      phase,
      name: R.text(key, 60) || R.none,
      unit,
      analysis: R.at(item.analysis, "phases", key),
      distribution: R.at(item.distributions, key),
      timeline: R.at(item.timeline, key),
      latency: R.metric(metrics, "latency"),
      p95: R.metric(metrics, "latency.p95"),
      p99: R.metric(metrics, "latency.p99"),
      throughput: R.metric(metrics, `throughput.${unit}`),
      // Without items a call is what energy is known of.
      energy: Object.hasOwn(metrics || {}, perItem.name)
        ? perItem
        : R.metric(metrics, "energy.gross"),
      mfu: R.metric(metrics, "mfu"),
      mbu: R.metric(metrics, "mbu"),
      peak: peaks.find((one) => one.value !== null) || peaks[0],
    };
    row.limit = R.limitOf(row.analysis);
    row.words = [
      item.label,
      item.model,
      item.engine,
      item.dtype,
      item.device,
      item.deviceName,
      item.workload,
      row.name,
      row.limit.id,
      row.limit.label,
      item.status,
    ]
      .join(" ")
      .toLowerCase();
    return row;
  }

  /** Severity of a flag: what is not known counts as a warning. */
  R.severityOf = function (flag) {
    const severity = R.string(flag, "severity");
    return severity === "invalid" || severity === "info" ? severity : "warn";
  };

  /** The phase that a case is first of all about. */
  R.mainRow = function (item) {
    const order = ["decode", "generate", "forward", "prefill", "encode"];
    const measured = item.rows.filter((row) => row.latency.value !== null);
    for (const name of order) {
      const found = measured.find((row) => row.name === name);
      if (found) return found;
    }
    return measured.find((row) => !/process$/.test(row.name)) || measured[0] || item.rows[0];
  };

  /** Reads the payload's element; null where it is damaged. */
  R.readPayload = function () {
    try {
      const payload = JSON.parse(document.getElementById("payload").textContent);
      return payload && typeof payload === "object" ? payload : null;
    } catch {
      return null;
    }
  };

  R.loadModel = function () {
    R.cases = R.list(R.payload, "cases").map(makeCase);
    R.rows = [];
    for (const item of R.cases) {
      const phases = R.list(item.record, "phases");
      // A case that failed early has no phase; it has a row all the same.
      item.rows = (phases.length ? phases : [null]).map((phase, at) => makeRow(item, phase, at));
      R.rows.push(...item.rows);
    }
    const single = R.cases.length === 1 ? R.cases[0] : null;
    R.state = { selected: single, row: single && R.mainRow(single), visible: R.rows };
  };

  /** The case that charts of one case show: the selected one, else the first that was measured. */
  R.shownRow = function () {
    if (R.state.row) return R.state.row;
    const item = R.cases.find((one) => one.status !== "failed") || R.cases[0];
    return item ? R.mainRow(item) : null;
  };
  /** Selects a row and its case; null selects all cases. */
  R.select = function (row) {
    R.state.row = row;
    R.state.selected = row ? row.item : null;
    R.emit("select");
  };

  /** Selects the row of a chart's point. */
  R.selectKey = function (key) {
    const row = R.rows.find((one) => one.key === key);
    if (row) R.select(row);
  };

  const several = (key) => new Set(R.cases.map((one) => one[key])).size > 1;
  /** The label of a case, with its engine where there are several. */
  R.caseName = (item) =>
    several("engine") && !item.label.includes(item.engine)
      ? `${item.label} ${item.engine}`
      : item.label;

  /** "H200 · bfloat16 · native" as far as it differs between cases. */
  R.seriesName = function (item) {
    const keys = ["model", "engine", "dtype", "deviceName"].filter(several);
    return (keys.length ? keys : ["model"]).map((key) => item[key]).join(" · ");
  };
})();
