// The roofline: every phase of every case at (intensity, attained FLOP/s), under the ceilings that
// were measured and those of the datasheet. Points come from measurements, never from the roofs.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const maxRoofs = 10;
  const maxExtras = 4;
  const maxSeries = 14;
  const symbols = (
    "circle square diamond triangle-up cross x star pentagon triangle-down hexagon hourglass " +
    "bowtie star-square diamond-wide"
  ).split(" ");
  const noPoints = "No phase has both FLOPs and a latency.";

  // Where a point stands and what is known about it, or null.
  function pointOf(row) {
    const metrics = R.at(row.phase, "metrics");
    const roofline = R.at(row.analysis, "roofline");
    const rate = R.metric(metrics, "flops_rate");
    const x = R.number(roofline, "intensity") ?? R.number(metrics, "arithmetic_intensity", "value");
    const y = R.number(roofline, "flops_rate") ?? rate.value;
    return x > 0 && y > 0 ? { row, x, y, rate, bytes: R.number(roofline, "bytes_rate") } : null;
  }

  // What the measured ceilings allow at a point's intensity, or null.
  function attainable(point) {
    const [roof] = R.roofsOf([point.row]).filter((one) => one.kind === "measured");
    return roof && roof.flops > 0 && roof.bytes > 0
      ? Math.min(roof.flops, roof.bytes * point.x)
      : null;
  }

  function hover(point) {
    const { row } = point;
    const roof = attainable(point);
    const source = point.rate.weakest || point.rate.source;
    return R.hover(
      `${row.item.label} · ${row.name}`,
      `${row.item.engine} on ${row.item.deviceName}`,
      `attained ${R.format.flops(point.y)} at ${R.format.significant(point.x)} FLOP/B`,
      point.bytes > 0 && `moves ${R.format.metric(point.bytes, "B/s")}`,
      roof && `${R.format.percent(point.y / roof)} of the measured roof above it`,
      `limit: ${row.limit.label}`,
      `FLOP/s = counted FLOPs / measured latency${source ? `; weakest input: ${source}` : ""}`,
      row.item.synthetic && "synthetic weights",
    );
  }

  // Series by what differs between cases; by limit where these would be too many.
  function grouped(points) {
    const byLimit = new Set(points.map((one) => R.seriesName(one.row.item))).size > maxSeries;
    const groups = new Map();
    for (const point of points) {
      const key = byLimit ? point.row.limit.id : R.seriesName(point.row.item);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(point);
    }
    return [...groups].map(([key, members], index) => ({
      members,
      name: byLimit ? R.limits[key].label : key,
      symbol: byLimit ? R.limits[key].symbol : symbols[index % symbols.length],
      colour: (colours) => (byLimit ? colours.limit(key) : colours.of(index)),
    }));
  }

  // Names of phases at the points, where they do not cover each other.
  function labelsOf(points) {
    const labels = new Map();
    if (points.length > (R.narrow() ? 8 : 16)) return labels;
    const placed = [];
    for (const point of points) {
      const near = placed.some(
        (other) =>
          Math.abs(Math.log10(point.x / other.x)) < 0.4 &&
          Math.abs(Math.log10(point.y / other.y)) < 0.3,
      );
      if (near) continue;
      placed.push(point);
      labels.set(point, R.plotText(point.row.name, 24));
    }
    return labels;
  }

  function pointTrace(group, labels, colours) {
    const chosen = group.members.map(({ row }) => row === R.state.row);
    return {
      type: "scatter",
      mode: labels.size ? "markers+text" : "markers",
      name: R.plotText(group.name, 70),
      x: group.members.map((one) => one.x),
      y: group.members.map((one) => one.y),
      text: group.members.map((one) => labels.get(one) || ""),
      textposition: "bottom right",
      textfont: { size: 11 },
      customdata: group.members.map(({ row }) => row.key),
      hoverinfo: "text",
      hovertext: group.members.map(hover),
      marker: {
        symbol: group.symbol,
        color: group.colour(colours),
        opacity: 1,
        size: chosen.map((one) => (one ? 17 : 10)),
        line: { color: colours.text, width: chosen.map((one) => (one ? 3 : 1)) },
      },
      meta: { points: true },
    };
  }

  function notesOf(rows, points, roofs, drawn) {
    const notes = [];
    if (!roofs.some((roof) => roof.kind === "measured")) {
      notes.push("No measured ceilings: `ridgeline peaks` measures those of this machine.");
    }
    const missing = R.missingRoofsOf(rows).slice(0, 3);
    for (const { kind, reason } of missing) notes.push(`${R.none} ${kind} ceiling: ${reason}.`);
    if (roofs.length > drawn) notes.push(`${roofs.length - drawn} more roofs: filter the table.`);
    const above = points.filter((one) => attainable(one) && one.y > 1.02 * attainable(one));
    if (above.length) {
      notes.push(
        `${above.length} of ${points.length} points lie above the measured roof: their data stay ` +
          "in a cache, or the ceilings were measured under other conditions.",
      );
    }
    const without = rows.length - points.length;
    if (without) notes.push(`No point: ${without} of ${rows.length} rows (no FLOPs or latency).`);
    return notes.join(" ");
  }

  function make() {
    const rows = R.state.visible;
    const points = rows.map(pointOf).filter(Boolean);
    if (!points.length) return { reason: rows.length ? noPoints : "The filter leaves no row." };
    const colours = R.colours();
    const all = R.roofsOf(rows);
    const roofs = all.slice(0, maxRoofs);
    const xs = [...points.map((one) => one.x), ...roofs.map((roof) => roof.ridge || points[0].x)];
    const ys = points.map((one) => one.y);
    const span = [Math.min(...xs) / 4, Math.max(...xs) * 6];
    const top = Math.max(...ys, ...roofs.map((roof) => roof.flops || 0));
    const labels = labelsOf(points);
    const log = (title, range) => ({
      type: "log",
      title: { text: title, standoff: 6 },
      range: range.map(Math.log10),
      dtick: 1,
      tickformat: "~s",
      automargin: true,
    });
    return {
      data: [
        ...R.roofTraces(roofs, R.extraRoofsOf(rows).slice(0, maxExtras), span, colours),
        ...grouped(points).map((group) => pointTrace(group, labels, colours)),
      ],
      summary: `${points.length} points, ${roofs.length} ceilings: FLOP/s attained over intensity.`,
      note: notesOf(rows, points, all, roofs.length),
      layout: {
        height: R.narrow() ? 600 : 540,
        xaxis: log("arithmetic intensity, FLOP/B", span),
        yaxis: log("attained FLOP/s", [Math.min(...ys) / 8, top * 2.2]),
        margin: { l: 56, r: 12, t: 8, b: 48 },
        legend: {
          orientation: "h",
          x: 0,
          y: R.narrow() ? -0.2 : -0.14,
          yanchor: "top",
          font: { size: 11 },
        },
      },
    };
  }

  function table() {
    const points = R.state.visible.map(pointOf).filter(Boolean).slice(0, 500);
    const right = (label) => ({ label, right: true });
    return {
      columns: [
        { label: "case" },
        { label: "phase" },
        ...["FLOP/B", "attained", "of the measured roof"].map(right),
        { label: "limit" },
      ],
      rows: points.map((point) => [
        R.caseName(point.row.item),
        point.row.name,
        R.format.significant(point.x),
        R.format.flops(point.y),
        attainable(point) ? R.format.percent(point.y / attainable(point)) : R.none,
        point.row.limit.label,
      ]),
      reason: noPoints,
    };
  }

  R.startRoofline = function () {
    const chart = R.chart({
      id: "roofline",
      title: "Roofline",
      make,
      table,
      svg: ["roofline"],
      click: (point) => R.selectKey(point.customdata),
    });
    document.getElementById("roofline").append(chart.figure);
    R.on("select", chart.refresh);
    R.on("filter", chart.refresh);
  };
})();
