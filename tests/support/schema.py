"""Checks records, and comparisons, against their schemas in docs/."""

import functools
import json
import pathlib
import sys

import jsonschema

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


@functools.lru_cache(maxsize=None)
def _validator(name):
    schema = json.loads((DOCS / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def errors(record, name="record"):
    """One line for each violation: where in the record, and what is wrong."""
    found = sorted(_validator(name).iter_errors(record), key=lambda e: list(e.absolute_path))
    return ["/".join(map(str, e.absolute_path)) + ": " + e.message[:300] for e in found]


def validate(record, name="record"):
    """Raises AssertionError with every violation of docs/<name>.schema.json."""
    found = errors(record, name)
    assert not found, f"{name} breaks docs/{name}.schema.json:\n" + "\n".join(found)


def validate_file(path):
    """Validates each line of a records.jsonl; returns the records."""
    records = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    for record in records:
        validate(record)
    return records


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {len(validate_file(name))} records are valid")
