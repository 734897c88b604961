#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds documents against docs/result.schema.json: good ones pass, broken ones do not, and no key is undescribed.

usage: schema.py SCHEMA DOCUMENT...   exits 77 where the Python package jsonschema is not there
"""
import copy
import json
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: the Python package jsonschema is not here")
    sys.exit(77)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def set_at(path, value):
    def change(document):
        at = document
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return change


def drop(*path):
    def change(document):
        at = document
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]

    return change


METRIC = ("benchmarks", 0, "metrics", 0)
BROKEN = {
    "another schema": set_at(("schema",), "assay-result/2"),
    "no run": drop("run"),
    "id is not 16 hexadecimal digits": set_at(("run", "id"), "xyz"),
    "seed as a number": set_at(("run", "seed"), 12),
    "negative count of processes": set_at(("run", "processes"), -1),
    "unknown outcome": set_at(("benchmarks", 0, "status"), "fine"),
    "text for a value": set_at((*METRIC, "value"), "100"),
    "no value": drop(*METRIC, "value"),
    "unknown kind": set_at((*METRIC, "kind"), "speed"),
    "null for a process": set_at((*METRIC, "processes"), [1, None]),
    "no process": set_at((*METRIC, "processes"), []),
    "a time below zero": set_at((*METRIC, "value"), -5),
    "a ceiling without a name": set_at((*METRIC, "ceiling"), {"value": 1, "share": 1}),
    "a parameter that is a number": set_at(("benchmarks", 0, "params", "n"), 1000),
    "a quantile above 1": set_at(("benchmarks", 1, "latency", "quantiles"), [2]),
    "an integer fact with text": set_at(("machine", "facts", 1, "value"), "two"),
    "an unavailable fact with a value": set_at(("machine", "facts", 4, "value"), 0),
    "an unavailable fact without a cause": drop("machine", "facts", 4, "cause"),
    "unknown state of a limit": set_at(("slas", 0, "status"), "ok"),
    "priority 4": set_at(("recommendations", 0, "priority"), 4),
    "no covariates": drop("benchmarks", 0, "covariates"),
}


def undescribed(schema, root, value, path=""):
    """Keys of a document that the schema has no word on."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    for choice in schema.get("oneOf", []):
        if value is not None and choice.get("type") != "null":
            yield from undescribed(choice, root, value, path)
    if isinstance(value, dict) and "properties" in schema:
        for key, inner in value.items():
            if key not in schema["properties"]:
                yield f"{path}.{key}"
            else:
                yield from undescribed(schema["properties"][key], root, inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from undescribed(schema["items"], root, inner, f"{path}[{index}]")


def main():
    schema = load(sys.argv[1])
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    problems = 0
    for path in sys.argv[2:]:
        document = load(path)
        for error in validator.iter_errors(document):
            print(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
            problems += 1
        for key in undescribed(schema, schema, document):
            print(f"{path}: {key} is not in the schema")
            problems += 1
    good = load(sys.argv[2])
    for what, change in BROKEN.items():
        broken = copy.deepcopy(good)
        change(broken)
        if validator.is_valid(broken):
            print(f"accepted although broken: {what}")
            problems += 1
    return 1 if problems else 0


sys.exit(main())
