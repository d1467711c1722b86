// Numbers for people, in the same digits and units as the console: SI base units in, text out.
(function () {
  "use strict";
  const R = window.Ridgeline;
  const digits = 4;
  // Numbers from here on get an exponent, so that nonsense cannot fill the page.
  const plainLimit = 1e15;

  const units = {
    time: [
      [1, "s"],
      [1e-3, "ms"],
      [1e-6, "µs"],
      [1e-9, "ns"],
    ],
    bytes: [
      [1e12, "TB"],
      [1e9, "GB"],
      [1e6, "MB"],
      [1e3, "kB"],
      [1, "B"],
    ],
    flops: [
      [1e15, "PFLOP"],
      [1e12, "TFLOP"],
      [1e9, "GFLOP"],
      [1e6, "MFLOP"],
      [1e3, "kFLOP"],
      [1, "FLOP"],
    ],
    energy: [
      [1e6, "MJ"],
      [1e3, "kJ"],
      [1, "J"],
      [1e-3, "mJ"],
      [1e-6, "µJ"],
      [1e-9, "nJ"],
    ],
    power: [
      [1e3, "kW"],
      [1, "W"],
      [1e-3, "mW"],
    ],
    clock: [
      [1e9, "GHz"],
      [1e6, "MHz"],
      [1e3, "kHz"],
      [1, "Hz"],
    ],
  };

  // `value` as it will be shown, so that 999.96 µs is seen as 1.000 ms before a unit is chosen.
  const rounded = (value) => Number(value.toExponential(digits - 1));

  // As C prints it: a value exactly between two goes to the even digit, where toFixed() goes up.
  function fixed(value, decimals) {
    const exact = Math.abs(value).toFixed(Math.min(100, decimals + 60));
    const point = exact.indexOf(".") + 1 + decimals;
    if (!/^50*$/.test(exact.slice(point))) return value.toFixed(decimals);
    const kept = decimals ? exact.slice(0, point) : exact.slice(0, point - 1);
    if (Number(kept[kept.length - 1]) % 2) return value.toFixed(decimals);
    return (value < 0 ? "-" : "") + kept;
  }
  function decimalsOf(value) {
    if (value === 0) return 0;
    const exponent = Math.floor(Math.log10(Math.abs(rounded(value))) + 1e-12);
    return Math.min(15, Math.max(0, digits - 1 - exponent));
  }
  function unitFor(value, table) {
    const shown = Math.abs(rounded(value));
    return table.find(([scale]) => shown >= scale * (1 - 1e-12)) || table[table.length - 1];
  }
  function significant(value) {
    if (!Number.isFinite(value)) return R.none;
    if (Math.abs(value) >= plainLimit) return value.toExponential(digits - 1);
    return fixed(value, decimalsOf(value));
  }
  function withUnit(value, table, suffix = "") {
    if (!Number.isFinite(value)) return R.none;
    const smallest = table[table.length - 1];
    if (value === 0) return `0 ${(table === units.time ? table[0] : smallest)[1]}${suffix}`;
    const [scale, name] = unitFor(value, table);
    const whole = scale === 1 && name === "B" && suffix === "";
    return `${whole ? fixed(value, 0) : significant(value / scale)} ${name}${suffix}`;
  }
  // "12.34 ± 0.05 ms": the half width has the decimals of the value.
  function withHalfWidth(value, half, table, suffix = "") {
    if (!Number.isFinite(value) || !Number.isFinite(half) || value === 0) {
      return withUnit(value, table, suffix);
    }
    const [scale, name] = unitFor(value, table);
    const decimals = decimalsOf(value / scale);
    const smallest = 10 ** -decimals;
    const width = half / scale;
    const spread =
      width > 0 && width < smallest / 2 ? `<${smallest.toFixed(decimals)}` : fixed(width, decimals);
    return `${fixed(value / scale, decimals)} ± ${spread} ${name}${suffix}`;
  }
  function rate(value) {
    if (!Number.isFinite(value)) return R.none;
    if (Math.abs(value) < 1e7) return significant(value);
    const giga = Math.abs(rounded(value)) >= 1e9;
    return significant(value / (giga ? 1e9 : 1e6)) + (giga ? " G" : " M");
  }

  // Scaled units by the unit of a metric; what stands behind a slash is carried along.
  const scaled = [
    [/^s$/, units.time, ""],
    [/^B(\/.+)?$/, units.bytes],
    [/^FLOP(\/(?:s|J|W|B|s\/W))?$/, units.flops],
    [/^J(\/.+)?$/, units.energy],
    [/^W$/, units.power, ""],
    [/^Hz$/, units.clock, ""],
  ];

  R.format = {
    significant,
    rate,
    time: (value, half) =>
      half === undefined || half === null
        ? withUnit(value, units.time)
        : withHalfWidth(value, half, units.time),
    bytes: (value) => withUnit(value, units.bytes),
    flops: (value) => withUnit(value, units.flops, "/s"),
    energy: (value) => withUnit(value, units.energy),
    /** A share as "4.1 %". */
    percent: (share) =>
      Number.isFinite(share)
        ? `${fixed(share * 100, Math.abs(share * 100) < 10 ? 1 : 0)} %`
        : R.none,
    /** "1.25×" of a ratio. */
    times: (value) => (Number.isFinite(value) ? `${significant(value)}×` : R.none),
    /** A value of any metric with its unit; pure numbers that are shares as percent. */
    metric(value, unit, half) {
      if (!Number.isFinite(value)) return R.none;
      if (unit === "FLOP/B") return `${significant(value)} FLOP/B`;
      for (const [pattern, table, fixed] of scaled) {
        const match = pattern.exec(unit || "");
        if (!match) continue;
        const suffix = fixed ?? match[1] ?? "";
        return half === undefined || half === null
          ? withUnit(value, table, suffix)
          : withHalfWidth(value, half, table, suffix);
      }
      if (!unit || unit === "1") return significant(value);
      return `${rate(value)} ${R.text(unit, 40)}`;
    },
    count: (value) => (Number.isFinite(value) ? Math.round(value).toLocaleString("en-US") : R.none),
  };
})();
