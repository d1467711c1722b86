// Dark and light: what the system prefers, unless the reader chose; colours for the charts.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  let chosen = null;

  R.theme = () => {
    if (printing) return "light";
    return chosen || (prefersDark.matches ? "dark" : "light");
  };

  // Told apart by people who see fewer colours (after Okabe and Ito), dark enough on white and
  // light enough on dark; every series also has a shape or dashes of its own.
  const series = {
    light: ["#0067a6", "#c24a00", "#00795a", "#a1498a", "#7d6500", "#3f6f8f", "#8c3b2a", "#4d4d4d"],
    dark: ["#62b5f0", "#ff9d5c", "#3fd0a0", "#e79acb", "#e2c44d", "#a9cbe4", "#ef8f7d", "#bdbdbd"],
  };
  const limits = ["memory", "compute", "host", "kernels", "power", "input", "thermal", "unknown"];

  /** Colours of the page for charts, read from its style. */
  R.colours = function () {
    const style = window.getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      text: read("--text"),
      muted: read("--muted"),
      grid: read("--grid"),
      paper: read("--panel"),
      accent: read("--accent"),
      series: series[R.theme()],
      of: (index) => series[R.theme()][index % series.light.length],
      /** Of a limit. */
      limit: (id) => {
        const known = { capacity: "input", mixed: "host" }[id] || id;
        return series[R.theme()][Math.max(0, limits.indexOf(known))];
      },
    };
  };

  function apply() {
    document.documentElement.dataset.theme = R.theme();
    const button = document.getElementById("theme");
    const next = R.theme() === "dark" ? "light" : "dark";
    button.textContent = next === "dark" ? "◐ Dark" : "◑ Light";
    button.setAttribute("aria-label", `Switch to the ${next} theme`);
  }
  R.setTheme = function (theme) {
    chosen = theme;
    R.remember("theme", theme);
    apply();
    R.emit("theme");
  };
  /** For the time of printing: light, whatever the screen has. */
  R.setPrinting = function (now) {
    printing = now;
    apply();
  };

  R.startTheme = function () {
    const stored = R.recall("theme");
    chosen = stored === "dark" || stored === "light" ? stored : null;
    apply();
    document
      .getElementById("theme")
      .addEventListener("click", () => R.setTheme(R.theme() === "dark" ? "light" : "dark"));
    prefersDark.addEventListener("change", () => {
      if (chosen) return;
      apply();
      R.emit("theme");
    });
  };
})();
