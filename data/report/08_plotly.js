// Runs plotly.js when the page stands: it takes longer than all the rest, and waits in a template.
(function () {
  "use strict";
  const R = window.Ridgeline;
  /** Why there is no plotly.js; empty while it is here or on its way. */
  R.noPlotly = "";

  function finish(why) {
    R.noPlotly = window.Plotly ? "" : why;
    if (R.noPlotly) {
      const place = document.getElementById("no-plotly");
      const text = `Charts are static pictures or tables here: ${R.noPlotly}.`;
      const picture = R.picture(["latency"], "Latency of every case, a static picture");
      R.fill(place, R.el("p", null, text), picture && R.el("div", { class: "plot" }, picture));
      place.hidden = false;
    }
    R.refreshCharts();
    document.documentElement.dataset.charts = String(Math.round(performance.now()));
  }

  /** Runs the script of the template; one from beside the page arrives later. */
  R.startPlotly = function () {
    const source = document.getElementById("plotly");
    if (!source) return;
    const script = source.content.querySelector("script");
    source.remove();
    if (!script) {
      finish("plotly.js was not built into this Ridgeline");
      return;
    }
    const copy = document.importNode(script, true);
    if (copy.hasAttribute("src")) {
      copy.addEventListener("load", () => finish("plotly.min.js could not be run"));
      copy.addEventListener("error", () => finish("plotly.min.js is not beside this file"));
      document.body.append(copy);
    } else {
      // Runs while it is appended.
      document.body.append(copy);
      finish("plotly.js could not be run");
    }
  };
})();
