"""What changed between two results, as a reader's list: sentences with figures as the report prints them."""

from dataclasses import dataclass

from cdi_lib.inspection.results import EstimateResult, Results, differences
from cdi_lib.report import labels, wording
from cdi_lib.report.labels import said
from cdi_lib.report.metadata import estimate_name


@dataclass(frozen=True)
class Change:
    """One change in a sentence, and the group that it belongs to."""

    group: str
    text: str
    figure: bool = True  # or about the publication


def changes(before: Results, after: Results) -> list[Change]:
    """What a reader of the report would see differently: grades first, then estimates, shares and counts.

    Figures are compared as they are printed; the list is empty if no result differs. How many results differ in ways
    that no figure of this list shows is said in the last entry; :func:`cdi_lib.inspection.results.differences` lists
    all of them, unrounded.
    """
    found = [
        *_changes(said("changes.inspection"), _facts(before), _facts(after), figure=False),
        *_changes(said("changes.grades"), _grades(before), _grades(after)),
        *_estimates(before, after),
        *_changes(said("changes.shares"), _shares(before), _shares(after)),
        *_changes(said("changes.tallies"), _tallies(before), _tallies(after)),
    ]
    names = [str(row["result"]) for row in differences(before, after)]
    if rest := [name for name in names if not _is_told(name, before, after)]:
        text = said(f"changes.{'one_more' if len(rest) == 1 else 'more'}", number=wording.count(len(rest)))
        found.append(Change(said("changes.rest"), text, not all(name.startswith("publication.") for name in rest)))
    return found


def _changes(group: str, before: dict[str, str], after: dict[str, str], figure: bool = True) -> list[Change]:
    """Sentences for what is printed differently, in the order of the later results, then what is gone."""
    names = [*after, *(name for name in before if name not in after)]
    return [
        Change(group, f"{name}: {_now_and_was(before.get(name), after.get(name))}", figure)
        for name in names
        if before.get(name) != after.get(name)
    ]


def _now_and_was(before: str | None, after: str | None) -> str:
    """What is printed now, and what was.

    >>> _now_and_was("91.8%", "92.0%"), _now_and_was(None, "92.0%"), _now_and_was("91.8%", None)
    ('92.0% (was 91.8%)', '92.0% (was not there)', 'no longer there (was 91.8%)')
    """
    if after is None:
        return said("changes.gone", was=before)
    return said("changes.new", now=after) if before is None else said("changes.changed", now=after, was=before)


def _facts(results: Results) -> dict[str, str]:
    publication, period = results.publication, results.audit_period
    facts = {
        "force": results.force_name,
        "title": publication["title"],
        "date": wording.day(publication["date"]),
        "version": publication["version"],
        "status": publication["status"],
        "period": wording.period(period["start"], period["end"]),
        "records": results.records["status"],
    }
    return {said(f"changes.{name}"): str(value) for name, value in facts.items()}


def _grades(results: Results) -> dict[str, str]:
    grades = {}
    for entry in results.details.judgements.everything:
        name = said("judgements.overall_grade") if entry.id == "overall" else entry.label
        grades[name] = entry.decided
        if entry.computed != entry.decided:
            grades[name] = said("judgements.by_criteria", decided=entry.decided, computed=entry.computed)
    return grades


def _estimates(before: Results, after: Results) -> list[Change]:
    """One sentence for each estimate of which a value, the interval or n is printed differently."""
    found = []
    gone = {key: was for key, was in before.estimates.items() if key not in after.estimates}
    for key, estimate in (after.estimates | gone).items():
        was, now = (_printed(r.estimates[key]) if key in r.estimates else None for r in (before, after))
        if was and now:
            text = ", ".join(_now_and_was(was[k], now[k]) for k in now if was[k] != now[k])
        else:
            text = _now_and_was(*(", ".join(one.values()) if one else None for one in (was, now)))
        if text:
            found.append(Change(said("changes.estimates"), f"{estimate_name(key, estimate, after.details)}: {text}"))
    return found


def _printed(estimate: EstimateResult) -> dict[str, str]:
    """What a reader sees of an estimate."""
    value = {
        "proportion": wording.percent,
        "difference": lambda value: said("changes.points", points=wording.points(value, 1)),
        "crimes": wording.estimated,
    }[estimate.unit](estimate.value)
    return {"value": value, "interval": wording.between(estimate), "n": said("changes.n", n=wording.count(estimate.n))}


def _shares(results: Results) -> dict[str, str]:
    return {labels.of_share(key, results.details): wording.of(share) for key, share in results.shares.items()}


def _tallies(results: Results) -> dict[str, str]:
    return {
        f"{labels.of_tally(key, results.details)}, {name.replace('_', ' ')}": wording.count(number)
        for key, tally in results.tallies.items()
        for name, number in tally.counts.items()
    }


_FACTS = ("force_name", *(f"publication.{key}" for key in ("title", "date", "version", "status")), "records.status")


def _is_told(result: str, before: Results, after: Results) -> bool:
    """Whether a difference of the full list stands in a sentence of the reader's list."""
    kind, _, rest = result.partition(".")
    key, _, field = rest.rpartition(".")
    if kind == "estimates":
        was, now = before.estimates.get(key), after.estimates.get(key)
        if was is None or now is None:
            return True
        part = {"value": "value", "low": "interval", "high": "interval", "n": "n"}.get(field)
        return part is not None and _printed(was)[part] != _printed(now)[part]
    if kind == "shares":
        return field in ("x", "n") or (key in before.shares) != (key in after.shares)
    if kind == "tallies":
        return ".counts." in result
    if result.startswith("details.judgements."):
        return field in ("decided", "computed")
    return result in _FACTS or result.startswith(("audit_period.", "details.grades."))
