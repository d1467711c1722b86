// A metric of a record as the page shows it, and the words that say how it was obtained.
(function () {
  "use strict";
  const R = window.Ridgeline;

  const sources = {
    counter: "counted by hardware",
    timed: "timed with the monotonic clock",
    tracked: "Ridgeline's own accounting",
    sampled: "integrated from samples",
    modelled: "from formulas, not measured",
    datasheet: "the vendor's datasheet",
    given: "given by the user",
    derived: "computed from other values",
  };
  const intervals = {
    between_invocations: "95 % t interval over the medians of the processes",
    within_invocation: "95 % interval within one process: says nothing about the next one",
    between_trials: "95 % t interval over the energy windows of one process",
  };

  /** "timed: timed with the monotonic clock" */
  R.sourceText = function (source) {
    const known = Object.hasOwn(sources, source) ? sources[source] : "";
    return known ? `${source} (${known})` : R.text(source, 60);
  };

  /** metrics[name], with nulls where it is absent or damaged. */
  R.metric = function (metrics, name) {
    const raw = R.at(metrics, name);
    const value = R.number(raw, "value");
    const given = R.at(raw, "value") ?? null;
    const bounds = R.numbers(raw, "ci95").filter((one) => one !== null);
    const ci95 = value !== null && bounds.length === 2 ? bounds : null;
    return {
      name,
      value,
      unit: R.string(raw, "unit"),
      ci95,
      half: ci95 ? Math.max(value - ci95[0], ci95[1] - value) : null,
      n: R.number(raw, "n"),
      source: R.string(raw, "source"),
      weakest: R.string(raw, "weakest"),
      inputs: R.list(raw, "inputs")
        .filter((one) => typeof one === "string")
        .map((one) => R.text(one)),
      interval: R.string(raw, "interval"),
      reason:
        R.string(raw, "reason") ||
        (given !== null && value === null ? "not a value that can be" : ""),
      enable: R.string(raw, "enable"),
      systematic: R.number(raw, "systematic"),
      quantisation: R.number(raw, "quantisation"),
    };
  };

  // Keys of families of metrics as the glossary spells them.
  const families = [
    [/^energy_per_[a-z_]+\.(gross|net)$/, ["energy_per_<item>.$1", "energy_per_<item>"]],
    [/^throughput\.[a-z_]+$/, ["throughput.<item>", "throughput"]],
    [/^throughput_per_watt\.[a-z_]+$/, ["throughput_per_watt.<item>", "throughput_per_watt"]],
    [/^[a-z_]+_per_joule$/, ["<item>_per_joule"]],
    [/^([a-z_]+)\.(p[0-9.]+|min|max)$/, ["$1.<percentile>", "$1.pXX", "$1"]],
  ];

  /** The entry of the glossary for a metric, or null. */
  R.glossaryOf = function (name) {
    const glossary = R.payload.glossary;
    const found = (key) => {
      const entry = R.at(glossary, key);
      return entry && typeof entry === "object" ? entry : null;
    };
    let entry = found(name);
    for (const [pattern, spellings] of families) {
      if (entry || !pattern.test(name)) continue;
      for (const spelling of spellings) entry = entry || found(name.replace(pattern, spelling));
    }
    return entry;
  };

  /** The value as text; shares as percent. */
  R.metricText = function (metric, options = {}) {
    if (metric.value === null) return R.none;
    if (options.percent) return R.format.percent(metric.value);
    return R.format.metric(metric.value, metric.unit, options.half ? metric.half : null);
  };

  // The exact value and interval in the unit of the record.
  function exactly(metric) {
    const digits = (value) => Number(value.toPrecision(7)).toString();
    const unit = metric.unit === "1" ? "" : ` ${metric.unit}`;
    const rows = [["value", `${digits(metric.value)}${unit}`]];
    if (metric.ci95) {
      rows.push(["95 %", `[${metric.ci95.map(digits).join(", ")}]${unit}`]);
      if (metric.interval) {
        const known = Object.hasOwn(intervals, metric.interval);
        rows.push(["interval", known ? intervals[metric.interval] : metric.interval]);
      }
    }
    return rows;
  }

  /** What a tooltip says of a metric: {title, about, rows: [[name, text]]}. */
  R.explain = function (metric) {
    const entry = R.glossaryOf(metric.name);
    const rows = [];
    if (metric.value === null) {
      rows.push(["value", R.none]);
      rows.push(["why", metric.reason || "the record has no such value"]);
      if (metric.enable) rows.push(["enable", metric.enable]);
      return {
        title: R.string(entry, "label") || metric.name,
        about: R.string(entry, "definition"),
        rows,
      };
    }
    rows.push(...exactly(metric));
    if (metric.n !== null) rows.push(["n", R.format.count(metric.n)]);
    if (metric.source) rows.push(["source", R.sourceText(metric.source)]);
    if (metric.weakest) rows.push(["weakest input", R.sourceText(metric.weakest)]);
    if (metric.inputs.length) rows.push(["from", metric.inputs.join(", ")]);
    if (metric.systematic !== null) {
      rows.push(["instrument", `may be off by ${R.format.percent(metric.systematic)}`]);
    }
    if (metric.quantisation !== null) {
      rows.push(["steps", `of the sensor: up to ${R.format.percent(metric.quantisation)}`]);
    }
    return {
      title: R.string(entry, "label") || metric.name,
      about: R.string(entry, "definition"),
      rows,
    };
  };
})();
