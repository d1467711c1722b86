// Summary cards: of the selected case, or the best of all cases.
(function () {
  "use strict";
  const R = window.Ridgeline;

  const measured = (rows, key) => rows.filter((row) => row[key].value !== null);
  // Preparing inputs is a side figure and wins nothing.
  const isWork = (row) => !/process$/.test(row.name);
  const best = (rows, key, sign) =>
    rows.reduce((a, b) => (a && sign * a[key].value >= sign * b[key].value ? a : b), null);

  function card(id, title, value, ...details) {
    return R.el(
      "section",
      { class: "card", id: `card-${id}` },
      R.el("h3", null, title),
      R.el("p", { class: "big" }, value),
      details.filter(Boolean).map((one) => R.el("p", null, one)),
    );
  }
  const whose = (row) => (R.state.selected ? `${row.name}` : `${row.item.label}, ${row.name}`);

  function number(id, title, rows, key, sign, absent) {
    const found = best(measured(rows, key), key, sign);
    if (found) {
      const others = R.state.selected
        ? measured(rows, key)
            .filter((row) => row !== found)
            .map((row) => `${row.name} ${R.metricText(row[key])}`)
            .join(" · ")
        : "";
      const half = key === "latency" && found[key].half !== null;
      const spread = half ? `± ${R.format.percent(found[key].half / found[key].value)}` : "";
      const n = found[key].n !== null ? `n = ${R.format.count(found[key].n)}` : "";
      return card(
        id,
        title,
        R.metricNode(found[key]),
        whose(found),
        others,
        [spread, n].filter(Boolean).join(", "),
      );
    }
    const first = rows.find((row) => row[key].reason);
    return card(
      id,
      title,
      R.absent(first ? first[key].reason : absent),
      first ? first[key].reason : absent,
    );
  }

  // Energy of unlike items cannot be ranked, so each item has its own best.
  function energyCard(rows) {
    const found = measured(rows, "energy");
    const units = [...new Set(found.map((row) => row.energy.unit))];
    if (units.length < 2) {
      return number(
        "energy",
        R.state.selected ? "Energy per item" : "Least energy per item",
        rows,
        "energy",
        -1,
        "no energy was measured",
      );
    }
    const rest = units.slice(1).map((unit) => {
      const row = best(
        found.filter((one) => one.energy.unit === unit),
        "energy",
        -1,
      );
      return `${R.metricText(row.energy)}, ${whose(row)}`;
    });
    const first = best(
      found.filter((one) => one.energy.unit === units[0]),
      "energy",
      -1,
    );
    return card(
      "energy",
      "Least energy per item",
      R.metricNode(first.energy),
      whose(first),
      ...rest,
    );
  }

  function limitCard(rows) {
    const known = rows.filter((row) => row.limit.id !== "unknown");
    if (!known.length) {
      const row = rows.find((one) => one.limit.evidence);
      return card(
        "limit",
        "What limits it",
        R.absent(row ? row.limit.evidence : "nothing was analysed"),
      );
    }
    if (R.state.selected) {
      const row = known.includes(R.state.row) ? R.state.row : known[0];
      const advice = R.adviceOf(row)[0];
      return card(
        "limit",
        `What limits ${row.name}`,
        R.limitBadge(row.limit),
        advice
          ? R.el("span", null, `Try: ${advice.text} `, R.gainNode(advice))
          : row.limit.evidence,
      );
    }
    const counts = new Map();
    for (const row of known) counts.set(row.limit.id, (counts.get(row.limit.id) || 0) + 1);
    const ranked = [...counts].sort((a, b) => b[1] - a[1]);
    const top = known.find((row) => row.limit.id === ranked[0][0]);
    const rest = ranked
      .slice(1)
      .map(([id, count]) => `${R.limits[id].label} ${count}`)
      .join(" · ");
    const gains = known.flatMap((row) =>
      R.adviceOf(row)
        .filter((one) => one.high)
        .map((one) => ({ ...one, row })),
    );
    const most = gains.reduce((a, b) => (a && a.high >= b.high ? a : b), null);
    return card(
      "limit",
      "What limits most",
      R.limitBadge(top.limit),
      `${ranked[0][1]} of ${known.length} phases${rest ? ` · ${rest}` : ""}`,
      most &&
        R.el("span", null, `Most to gain: ${whose(most.row)}: ${most.text} `, R.gainNode(most)),
    );
  }

  function validityCard(items) {
    const flags = items.flatMap((item) => R.list(item.record, "validity", "flags"));
    const count = (severity) => flags.filter((one) => R.severityOf(one) === severity).length;
    const invalid = count("invalid");
    const warnings = count("warn");
    const failed = items.filter((one) => one.status === "failed").length;
    const partial = items.filter((one) => one.status === "partial").length;
    const words = [];
    if (failed) words.push(`${failed} failed`);
    if (partial) words.push(`${partial} partial`);
    if (invalid) words.push(`${invalid} invalid`);
    words.push(`${warnings} warning${warnings === 1 ? "" : "s"}`);
    const worst =
      flags.find((one) => R.severityOf(one) === "invalid") ||
      flags.find((one) => R.severityOf(one) === "warn");
    const reason = items.map((one) => R.string(one.record, "outcome", "reason")).find(Boolean);
    const bad = failed || invalid;
    return card(
      "validity",
      "Validity",
      R.el(
        "span",
        { class: bad ? "bad" : warnings || partial ? "warn" : "good" },
        `${bad ? "✖" : warnings || partial ? "▲" : "✔"} ${words.join(", ")}`,
      ),
      failed && reason
        ? reason
        : worst
          ? R.string(worst, "detail")
          : "nothing that speaks against these numbers",
      R.el("a", { href: "#validity" }, "All flags and notes"),
    );
  }

  function build() {
    const selected = R.state.selected;
    const items = selected ? [selected] : R.cases;
    const rows = items.flatMap((item) => item.rows).filter(isWork);
    // The phase that was chosen leads, else what a case is first of all about.
    const lead = selected ? [R.state.row] : rows;
    const used = (key) => (selected && measured(lead, key).length ? lead : rows);
    const several = !selected && R.cases.length > 1;
    R.fill(
      document.getElementById("cards"),
      number(
        "latency",
        several ? "Fastest" : "Latency",
        used("latency"),
        "latency",
        -1,
        "nothing was timed",
      ),
      number(
        "throughput",
        several ? "Highest throughput" : "Throughput",
        used("throughput"),
        "throughput",
        1,
        "this phase counts no items",
      ),
      energyCard(selected ? used("energy") : rows),
      limitCard(rows),
      validityCard(items),
    );
    const scope = document.getElementById("scope");
    scope.textContent = selected ? R.caseName(selected) : `all ${R.cases.length} cases`;
  }

  R.startSummary = function () {
    build();
    R.on("select", build);
  };
})();
