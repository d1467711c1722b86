// Where the time of one phase goes: steps from the datasheet's bound to the measured latency.
(function () {
  "use strict";
  const R = window.Ridgeline;
  // Steps that no program can save; what stands behind them was lost.
  const bounds = new Set(["datasheet", "ceiling"]);

  function read(row) {
    const raw = R.at(row && row.analysis, "waterfall");
    const steps = R.list(raw, "steps")
      .map((one) => ({
        id: R.string(one, "id"),
        label: R.string(one, "label") || R.string(one, "id"),
        seconds: R.number(one, "seconds"),
        how: R.string(one, "how"),
        source: R.string(one, "source"),
      }))
      .filter((one) => one.seconds !== null && one.seconds >= 0);
    let sum = 0;
    for (const one of steps) {
      one.begin = sum;
      sum += one.seconds;
    }
    const latency = R.number(raw, "latency") ?? (row ? row.latency.value : null);
    const reason = R.string(raw, "reason") || "The analysis has no steps for this phase.";
    return { steps, sum, latency, reason };
  }

  // Sentences in lines that a hover label can hold.
  function broken(text, width = 64) {
    const lines = [""];
    for (const word of text.split(" ")) {
      if (lines[lines.length - 1].length + word.length >= width) lines.push("");
      lines[lines.length - 1] += (lines[lines.length - 1] ? " " : "") + word;
    }
    return lines.slice(0, 6);
  }

  // Bars of some steps; each begins where the one before it ends.
  function bars(steps, latency, fill, meta) {
    return {
      type: "bar",
      orientation: "h",
      meta,
      showlegend: false,
      y: steps.map((one) => one.at),
      x: steps.map((one) => one.seconds),
      base: steps.map((one) => one.begin),
      marker: fill,
      hoverinfo: "text",
      hovertext: steps.map((one) =>
        R.hover(one.label, one.text, ...broken(one.how), one.source && `source: ${one.source}`),
      ),
    };
  }

  // The time beside or, where there is no room, within its bar.
  function label(one, latency, colours) {
    const end = one.begin + one.seconds;
    const base = { y: one.at, text: R.plotText(one.text), showarrow: false, font: { size: 11 } };
    if (end < 0.66 * latency) return { ...base, x: end, xanchor: "left", xshift: 4 };
    if (one.begin > 0.34 * latency) return { ...base, x: one.begin, xanchor: "right", xshift: -4 };
    const inside = { font: { size: 11, color: colours.paper }, xanchor: "left", xshift: 6 };
    if (one.fill) inside.bgcolor = one.fill; // or the hatching would run through the digits
    return { ...base, ...inside, x: one.begin };
  }

  function make() {
    const row = R.shownRow();
    const { steps, sum, latency, reason } = read(row);
    if (!steps.length || !(latency > 0)) return { reason };
    const colours = R.colours();
    const share = (one) =>
      `${R.format.time(one.seconds)} · ${R.format.percent(one.seconds / latency)}`;
    const bound = steps.filter((one) => bounds.has(one.id));
    const lost = steps.filter((one) => !bounds.has(one.id));
    const total = { label: "measured latency", seconds: latency, begin: 0, source: "timed" };
    const all = [...steps, total];
    all.forEach((one, at) => Object.assign(one, { at, text: one === total ? "" : share(one) }));
    total.text = R.format.time(latency);
    lost.forEach((one) => (one.fill = colours.of(1)));
    total.how = "the steps above add up to it";
    const of = (list, fill, name) =>
      list.length ? [bars(list, latency, fill, { steps: name })] : [];
    return {
      data: [
        ...of(bound, R.fillOf(colours.of(0), "", colours), "bound"),
        ...of(lost, R.fillOf(colours.of(1), "/", colours), "lost"),
        bars([total], latency, { color: colours.text }, { steps: "latency" }),
      ],
      summary:
        `${R.caseName(row.item)}, ${row.name}: ` +
        `${steps.map((one) => `${one.label} ${one.text}`).join("; ")}; measured ${total.text}.`,
      note:
        Math.abs(sum - latency) > 0.01 * latency
          ? `The steps add up to ${R.format.time(sum)}, not to the latency: this analysis is wrong.`
          : "Plain: what the hardware takes at least. Hatched: what was lost on top of it.",
      layout: {
        height: R.barHeight(all.length, 34, 76),
        barmode: "overlay",
        bargap: 0.3,
        annotations: all.map((one) => label(one, latency, colours)),
        xaxis: R.axis("time of one call", "s", { rangemode: "tozero" }),
        yaxis: R.barAxis(
          all.map((one) => one.label),
          R.narrow() ? 15 : 28,
        ),
      },
    };
  }

  function table() {
    const { steps, latency, reason } = read(R.shownRow());
    return {
      columns: [
        { label: "step" },
        { label: "time", right: true },
        { label: "share", right: true },
        { label: "how" },
        { label: "source" },
      ],
      rows: steps.map((one) => [
        one.label,
        R.format.time(one.seconds),
        R.format.percent(one.seconds / latency),
        one.how,
        one.source,
      ]),
      reason,
    };
  }

  R.startWaterfall = function (parent) {
    const chart = R.chart({ id: "waterfall", title: "Where the time goes", make, table });
    parent.append(chart.figure);
    R.on("select", chart.refresh);
  };
})();
