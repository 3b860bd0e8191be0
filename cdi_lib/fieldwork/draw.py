"""Draw the audit sample of a force from its sampling frame: selection, trail and worksheets; and draw it again.

What a frame's columns and values are called is said in ``sampling.frame`` of the parameters.
"""

import io
import itertools
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cdi_lib.fieldwork.frame_file import open_frame
from cdi_lib.fieldwork.trail import AGAIN, TRAILS, read_trail, refuse_other_version
from cdi_lib.fieldwork.worksheet import FIRST, RECHECK, write_worksheet
from cdi_lib.inspection.files import SUFFIXES, as_csv, file_hash, find_table, read_table, write_whole
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.judgement import planned_chances
from cdi_lib.inspection.measures import PlannedSample, planned_sample
from cdi_lib.inspection.parameters import FrameColumns, Inspection, SamplingPlan
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.programme import OVERALL
from cdi_lib.inspection.records import AuditRecords, unread_files
from cdi_lib.inspection.tables import parse_moments
from cdi_lib.statistics import sampling
from cdi_lib.statistics.checks import NO_REFERENCE, look
from cdi_lib.statistics.frames import ALL, Frame, normal_text, places

SELECTIONS = {FIRST: "selection.csv", RECHECK: "recheck.csv"}
WORKSHEETS = {FIRST: "worksheet.xlsx", RECHECK: "worksheet-recheck.xlsx"}
RESERVES_WORKSHEET = "worksheet-reserves-{}-to-{}.xlsx"  # places in the order in which reserves came into use
SHARED_WORKSHEET = "worksheet-auditor-{}-of-{}.xlsx"
MORE_WORKSHEET = "worksheet-recheck-{}-to-{}.xlsx"  # of a re-check that was enlarged
MOST_EXPORTED = (30_000, 65_535, 150_000, 1_048_575)  # records, by Power BI and by sheets of Excel
MOST_STRATA = 50  # more values than that are not strata but, say, references or names


@dataclass(frozen=True)
class Drawn:
    """The files of a draw: those written, and a worksheet that was there and is left as it is (or None).

    ``unreplaced`` are incidents that were to be replaced, for which their stratum has no reserve left.
    """

    written: tuple[Path, ...]
    kept: Path | None
    unreplaced: tuple[str, ...]
    said: tuple[str, ...] = ()  # the draw as a table, in lines
    told: tuple[Problem, ...] = ()  # what is doubtful about the frame


@dataclass(frozen=True)
class AuditFrame:
    """A sampling frame with its strata as the parameters name them; ``place`` is its file in messages, ``told`` are
    warnings."""

    frame: Frame
    columns: FrameColumns
    place: str
    told: tuple[Problem, ...] = ()
    timed: bool = False  # whether its column of times holds any, so that a midnight is meant


def draw_sample(force: str, inspection: Inspection, params: Path, unaudited: Mapping[str, str] | None = None) -> Drawn:
    """Draw the audit sample from the table ``frame`` and write selection, trail and worksheet to ``sample/``.

    How many incidents are drawn per stratum is said in ``sampling.incidents``, or planned. The same seed and frame
    give the same selection; one that is there and differs is not overwritten (InputError), and no worksheet ever is.

    ``unaudited`` are incidents of the sample that cannot be audited, each with the reason. The next reserve of its
    stratum takes the place of each, is added to the selection, and gets a worksheet of its own. Replacements that the
    trail holds are kept.
    """
    given, asked = read_audit_frame(force, inspection, params), _asked(force, inspection)
    refuse_other_version(force, params, FIRST)
    try:
        planned = planned_sample(inspection, given.frame.info.counts)
        drawn = sampling.draw(given.frame, planned.allocation, asked.seed, reserves=asked.reserves)
    except ValueError as error:
        raise InputError.of(given.place, "", "", f"a frame that can be drawn from: {error}") from None
    trail, place = read_trail(force, params), f"params/{force}/sample/{TRAILS[FIRST]}"
    drawn, unreplaced = _replaced(drawn, unaudited or {}, trail.replacements if trail else (), place)
    # what does not bear on the draw, and what was not asked for in trails of before, is not in its plan
    plan = asked.model_dump(mode="json", exclude={"seed", "frame", "auditors", *(() if asked.show else ("show",))})
    document = sampling.trail(drawn, given.frame.info, plan, planned.allocation)
    if given.columns.exclude:
        document["columns"]["exclude"] = {name: list(values) for name, values in given.columns.exclude.items()}
    else:  # as trails were before
        del document["frame"]["excluded"]
    document["columns"]["stratum_values"] = {name: list(values) for name, values in given.columns.strata.items()}
    listed = drawn.to_frame().set_index("id", drop=False)
    listed = listed.loc[[record.id for record in drawn.records] + [swap.by for swap in drawn.replacements]]
    folder = own_folder(force, params, "sample")
    made = _write(folder, inspection, FIRST, with_reference(listed, given, inspection), document, unreplaced)
    said = _as_table(planned, asked, [*_exclusions(given.frame), *drawn.notes])
    told = given.told
    if trail and trail.frame_sha256 not in (None, given.frame.info.sha256):
        expected = "the same incidents, as came out of it: the trail is now of this file"
        told += (Problem(given.place, "", "another file than before", expected, "warning"),)
    return replace(made, said=(*said, *_chances(inspection, planned)), told=told)


def _as_table(planned: PlannedSample, asked: SamplingPlan, notes: Iterable[str]) -> Iterator[str]:
    """The draw by stratum: incidents in the frame and drawn, the margin expected of them, and what was not reached."""
    allocation, points = planned.allocation, lambda margin: "" if margin is None else f"{100 * margin:.1f}"
    width = max(map(len, [*allocation.counts, "stratum"]))
    yield f"{'stratum':<{width}} {'in frame':>10} {'drawn':>8} {'margin expected':>16}"
    for name, n in allocation.counts.items():
        yield f"{name:<{width}} {allocation.frame[name]:>10,} {n:>8,} {points(planned.margins.get(name)):>16}"
    total = sum(allocation.frame.values())
    yield f"{'all':<{width}} {total:>10,} {allocation.total:>8,} {points(planned.overall_margin):>16}"
    most = asked.margin_points + 0.05
    short = [name for name, margin in planned.margins.items() if margin is None or 100 * margin > most]
    if short and asked.allocation == "precision":  # any other asks for something of all crime
        yield f"the margin of {asked.margin_points:g} points that was asked for is not reached in: {', '.join(short)}"
    yield from (*allocation.notes, *notes)


def _chances(inspection: Inspection, planned: PlannedSample) -> Iterator[str]:
    """The chance of each grade that the draw moves, where its strata are the crime types, as a table in lines."""
    programme, asked = inspection.programme, inspection.sampling
    if asked is None or set(planned.crimes) != set(programme.crime_types) or not any(planned.crimes.values()):
        return
    crimes = {name: max(round(n / asked.design_effect), 1) for name, n in planned.crimes.items() if n}
    reported = {name: n * asked.crimes_per_incident for name, n in planned.allocation.frame.items()}
    others = programme.grades[(len(programme.grades) - 1) // 2]
    found = planned_chances(inspection, crimes, reported, planned.rates, others)
    labels = {id_: element.label for id_, element in programme.elements.items()}
    labels |= {id_: question.short or question.label for id_, question in programme.questions.items()}
    labels[OVERALL] = programme.overall.label
    rows = {labels[id_]: chances for id_, chances in found.items() if chances}
    said = lambda chance: "<1%" if chance < 0.01 else ">99%" if chance > 0.99 else f"{chance:.0%}"
    width = max(map(len, rows), default=0)
    if rows:
        yield f"chance of each grade, with the rates that the plan expects and every other element {others}:"
        yield "  ".join([" " * width, *programme.grades])
    for label, chances in rows.items():
        yield "  ".join([f"{label:<{width}}", *(f"{said(chances[grade]):>{len(grade)}}" for grade in programme.grades)])


def _exclusions(frame: Frame) -> Iterator[str]:
    """What was left out of the frame, in lines."""
    for column, counts in frame.info.excluded.items():
        for value, n in ((value, n) for value, n in counts.items() if n):  # of others a warning tells
            yield f"left out before the draw: {n:,} with {shown(value)} in column {shown(column)}"


def _replaced(
    drawn: sampling.Selection, unaudited: Mapping[str, str], before: Iterable[sampling.Replacement], place: str
) -> tuple[sampling.Selection, tuple[str, ...]]:
    """The selection with the replacements of its trail and reserves for more; and those for which none is left."""
    try:
        for swap in before:
            drawn = sampling.replace(drawn, swap.replaced, swap.reason)
    except ValueError as error:
        expected = "replacements that can be made again, with the seed and at least the reserves that there were"
        raise InputError.of(place, "replacements", str(error), expected) from None
    stratum_of = {record.id: record.stratum for record in drawn.current}
    without = []
    for incident_id in (name for name in unaudited if name in stratum_of):  # the others were replaced before
        if any(reserve.stratum == stratum_of[incident_id] for reserve in drawn.unused):
            drawn = sampling.replace(drawn, incident_id, unaudited[incident_id])
        else:
            without.append(incident_id)
    return drawn, tuple(without)


def draw_recheck(force: str, inspection: Inspection, number: int, params: Path) -> Drawn:
    """Draw incidents of the sample for a blind re-check by a second auditor, and write their worksheet.

    The draw is a simple random sample of the selection by the same keyed order, with the seed and the word
    ``recheck``: nobody chooses. Reserves are left out, so that it does not depend on when it is drawn. The worksheet holds
    no decision of the first audit. InputError if there are fewer incidents, or another re-check was drawn.
    """
    selection = read_selection(force, params, FIRST)
    selection = selection[selection["reserve"] != "True"].reset_index(drop=True)
    if not 1 <= number <= len(selection):
        expected = f"a number of incidents from 1 to the {len(selection):,} of the sample"
        raise InputError.of("RECHECK", "", str(number), expected)
    refuse_other_version(force, params, RECHECK)
    drawn = sampling.draw(selection, number, f"{_asked(force, inspection).seed} recheck", id_column="id")
    chosen = selection.set_index("id", drop=False).loc[[record.id for record in drawn.records]]
    return _write(own_folder(force, params, "sample"), inspection, RECHECK, chosen, sampling.trail(drawn))


def _asked(force: str, inspection: Inspection) -> SamplingPlan:
    if inspection.sampling is None:
        raise InputError.of(f"params/{force}.yml", "sampling", "nothing", "a seed, expected rate and margin")
    return inspection.sampling


def read_selection(force: str, params: Path, audit: str) -> pd.DataFrame:
    """The drawn incidents in the order of the draw, then the reserves in use: all columns as text or None.

    ``id``, ``stratum``, ``reported_at``, ``route``, and ``reserve`` ("True" or "False").
    """
    path = own_folder(force, params, "sample") / SELECTIONS[audit]
    place = f"params/{force}/sample/{path.name}"
    if not path.is_file():
        again = " RECHECK=50" if audit == RECHECK else ""
        expected = f"the drawn incidents; draw them first: make sample FORCE={force}{again}"
        raise InputError.of(place, "", "no such file", expected)
    columns = ["id", "stratum", "reported_at", "route", "reserve"]
    table, expected = read_table(path, place, expected=columns), f"the file as make sample wrote it; {AGAIN}"
    if any(list(table).count(name) != 1 for name in columns) or table[["id", "stratum", "reserve"]].isna().any(
        axis=None
    ):
        raise InputError.of(place, "", "other columns, or blanks in them", expected)
    return table.assign(reserve=table["reserve"].str.capitalize()).reset_index(drop=True)  # a spreadsheet writes TRUE


# ---- the frame ---------------------------------------------------------------------------------------------


def read_audit_frame(force: str, inspection: Inspection, params: Path) -> AuditFrame:
    """Read and check the sampling frame of a force, its strata named as ``sampling.frame`` says."""
    plan, path = _asked(force, inspection), find_table("frame", own_folder(force, params))
    place = f"params/{force}/{path.name if path else 'frame.csv'}"
    if path is None:
        expected = f"the sampling frame (frame{', frame'.join(SUFFIXES)}), with its columns named in sampling.frame"
        found = [*unread_files(own_folder(force, params)), find_table("frame", params)]
        there = ", ".join(f"{file.relative_to(params.parent).as_posix()}" for file in found if file)
        raise InputError.of(place, "", f"no such file{f', but {there}' if there else ''}", expected)
    try:
        asked = plan.frame
        given = open_frame(path, place, [*asked.named, *asked.context, *asked.exclude], asked.sheet or "")
        names = _present(asked, given.header, place)
        others = list(dict.fromkeys(name for name in (names.reported_at, names.route, *names.context) if name))
        frame = given.read(names.incident_id, names.stratum, others, names.exclude)
    except ValueError as error:
        raise InputError.of(place, "", "", f"a frame that can be drawn from: {error}") from None
    frame = frame.renamed(_strata(frame.info.counts, names, plan.incidents or {}, place))
    told, timed = given.told + _unused_exclusions(frame, place), False
    all_records = frame.info.records + sum(sum(counts.values()) for counts in frame.info.excluded.values())
    if all_records in MOST_EXPORTED:
        got = f"{all_records:,} records, more than which some programs do not export"
        told += [Problem(place, "", got, "all records; see that none is cut off", "warning")]
    if names.reported_at is not None:
        missing, timed = _check_reported(frame, names.reported_at, inspection, place)
        told = told + missing
    if names.route is not None:
        told = told + _check_routes(frame, names, inspection.programme.routes, place)
    return AuditFrame(frame, names, place, tuple(told), timed)


def _present(names: FrameColumns, header: list[str], place: str) -> FrameColumns:
    """The names of the columns, with those of reported_at and route where the frame has them and nobody named them."""
    taken = (names.incident_id, names.stratum)
    unnamed = [key for key in ("reported_at", "route") if getattr(names, key) is None]
    names = names.model_copy(update={key: key for key in unnamed if key in header and key not in taken})
    problems = []
    for key in ("incident_id", "stratum", "reported_at", "route"):
        column = getattr(names, key)
        if column is not None and column not in header:
            near = suggest(column, header) or suggest(key, header)
            expected = f"one of its columns for sampling.frame.{key}: {', '.join(map(shown, header))}{near}"
            problems.append(Problem(place, f"column {shown(column)}", "no such column", expected))
    problems += [
        Problem(place, f"column {shown(name)}", f"{header.count(name)} columns of this name", "it once")
        for name in names.named
        if header.count(name) > 1
    ]
    problems += [
        Problem(place, f"column {shown(name)}", f"{header.count(name) or 'no'} such column{suggest(name, header)}",
                "one of its columns once for sampling.frame.context or sampling.frame.exclude")
        for name in dict.fromkeys((*names.context, *names.exclude)) if header.count(name) != 1
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    return names


def _unused_exclusions(frame: Frame, place: str) -> list[Problem]:
    """A warning for each value of ``sampling.frame.exclude`` that no record has."""
    return [
        Problem(place, f"column {shown(column)}", f"no record with {shown(value)}", "a value to leave out", "warning")
        for column, counts in frame.info.excluded.items()
        for value, n in counts.items()
        if not n
    ]


def _strata(
    counts: Mapping[str, int], names: FrameColumns, asked: Mapping[str, int], place: str
) -> dict[str, str]:  # fmt: skip
    """The stratum of each value of the frame, by ``sampling.frame.strata``; without it they are the values, which are
    those of ``sampling.incidents`` where it is there."""
    where = f"column {shown(names.stratum)}"
    if not names.strata and len(counts) > MOST_STRATA:
        expected = f"a column of at most {MOST_STRATA} strata; name another in sampling.frame.stratum"
        raise InputError.of(place, where, f"{len(counts):,} different values", expected)
    spellings = Counter(look(value) for value in counts)
    if not names.strata and (several := sorted(value for value in counts if spellings[look(value)] > 1)):
        got = f"one stratum in several spellings: {', '.join(f'{shown(v, 30)} ({counts[v]:,})' for v in several[:6])}"
        expected = "one spelling; or say in sampling.frame.strata which values are a stratum"
        raise InputError.of(place, where, got, expected)
    stratum_of = _strata_of(names)
    known = stratum_of or ({} if set(counts) == {ALL} else {normal_text(name): name for name in asked})
    unknown = sorted(set(counts) - set(known), key=lambda value: -counts[value])
    if known and unknown:
        n = sum(counts[value] for value in unknown)
        got = f"{n:,} record{'s' * (n != 1)} with other values: " + ", ".join(shown(value, 30) for value in unknown[:5])
        key = "sampling.frame.strata" if names.strata else "sampling.incidents"
        expected = f"a value that {key} names{suggest(unknown[0], known)}; add it there, or mend these records"
        raise InputError.of(place, where, got, expected)
    if not known and (no_strata := [value for value in counts if re.fullmatch(NO_REFERENCE, value.lower())]):
        got = f"what is no stratum: {', '.join(f'{shown(v, 30)} ({counts[v]:,})' for v in no_strata[:6])}"
        raise InputError.of(place, where, got, "strata alone: delete rows of sums, and fill in what is blank")
    return stratum_of


def _moments(values: pd.Series, place: str) -> pd.Series:
    """Dates and times of a column of the frame: from text, or as the spreadsheet or Parquet file stores them."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        got, expected = "times with a time zone", "local time without a zone; convert the column"
        raise InputError.of(place, f"column {shown(values.name)}", got, expected)
    if values.dtype.kind == "M":
        return values.astype("datetime64[s]")
    return parse_moments(values.astype("str").str.strip(), days=True)


def _check_reported(frame: Frame, column: str, inspection: Inspection, place: str) -> tuple[list[Problem], bool]:
    """Refuse a frame with dates that cannot be read or are outside the audit period; warns of blank ones, and says whether
    the column holds times."""
    period = inspection.audit_period
    first, after = pd.Timestamp(period.start), pd.Timestamp(period.end) + pd.Timedelta(days=1)
    seen, unread, outside, missing, first_unread, timed, alone = 0, 0, 0, 0, (0, ""), False, 0
    days = {first - pd.Timedelta(days=1), after}
    for values in frame.slices(column):
        moments = _moments(values, place)
        blank = values.isna() | (values.astype("str").str.strip() == "")
        wrong = moments.isna() & ~blank
        if wrong.any() and not unread:
            row = wrong.to_numpy().argmax()
            first_unread = seen + int(row), shown(str(values.iloc[row]), 30)
        seen += len(values)
        unread += int(wrong.sum())
        missing += int(blank.sum())
        dates = moments.dt.normalize()
        days |= set(dates.dropna().unique())
        timed = timed or bool((moments.notna() & (moments != dates)).any())
        alone += int((moments.notna() & ~_has_clock(values)).sum())
        outside += int((moments.notna() & ~moments.between(first, after, inclusive="left")).sum())
    problems, where = [], f"column {shown(column)}"
    if unread:
        forms = "2019-06-03 14:05, 03/06/2019 14:05 (day before month), 03-Jun-2019 14:05 or 3 Jun 2019"
        got = f"{unread:,} value{'s' if unread != 1 else ''} that cannot be read as a date"
        got += f"; the first is {first_unread[1]} in {places(frame, start=first_unread[0], most=1)}"
        problems.append(Problem(place, where, got, f"{forms}, in local time without a zone"))
    if outside:
        got = f"{outside:,} of {seen:,} records outside the audit period"
        expected = f"incidents reported from {period.start} to {period.end} only; export the frame for this period"
        problems.append(Problem(place, where, got, expected))
    if problems:
        raise InputError(problems)
    told = _not_filled(place, where, missing, seen)
    if alone or not timed:
        got = f"{alone if timed else seen - missing:,} dates without a time"
        told.append(Problem(place, where, got, "times: auditors have to find them out", "warning"))
    last, next_one = max(itertools.pairwise(sorted(days)), key=lambda pair: pair[1] - pair[0])
    if (none := (next_one - last).days - 1) >= 7 and none * seen > 25 * (after - first).days:  # not by chance
        got = f"no record of {none:,} days, from {last + pd.Timedelta(days=1):%Y-%m-%d}"
        told.append(Problem(place, where, got, "the whole audit period; see that the export is whole", "warning"))
    return told, timed


def _has_clock(values: pd.Series) -> pd.Series:
    """Which of some dates have a time: a date alone says nothing about 24 hours."""
    return values.astype("str").str.contains(":", regex=False) | (values.dtype.kind == "M")


def _not_filled(place: str, where: str, missing: int, records: int) -> list[Problem]:
    got, expected = f"{missing:,} of {records:,} records with a blank", "it filled in; auditors have to find it out"
    return [Problem(place, where, got, expected, "warning")] if missing else []


def _check_routes(frame: Frame, names: FrameColumns, routes: Container[str], place: str) -> list[Problem]:
    """Warnings of blank routes and of values that are none; an error where ``sampling.frame.routes`` says what they are."""
    assert names.route is not None
    counts: Counter[str] = Counter()
    for values in frame.slices(names.route):
        counts.update(values.astype(object).where(values.notna(), "").astype(str).str.strip().tolist())
    known, where = {value for group in names.routes.values() for value in group}, f"column {shown(names.route)}"
    other = {value: n for value, n in counts.most_common() if value and value not in known and value not in routes}
    if not other:
        return _not_filled(place, where, counts[""], counts.total())
    first = ", ".join(f"{shown(value, 30)} ({n:,})" for value, n in list(other.items())[:5])
    got = f"{sum(other.values()):,} records with other values: {first}{', …' if len(other) > 5 else ''}"
    expected = "values that sampling.frame.routes names; add them there"
    problem = Problem(place, where, got, expected, "error" if names.routes else "warning")
    if names.routes:
        raise InputError([problem])
    return [problem, *_not_filled(place, where, counts[""], counts.total())]


def _strata_of(names: FrameColumns) -> dict[str, str]:
    """The stratum of each value that the parameters gather into one."""
    return {normal_text(value): name for name, group in names.strata.items() for value in group}


def with_reference(selection: pd.DataFrame, given: AuditFrame, inspection: Inspection) -> pd.DataFrame:
    """The selection with what the frame says of the drawn incidents: their strata, when and how they were reported."""
    names, drawn = given.columns, given.frame.rows(selection["id"].tolist())
    stratum_of = _strata_of(names)
    strata = [stratum_of.get(value, value) for value in drawn[names.stratum].map(normal_text)]
    selection = selection.assign(stratum=strata, reported_at="", route="")
    if names.reported_at is not None and given.timed:
        values = drawn[names.reported_at]
        text = _moments(values, given.place).dt.strftime("%Y-%m-%d %H:%M:%S").fillna("")
        selection["reported_at"] = text.where(_has_clock(values), "").to_numpy()
    if names.route is not None:
        route_of = {value: name for name, group in names.routes.items() for value in group}
        route_of |= {route: route for route in inspection.programme.routes}
        routes = drawn[names.route].astype("str").str.strip().map(route_of)
        selection["route"] = routes.astype(object).where(routes.notna(), "").to_numpy()
    for name in names.context:
        values = drawn[name]
        selection[name] = values.astype(object).where(values.notna(), "").astype("str").to_numpy()
    return selection


# ---- the files ---------------------------------------------------------------------------------------------


def _write(
    folder: Path, inspection: Inspection, audit: str, selection: pd.DataFrame, document: dict,
    left: tuple[str, ...] = (),
) -> Drawn:  # fmt: skip
    """Write trail, selection and worksheets of a draw; ``left`` are incidents without a replacement."""
    name = f"params/{folder.parent.name}/{folder.name}"
    selected, trail, worksheet = (folder / names[audit] for names in (SELECTIONS, TRAILS, WORKSHEETS))
    is_reserve = (selection["reserve"].astype(str) == "True").to_numpy()
    whole, least = as_csv(selection), as_csv(selection[~is_reserve])
    before = selected.read_bytes() if selected.exists() else whole
    enlarged = audit == RECHECK and before != whole and whole.startswith(before)
    if audit == RECHECK and before.startswith(whole) and before != whole:
        drawn = before.count(b"\n") - 1
        expected = f"{drawn:,} or more: so many are drawn, and a re-check can only be enlarged"
        raise InputError.of("RECHECK", "", f"{len(selection):,}", expected)
    # Reserves that come into use are added at its end, and nothing else ever is.
    if not enlarged and not (whole.startswith(before) and before.startswith(least)):
        expected = f"no other selection there: put the frame back from which it was drawn; or {AGAIN}"
        raise InputError.of(f"{name}/{selected.name}", "", "a different selection", expected)
    auditors = _asked(folder.parent.name, inspection).auditors if audit == FIRST else 1
    shares = [folder / SHARED_WORKSHEET.format(n, auditors) for n in range(1, auditors + 1)]
    shares = shares if auditors > 1 else [worksheet]
    if audit == FIRST:
        _refuse_other_shares(folder, [path.name for path in shares], name)
    # The trail first: should the next not be written, the replacements are known, and are made again.
    written = [write_whole(trail, sampling.trail_text(document).encode()), write_whole(selected, whole)]
    pattern = RESERVES_WORKSHEET.format(r"\d+", r"(\d+)")
    there = [re.fullmatch(pattern, path.name) for path in folder.iterdir()]
    first, last = max((int(sheet[1]) for sheet in there if sheet), default=0), int(is_reserve.sum())
    incidents = pd.read_csv(io.BytesIO(whole), dtype=str, keep_default_na=False, na_values={"route": [""]})
    incidents["reported_at"] = parse_moments(incidents["reported_at"])
    sharing = auditor_of(incidents, auditors)
    sheets = {path: incidents[sharing == n] for n, path in enumerate(shares, 1)}
    if first < last:
        sheets[folder / RESERVES_WORKSHEET.format(first + 1, last)] = incidents[is_reserve].iloc[first:]
    if enlarged:
        n = before.count(b"\n") - 1
        sheets[folder / MORE_WORKSHEET.format(n + 1, len(incidents))] = incidents.iloc[n:]
    kept = [path for path in shares if path.exists()]
    for path in (path for path in sheets if path not in kept and len(sheets[path])):
        try:
            written.append(write_worksheet(path, sheets[path], audit, inspection))
        except ValueError as error:
            raise InputError.of(f"{name}/{path.name}", "", "", str(error)) from None
    return Drawn(tuple(written), next(iter(kept), None), left)


def auditor_of(selection: pd.DataFrame, auditors: int) -> pd.Series:
    """To which auditor, counted from 1, each drawn incident goes: in turn, stratum by stratum; none for a reserve."""
    first = selection[selection["reserve"].astype(str) != "True"]
    in_turn = first.sort_values("stratum", kind="stable").index
    return pd.Series([1 + place % auditors for place in range(len(in_turn))], in_turn).reindex(selection.index)


def _refuse_other_shares(folder: Path, names: Iterable[str], place: str) -> None:
    """Refuse to write worksheets beside those that share the same incidents out in another way."""
    one, shares = re.escape(WORKSHEETS[FIRST]), SHARED_WORKSHEET.format(r"\d+", r"\d+")
    there = [path.name for path in folder.glob("*.xlsx") if re.fullmatch(f"{one}|{shares}", path.name)]
    if other := sorted(set(there) - set(names)):
        expected = f"those of sampling.auditors alone: {', '.join(names)}; move the other away if nobody works in it"
        raise InputError.of(f"{place}/{other[0]}", "", "a worksheet with the same incidents", expected)


# ---- the draw made again --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repeated:
    """A draw made again: ``strata`` and ``compared`` are the results ``draw`` and ``draw_repeated``."""

    given: AuditFrame
    selection: sampling.Selection
    strata: list[dict[str, Any]]
    compared: dict[str, Any]
    trail_sha256: str | None

    def fingerprints(self) -> list[dict[str, str]]:
        """The result ``trail``: what identifies the draw."""
        rule, frame = f"sha256(seed:id), version {sampling.ALGORITHM_VERSION}", self.given.frame.info.sha256
        found = {"seed": self.selection.seed, "rule": rule, "SHA-256 of the frame": frame}
        if self.trail_sha256:
            found[f"SHA-256 of {TRAILS[FIRST]}"] = self.trail_sha256
        return [{"What": what, "Value": value} for what, value in found.items()]


def repeat_draw(force: str, inspection: Inspection, records: AuditRecords, params: Path) -> tuple[Repeated | None, str]:
    """Draw again as many incidents of each stratum as were drawn; or None, and why that cannot be."""
    trail, strata = read_trail(force, params), records.strata
    audited: Any = {} if strata is None else strata.set_index("stratum")["audited_incidents"].astype(int).to_dict()
    drawn_of = trail.selected if trail else audited
    if inspection.sampling is None or not drawn_of or find_table("frame", params / force) is None:
        return None, "there is no sampling frame with these records (or no seed, or no table of strata)"
    if changed := inspection.sampling.frame.changed:
        return None, f"the frame was changed after the draw (SHA-256 now {changed.sha256}): {changed.reason}"
    if trail and trail.version != sampling.ALGORITHM_VERSION:
        return None, f"the sample was drawn by version {trail.version} of the rule"
    given = read_audit_frame(force, inspection, params)
    in_frame = given.frame.info.counts
    if set(drawn_of) != set(in_frame) or any(n > in_frame[name] for name, n in drawn_of.items()):
        return None, "the strata of the draw are not those of the frame"
    swaps = [swap.stratum for swap in trail.replacements] if trail else []
    in_use = {name: swaps.count(name) for name in drawn_of}
    selection = sampling.draw(given.frame, drawn_of, inspection.sampling.seed, reserves=in_use)
    with_crimes = set(records.main["incident_id"])
    found = [item.stratum for item in (*selection.records, *selection.reserves) if item.id in with_crimes]
    rows = [
        {"stratum": name, "frame": in_frame[name], "drawn": n, "with_crimes": found.count(name)}
        for name, n in drawn_of.items()
    ]
    # Without a trail the numbers are those audited; if some could not be, more were drawn.
    compared = {
        "drawn": sum(drawn_of.values()) + len(swaps),
        "with_crimes": len(with_crimes),
        "selected_again": len(found),
        "drawn_is_known": trail is not None or len(found) == len(with_crimes),
    }
    sha256 = file_hash(own_folder(force, params, "sample") / TRAILS[FIRST]) if trail else None
    return Repeated(given, selection, rows, compared, sha256), ""
