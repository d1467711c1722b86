// Methods: what every metric means, its formula, and where it comes from.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const sources = [
    ["counter", "hardware counted it"],
    ["timed", "monotonic clock"],
    ["tracked", "Ridgeline's own accounting: bytes of allocators, tokens"],
    ["sampled", "integrated from samples"],
    ["modelled", "from formulas"],
    ["datasheet", "what the vendor promises"],
    ["given", "by the user"],
  ];
  const columns = ["key", "metric", "unit", "definition", "formula", "source"];

  function row([key, entry]) {
    const formula = R.string(entry, "formula");
    return [
      R.el("code", null, R.text(key, 80)),
      R.string(entry, "label"),
      R.string(entry, "unit"),
      R.string(entry, "definition"),
      formula ? R.el("code", null, formula) : R.none,
      R.string(entry, "source"),
    ];
  }

  R.startMethods = function () {
    const entries = R.entries(R.payload, "glossary").filter(
      ([, one]) => one && typeof one === "object",
    );
    R.fill(
      document.getElementById("glossary"),
      R.el(
        "p",
        null,
        "Each number has a source, strongest first: ",
        sources.map(([name, text], at) => [at ? "; " : "", R.el("b", null, name), ` ${text}`]),
        ". What is derived from several is worth its weakest input. – means that there is no ",
        "value, never that it is 0.",
      ),
      entries.length
        ? R.table(
            "Metrics: what they mean and how they are obtained",
            columns.map((label) => ({ label })),
            entries.slice(0, 400).map(row),
            { captionHidden: true, class: "prose" },
          )
        : R.el("p", { class: "instead" }, `${R.none} This report carries no glossary.`),
    );
  };
})();
