// Classes of operations: the least time that the ceilings allow each, beside what was measured.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const most = 14;

  const read = (row) =>
    R.list(row && row.analysis, "classes")
      .map((one) => ({
        name: R.string(one, "class") || R.none,
        flops: R.number(one, "flops"),
        bytes: R.number(one, "bytes"),
        bound: R.number(one, "bound_seconds"),
        seconds: R.number(one, "seconds"),
        limit: R.string(one, "limit"),
        flopsRate: R.number(one, "flops_rate"),
        bytesRate: R.number(one, "bytes_rate"),
      }))
      .filter((one) => one.bound !== null || one.seconds !== null)
      .sort((a, b) => Math.max(b.bound, b.seconds) - Math.max(a.bound, a.seconds))
      .slice(0, most);

  const how = {
    bound: "modelled: FLOPs and bytes over the ceilings",
    seconds: "timed in a trace pass of its own",
  };
  function bars(classes, key, name, fill) {
    const known = classes.map((one, at) => [one, at]).filter(([one]) => one[key] !== null);
    return {
      type: "bar",
      orientation: "h",
      name,
      meta: { classes: key },
      y: known.map(([, at]) => at),
      x: known.map(([one]) => one[key]),
      marker: fill,
      text: known.map(([one]) => R.format.time(one[key])),
      textposition: "outside",
      textfont: { size: 10 },
      cliponaxis: false,
      hoverinfo: "text",
      hovertext: known.map(([one]) =>
        R.hover(
          one.name,
          `${name}: ${R.format.time(one[key])}`,
          one.flops > 0 && R.format.metric(one.flops, "FLOP"),
          one.bytes > 0 && `${R.format.bytes(one.bytes)} read and written, unfused`,
          one.limit && `bound by ${one.limit}`,
          how[key],
        ),
      ),
    };
  }

  const time = (value) => (value === null ? R.none : R.format.time(value));

  function make() {
    const row = R.shownRow();
    const classes = read(row);
    if (!classes.length) {
      return { reason: "The engine states no cost of single operations for this phase." };
    }
    const colours = R.colours();
    const timed = classes.some((one) => one.seconds !== null);
    const untimed = classes.filter((one) => one.seconds === null).length;
    const longest = Math.max(...classes.map((one) => Math.max(one.bound, one.seconds)));
    const data = [bars(classes, "bound", "bound (modelled)", R.fillOf(colours.of(0), "", colours))];
    if (timed) {
      data.push(bars(classes, "seconds", "measured", R.fillOf(colours.of(1), "/", colours)));
    }
    const noneTimed =
      "Not measured: no trace pass was made. Bounds say what each class takes at least.";
    return {
      data,
      summary:
        `${R.caseName(row.item)}, ${row.name}: ` +
        classes
          .map((one) => `${one.name} bound ${time(one.bound)}, measured ${time(one.seconds)}`)
          .join("; "),
      note: !timed ? noneTimed : untimed ? `Without a measured time: ${untimed}.` : "",
      layout: {
        height: R.barHeight(classes.length, timed ? 44 : 32, 96),
        bargap: 0.24,
        // Room for the times behind the longest bar.
        xaxis: R.axis("time of one call", "s", { range: [0, 1.22 * longest] }),
        yaxis: R.barAxis(
          classes.map((one) => `${one.name}${one.limit ? ` (${one.limit})` : ""}`),
          R.narrow() ? 15 : 28,
        ),
      },
    };
  }

  function table() {
    const right = (label) => ({ label, right: true });
    return {
      columns: [
        { label: "class" },
        ...["FLOP", "bytes", "bound", "measured", "FLOP/s", "B/s"].map(right),
        { label: "bound by" },
      ],
      rows: read(R.shownRow()).map((one) => [
        one.name,
        one.flops === null ? R.none : R.format.metric(one.flops, "FLOP"),
        one.bytes === null ? R.none : R.format.bytes(one.bytes),
        time(one.bound),
        time(one.seconds),
        one.flopsRate === null ? R.none : R.format.flops(one.flopsRate),
        one.bytesRate === null ? R.none : R.format.metric(one.bytesRate, "B/s"),
        one.limit || R.none,
      ]),
      reason: "The engine states no cost of single operations for this phase.",
    };
  }

  R.startClasses = function (parent) {
    const chart = R.chart({
      id: "classes",
      title: "Classes of operations: bound and measured",
      make,
      table,
    });
    parent.append(chart.figure);
    R.on("select", chart.refresh);
  };
})();
