// Starts the page: sections in their order, the choice of the case, print.
(function () {
  "use strict";
  const R = window.Ridgeline;

  // Which case and phase the charts of one case show.
  function startChooser() {
    const select = document.getElementById("case");
    const phases = document.getElementById("phase");
    if (R.cases.length > 1)
      select.append(R.el("option", { value: "" }, `All ${R.cases.length} cases`));
    select.append(
      ...R.cases.map((item) => R.el("option", { value: item.index }, R.caseName(item))),
    );
    select.addEventListener("change", () =>
      R.select(select.value === "" ? null : R.mainRow(R.cases[Number(select.value)])),
    );
    phases.addEventListener("change", () =>
      R.select(R.rows.find((row) => row.key === phases.value)),
    );
    const show = () => {
      const row = R.shownRow();
      select.value = R.state.selected ? String(R.state.selected.index) : "";
      R.fill(
        phases,
        (row ? row.item.rows : []).map((one) => R.el("option", { value: one.key }, one.name)),
      );
      if (row) phases.value = row.key;
      const hint = R.state.selected ? "" : " (choose another above or in the table)";
      document.getElementById("shown").textContent = row
        ? `${R.caseName(row.item)} · ${row.name}${hint}`
        : "no case";
    };
    show();
    R.on("select", show);
  }

  // Paper is light, has every section open and every chart drawn at its width.
  function startPrint() {
    let closed = [];
    window.addEventListener("beforeprint", () => {
      R.hideTip();
      R.startPlotly();
      closed = [
        ...document.querySelectorAll("details.section:not([open]), details.more:not([open])"),
      ];
      closed.forEach((one) => (one.open = true));
      R.tableAllRows();
      R.setPrinting(true);
      R.drawAllForPrint();
    });
    window.addEventListener("afterprint", () => {
      closed.forEach((one) => (one.open = false));
      R.setPrinting(false);
      R.refreshCharts();
    });
  }

  function fail(text) {
    document.getElementById("failure").textContent = text;
    document.getElementById("failure").hidden = false;
    document.getElementById("content").hidden = true;
  }

  function start() {
    R.startTheme();
    R.payload = R.readPayload();
    if (!R.payload) {
      const remedy = "Make it again with `ridgeline report`.";
      fail(`The data in this report cannot be read: the file is damaged. ${remedy}`);
      return;
    }
    if (R.string(R.payload, "schema") !== "ridgeline-report/1") {
      fail("The data in this report have another form than this page reads (ridgeline-report/1).");
      return;
    }
    R.loadModel();
    R.startTips();
    R.buildHeader();
    R.startSummary();
    R.startLimits();
    R.startTable();
    startChooser();
    R.startRoofline();
    const detail = document.getElementById("detail");
    R.startWaterfall(detail);
    R.startClasses(detail);
    R.startDistribution(detail);
    R.startTimeline(detail);
    R.startEnergy();
    R.startMemory();
    R.startComparison();
    R.startOptimizations();
    R.startValidity();
    R.startMethods();
    R.on("theme", R.refreshCharts);
    startPrint();
    let width = document.documentElement.clientWidth;
    window.addEventListener("resize", () => {
      const before = width;
      width = document.documentElement.clientWidth;
      // Labels and legends change with the kind of screen; plotly follows smaller changes itself.
      if (before < 600 !== width < 600) R.refreshCharts();
    });
  }

  start();
  // The page stands when the browser has drawn it once; then the charts may take their time.
  window.requestAnimationFrame(() =>
    window.requestAnimationFrame(() => {
      document.documentElement.dataset.ready = String(Math.round(performance.now()));
      if (R.cases) window.setTimeout(R.startPlotly, 0);
    }),
  );
})();
