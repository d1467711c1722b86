// Power over time during the energy pass, with the windows that count marked.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const maxSeries = 6;

  // Readings of power as they are; of an energy counter the mean between two changes.
  function powerOf(raw) {
    const seconds = R.numbers(raw, "seconds");
    const values = R.numbers(raw, "values");
    const unit = R.string(raw, "unit");
    const points = [];
    const length = Math.min(seconds.length, values.length);
    if (unit === "W") {
      for (let at = 0; at < length; at++) {
        // A null among the values is a pause: nothing was read there.
        if (seconds[at] !== null) points.push([seconds[at], values[at]]);
      }
    } else if (unit === "J") {
      let last = null;
      for (let at = 0; at < length; at++) {
        if (seconds[at] === null || values[at] === null) continue;
        if (last !== null && values[at] === values[last]) continue;
        // A counter that went back was reset or wrapped: nothing is known of that step.
        if (last !== null && values[at] > values[last] && seconds[at] > seconds[last]) {
          points.push([seconds[at], (values[at] - values[last]) / (seconds[at] - seconds[last])]);
        }
        last = at;
      }
    }
    return points;
  }

  const fromCounter = (raw) => R.string(raw, "unit") === "J" || R.string(raw, "how") === "counter";

  function read(row) {
    const timeline = row ? row.timeline : null;
    const series = R.list(timeline, "series")
      .map((one) => ({
        name: [
          R.string(one, "scope") || R.string(one, "id"),
          fromCounter(one) ? "(from its energy counter)" : "",
        ]
          .filter(Boolean)
          .join(" "),
        points: powerOf(one),
      }))
      .filter((one) => one.points.length > 1)
      .slice(0, maxSeries);
    const marks = R.list(timeline, "marks")
      .map((one) => ({
        name: R.string(one, "name"),
        begin: R.number(one, "begin"),
        end: R.number(one, "end"),
      }))
      .filter((one) => one.begin !== null && one.end !== null && one.end > one.begin);
    return { series, marks, reason: R.string(timeline, "reason") };
  }
  function absent(row, found) {
    if (found.reason) return found.reason;
    const metric = row ? R.metric(R.at(row.phase, "metrics"), "power.mean") : null;
    return metric && metric.reason
      ? `Power was not measured: ${metric.reason}.`
      : "Power was not measured, or its readings were not kept.";
  }

  const dashes = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
  function trace(one, index, colours) {
    return {
      type: "scatter",
      mode: "lines",
      name: R.plotText(one.name, 60),
      showlegend: true,
      meta: { power: true },
      x: one.points.map(([time]) => time),
      y: one.points.map(([, watts]) => watts),
      line: { color: colours.of(index), width: 1.4, dash: dashes[index] },
      hoverinfo: "text",
      hovertext: one.points.map(([time, watts]) =>
        R.hover(
          one.name,
          watts !== null && `${R.format.metric(watts, "W")} at ${R.format.significant(time)} s`,
        ),
      ),
    };
  }

  // Marks are the windows of this phase, unless they name another one.
  const isOf = (mark, row) => /^trial \d+$/.test(mark.name) || mark.name.startsWith(`${row.name},`);
  const idleNames = { "power.idle": "with the model loaded", "power.cold_idle": "cold" };

  function decorations(row, marks, idle, colours) {
    const window = (mark) => ({
      type: "rect",
      xref: "x",
      yref: "paper",
      x0: mark.begin,
      x1: mark.end,
      y0: 0,
      y1: 1,
      layer: "below",
      fillcolor: colours.accent,
      opacity: isOf(mark, row) ? 0.2 : 0.09,
      line: { width: 0 },
    });
    const level = (metric) => ({
      type: "line",
      xref: "paper",
      yref: "y",
      x0: 0,
      x1: 1,
      y0: metric.value,
      y1: metric.value,
      line: { color: colours.muted, width: 1, dash: metric.name === "power.idle" ? "dash" : "dot" },
    });
    const short = (name) => (R.narrow() ? name.replace(/^.*\D(\d+)$/, "$1") : name);
    const title = (mark) => ({
      xref: "x",
      yref: "paper",
      x: (mark.begin + mark.end) / 2,
      y: 1,
      yanchor: "bottom",
      text: R.plotText(short(mark.name), 24),
      showarrow: false,
      font: { size: 10, color: colours.muted },
    });
    return {
      shapes: [...marks.map(window), ...idle.map(level)],
      annotations: marks.slice(0, 24).map(title),
    };
  }

  function make() {
    const row = R.shownRow();
    const found = read(row);
    if (!found.series.length) return { reason: absent(row, found) };
    const colours = R.colours();
    const idle = Object.keys(idleNames)
      .map((key) => R.metric(R.at(row.phase, "metrics"), key))
      .filter((one) => one.value !== null);
    const others = found.marks.some((one) => !isOf(one, row));
    const notes = [
      `Shaded: the windows that count${others ? `, darker those of ${row.name}` : ""}.`,
    ];
    if (idle.length) {
      const levels = idle.map((one) => `${idleNames[one.name]} ${R.metricText(one)}`);
      notes.push(`Level lines: power without work, ${levels.join(", ")}.`);
    }
    return {
      data: found.series.map((one, index) => trace(one, index, colours)),
      summary:
        `${R.caseName(row.item)}, ${row.name}: ${found.series.length} series of power; windows: ` +
        `${found.marks.map((one) => one.name).join(", ") || "none"}.`,
      note: notes.join(" "),
      layout: {
        height: 360,
        xaxis: { title: { text: "time, s" }, automargin: true },
        yaxis: { title: { text: "power, W" }, rangemode: "tozero", automargin: true },
        ...decorations(row, found.marks, idle, colours),
        margin: { l: 56, r: 16, t: 24, b: 44 },
        legend: { orientation: "h", x: 0, y: -0.2, yanchor: "top", font: { size: 11 } },
      },
    };
  }

  // Mean and peak within each window, which is what the windows are for.
  function table() {
    const row = R.shownRow();
    const found = read(row);
    const rows = found.marks.flatMap((mark) =>
      found.series.map((one) => {
        const inside = one.points
          .filter(([time, watts]) => time >= mark.begin && time <= mark.end && watts !== null)
          .map(([, watts]) => watts);
        const mean = inside.reduce((sum, watts) => sum + watts, 0) / inside.length;
        return [
          mark.name,
          one.name,
          R.format.time(mark.end - mark.begin),
          inside.length ? R.format.metric(mean, "W") : R.none,
          inside.length ? R.format.metric(Math.max(...inside), "W") : R.none,
        ];
      }),
    );
    return {
      columns: [
        { label: "window" },
        { label: "sensor" },
        { label: "length", right: true },
        { label: "mean of the readings", right: true },
        { label: "highest", right: true },
      ],
      rows,
      reason: absent(row, found),
    };
  }

  R.startTimeline = function (parent) {
    const chart = R.chart({ id: "timeline", title: "Power over time", make, table });
    parent.append(chart.figure);
    R.on("select", chart.refresh);
  };
})();
