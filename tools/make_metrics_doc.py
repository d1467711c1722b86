#!/usr/bin/env python3
"""Writes the tables of docs/metrics.md anew from the program's own glossary.

    tools/make_metrics_doc.py [--check]     RIDGELINE_BIN names the folder of the programs
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/metrics.md"
BEGIN, END = "<!-- glossary -->", "<!-- end of the glossary -->"
# In the order of the glossary; the first one that fits decides.
GROUPS = (
    ("Time of a call", ("latency", "throughput.", "real_time_factor")),
    ("Token by token", ("ttft", "tpot", "itl")),
    ("Work in that time, and what could be done",
     ("flops_rate", "bytes_rate", "arithmetic", "mfu", "mbu", "ceiling.", "datasheet.")),
    ("Energy and power", ("energy", "<item>_per_joule", "throughput_per_watt", "flops_per_joule",
                          "power.")),
    ("Traffic and activity", ("traffic.", "bandwidth.", "activity.", "events.")),
    ("Loading", ("load.",)),
    ("Cost", ("cost.",)),
    ("Memory", ("memory.",)),
)


def group_of(key):
    for title, heads in GROUPS:
        if key.startswith(heads):
            return title
    raise SystemExit(f"{key} belongs to no group of {__file__}")


def cell(text):
    return (text or "").replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def tables(rows):
    text = []
    for title, _ in GROUPS:
        mine = [row for row in rows if group_of(row["metric"]) == title]
        if not mine:
            continue
        text += [f"## {title}", "", "| metric | unit | definition | formula | source |",
                 "|---|---|---|---|---|"]
        text += [f"| `{row['metric']}` | {cell(row['unit'])} | {cell(row['definition'])} | "
                 f"{cell(row['formula'])} | {cell(row['source'])} |" for row in mine]
        text.append("")
    return "\n".join(text)


def main():
    program = pathlib.Path(os.environ.get("RIDGELINE_BIN", ROOT / "build/release/bin"))
    done = subprocess.run([program / "ridgeline", "list", "metrics", "--json"], check=True,
                          capture_output=True, text=True)
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    new = f"{head}{BEGIN}\n\n{tables(json.loads(done.stdout))}\n{END}{rest.split(END)[1]}"
    if "--check" in sys.argv[1:]:
        return 0 if new == page else f"{PAGE.name} is not what tools/make_metrics_doc.py writes"
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
