// The namespace of the page: reading data that may be damaged, and building DOM without any HTML
// strings. Texts of the payload reach the page through text nodes alone.
(function () {
  "use strict";
  const R = (window.Ridgeline = {});

  R.none = "–";
  const maxText = 2000;

  // Controls, and marks that turn the writing direction of what stands behind them.
  // eslint-disable-next-line no-control-regex
  const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

  /** Any value as one printable line of at most `limit` characters; null and objects give "". */
  R.text = function (value, limit = maxText) {
    if (value === null || value === undefined || typeof value === "object") return "";
    const text = String(value);
    const short = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
    return short.replace(unprintable, (found) => (found === "\n" || found === "\t" ? " " : "?"));
  };

  /** The member at a path of keys, or undefined. */
  R.at = function (value, ...path) {
    let here = value;
    for (const key of path) {
      if (here === null || typeof here !== "object" || !Object.hasOwn(here, key)) return undefined;
      here = here[key];
    }
    return here;
  };
  // No quantity of a computer is larger; axes of charts would run out of numbers.
  const absurd = 1e30;

  /** A number at a path that can be one, or null. */
  R.number = function (value, ...path) {
    const found = R.at(value, ...path);
    return typeof found === "number" && Math.abs(found) < absurd ? found : null;
  };
  /** The numbers of an array at a path, each null where it cannot be one. */
  R.numbers = (value, ...path) => R.list(value, ...path).map((one) => R.number(one));
  /** A text at a path as one printable line, or "". */
  R.string = function (value, ...path) {
    const found = R.at(value, ...path);
    return typeof found === "string" ? R.text(found) : "";
  };
  /** A name at a path: as R.string(), but no longer than a name may be. */
  R.name = function (value, ...path) {
    return R.text(R.string(value, ...path), 120);
  };
  /** An array at a path, or an empty one. */
  R.list = function (value, ...path) {
    const found = R.at(value, ...path);
    return Array.isArray(found) ? found : [];
  };
  /** The members of an object at a path as [key, value], or none. */
  R.entries = function (value, ...path) {
    const found = R.at(value, ...path);
    return found && typeof found === "object" && !Array.isArray(found) ? Object.entries(found) : [];
  };

  const svgTags = new Set(["svg", "path", "line", "rect", "circle", "title"]);

  /** An element. Attributes come from this program, never from data; children: nodes, texts. */
  R.el = function (tag, attributes, ...children) {
    const node = svgTags.has(tag)
      ? document.createElementNS("http://www.w3.org/2000/svg", tag)
      : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") {
        for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
      } else {
        node.setAttribute(name, value === true ? "" : String(value));
      }
    }
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return node;
  };
  R.fill = function (node, ...children) {
    node.replaceChildren(
      ...children.flat(Infinity).filter((child) => child !== null && child !== false),
    );
    return node;
  };

  /**
   * A table: columns [{label, right}], rows of texts or nodes. It scrolls in its own box, which the
   * keyboard can reach.
   */
  R.table = function (caption, columns, rows, options = {}) {
    const side = (column) => (column.right ? "right" : null);
    const head = columns.map((one) => R.el("th", { scope: "col", class: side(one) }, one.label));
    const body = rows.map((row) =>
      R.el(
        "tr",
        null,
        row.map((cell, index) =>
          index === 0
            ? R.el("th", { scope: "row", class: side(columns[0]) }, cell)
            : R.el("td", { class: side(columns[index]) }, cell),
        ),
      ),
    );
    const table = R.el(
      "table",
      { class: options.class },
      R.el("caption", { class: options.captionHidden ? "hidden" : null }, caption),
      R.el("thead", null, R.el("tr", null, head)),
      R.el("tbody", null, body),
    );
    return R.scrollBox(caption, table);
  };
  R.scrollBox = function (label, child) {
    return R.el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
      child,
    );
  };

  // Listeners of what the user chooses.
  const listeners = {};
  R.on = function (event, run) {
    (listeners[event] = listeners[event] || []).push(run);
  };
  R.emit = function (event) {
    for (const run of listeners[event] || []) run();
  };

  /** Remembers a choice where the browser allows it. */
  R.remember = function (key, value) {
    try {
      window.localStorage.setItem(`ridgeline.${key}`, value);
    } catch {
      // A page opened from a file may have no storage: then the choice lasts as long as the page.
    }
  };
  R.recall = function (key) {
    try {
      return window.localStorage.getItem(`ridgeline.${key}`);
    } catch {
      return null;
    }
  };
})();
