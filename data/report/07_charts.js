// Charts: each is a figure with a title, a plot that is drawn when it scrolls into view, a text
// alternative and its data as a table. Without plotly.js static pictures of the payload stand in.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const charts = [];
  R.charts = charts;
  const printWidth = 650;
  // A phone's screen: legends and labels take less room.
  R.narrow = () => document.documentElement.clientWidth < 600;

  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  /** Text of data for plotly, which takes some tags and entities for markup. */
  R.plotText = (value, limit = 120) =>
    R.text(value, limit).replace(/[&<>]/g, (one) => entities[one]);
  /** The same in lines of about `width` characters, at most `lines` of them. */
  R.plotLines = function (value, width, lines = 2) {
    const made = [];
    for (let word of R.text(value, width * lines + 1).split(" ")) {
      if (word.length > width) word = `${word.slice(0, width - 1)}…`;
      const last = made.length - 1;
      if (last >= 0 && `${made[last]} ${word}`.length <= width) made[last] += ` ${word}`;
      else if (made.length < lines) made.push(word);
    }
    return made.map((line) => R.plotText(line)).join("<br>");
  };
  /** Lines of a hover label. */
  R.hover = (...lines) =>
    lines
      .filter(Boolean)
      .map((line) => R.plotText(line, 160))
      .join("<br>");

  // Ticks of values in SI base units: "10ms", "2GB".
  R.axis = (title, unit, more = {}) => ({
    title: { text: title, standoff: 8 },
    tickformat: "~s",
    ticksuffix: unit,
    automargin: true,
    ...more,
  });

  function layoutOf(spec, width) {
    const colours = R.colours();
    const axis = {
      gridcolor: colours.grid,
      linecolor: colours.muted,
      zerolinecolor: colours.muted,
      tickcolor: colours.muted,
      tickfont: { size: 11 },
    };
    const layout = {
      font: { family: "system-ui, sans-serif", size: 12, color: colours.text },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 56, r: 16, t: 12, b: 48 },
      hovermode: "closest",
      hoverlabel: {
        bgcolor: colours.paper,
        bordercolor: colours.muted,
        font: { color: colours.text, size: 12 },
        align: "left",
        namelength: -1,
      },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11 } },
      modebar: {
        bgcolor: "rgba(0,0,0,0)",
        color: colours.grid,
        activecolor: colours.muted,
        orientation: "h",
      },
      height: 380,
      autosize: true,
      ...spec.layout,
    };
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) layout[key] = { ...axis, ...layout[key] };
    }
    if (width) Object.assign(layout, { width, autosize: false });
    return layout;
  }

  const config = {
    displaylogo: false,
    responsive: true,
    displayModeBar: "hover",
    // Named one by one: plotly's own set has a button that sends the chart to a server.
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
    showSendToCloud: false,
    toImageButtonOptions: { format: "svg" },
  };

  // The graph stays where it is, hidden: plotly may still be working on it.
  function showMessage(chart, state, ...nodes) {
    chart.graph.hidden = true;
    R.fill(chart.message, nodes);
    chart.plot.dataset.state = state;
  }
  function explainInstead(chart, reason) {
    showMessage(chart, "absent", R.el("p", { class: "instead" }, `${R.none} ${reason}`));
  }

  /** The first of these static pictures that the payload has, as an image; null: it has none. */
  R.picture = function (keys, alternative) {
    const svg = keys
      .map((key) => R.at(R.payload, "svg", key))
      .find((one) => typeof one === "string" && one);
    // As an image no script within it can run.
    return svg
      ? R.el("img", { src: `data:image/svg+xml,${encodeURIComponent(svg)}`, alt: alternative })
      : null;
  };

  // The picture that the program made, where there is no plotly.js.
  function pictureInstead(chart) {
    const picture = R.picture(chart.svg || [], chart.plot.getAttribute("aria-label"));
    const why = picture
      ? `A static picture: ${R.noPlotly}, so it cannot be explored.`
      : `No picture: ${R.noPlotly}. The numbers are in the table below.`;
    showMessage(chart, "static", picture, R.el("p", { class: "note" }, why));
    if (!picture) chart.details.open = true;
  }

  function draw(chart, width) {
    if (!window.Plotly && !R.noPlotly) return;
    chart.stale = false;
    const spec = chart.make();
    R.fill(chart.note, spec.note || "");
    chart.note.hidden = !spec.note;
    chart.plot.setAttribute("aria-label", `${chart.title}. ${spec.summary || spec.reason || ""}`);
    if (chart.details.open) fillTable(chart);
    if (spec.reason) {
      explainInstead(chart, spec.reason);
      return;
    }
    if (!window.Plotly) {
      pictureInstead(chart);
      return;
    }
    chart.message.replaceChildren();
    chart.graph.hidden = false;
    window.Plotly.react(chart.graph, spec.data, layoutOf(spec, width), {
      ...config,
      toImageButtonOptions: { format: "svg", filename: `ridgeline-${chart.id}` },
    });
    if (!chart.plotted && chart.click) {
      chart.graph.on("plotly_click", (event) => chart.click(event.points[0]));
    }
    chart.plotted = true;
    chart.plot.dataset.state = "drawn";
  }

  function fillTable(chart) {
    const { columns, rows, reason } = chart.table();
    R.fill(
      chart.tableBox,
      rows && rows.length
        ? R.table(`${chart.title}: the data`, columns, rows, { captionHidden: true })
        : R.el("p", { class: "note" }, reason || "There are no data."),
    );
  }

  const visible = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const chart = charts.find((one) => one.figure === entry.target);
        chart.inView = entry.isIntersecting;
        if (chart.inView && chart.stale) draw(chart);
      }
    },
    { rootMargin: "300px" },
  );

  /**
   * A chart: id, title, `make()` → {data, layout, summary, note} or {reason}, `table()` →
   * {columns, rows}, `svg`: keys of its static picture, `click(point)`. refresh() redraws it.
   */
  R.chart = function ({ id, title, make, table, svg, click, level = "h3" }) {
    const graph = R.el("div", { class: "graph", hidden: true });
    const message = R.el("div");
    const plot = R.el(
      "div",
      { class: "plot", role: "img", "aria-label": title, id: `plot-${id}` },
      graph,
      message,
    );
    const tableBox = R.el("div");
    const details = R.el(
      "details",
      { class: "data" },
      R.el("summary", null, "Data as a table"),
      tableBox,
    );
    const note = R.el("p", { class: "note", hidden: true });
    const figure = R.el(
      "figure",
      { class: "chart", id: `chart-${id}` },
      R.el("figcaption", null, R.el(level, null, title)),
      plot,
      note,
      details,
    );
    const chart = { id, title, make, table, svg, click, plot, graph, message, note, details };
    Object.assign(chart, { tableBox, figure });
    chart.stale = true;
    details.addEventListener("toggle", () => details.open && fillTable(chart));
    chart.refresh = () => {
      chart.stale = true;
      if (chart.inView) draw(chart);
      else if (details.open) fillTable(chart);
    };
    charts.push(chart);
    visible.observe(figure);
    return chart;
  };

  R.refreshCharts = () => charts.forEach((chart) => chart.refresh());

  /** Draws every chart now: for print, where nothing scrolls. */
  R.drawAllForPrint = () =>
    charts.filter((one) => one.figure.isConnected).forEach((one) => draw(one, printWidth));
  R.drawAll = () =>
    charts.filter((one) => one.figure.isConnected && one.stale).forEach((one) => draw(one));

  /** Horizontal bars stand at 0, 1, 2, … from the top, so that equal names stay apart. */
  R.barAxis = (labels, width = R.narrow() ? 16 : 34) => ({
    tickmode: "array",
    tickvals: labels.map((_, index) => index),
    ticktext: labels.map((label) => R.plotLines(label, width, R.narrow() ? 4 : 2)),
    range: [labels.length - 0.5, -0.5],
    showgrid: false,
    zeroline: false,
    automargin: true,
    fixedrange: true,
  });
  /** A fill that is told apart without its colour. */
  R.fillOf = (colour, shape, colours) => ({
    color: colour,
    pattern: { shape, fillmode: "overlay", fgcolor: colours.paper, size: 7, solidity: 0.22 },
  });
  R.barHeight = (count, each = 34, rest = 96) => Math.max(150, count * each + rest);
})();
