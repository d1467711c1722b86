// "What limits what": for each phase the limit, the evidence for it, and what to try next.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const firstCases = 12;
  let shown = firstCases;

  /** The advice of a row: [{text, low, high, why}], the most promising first. */
  R.adviceOf = (row) =>
    R.list(row.analysis, "advice")
      .map((one) => ({
        text: R.string(one, "do"),
        low: R.number(one, "gain", "low"),
        high: R.number(one, "gain", "high"),
        why: R.string(one, "why"),
      }))
      .filter((one) => one.text);

  R.limitBadge = (limit) =>
    R.el(
      "span",
      { class: `limit limit-${limit.id}` },
      R.el("span", { class: "glyph", "aria-hidden": "true" }, limit.glyph),
      ` ${limit.label}`,
    );

  /** "1.2–1.6× faster", or that nobody can say. */
  R.gainText = function ({ low, high }) {
    if (high === null) return "gain not known";
    const round = (value) => value.toFixed(value < 10 ? 2 : 0);
    if (low !== null && low > 1 && round(low) !== round(high))
      return `${round(low)}–${round(high)}× faster`;
    return low !== null && low > 1 ? `${round(high)}× faster` : `up to ${round(high)}× faster`;
  };
  R.gainNode = function (advice) {
    const text = R.gainText(advice);
    return R.tip(
      R.el("span", { class: advice.high === null ? "gain unknown" : "gain" }, text),
      () => ({
        title: "Expected gain",
        about: "The speed-up of this phase if the advice works as far as the measured values say.",
        rows: [
          ["speed-up", text],
          ["follows from", advice.why || R.none],
        ],
      }),
    );
  };

  const shareNames = {
    compute: "compute",
    memory: "memory",
    host: "host",
    throttled: "throttled",
    input: "input",
    launch: "launch",
    power: "power cap",
    thermal: "heat",
    kernels: "kernels",
    capacity: "capacity",
  };
  function shareBar([name, raw]) {
    const value = typeof raw === "number" && Number.isFinite(raw) ? raw : null;
    const label = Object.hasOwn(shareNames, name) ? shareNames[name] : R.text(name, 24);
    const fill = R.el("span", {
      class: `fill limit-${Object.hasOwn(shareNames, name) ? name : "unknown"}`,
    });
    fill.style.width = `${Math.min(100, Math.max(0, (value || 0) * 100))}%`;
    return R.el(
      "li",
      null,
      R.el("span", { class: "name" }, label),
      R.el("span", { class: "track", "aria-hidden": "true" }, fill),
      value === null
        ? R.absent("the record does not say how much of the latency this took", label)
        : R.el("span", { class: "number" }, R.format.percent(value)),
    );
  }
  function shareBars(row) {
    const shares = R.entries(row.analysis, "shares").slice(0, 8);
    if (!shares.length) return null;
    return R.el(
      "ul",
      { class: "shares", "aria-label": "shares of the latency" },
      shares.map(shareBar),
    );
  }

  function adviceNode(row) {
    const advice = R.adviceOf(row);
    if (!advice.length) {
      return R.el("p", { class: "next none" }, "No advice: no measured value points to a gain.");
    }
    const line = (one) => [
      one.text,
      " ",
      R.gainNode(one),
      one.why ? R.el("span", { class: "why" }, ` ${one.why}`) : null,
    ];
    const rest = advice.slice(1, 4);
    return R.el(
      "div",
      null,
      R.el("p", { class: "next" }, R.el("strong", null, "Try next: "), line(advice[0])),
      rest.length
        ? R.el(
            "details",
            { class: "more" },
            R.el(
              "summary",
              null,
              rest.length === 1 ? "1 more thing to try" : `${rest.length} more things to try`,
            ),
            R.el(
              "ol",
              { start: 2 },
              rest.map((one) => R.el("li", null, line(one))),
            ),
          )
        : null,
    );
  }

  function phaseNode(row) {
    if (row.item.status === "failed" && row.latency.value === null) {
      const outcome = R.at(row.item.record, "outcome");
      const remedy = R.string(outcome, "remedy");
      return R.el(
        "li",
        { class: "failed" },
        R.el(
          "p",
          null,
          R.el("span", { class: "bad" }, `✖ failed: ${R.string(outcome, "class") || "unknown"}`),
          ` ${R.string(outcome, "reason") || "No reason was recorded."}`,
        ),
        remedy ? R.el("p", { class: "next" }, R.el("strong", null, "Try next: "), remedy) : null,
      );
    }
    // A headline of its own names what is mixed already.
    const among =
      row.limit.label === R.limits.mixed.label && row.limit.among.length
        ? ` (${row.limit.among.join(" and ")})`
        : "";
    return R.el(
      "li",
      { "data-row": row.key },
      R.el(
        "div",
        { class: "verdict" },
        R.el("span", { class: "phase" }, row.name),
        R.limitBadge(row.limit),
        among,
        R.metricNode(row.latency, { half: true }),
      ),
      R.el("p", { class: "evidence" }, row.limit.evidence || "The record says too little to tell."),
      adviceNode(row),
      shareBars(row),
    );
  }

  function caseNode(item) {
    const choose = R.el("button", { type: "button", class: "link" }, item.label);
    choose.addEventListener("click", () => R.select(R.mainRow(item)));
    const tags = [item.engine, item.dtype, item.deviceName].filter(
      (one) => one !== R.none && !item.label.includes(one),
    );
    return R.el(
      "article",
      { class: item === R.state.selected ? "case selected" : "case" },
      R.el(
        "h3",
        null,
        choose,
        R.el("span", { class: "tags" }, ` ${tags.join(" · ")}`),
        item.synthetic ? R.el("span", { class: "synthetic" }, "synthetic weights") : null,
      ),
      R.el("ul", { class: "phases" }, item.rows.map(phaseNode)),
    );
  }

  function build() {
    const items = R.state.selected ? [R.state.selected] : R.cases;
    const part = items.slice(0, shown);
    const left = items.length - part.length;
    const more = R.el(
      "button",
      { type: "button" },
      `Show ${Math.min(left, 4 * firstCases)} more of ${items.length} cases`,
    );
    more.addEventListener("click", () => {
      shown += 4 * firstCases;
      build();
    });
    const all = R.el("button", { type: "button" }, `Show all ${R.cases.length} cases`);
    all.addEventListener("click", () => R.select(null));
    R.fill(
      document.getElementById("limits-list"),
      part.length ? part.map(caseNode) : R.el("p", null, "The report has no cases."),
      left > 0 ? more : null,
      R.state.selected && R.cases.length > 1 ? all : null,
    );
  }

  R.startLimits = function () {
    build();
    R.on("select", build);
  };
})();
