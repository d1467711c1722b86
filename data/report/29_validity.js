// What a reader must know before believing the numbers: flags, notes, how the protocol ended.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const order = ["invalid", "warn", "info"];
  const words = { invalid: "✖ invalid", warn: "▲ warning", info: "● info" };

  // Equal flags of several cases, joined.
  function flagsOf(items) {
    const found = new Map();
    for (const item of items) {
      for (const raw of R.list(item.record, "validity", "flags")) {
        const severity = R.severityOf(raw);
        const flag = {
          id: R.string(raw, "id"),
          severity,
          detail: R.string(raw, "detail"),
          advice: R.string(raw, "advice"),
          items: new Set(),
        };
        const key = JSON.stringify([flag.severity, flag.id, flag.detail]);
        if (!found.has(key)) found.set(key, flag);
        found.get(key).items.add(item);
      }
    }
    return [...found.values()].sort(
      (a, b) => order.indexOf(a.severity) - order.indexOf(b.severity),
    );
  }

  function build(place) {
    const items = R.state.selected ? [R.state.selected] : R.cases;
    const flags = flagsOf(items);
    const shown = flags.slice(0, 200);
    const whose = (flag) =>
      flag.items.size === items.length
        ? items.length === 1
          ? "this case"
          : `all ${items.length} cases`
        : flag.items.size === 1
          ? [...flag.items][0].label
          : `${flag.items.size} cases`;
    const rows = shown.map((flag) => [
      R.el(
        "span",
        { class: { invalid: "bad", warn: "warn", info: "muted" }[flag.severity] },
        words[flag.severity],
      ),
      flag.id,
      flag.detail,
      flag.advice || R.none,
      whose(flag),
    ]);
    R.fill(
      place,
      rows.length
        ? R.table(
            "Flags of the machine and of the measurement",
            [
              { label: "severity" },
              { label: "flag" },
              { label: "what was seen" },
              { label: "what to do" },
              { label: "cases" },
            ],
            rows,
            { captionHidden: true, class: "prose" },
          )
        : R.el("p", null, "No flags: nothing speaks against these numbers."),
      flags.length > shown.length
        ? R.el("p", { class: "note" }, `and ${flags.length - shown.length} more`)
        : null,
    );
  }

  const reachedText = (reached) =>
    reached === true ? "reached" : reached === false ? "not reached" : "not to be told";
  // "5 of 5 processes, ended by plan, precision of 2.0 % reached".
  function rule(item) {
    const raw = R.at(item.record, "stop_rule");
    const done = R.number(raw, "invocations_done");
    const planned = R.number(raw, "invocations_planned");
    const target = R.number(raw, "precision_target");
    const reached = R.at(raw, "precision_reached");
    return [
      done !== null && `${done}${planned !== null ? ` of ${planned}` : ""} processes`,
      R.string(raw, "ended_by") && `ended by ${R.string(raw, "ended_by")}`,
      target !== null && `precision of ${R.format.percent(target)} ${reachedText(reached)}`,
    ]
      .filter(Boolean)
      .join(", ");
  }

  function buildNotes(place) {
    const notes = R.list(R.payload, "notes")
      .map((one) => R.text(one))
      .filter(Boolean);
    const rules = [...new Set(R.cases.map(rule).filter(Boolean))].slice(0, 6);
    R.fill(
      place,
      notes.length ? R.el("h3", null, "Notes") : null,
      notes.length
        ? R.el(
            "ul",
            { class: "notes" },
            notes.slice(0, 100).map((one) => R.el("li", null, one)),
          )
        : null,
      rules.length ? R.el("p", { class: "note" }, `Protocol: ${rules.join("; ")}.`) : null,
    );
  }

  R.startValidity = function () {
    const flags = R.el("div");
    const notes = R.el("div");
    document.getElementById("flags").append(flags, notes);
    build(flags);
    buildNotes(notes);
    R.on("select", () => build(flags));
  };
})();
