"""Tables of the grades: the questions, the elements with their evidence, the bands, and how sure they are."""

from __future__ import annotations

from typing import Any

from cdi_lib.inspection.results import Results
from cdi_lib.report import tables, wording
from cdi_lib.report.tables import Column, Table
from cdi_lib.report.wording import count, percent


def questions(results: Results) -> list[dict[str, Any]]:
    """The judgements of the whole and of each question."""
    found = results.details.judgements
    return [found["overall"], *found["questions"]]


def judged(results: Results, key: str) -> dict[str, Any]:
    """The judgement with this id: overall, a question or an element."""
    everything = [*questions(results), *results.details.judgements["elements"]]
    return next(entry for entry in everything if entry["id"] == key)


def _name(entry: dict[str, Any]) -> str:
    return "Overall judgement" if entry["id"] == "overall" else entry.get("short") or entry["label"]


def grades(results: Results) -> Table:
    """The grades of the whole and of each question, with the rule, and why a grade was set otherwise."""
    rows = [
        {
            "code": entry["id"],
            "question": "Overall judgement" if entry["id"] == "overall" else entry["label"],
            "decided": entry["decided"],
            "computed": entry["computed"],
            "rule": entry["rule"],
            "reason": f"{entry['reason']} ({entry['role']})" if entry["reason"] else "as computed",
        }
        for entry in questions(results)
    ]
    is_set = any(row["decided"] != row["computed"] for row in rows)
    columns = [
        tables.text("question", "Question"),
        Column("decided", "Grade", wording.badge),
        tables.text("rule", "Rule for the grade by the criteria" if is_set else "Rule that gives it"),
    ]
    if is_set:
        columns += [
            tables.text("computed", "Grade by the criteria"),
            tables.text("reason", "Why it was set otherwise"),
        ]
    return Table(tuple(columns), rows)


def measure_words(entry: dict[str, Any]) -> str:
    """What an element was judged on, in words, with the number of records that it rests on."""
    evidence = entry["evidence"]
    if evidence is None:
        return "not inspected"
    if evidence["kind"] == "assessment":
        return evidence["finding"]
    if evidence["kind"] == "share":
        return f"{count(evidence['x'])} of {count(evidence['n'])}"
    lower = "lower end of the interval, " if evidence["use"] == "low" else ""
    used = evidence[evidence["use"]]
    return f"{percent(used, _places(entry))} ({lower}n = {count(evidence['n'])})"


def _change_words(change: dict[str, Any] | None, none: str, places: int) -> str:
    """What would have given another grade, in words."""
    if change is None:
        return none
    if "x" in change:
        needed = f"{count(change['x'])} of {count(change['n'])}"
    elif "finding" in change:
        needed = change["finding"]
    else:
        bound = "at least" if "at_least" in change else "below"
        needed = f"{bound} {percent(change[bound.replace(' ', '_')], places)}"
    return f"{needed}: {change['grade']}"


def neighbours(entry: dict[str, Any]) -> str:
    """What would have given the next better and the next worse grade."""
    if entry["status"] != "judged":
        return tables.NOT_APPLICABLE
    places = _places(entry)
    better = _change_words(entry["next_better"], "no better grade", places)
    return f"{better}; {_change_words(entry['next_worse'], 'no worse grade', places)}"


def _places(entry: dict[str, Any]) -> int:
    """Decimals that tell a rate from the bound of another grade; one is too few for 93.97% against 94%."""
    used = (entry["evidence"] or {}).get("use")
    value = entry["evidence"][used] if used else None
    changes = [change for change in (entry["next_better"], entry["next_worse"]) if change]
    bounds = [change.get("at_least", change.get("below")) for change in changes]
    printed = [percent(bound) for bound in bounds if bound is not None]
    close = value is not None and percent(value) in printed
    return 2 if close else 1


def elements(results: Results) -> Table:
    """The elements with what they were judged on, and what would have changed their grade."""
    rows = [
        {
            "code": entry["id"],
            "element": entry["label"],
            "measure": measure_words(entry),
            "grade": entry["decided"],
            "status": _status(entry),
            "next": neighbours(entry),
        }
        | _evidence_values(entry)
        for entry in results.details.judgements["elements"]
    ]
    columns = [
        tables.text("element", "Element"),
        tables.text("measure", "Judged on"),
        Column("grade", "Grade", wording.badge),
    ]
    if any(row["status"] != "judged" for row in rows):
        columns.append(tables.text("status", "Status"))
    columns.append(tables.text("next", "What would change the grade by the criteria"))
    return Table(tuple(columns), rows)


def _status(entry: dict[str, Any]) -> str:
    """How an element came to its grade; where it was set, also what the criteria give."""
    if not entry["reason"]:
        return entry["status"]
    return f"set by {entry['role']}: {entry['reason']} By the criteria: {entry['computed']}"


def _evidence_values(entry: dict[str, Any]) -> dict[str, Any]:
    """The measure of an element and what would have changed its grade, unrounded, for the CSV file."""
    evidence = entry["evidence"] or {}
    values = {key: evidence.get(key) for key in ("result", "value", "low", "high", "x", "n", "finding")}
    for name in ("next_better", "next_worse"):
        change = entry.get(name) or {}
        needs = next((change[key] for key in ("x", "finding", "at_least", "below") if key in change), None)
        values |= {name: change.get("grade"), f"{name}_needs": needs}
    return values


def bands(results: Results) -> Table:
    """The bands by which each element is graded; in the CSV file as proportions."""
    scale = results.details.judgements["scale"]
    rows = []
    for entry in results.details.judgements["elements"]:
        least = entry["bands"]
        words = (f"{g}: {b if isinstance(b, str) else wording.trimmed(b) + '%'}" for g, b in least.items())
        row = {"code": entry["id"], "element": entry["label"], "bands": "; ".join(words)}
        row["reason"] = entry["reason_for_bands"]
        rows.append(row | {f"least_{g}": b if isinstance(b, str) else b / 100 for g, b in least.items()})
    columns = (
        tables.text("element", "Element"),
        tables.text("bands", f"Least for each grade, below which it is {scale[-1]}"),
        tables.text("reason", "Why"),
    )
    return Table(columns, rows)


def probabilities(results: Results) -> Table | None:
    """How often each grade comes out in simulated audits."""
    found = results.details.judgements
    rows = [
        {"code": entry["id"], "what": _name(entry), "grade": entry["decided"]} | entry["probabilities"]
        for entry in (*found["elements"], *found["questions"], found["overall"])
        if entry["probabilities"]
    ]
    # Words and no badges: with five grades there is no room for them on paper.
    columns = [tables.text("what", "Element or question"), tables.text("grade", "Grade")]
    columns += [tables.chance(grade, wording.capital(grade)) for grade in found["scale"]]
    return Table(tuple(columns), rows) if rows else None
