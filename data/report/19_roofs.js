// The roofs of the roofline: measured ceilings (solid) and those of the datasheet (dashed).
(function () {
  "use strict";
  const R = window.Ridgeline;
  const steps = 40;

  const ridgeOf = (roof) =>
    roof.ridge ?? (roof.flops > 0 && roof.bytes > 0 ? roof.flops / roof.bytes : null);

  // Two records may tell the same ceiling with other last digits.
  const rounded = (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
  // Entries of all rows, each different one once.
  function different(rows, list, make) {
    const found = new Map();
    for (const row of rows) {
      for (const raw of R.list(row.analysis, "roofline", list)) {
        const one = make(raw, row.item.deviceName);
        const key = one && JSON.stringify(one, rounded);
        if (key && !found.has(key)) found.set(key, one);
      }
    }
    return [...found.values()];
  }

  /** Different ceilings of rows: [{device, kind, dtype, level, flops, bytes, ridge}]. */
  R.roofsOf = (rows) =>
    different(rows, "ceilings", (raw, device) => {
      const roof = {
        device,
        kind: R.string(raw, "kind"),
        dtype: R.string(raw, "dtype"),
        level: R.string(raw, "level") || "memory",
        flops: R.number(raw, "flops_rate"),
        bytes: R.number(raw, "bytes_rate"),
      };
      roof.ridge = ridgeOf({ ...roof, ridge: R.number(raw, "ridge") });
      return roof.flops > 0 || roof.bytes > 0 ? roof : null;
    });

  /** Why rows lack ceilings: [{kind, reason}]. */
  R.missingRoofsOf = (rows) =>
    different(rows, "ceilings", (raw) => {
      const reason = R.string(raw, "reason");
      return reason ? { kind: R.string(raw, "kind"), reason } : null;
    });

  /** Roofs of caches: [{device, label, bytes}]. */
  R.extraRoofsOf = (rows) =>
    different(rows, "extra_roofs", (raw, device) => {
      const bytes = R.number(raw, "bytes_rate");
      return bytes > 0 ? { device, label: R.string(raw, "label"), bytes } : null;
    });

  function roofName(roof, several) {
    const parts = [roof.kind, roof.dtype, roof.level === "memory" ? "" : `(${roof.level})`];
    return parts.filter(Boolean).join(" ") + (several ? ` · ${roof.device}` : "");
  }

  // A roof as a line of many points, so that hovering anywhere on it works.
  function roofTrace(roof, [from, to], colour, several) {
    const height = (x) =>
      Math.min(roof.flops > 0 ? roof.flops : Infinity, roof.bytes > 0 ? roof.bytes * x : Infinity);
    const xs = Array.from({ length: steps + 1 }, (_, at) => from * (to / from) ** (at / steps));
    if (roof.ridge > from && roof.ridge < to) xs.push(roof.ridge);
    xs.sort((a, b) => a - b);
    const promised = roof.kind === "datasheet";
    const about = R.hover(
      `${roofName(roof, several)} ceiling`,
      roof.flops > 0 && `compute ${R.format.flops(roof.flops)}`,
      roof.bytes > 0 && `${roof.level} ${R.format.metric(roof.bytes, "B/s")}`,
      roof.ridge > 0 && `ridge at ${R.format.significant(roof.ridge)} FLOP/B`,
      promised ? "the vendor's dense figures" : "measured on this machine by ridgeline peaks",
    );
    return {
      type: "scatter",
      mode: "lines",
      name: R.plotText(roofName(roof, several), 70),
      x: xs,
      y: xs.map(height),
      line: { color: colour, width: promised ? 1.4 : 2.2, dash: promised ? "dash" : "solid" },
      hoverinfo: "text",
      hovertext: xs.map(() => about),
      meta: { roof: roof.kind },
    };
  }

  function ridgeTrace(roofs, colours) {
    const known = roofs.filter((roof) => roof.ridge > 0 && roof.flops > 0);
    return {
      type: "scatter",
      mode: "markers",
      name: "ridge points",
      x: known.map((roof) => roof.ridge),
      y: known.map((roof) => roof.flops),
      marker: {
        symbol: "line-ns-open",
        size: 12,
        color: colours.muted,
        line: { width: 2, color: colours.muted },
      },
      hoverinfo: "text",
      hovertext: known.map((roof) =>
        R.hover(
          `ridge point, ${roof.kind} ${roof.dtype}: ${R.format.significant(roof.ridge)} FLOP/B`,
          "left of it memory is the roof, right of it arithmetic",
        ),
      ),
      meta: { roof: "ridge" },
    };
  }

  function extraTrace(extra, [from, to], colours) {
    const about = R.hover(`${extra.label} roof`, R.format.metric(extra.bytes, "B/s"));
    return {
      type: "scatter",
      mode: "lines",
      name: R.plotText(extra.label, 40),
      x: [from, to],
      y: [from * extra.bytes, to * extra.bytes],
      line: { color: colours.muted, width: 1, dash: "dot" },
      hoverinfo: "text",
      hovertext: [about, about],
      meta: { roof: "extra" },
    };
  }

  /** All roofs as traces over a span of intensities. */
  R.roofTraces = function (roofs, extras, span, colours) {
    const several = new Set(roofs.map((roof) => roof.device)).size > 1;
    // The two ceilings of one device and dtype share a colour.
    const pairs = [...new Set(roofs.map((roof) => JSON.stringify([roof.device, roof.dtype])))];
    const colour = (roof) =>
      colours.of(pairs.indexOf(JSON.stringify([roof.device, roof.dtype])) + 7);
    return [
      ...roofs.map((roof) => roofTrace(roof, span, colour(roof), several)),
      ...extras.map((extra) => extraTrace(extra, span, colours)),
      ...(roofs.some((roof) => roof.ridge > 0 && roof.flops > 0)
        ? [ridgeTrace(roofs, colours)]
        : []),
    ];
  };
})();
