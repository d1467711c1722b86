// The table of all phases: sorted by its headers, filtered by words, walked with the arrow keys.
// Only the rows that were scrolled to are built.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const chunk = 60;

  const metric = (key, options) => ({
    node: (row) => {
      if (key === "latency" && row.latency.value === null && row.item.status === "failed") {
        const outcome = R.at(row.item.record, "outcome");
        const text = `failed: ${R.string(outcome, "class") || "unknown"}`;
        return R.tip(
          R.el("span", { class: "bad" }, text),
          () => ({
            title: "Failed",
            rows: [
              ["why", R.string(outcome, "reason") || "no reason was recorded"],
              ["remedy", R.string(outcome, "remedy") || R.none],
            ],
          }),
          false,
        );
      }
      return R.metricNode(row[key], { ...options, focusable: false });
    },
    sort: (row) => row[key].value,
    right: true,
  });
  const text = (get) => ({ node: (row) => get(row), sort: (row) => get(row) });

  // How much of its joules a call had to take, at the ceiling that bounds it.
  const scoreOf = (row) => R.number(row.analysis, "energy_efficiency", "score");
  function scoreNode(row) {
    const efficiency = R.at(row.analysis, "energy_efficiency");
    const score = scoreOf(row);
    const joules = (key) => R.format.energy(R.number(efficiency, key));
    return R.tip(
      R.el("span", { class: `value${score === null ? " absent" : ""}` }, R.format.percent(score)),
      () => ({
        title: "Energy efficiency",
        about: "Joules of the ceiling that bounds the phase / joules a call took.",
        rows:
          score === null
            ? [["why", R.string(efficiency, "reason") || "not in the record"]]
            : [
                ["at its ceiling", joules("bound_joules")],
                ["attained", joules("attained_joules")],
                ["formula", R.string(efficiency, "formula") || R.none],
              ],
      }),
      false,
    );
  }

  const columns = [
    {
      id: "model",
      label: "Model",
      node: (row) => [
        row.item.model,
        row.item.synthetic ? R.el("span", { class: "synthetic" }, "synthetic") : null,
      ],
      sort: (row) => row.item.model,
    },
    { id: "engine", label: "Engine", ...text((row) => row.item.engine) },
    { id: "dtype", label: "Dtype", ...text((row) => row.item.dtype) },
    { id: "device", label: "Device", ...text((row) => row.item.deviceName) },
    { id: "workload", label: "Workload", ...text((row) => row.item.workload) },
    { id: "phase", label: "Phase", ...text((row) => row.name) },
    {
      id: "limit",
      label: "Limit",
      node: (row) =>
        R.tip(
          R.limitBadge(row.limit),
          () => ({
            title: `Limit: ${row.limit.label}`,
            about: row.limit.evidence,
            rows: [["try next", (R.adviceOf(row)[0] || { text: R.none }).text]],
          }),
          false,
        ),
      sort: (row) => row.limit.label,
    },
    { id: "latency", label: "Latency ± 95 %", ...metric("latency", { half: true }) },
    { id: "p95", label: "p95", ...metric("p95") },
    { id: "p99", label: "p99", ...metric("p99") },
    { id: "throughput", label: "Throughput", ...metric("throughput") },
    { id: "energy", label: "Energy / item", ...metric("energy") },
    {
      id: "efficiency",
      label: "Energy eff.",
      node: scoreNode,
      sort: (row) => scoreOf(row),
      right: true,
    },
    { id: "mfu", label: "MFU", ...metric("mfu", { percent: true }) },
    { id: "mbu", label: "MBU", ...metric("mbu", { percent: true }) },
    { id: "peak", label: "Peak memory", ...metric("peak") },
  ];

  const view = { key: null, down: false, words: "", phase: "", limit: "" };
  let body;
  let status;
  let sentinel;
  let focus = { row: 0, column: 0 };

  function compare(a, b) {
    if (a === b) return 0;
    // What is not known stands last, whichever way the rest is sorted.
    if (a === null || a === undefined || a === R.none) return 2;
    if (b === null || b === undefined || b === R.none) return -2;
    return typeof a === "number" ? Math.sign(a - b) : a.localeCompare(b, "en", { numeric: true });
  }

  function arrange() {
    const words = view.words.toLowerCase().split(/\s+/).filter(Boolean);
    let rows = R.rows.filter(
      (row) =>
        (!view.phase || row.name === view.phase) &&
        (!view.limit || row.limit.id === view.limit) &&
        words.every((word) => row.words.includes(word)),
    );
    if (view.key) {
      const { sort } = columns.find((one) => one.id === view.key);
      rows = rows
        .map((row) => [sort(row), row])
        .sort(([a], [b]) => {
          const order = compare(a, b);
          return Math.abs(order) === 2 ? order : view.down ? -order : order;
        })
        .map(([, row]) => row);
    }
    R.state.visible = rows;
  }

  function rowNode(row) {
    const selected = row === R.state.row;
    return R.el(
      "tr",
      {
        "data-row": row.key,
        "aria-selected": String(selected),
        class: selected ? "selected" : null,
      },
      columns.map((column, index) =>
        R.el(
          index === 0 ? "th" : "td",
          {
            role: index === 0 ? "rowheader" : "gridcell",
            class: column.right ? "right" : null,
            tabindex: -1,
          },
          column.node(row),
        ),
      ),
    );
  }

  function addRows() {
    const have = body.rows.length;
    const next = R.state.visible.slice(have, have + chunk);
    body.append(...next.map(rowNode));
    sentinel.hidden = body.rows.length >= R.state.visible.length;
  }
  function rebuild() {
    body.replaceChildren();
    addRows();
    focus = { row: 0, column: 0 };
    const first = body.rows[0];
    if (first) first.cells[0].tabIndex = 0;
    const total = R.rows.length;
    const count = R.state.visible.length;
    status.textContent = count === total ? `${total} rows` : `${count} of ${total} rows`;
  }
  function rearrange() {
    arrange();
    rebuild();
    R.emit("filter");
  }

  function moveFocus(row, column) {
    row = Math.min(Math.max(0, row), R.state.visible.length - 1);
    column = Math.min(Math.max(0, column), columns.length - 1);
    while (body.rows.length <= row && body.rows.length < R.state.visible.length) addRows();
    const old = body.rows[focus.row];
    if (old) old.cells[focus.column].tabIndex = -1;
    focus = { row, column };
    const cell = body.rows[row].cells[column];
    cell.tabIndex = 0;
    cell.focus();
  }

  function onKey(event) {
    const cell = event.target.closest("tbody [tabindex]");
    if (!cell || !R.state.visible.length) return;
    const { row, column } = focus;
    const moves = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      Home: event.ctrlKey ? [0, 0] : [row, 0],
      End: event.ctrlKey
        ? [R.state.visible.length - 1, columns.length - 1]
        : [row, columns.length - 1],
      PageDown: [row + 12, column],
      PageUp: [row - 12, column],
    };
    if (event.key === "Enter" || event.key === " ") toggle(R.state.visible[row]);
    else if (Object.hasOwn(moves, event.key)) moveFocus(...moves[event.key]);
    else return;
    event.preventDefault();
  }
  const toggle = (row) => R.select(row === R.state.row && R.cases.length > 1 ? null : row);

  function onClick(event) {
    const line = event.target.closest("tbody tr");
    if (!line) return;
    const index = line.sectionRowIndex;
    const cell = event.target.closest("th, td");
    const old = body.rows[focus.row];
    if (old) old.cells[focus.column].tabIndex = -1;
    focus = { row: index, column: cell ? cell.cellIndex : 0 };
    body.rows[index].cells[focus.column].tabIndex = 0;
    toggle(R.state.visible[index]);
  }

  function mark() {
    for (const line of body.rows) {
      const selected = R.state.row !== null && line.dataset.row === R.state.row.key;
      line.classList.toggle("selected", selected);
      line.setAttribute("aria-selected", String(selected));
    }
  }

  function sortBy(column, head) {
    view.down = view.key === column.id ? !view.down : false;
    view.key = column.id;
    for (const cell of head.cells) cell.setAttribute("aria-sort", "none");
    head.cells[columns.indexOf(column)].setAttribute(
      "aria-sort",
      view.down ? "descending" : "ascending",
    );
    rearrange();
  }

  function header() {
    const head = R.el("tr");
    for (const column of columns) {
      const button = R.el(
        "button",
        { type: "button" },
        column.label,
        R.el("span", { class: "arrow", "aria-hidden": "true" }),
      );
      button.addEventListener("click", () => sortBy(column, head));
      const entry = R.glossaryOf(column.id === "peak" ? "memory.peak" : column.id);
      if (entry) {
        R.tip(
          button,
          () => ({
            title: column.label,
            about: R.string(entry, "definition"),
            rows: [["formula", R.string(entry, "formula") || R.none]],
          }),
          false,
        );
      }
      head.append(
        R.el(
          "th",
          { scope: "col", "aria-sort": "none", class: column.right ? "right" : null },
          button,
        ),
      );
    }
    return R.el("thead", null, head);
  }

  function filters() {
    const options = (name, label, values) => {
      const select = R.el(
        "select",
        { id: `filter-${name}` },
        R.el("option", { value: "" }, `all ${label}`),
        values.map(([value, shown]) => R.el("option", { value }, shown)),
      );
      select.addEventListener("change", () => {
        view[name] = select.value;
        rearrange();
      });
      return R.el("label", null, R.el("span", { class: "hidden" }, label), select);
    };
    const phases = [...new Set(R.rows.map((row) => row.name))]
      .slice(0, 60)
      .map((one) => [one, one]);
    const limits = [...new Set(R.rows.map((row) => row.limit.id))].map((one) => [
      one,
      R.limits[one].label,
    ]);
    const search = R.el("input", {
      type: "search",
      id: "filter",
      placeholder: "Filter: llama decode bfloat16",
      "aria-label": "Filter the rows by words",
      autocomplete: "off",
    });
    search.addEventListener("input", () => {
      view.words = search.value;
      rearrange();
    });
    status = R.el("span", { role: "status", class: "count" });
    return R.el(
      "div",
      { class: "filters" },
      search,
      options("phase", "phases", phases),
      options("limit", "limits", limits),
      status,
    );
  }

  R.startTable = function () {
    body = R.el("tbody");
    const table = R.el(
      "table",
      { role: "grid", class: "cases", "aria-rowcount": R.rows.length + 1 },
      R.el(
        "caption",
        { class: "hidden" },
        "All phases of all cases. Arrow keys move, Enter selects a row for the charts.",
      ),
      header(),
      body,
    );
    sentinel = R.el("div", { class: "sentinel", "aria-hidden": "true" }, "…");
    const box = R.el(
      "div",
      { class: "scroll tall", role: "region", "aria-label": "Table of cases" },
      table,
      sentinel,
    );
    body.addEventListener("keydown", onKey);
    body.addEventListener("click", onClick);
    R.fill(document.getElementById("table"), filters(), box);
    // Loops, since a tall screen shows more than one piece.
    new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && addRows(), {
      root: box,
      rootMargin: "400px",
    }).observe(sentinel);
    box.addEventListener(
      "scroll",
      () => {
        if (box.scrollTop + box.clientHeight + 400 > box.scrollHeight) addRows();
      },
      { passive: true },
    );
    arrange();
    rebuild();
    R.on("select", mark);
  };
  R.tableAllRows = () => {
    while (body.rows.length < R.state.visible.length) addRows();
  };
})();
