// Energy per item across cases, gross and net: a chart for each kind of item, since joules a token
// and joules an image cannot stand on one axis.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const maxBars = 30;

  const gross = (row) => row.energy;
  const net = (row) =>
    R.metric(R.at(row.phase, "metrics"), row.energy.name.replace(/gross$/, "net"));
  const unitOf = (row) => (row.energy.value === null ? null : row.energy.unit);
  const withUnit = (unit) => R.state.visible.filter((row) => unitOf(row) === unit);

  function bars(rows, name, get, colours, index) {
    const known = rows
      .map((row, at) => ({ row, at, metric: get(row) }))
      .filter((one) => one.metric.value !== null);
    const arms = (side) =>
      known.map(({ metric }) =>
        metric.ci95 ? Math.max(0, side * (metric.ci95[side > 0 ? 1 : 0] - metric.value)) : 0,
      );
    return {
      type: "bar",
      orientation: "h",
      name,
      meta: { energy: name },
      customdata: known.map(({ row }) => row.key),
      y: known.map(({ at }) => at),
      x: known.map(({ metric }) => metric.value),
      marker: {
        ...R.fillOf(colours.of(index), index ? "/" : "", colours),
        line: { color: colours.text, width: known.map(({ row }) => (row === R.state.row ? 2 : 0)) },
      },
      error_x: {
        type: "data",
        symmetric: false,
        array: arms(1),
        arrayminus: arms(-1),
        color: colours.text,
        thickness: 1.2,
        width: 3,
      },
      hoverinfo: "text",
      hovertext: known.map(({ row, metric }) =>
        R.hover(
          `${R.caseName(row.item)} · ${row.name}`,
          `${name} ${R.metricText(metric)}`,
          metric.ci95 &&
            `95 % ${metric.ci95.map((one) => R.format.metric(one, metric.unit)).join(" to ")}`,
          metric.source &&
            `source: ${metric.source}${metric.weakest ? `, weakest input ${metric.weakest}` : ""}`,
          metric.systematic !== null &&
            `the instrument may be off by ${R.format.percent(metric.systematic)}`,
        ),
      ),
    };
  }

  function make(unit) {
    const all = withUnit(unit);
    if (!all.length) return { reason: "The filter leaves no row with energy." };
    const rows = all.slice(0, maxBars);
    const colours = R.colours();
    const data = [
      bars(rows, "gross", gross, colours, 0),
      bars(rows, "net of idle", net, colours, 2),
    ].filter((one) => one.x.length);
    const withoutEnergy = R.state.visible.length - R.state.visible.filter(unitOf).length;
    return {
      data,
      summary: `${unit}: ${rows
        .slice(0, 12)
        .map((row) => `${R.caseName(row.item)} ${row.name} ${R.metricText(row.energy)}`)
        .join("; ")}.`,
      note: [
        "Gross: what the device took, idle power included. " +
          "Net: less what it takes with the model loaded and waiting.",
        all.length > rows.length
          ? `The first ${rows.length} of ${all.length}: filter or sort the table to see others.`
          : "",
        withoutEnergy ? `Rows without energy: ${withoutEnergy}; the table says why.` : "",
      ]
        .filter(Boolean)
        .join(" "),
      layout: {
        height: R.barHeight(rows.length, 46),
        barmode: "group",
        bargap: 0.26,
        xaxis: R.axis(`energy, ${unit}`, unit.split("/")[0], { rangemode: "tozero" }),
        yaxis: R.barAxis(rows.map((row) => `${R.caseName(row.item)} · ${row.name}`)),
      },
    };
  }
  function table(unit) {
    return {
      columns: [
        { label: "case" },
        { label: "phase" },
        { label: "gross", right: true },
        { label: "net", right: true },
        { label: "mean power", right: true },
      ],
      rows: withUnit(unit)
        .slice(0, 200)
        .map((row) => [
          R.caseName(row.item),
          row.name,
          R.metricNode(gross(row)),
          R.metricNode(net(row)),
          R.metricNode(R.metric(R.at(row.phase, "metrics"), "power.mean")),
        ]),
    };
  }

  R.startEnergy = function () {
    const place = document.getElementById("energy");
    const units = [...new Set(R.rows.map(unitOf))].filter(Boolean).slice(0, 6);
    if (!units.length) {
      const row = R.rows.find((one) => one.energy.reason);
      place.append(
        R.el(
          "p",
          { class: "instead" },
          `${R.none} ${row ? row.energy.reason : "no energy was measured"}`,
        ),
        row && row.energy.enable ? R.commandNode(row.energy.enable) : "",
      );
      return;
    }
    units.forEach((unit, index) => {
      const chart = R.chart({
        id: `energy-${index}`,
        title: `Energy per ${unit.split("/")[1] || "call"}`,
        make: () => make(unit),
        table: () => table(unit),
        svg: index ? [] : ["energy", "bars"],
        click: (point) => R.selectKey(point.customdata),
      });
      place.append(chart.figure);
      R.on("filter", chart.refresh);
      R.on("select", chart.refresh);
    });
  };
})();
