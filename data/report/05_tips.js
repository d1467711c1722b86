// Explanations on hover, on focus and on a tap: one bubble that Escape closes and the pointer may
// enter. Elements get theirs with R.tip(); nothing is built before it is shown.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const makers = new WeakMap();
  const delay = 120;
  let bubble = null;
  let owner = null;
  let speaker = null;
  let timer = 0;

  /**
   * Gives an element an explanation: make() returns {title, about, rows: [[name, text]]}. It
   * becomes reachable by the keyboard unless `focusable` is false (where something around it is).
   */
  R.tip = function (node, make, focusable = true) {
    makers.set(node, make);
    node.classList.add("tipped");
    if (
      focusable &&
      !node.hasAttribute("tabindex") &&
      !/^(BUTTON|A|INPUT|SELECT)$/.test(node.tagName)
    ) {
      node.setAttribute("tabindex", "0");
    }
    return node;
  };

  /** A metric as an element that explains itself. */
  R.metricNode = function (metric, options = {}) {
    const classes = `value${metric.value === null ? " absent" : ""}`;
    const node = R.el("span", { class: classes }, R.metricText(metric, options));
    if (metric.value === null) {
      node.append(
        R.el(
          "span",
          { class: "hidden" },
          ` not available: ${metric.reason || "not in the record"}`,
        ),
      );
    }
    return R.tip(node, () => R.explain(metric), options.focusable !== false);
  };
  /** "–" with a reason. */
  R.absent = function (reason, title = "not available") {
    const node = R.el(
      "span",
      { class: "value absent" },
      R.none,
      R.el("span", { class: "hidden" }, ` not available: ${reason}`),
    );
    return R.tip(node, () => ({ title, rows: [["why", reason]] }));
  };

  function content({ title, about, rows }) {
    return [
      R.el("strong", null, title),
      about ? R.el("p", null, about) : null,
      R.el(
        "dl",
        null,
        (rows || []).map(([name, text]) => [R.el("dt", null, name), R.el("dd", null, text)]),
      ),
    ];
  }

  function place(node) {
    const gap = 8;
    const at = node.getBoundingClientRect();
    const own = bubble.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.min(
      Math.max(gap, at.left + at.width / 2 - own.width / 2),
      width - own.width - gap,
    );
    const below = at.bottom + gap;
    const above = at.top - own.height - gap;
    const top = below + own.height < window.innerHeight || above < 0 ? below : above;
    bubble.style.left = `${Math.max(gap, left)}px`;
    bubble.style.top = `${top}px`;
  }

  // `described` is what has the focus: the element itself, or the cell of the table around it.
  function show(node, described = node) {
    window.clearTimeout(timer);
    if (owner === node) return;
    hide();
    owner = node;
    speaker = described;
    R.fill(bubble, content(makers.get(node)()));
    bubble.hidden = false;
    speaker.setAttribute("aria-describedby", "tip");
    place(node);
  }
  function hide() {
    window.clearTimeout(timer);
    if (!owner) return;
    speaker.removeAttribute("aria-describedby");
    owner = null;
    bubble.hidden = true;
  }
  R.hideTip = hide;

  const holder = (target) => {
    for (let node = target; node instanceof Element; node = node.parentElement) {
      if (makers.has(node)) return node;
    }
    return null;
  };

  R.startTips = function () {
    bubble = R.el("div", { id: "tip", role: "tooltip", hidden: true });
    document.body.append(bubble);
    const later = (run) => {
      window.clearTimeout(timer);
      timer = window.setTimeout(run, delay);
    };
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType === "touch") return;
      if (bubble.contains(event.target)) return window.clearTimeout(timer);
      const node = holder(event.target);
      if (node) return later(() => node.isConnected && show(node));
      // What the keyboard opened stays until the focus moves on.
      if (owner && speaker !== document.activeElement) later(hide);
    });
    document.addEventListener("focusin", (event) => {
      const inside =
        /^(TD|TH)$/.test(event.target.tagName) && event.target.querySelector(".tipped");
      const node = inside || holder(event.target);
      if (node && event.target.matches(":focus-visible")) show(node, event.target);
      else if (!node) hide();
    });
    document.addEventListener("click", (event) => {
      if (bubble.contains(event.target)) return;
      const node = holder(event.target);
      // A tap shows; buttons do what they are for.
      if (node && !event.target.closest("button, a, input, select, summary")) show(node);
      else hide();
    });
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    // Reaching something by the keyboard scrolls to it; what the pointer showed has moved away.
    const scrolled = (event) => {
      if (!owner || bubble.contains(event.target)) return;
      if (speaker === document.activeElement) place(owner);
      else hide();
    };
    document.addEventListener("scroll", scrolled, { capture: true, passive: true });
    window.addEventListener("blur", hide);
  };
})();
