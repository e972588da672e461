"""The conformance cases of the Common Expression Language, and what our language makes of each."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from guerdon.rules.expressions import (
    ANY,
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    Environment,
    EvaluationError,
    ExpressionError,
    ListOf,
    MapOf,
    Namespace,
    Type,
    compile_expression,
)
from guerdon.rules.expressions.literals import duration, timestamp
from guerdon.rules.expressions.runtime.kinds import Kind
from guerdon.rules.expressions.types import BYTES, NULL, OptionalOf

FOLDER = Path(__file__).parent
NODE = FOLDER.parent / "node"
FILE = NODE / "node_modules/@bufbuild/cel-spec/dist/cjs/testdata/conformance.js"
LISTED = FOLDER / "not_applicable.txt"
HINT = "the conformance files are not here; `scripts/ensure-node-packages` brings them"

_SCALARS: Mapping[str, Type] = {
    "INT64": INT,
    "DOUBLE": DECIMAL,
    "STRING": STRING,
    "BOOL": BOOL,
    "BYTES": BYTES,
}
_KNOWN: Mapping[str, Type] = {"TIMESTAMP": TIMESTAMP, "DURATION": DURATION, "ANY": ANY}
_KINDS: Mapping[str, str] = {
    "double": "decimal",
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Duration": "duration",
}
_STRANGE = frozenset({"syntax_error", "unknown_function", "unknown_name", "unknown_field"})


class ForeignError(Exception):
    """A case speaks of something that our language does not have."""


@dataclass(frozen=True)
class Case:
    """One case of the conformance files."""

    name: str
    """`section/group/case`, with `#2` where a name stands twice in a group."""
    original: Mapping[str, Any]
    refused: bool
    """Whether the reference implementation refuses to compile it."""

    @property
    def section(self) -> str:
        """The file that it comes from."""
        return self.name.partition("/")[0]


def load() -> list[Case]:
    """Read all cases.

    Returns:
        The cases in the order of the files.

    Raises:
        RuntimeError: Node or the package is not here.
    """
    node = shutil.which("node")
    if node is None or not FILE.is_file():
        raise RuntimeError(HINT)
    program = f"process.stdout.write(JSON.stringify(require({json.dumps(str(FILE))}).tests))"
    found = subprocess.run([node, "-e", program], check=True, capture_output=True, timeout=60)
    return list(_cases(json.loads(found.stdout)["suites"], ""))


def _cases(suites: list[Any], prefix: str) -> Iterator[Case]:
    for suite in suites:
        path = f"{prefix}{suite['name']}/"
        seen: dict[str, int] = {}
        for test in suite.get("tests", []):
            original = test["original"]
            name = "_".join(original["name"].split())
            seen[name] = seen.get(name, 0) + 1
            again = f"#{seen[name]}" if seen[name] > 1 else ""
            yield Case(f"{path}{name}{again}", original, "error" in test)
        yield from _cases(suite.get("suites", []), path)


def listed() -> dict[str, str]:
    """Read which cases do not apply.

    Returns:
        The reason of each, by its name.

    Raises:
        ValueError: a line is not one of a reason, a group or its cases, or a case stands twice.
    """
    reasons: dict[str, str] = {}
    reason = group = ""
    for line in LISTED.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            reason, group = line.strip("[]"), ""
        elif line.startswith("  ") and group and reason:
            for word in line.split():
                if reasons.setdefault(f"{group}/{word}", reason) != reason:
                    raise ValueError(f"{group}/{word} stands twice")
        elif line.endswith(":"):
            group = line.rstrip(":")
        else:
            raise ValueError(f"not a line of the list: {line!r}")
    return reasons


def objection(case: Case) -> str:
    """Run a case.

    Args:
        case: any case.

    Returns:
        What differs from what the case asks for, or nothing when it passes.
    """
    original = case.original
    try:
        environment, scope = _surroundings(original)
    except ForeignError as error:
        return f"foreign: {error}"
    expects_error = "evalError" in original
    try:
        expression = compile_expression(original["expr"], environment)
        if "typedResult" in original:
            return _differing_type(original["typedResult"], expression.type)
        if original.get("checkOnly"):
            return ""
        value = expression.evaluate_alone(scope)
    except ExpressionError as error:
        fair = expects_error and (case.refused or error.code not in _STRANGE)
        return "" if fair else f"{error.code}: {error.detail}"
    except EvaluationError as error:
        return "" if expects_error else f"{error.code}: {error.detail}"
    if expects_error:
        return f"gives {value!r}, not an error"
    expected = original.get("value", {"boolValue": True})
    try:
        return "" if _same(value, expected) else f"gives {value!r}, not {expected}"
    except ForeignError as error:
        return f"foreign: {error}"


def table(cases: Iterable[Case], objections: Mapping[str, str]) -> str:
    """Count what passed.

    Args:
        cases: all cases.
        objections: what differs, by name; empty where a case passes.

    Returns:
        A line by section, and one for all.
    """
    passed: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for case in cases:
        (others if objections[case.name] else passed)[case.section] += 1
    names = list(dict.fromkeys([*passed, *others]))
    rows = [(name, passed[name], others[name]) for name in sorted(names)]
    rows.append(("all", passed.total(), others.total()))
    lines = [f"{name:<18} {good:>7} {other:>15}" for name, good, other in rows]
    return "\n".join([f"{'section':<18} {'passed':>7} {'not applicable':>15}", *lines]) + "\n"


def closing(reasons: Mapping[str, str]) -> str:
    """Say why cases do not apply.

    Args:
        reasons: case → reason.

    Returns:
        A table in Markdown: each reason and how many cases it explains, the most first.
    """
    counts = Counter(reasons.values())
    rows = [f"| {count} | {reason} |" for reason, count in counts.most_common()]
    return "\n".join(["| cases | why they do not apply |", "|---:|---|", *rows]) + "\n"


def _surroundings(original: Mapping[str, Any]) -> tuple[Environment, Any]:
    fields: dict[str, Any] = {}
    for declared in original.get("typeEnv", []):
        if "ident" not in declared:
            raise ForeignError("functions of the test's own")
        _put(fields, declared["name"].split("."), _type(declared["ident"]["type"]))
    values: dict[str, Any] = {}
    for name, bound in original.get("bindings", {}).items():
        _put(values, name.split("."), _value(bound["value"]))
    for name in values:
        fields.setdefault(name, ANY)
    roots = {name: _space(name, kind) for name, kind in fields.items()}
    try:
        return Environment(roots), SimpleNamespace(**values)
    except ValueError as error:
        raise ForeignError(str(error)) from error


def _put(tree: dict[str, Any], path: list[str], leaf: Any) -> None:
    for word in path[:-1]:
        tree = tree.setdefault(word, {})
        if not isinstance(tree, dict):
            raise ForeignError("a name that is also a prefix")
    if path[-1] in tree:
        raise ForeignError("a name that is also a prefix")
    tree[path[-1]] = leaf


def _space(name: str, kind: Any) -> Type:
    if isinstance(kind, Type):
        return kind
    return Namespace(name, {word: _space(word, inner) for word, inner in kind.items()})


def _type(written: Mapping[str, Any]) -> Type:
    (form, detail), *_ = written.items()
    if form == "primitive" and detail in _SCALARS:
        return _SCALARS[detail]
    if form == "wellKnown" and detail in _KNOWN:
        return _KNOWN[detail]
    if form in ("dyn", "null"):
        return ANY if form == "dyn" else NULL
    if form == "messageType" and detail == "google.protobuf.Duration":
        return DURATION
    return _type_with_parts(form, detail)


def _type_with_parts(form: str, detail: Any) -> Type:
    if form == "listType":
        return ListOf(_type(detail["elemType"]))
    if form == "mapType":
        return MapOf(_type(detail["keyType"]), _type(detail["valueType"]))
    if form == "abstractType" and detail["name"] == "optional_type":
        return OptionalOf(_type(detail["parameterTypes"][0]))
    raise ForeignError(f"the type {form} {detail}")


def _value(written: Mapping[str, Any]) -> Any:
    (form, detail), *_ = written.items()
    if form == "int64Value":
        return int(detail)
    if form == "doubleValue" and detail not in ("NaN", "Infinity", "-Infinity"):
        return Decimal(str(detail))
    if form in ("boolValue", "stringValue", "nullValue"):
        return detail
    if form == "bytesValue":
        return base64.b64decode(detail)
    return _value_with_parts(form, detail)


def _value_with_parts(form: str, detail: Any) -> Any:
    if form == "listValue":
        return [_value(item) for item in detail.get("values", [])]
    if form == "mapValue":
        return {_value(pair["key"]): _value(pair["value"]) for pair in detail.get("entries", [])}
    if form == "objectValue" and detail["@type"].endswith(".Duration"):
        try:
            return duration(detail["value"])
        except ValueError as error:
            raise ForeignError("nanoseconds") from error
    raise ForeignError(f"the value {form} {detail}")


def _same(value: Any, expected: Mapping[str, Any]) -> bool:
    (form, detail), *_ = expected.items()
    if form == "doubleValue":
        # Their numbers are floats: ours is right when it rounds to theirs.
        return isinstance(value, (Decimal, Fraction)) and float(value) == float(detail)
    if form == "listValue":
        items = detail.get("values", [])
        return (
            isinstance(value, (list, tuple))
            and len(value) == len(items)
            and all(_same(one, item) for one, item in zip(value, items, strict=True))
        )
    if form == "mapValue":
        return _same_map(value, detail.get("entries", []))
    if form == "objectValue":
        return _same_object(value, detail)
    if form == "typeValue":
        return isinstance(value, Kind) and str(value) == _KINDS.get(detail, detail)
    wanted = _value(expected)
    return type(value) is type(wanted) and bool(value == wanted)


def _same_map(value: Any, entries: list[Any]) -> bool:
    if not isinstance(value, Mapping) or len(value) != len(entries):
        return False
    wanted = {_value(entry["key"]): entry["value"] for entry in entries}
    return value.keys() == wanted.keys() and all(_same(value[key], one) for key, one in wanted.items())


def _same_object(value: Any, detail: Mapping[str, Any]) -> bool:
    name = detail["@type"].rpartition(".")[2]
    if name == "Duration":
        return isinstance(value, timedelta) and value == duration(detail["value"])
    if name == "Timestamp":
        return isinstance(value, datetime) and value == timestamp(detail["value"], Environment({}).zone)
    raise ForeignError(f"the message {detail['@type']}")


def _differing_type(expected: Mapping[str, Any], found: Type) -> str:
    wanted = _type(expected["deducedType"])
    return "" if wanted == found else f"has the type {found}, not {wanted}"
