// Latencies of single calls: a histogram of all, and for each process the share of calls up to a
// time.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const dashes = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
  const maxProcesses = 24;

  function read(row) {
    const data = row ? row.distribution : null;
    const edges = R.numbers(data, "histogram", "edges").filter((one) => one !== null);
    const counts = R.numbers(data, "histogram", "counts").filter((one) => one !== null);
    return {
      n: R.number(data, "n"),
      reason: R.string(data, "reason") || "No raw samples were kept for this phase.",
      edges: edges.length === counts.length + 1 ? edges : [],
      counts,
      processes: R.list(data, "invocations")
        .map((one) => ({
          index: R.number(one, "index"),
          n: R.number(one, "n"),
          quantiles: R.numbers(one, "quantiles").filter((one) => one !== null),
        }))
        .filter((one) => one.quantiles.length > 1)
        .slice(0, maxProcesses),
    };
  }

  const markers = [
    ["latency.p50", "median", "dash"],
    ["latency.p95", "p95", "dot"],
    ["latency.p99", "p99", "dot"],
  ];
  function marks(row) {
    return markers
      .map(([key, name, dash]) => ({
        name,
        dash,
        metric: R.metric(R.at(row.phase, "metrics"), key),
      }))
      .filter((one) => one.metric.value !== null);
  }

  function histogramTrace({ edges, counts }, colours) {
    const last = counts.length - 1;
    return {
      type: "bar",
      name: "all calls",
      yaxis: "y2",
      meta: { histogram: true },
      showlegend: false,
      x: counts.map((_, at) => (edges[at] + edges[at + 1]) / 2),
      width: counts.map((_, at) => edges[at + 1] - edges[at]),
      y: counts,
      marker: { color: colours.of(0), opacity: 0.75 },
      hoverinfo: "text",
      hovertext: counts.map((count, at) =>
        R.hover(
          `${R.format.count(count)} calls`,
          `${R.format.time(edges[at])} to ${R.format.time(edges[at + 1])}`,
          at === 0 && "and those that were faster",
          at === last && "and those that were slower",
        ),
      ),
    };
  }
  function processTrace(one, index, colours) {
    const last = one.quantiles.length - 1;
    const name = `process ${one.index ?? index}`;
    return {
      type: "scatter",
      mode: "lines",
      name,
      meta: { process: true },
      x: one.quantiles,
      y: one.quantiles.map((_, at) => at / last),
      line: { color: colours.of(index), dash: dashes[index % dashes.length], width: 1.6 },
      hoverinfo: "text",
      hovertext: one.quantiles.map((value, at) =>
        R.hover(
          `${name}${one.n ? `, ${R.format.count(one.n)} calls` : ""}`,
          `${Math.round((100 * at) / last)} % took at most ${R.format.time(value)}`,
        ),
      ),
    };
  }

  // The outermost calls may be far away: the axis shows what lies within the histogram.
  function rangeOf({ edges, processes }, known) {
    const within = edges.length ? edges : processes.flatMap((one) => one.quantiles);
    const all = [within[0], ...within, ...known.map((one) => one.metric.value)];
    const low = Math.min(...all);
    const high = Math.max(...all);
    const margin = 0.04 * (high - low) || 0.1 * high;
    return [low - margin, high + margin];
  }

  function decorations(known, [low, high], colours) {
    return {
      shapes: known.map((one) => ({
        type: "line",
        xref: "x",
        yref: "paper",
        x0: one.metric.value,
        x1: one.metric.value,
        y0: 0,
        y1: 1,
        line: { color: colours.muted, width: 1.2, dash: one.dash },
      })),
      annotations: known.map((one, index) => ({
        xref: "x",
        yref: "paper",
        x: one.metric.value,
        y: 0.94 - index * 0.07,
        yanchor: "top",
        xanchor: one.metric.value > (low + high) / 2 ? "right" : "left",
        text: one.name,
        showarrow: false,
        font: { size: 11 },
      })),
    };
  }

  function make() {
    const row = R.shownRow();
    const found = read(row);
    const { edges, processes } = found;
    if (!processes.length && !edges.length) return { reason: found.reason };
    const colours = R.colours();
    const known = marks(row);
    const range = rangeOf(found, known);
    const levels = known.map((one) => `${one.name} ${R.metricText(one.metric)}`).join(", ");
    return {
      data: [
        ...(edges.length ? [histogramTrace(found, colours)] : []),
        ...processes.map((one, index) => processTrace(one, index, colours)),
      ],
      summary:
        `${R.caseName(row.item)}, ${row.name}: ${found.n ?? "?"} calls in ` +
        `${processes.length} processes; ${levels}.`,
      note: [
        "Above: the share of calls that took at most so long, a line for each process.",
        edges.length ? "Below: all calls; the outermost bars hold what lies beyond." : "",
        levels && `${levels[0].toUpperCase()}${levels.slice(1)}.`,
        processes.length === 1 ? "One process only: the spread between them is not seen." : "",
      ]
        .filter(Boolean)
        .join(" "),
      layout: {
        height: 430,
        bargap: 0,
        xaxis: R.axis("latency of a call", "s", { range, anchor: edges.length ? "y2" : "y" }),
        yaxis: {
          domain: edges.length ? [0.42, 1] : [0, 1],
          title: { text: "share of calls" },
          tickformat: ".0%",
          range: [-0.02, 1.02],
        },
        ...(edges.length && {
          yaxis2: {
            domain: [0, 0.36],
            title: { text: "calls" },
            rangemode: "tozero",
            automargin: true,
          },
        }),
        ...decorations(known, range, colours),
      },
    };
  }

  function table() {
    const at = (one, share) =>
      R.format.time(one.quantiles[Math.round(share * (one.quantiles.length - 1))]);
    return {
      columns: [
        { label: "process" },
        ...["calls", "least", "p5", "median", "p95", "p99", "most"].map((label) => ({
          label,
          right: true,
        })),
      ],
      rows: read(R.shownRow()).processes.map((one) => [
        `${one.index}`,
        R.format.count(one.n ?? NaN),
        ...[0, 0.05, 0.5, 0.95, 0.99, 1].map((share) => at(one, share)),
      ]),
      reason: read(R.shownRow()).reason,
    };
  }

  R.startDistribution = function (parent) {
    const chart = R.chart({ id: "distribution", title: "Latencies of single calls", make, table });
    parent.append(chart.figure);
    R.on("select", chart.refresh);
  };
})();
