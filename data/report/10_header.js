// The head of the page: title, machine, when, command, versions.
(function () {
  "use strict";
  const R = window.Ridgeline;
  // A command that was cut could not be run again.
  const maxCommand = 16000;

  /** One line: processor, cores, memory, accelerators, where it runs. */
  R.machineText = function (machine) {
    const parts = [];
    const cpu = R.string(machine, "cpu", "model");
    if (cpu) parts.push(cpu);
    const cores = R.number(machine, "cpu", "physical_cores");
    const threads = R.number(machine, "cpu", "logical_cpus");
    if (cores) parts.push(`${cores} core${cores === 1 ? "" : "s"}`);
    if (threads && threads !== cores) parts.push(`${threads} threads`);
    const memory = R.number(machine, "memory", "total_bytes");
    if (memory) parts.push(`${(memory / 2 ** 30).toPrecision(3)} GiB memory`);
    const counts = new Map();
    for (const one of R.list(machine, "accelerators")) {
      const name = R.string(one, "name") || "accelerator";
      counts.set(name, (counts.get(name) || 0) + 1);
    }
    for (const [name, count] of counts) parts.push(count > 1 ? `${count}× ${name}` : name);
    if (!counts.size) parts.push("no accelerator");
    if (R.at(machine, "virtualization", "virtual") === true) parts.push("virtual machine");
    const container = R.string(machine, "virtualization", "container");
    if (container) parts.push(`${container} container`);
    const system = R.string(machine, "os", "distribution");
    if (system) parts.push(system);
    return parts.join(" · ");
  };

  function versions() {
    const found = new Map();
    const add = (name, version) => {
      if (!name || !version) return;
      if (!found.has(name)) found.set(name, new Set());
      found.get(name).add(version);
    };
    for (const { record } of R.cases) {
      for (const [name, version] of R.entries(record, "engine", "versions")) {
        if (typeof version === "string") add(R.text(name, 40), R.text(version, 60));
      }
      add(
        "driver",
        R.string(R.list(R.payload, "machines")[0], "accelerators", "0", "driver_version"),
      );
    }
    const own = R.string(R.payload, "ridgeline") || R.string(R.payload, "ridgeline", "version");
    const others = [...found]
      .slice(0, 12)
      .map(([name, all]) => `${name} ${[...all].slice(0, 4).join(", ")}`);
    return [`ridgeline ${own || R.none}`, ...others].join(" · ");
  }

  async function copyText(text, button) {
    const done = (message) => {
      button.textContent = message;
      window.setTimeout(() => (button.textContent = "Copy"), 1500);
    };
    try {
      await navigator.clipboard.writeText(text);
      done("Copied");
    } catch {
      // Pages opened from a file may have no clipboard: then the text is marked for the reader.
      const range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      window.getSelection().removeAllRanges();
      window.getSelection().addRange(range);
      done("Marked: press Ctrl+C");
    }
  }
  /** A command line with a button that copies it. */
  R.commandNode = function (command) {
    const button = R.el("button", { type: "button", class: "small" }, "Copy");
    button.addEventListener("click", () => copyText(command, button));
    return R.el("span", { class: "command" }, R.el("code", { tabindex: 0 }, command), button);
  };

  function when(text) {
    const made = new Date(text);
    if (!text || Number.isNaN(made.getTime())) return text || R.none;
    return `${made.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  }

  R.buildHeader = function () {
    const payload = R.payload;
    const title = R.string(payload, "title") || "Ridgeline report";
    document.title = title;
    document.getElementById("title").textContent = title;
    const runs = R.list(payload, "runs");
    const rows = [];
    const machines = R.list(payload, "machines");
    (machines.length ? machines : [R.at(payload, "machine")]).slice(0, 8).forEach((machine) => {
      rows.push(["machine", R.machineText(machine) || R.none]);
    });
    rows.push(["written", when(R.string(payload, "created"))]);
    const commands = runs.map((run) => R.text(R.at(run, "command"), maxCommand)).filter(Boolean);
    const own = R.text(R.at(payload, "command"), maxCommand);
    for (const command of (commands.length ? commands : [own]).filter(Boolean).slice(0, 8)) {
      rows.push(["command", R.commandNode(command)]);
    }
    if (commands.length > 8) rows.push(["", `and ${commands.length - 8} more runs`]);
    rows.push(["versions", versions()]);
    R.fill(
      document.getElementById("about"),
      rows.map(([name, value]) => [R.el("dt", null, name), R.el("dd", null, value)]).flat(),
    );
    const labels = [];
    const synthetic = R.cases.filter((one) => one.synthetic).length;
    const inputs = R.cases.filter((one) => one.syntheticInputs).length;
    const of = (count) =>
      count === R.cases.length ? "" : ` (${count} of ${R.cases.length} cases)`;
    if (synthetic) {
      labels.push(
        `synthetic weights${of(synthetic)}: speed and energy are real, outputs mean nothing`,
      );
    }
    if (inputs) labels.push(`synthetic inputs${of(inputs)}: generated, not real data`);
    R.fill(
      document.getElementById("labels"),
      labels.map((text) => R.el("li", { class: "synthetic" }, text)),
    );
  };
})();
