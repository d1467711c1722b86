#!/usr/bin/env python3
"""Fits the constants of `ridgeline predict` anew and writes them, with what they say of each
measured phase, into data/validation.csv and data/validation_fit.csv. Run it after a row was added
or the model of time changed and the program was built, then build again:

    tests/perf/fit_predictions.py
"""

import csv
import io
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.program import ROOT, ridgeline  # noqa: E402

ROWS = ROOT / "data/validation.csv"
FIT = ROOT / "data/validation_fit.csv"
CONSTANTS = ("compute", "memory", "kernel_seconds", "launch_seconds")


def rewritten(path, change):
    """The text of the CSV at `path` with `change(index, row)` applied to each row."""
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    for index, row in enumerate(rows):
        change(index, row)
    text = io.StringIO()
    writer = csv.DictWriter(text, reader.fieldnames, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def main():
    fitted = json.loads(ridgeline("predict", "--validate", "--json").stdout)

    def put_prediction(index, row):
        answer = fitted["rows"][index]
        # The program may have been built with other rows than the file has now.
        if (row["model"], row["phase"]) != (answer["model"], answer["phase"]):
            sys.exit("the program was built with other rows: build it first")
        row["predicted"] = f"{answer['predicted']:.4g}"

    def put_constants(_, row):
        for key in CONSTANTS:
            row[key] = f"{fitted['classes'][row['class']][key]:.4g}"

    texts = {ROWS: rewritten(ROWS, put_prediction), FIT: rewritten(FIT, put_constants)}
    for path, text in texts.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
