// Optimisations side by side: what was asked for, what is in force, what was refused and why.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const most = 6;

  function knobNode(raw) {
    if (raw === null) return R.absent("this engine does not know it", "optimisation");
    const requested = R.at(raw, "requested");
    const asked = requested !== null && requested !== undefined;
    const applied = R.at(raw, "applied") === true;
    const reason = R.string(raw, "reason");
    const value = R.text(R.at(raw, "value"), 80);
    const lossless = R.at(raw, "lossless") !== false;
    const [kind, word] = applied
      ? ["good", `✔ ${value || "on"}`]
      : asked
        ? ["bad", `✖ refused${reason ? `: ${reason}` : ""}`]
        : ["muted", value || "off"];
    const node = R.el(
      "span",
      { class: kind },
      word,
      applied && !lossless ? " (changes outputs)" : "",
    );
    return R.tip(node, () => ({
      title: R.text(R.at(raw, "id"), 60),
      rows: [
        ["requested", asked ? R.text(requested, 80) : "no"],
        ["applied", applied ? "yes" : "no"],
        ["value", value || R.none],
        ["lossless", lossless ? "yes" : "no: it changes the numbers that come out"],
        ["reason", reason || R.none],
      ],
    }));
  }

  // Knobs down, cases across: the shown case, and those that did the same work.
  function build(place) {
    const row = R.shownRow();
    if (!row) return R.fill(place);
    const same = (one) => one.model === row.item.model && one.workload === row.item.workload;
    const others = R.cases.filter((one) => one !== row.item && same(one));
    const items = [row.item, ...others].slice(0, most);
    const knobs = new Map();
    items.forEach((item, column) => {
      for (const raw of R.list(item.record, "optimizations")) {
        const id = R.text(R.at(raw, "id"), 60);
        if (!id) continue;
        if (!knobs.has(id))
          knobs.set(
            id,
            items.map(() => null),
          );
        knobs.get(id)[column] = raw;
      }
    });
    if (!knobs.size) {
      const none = `${R.none} The record of ${R.caseName(row.item)} names no optimisations.`;
      return R.fill(place, R.el("p", { class: "instead" }, none));
    }
    return R.fill(
      place,
      R.table(
        "Optimisations: asked for, in force or refused",
        [{ label: "optimisation" }, ...items.map((item) => ({ label: R.caseName(item) }))],
        [...knobs].map(([id, cells]) => [id, ...cells.map(knobNode)]),
        { captionHidden: true, class: "prose" },
      ),
      others.length >= most
        ? R.el("p", { class: "note" }, `${others.length - most + 1} more cases did the same work.`)
        : null,
    );
  }

  R.startOptimizations = function () {
    const place = document.getElementById("optimizations");
    build(place);
    R.on("select", () => build(place));
  };
})();
