"""What is wrong with the tables of an audit: in a cell, within a row, between rows, between tables.

One set of rules for record tables and for the crimes of returned worksheets, which are in no table yet: a mistake names
a row by its label, and who knows the file makes a :class:`Problem` of it.
"""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd

from cdi_lib.inspection.files import is_reference
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import Problem, shown, suggest
from cdi_lib.inspection.programme import MAIN
from cdi_lib.inspection.tables import Column, Series, crime_type_of, typed
from cdi_lib.statistics.checks import look

# Column, which rows break the rule, and what was expected there (in all rows, or in each)
Rule: TypeAlias = tuple[str, Series, "str | Series"]
BLANK = "a blank cell"
# in no message: its place instead
PRIVATE = ("crime_id", "incident_id", "record_id", "respondent_id", "rule", "reason")
MOST_CELLS = 1_000  # of a column that are told one by one; the others are counted
_HEADER = -1  # label of the row before the first record


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a table: label of the row (None: in the table), column ("": in the row), and what."""

    table: str
    row: int | None
    column: str
    got: str
    expected: str

    def problem(self, file: str) -> Problem:
        """The mistake in a file that holds the whole table: its first record, of label 0, is in row 2."""
        row = [] if self.row is None else [f"row {self.row + 2}"]
        column = [f"column {self.column}"] if self.column else []
        got = "a value" if self.got[:1] in ("'", '"') and self.column in PRIVATE else self.got
        return Problem(file, ", ".join(row + column), got, self.expected)


def check_table(text: pd.DataFrame, name: str, columns: Mapping[str, Column]) -> list[Mistake]:
    """What is wrong with the columns of a table or, if nothing is, with its cells; in the order of the rows.

    ``text`` holds values as text, None for blank cells; ``columns`` are those of the table ``name``.
    """
    if mistakes := list(_check_header(list(text.columns), columns, name)):
        return mistakes
    found = [*check_cells(text, columns, name), *_repeated(text, columns, name), *_alike(text, columns, name)]
    return sorted(found, key=_place)


def by_row(mistakes: list[Mistake], table: pd.DataFrame) -> list[Mistake]:
    """One mistake for each of few rows that are no records: sums, notes, a row of which the cells were moved."""
    wrong = Counter(mistake.row for mistake in mistakes if mistake.row is not None)
    broken = [row for row, n in wrong.items() if n >= 3 and 5 * n >= 2 * table.shape[1]]
    if not 0 < len(broken) <= max(1, len(table) // 5):
        return mistakes
    expected = "a record; a sum, a note or a row with moved cells is none"
    got = {row: f"{wrong[row]} cells that are not what their columns hold" for row in broken}
    told = [Mistake(mistakes[0].table, row, "", got[row], expected) for row in broken]
    return sorted([*told, *(mistake for mistake in mistakes if mistake.row not in broken)], key=_place)


def _alike(text: pd.DataFrame, columns: Mapping[str, Column], name: str) -> Iterator[Mistake]:
    """References and names that differ only in what nobody sees or minds, so that one thing would count as two."""
    for column in (c for c, spec in columns.items() if c in text and (is_reference(c) or spec.alike)):
        values = text[column].dropna()
        first = pd.Series(values.unique(), dtype=object)
        looks = first.map(look)
        several = set(first[looks.duplicated(keep=False)])
        expected = "one spelling: the same capitals, spaces, dashes, zeros before it, and alphabet"
        for row in _labels(values.isin(several))[:MOST_CELLS] if several else []:
            got = "a second spelling" if is_reference(column) else shown(values[row])
            yield Mistake(name, row, column, got, expected)


def check_rows(
    text: pd.DataFrame, name: str, inspection: Inspection, data: pd.DataFrame | None = None
) -> list[Mistake]:
    """What is wrong between the cells of rows in which each cell can be read, in their order; ``data`` is it typed."""
    if name not in _RULES:
        return []
    data = typed(text, name, inspection.recording_rule.limit_hours) if data is None else data
    mistakes: list[Mistake] = []
    for column, breaks, expected in _RULES[name](data, inspection):
        for row in _labels(breaks.fillna(False).astype(bool)):
            value, words = text.at[row, column], expected if isinstance(expected, str) else str(expected[row])
            mistakes.append(Mistake(name, row, column, BLANK if value is None else shown(value), words))
    return sorted(mistakes, key=_place)


def _place(mistake: Mistake) -> tuple[int, str]:
    return mistake.row or 0, mistake.column


def _labels(breaks: Series) -> list[int]:
    """Labels of the rows that break a rule."""
    return list(breaks.index[breaks])


def _check_header(columns: list[str], known: Mapping[str, Column], name: str) -> Iterator[Mistake]:
    names = ", ".join(known)
    if not set(known) & set(columns):
        yield Mistake(name, _HEADER, "", f"{len(columns)} other values", f"the names of the columns: {names}")
        return
    for column, spec in known.items():
        if column not in columns and spec.required:
            yield Mistake(name, None, column, "no such column", spec.description)
    for column in dict.fromkeys(columns):
        place = shown(column) if column else str(columns.index(column) + 1)
        if column not in known:
            got = "an unknown column" if column else "a column without a name"
            yield Mistake(name, None, place, got, f"one of {names}{suggest(column, known)}")
        if columns.count(column) > 1:
            yield Mistake(name, None, place, "the column twice", "it once")


def check_cells(text: pd.DataFrame, columns: Mapping[str, Column], name: str) -> Iterator[Mistake]:
    """Cells that are blank and may not be, or that are not of the kind of their column."""
    for column, spec in columns.items():
        if column not in text:
            continue
        blank = text[column].isna()
        for row in _labels(blank)[:MOST_CELLS] if not spec.blank else []:
            yield Mistake(name, row, column, BLANK, spec.description)
        wrong = _labels(~spec.kind.fits(text[column][~blank]))
        if len(wrong) > MOST_CELLS:
            got = f"{len(wrong):,} cells with a mistake"
            yield Mistake(name, None, column, got, f"each to be {spec.kind.expected}")
        for row in wrong[:MOST_CELLS]:
            value = text.at[row, column]
            expected = spec.kind.expected + suggest(str(value), spec.kind.words())
            yield Mistake(name, row, column, shown(value), expected)


def _repeated(text: pd.DataFrame, columns: Mapping[str, Column], name: str) -> Iterator[Mistake]:
    for column in (column for column, spec in columns.items() if spec.unique):
        values = text[column].dropna()
        repeats = values[values.duplicated(keep=False)]
        rows_of = {value: list(rows) for value, rows in repeats.groupby(repeats).groups.items()}
        for row in list(repeats.index)[:MOST_CELLS]:
            other = next(label for label in rows_of[repeats[row]] if label != row)
            expected = f"each {column} once; this one is also in row {other + 2}"
            yield Mistake(name, row, column, shown(values[row]), expected)


# What the cells of a row must be to each other.


def _rules_of_crimes(t: pd.DataFrame, inspection: Inspection) -> Iterator[Rule]:
    period = inspection.audit_period
    start, end = pd.Timestamp(period.start), pd.Timestamp(period.end) + pd.Timedelta(days=1)
    is_main, recorded, recorded_at = t["sample"] == MAIN, t["recorded"], t["recorded_at"]
    yield from _type_of_class(t, inspection)
    yield "recorded_at", ~recorded & recorded_at.notna(), "a blank for a crime that was not recorded"
    yield "recorded_as", recorded & t["recorded_as"].notna(), "a blank for a crime that was recorded"
    not_rape = (t["recorded_as"] == "n100") & ~t["rape"]
    yield "recorded_as", not_rape, "n100 only for a crime of rape (class 19C to 19H)"
    early, later = recorded_at < t["reported_at"], "a time that is not before the time of report"
    at = t["reported_at"].dt
    back = (at.month == 10) & (at.day_of_week == 6) & (at.day >= 25) & (at.hour == 1)
    night = f"{later}; that night the clocks went back: write both times in GMT"
    yield "recorded_at", early, pd.Series(later, index=t.index).mask(back.fillna(False), night)
    published = inspection.publication.date
    future = recorded_at >= pd.Timestamp(published) + pd.Timedelta(days=1)
    yield "recorded_at", future, f"a time that is not after this report, {published}"
    reported = "the time of report of a crime that has a time of recording"
    yield "reported_at", recorded_at.notna() & t["reported_at"].isna(), reported
    outside = t["reported_at"].notna() & ~t["reported_at"].between(start, end, inclusive="left")
    yield "reported_at", is_main & outside, f"a time in the audit period, {period.start} to {period.end}"
    if inspection.programme.routes:
        route = f"{' or '.join(inspection.programme.routes)} for a crime of the main sample"
        yield "route", is_main & t["route"].isna(), route
    if "recorded_class" in t and t["recorded_class"].notna().any():
        as_what = t["recorded_class"]
        yield "recorded_class", is_main & recorded & as_what.isna(), "the class as which the crime was recorded"
        yield "recorded_class", ~recorded & as_what.notna(), "a blank for a crime that was not recorded"
    for column in ("safeguarded", "investigated"):
        if column in t:
            yield column, recorded & t[column].notna(), "a blank for a crime that was recorded"
    for sample, found in inspection.programme.samples.items():
        for column in found.needs:
            expected = f"an entry for a crime of the dip sample {sample}"
            yield column, (t["sample"] == sample) & t[column].isna(), expected


def _type_of_class(t: pd.DataFrame, inspection: Inspection) -> Iterator[Rule]:
    """A crime is of the type of its offence class, where the programme has that type."""
    crime_type = t["offence_class"].map(crime_type_of(inspection.programme))
    its_type = crime_type + ", the crime type of class " + t["offence_class"] + " in params/offence_classes.csv"
    types = set(inspection.programme.crime_types)
    # Where every type has its classes, a class of no type is of none of them.
    known = crime_type.isin(list(types)) | (types <= set(crime_type_of(inspection.programme).values()))
    yield "crime_type", known & (t["crime_type"] != crime_type), its_type


def _rules_of_n100(t: pd.DataFrame, inspection: Inspection) -> Iterator[Rule]:
    is_review, answered = t["kind"] == "review", t["should_be_rape"].notna()
    yield "should_be_rape", is_review & ~answered, "yes or no for a review"
    yield "should_be_rape", ~is_review & answered, "a blank for an incident that needed an N100"
    yield "applied", is_review & ~t["applied"], "yes: a review is of records where an N100 was applied"


def _rules_of_cancellations(t: pd.DataFrame, inspection: Inspection) -> Iterator[Rule]:
    due, answered = t["victim_to_be_informed"], t["victim_informed"].notna()
    yield "victim_informed", due & ~answered, "yes or no where the victim should have been informed"
    yield "victim_informed", ~due & answered, "a blank where there was nobody to inform"


def _rules_of_challenges(t: pd.DataFrame, inspection: Inspection) -> Iterator[Rule]:
    upheld, is_open = t["outcome"] == "upheld", t["outcome"] == "open"
    first, final = t["first_decision"], t["final_decision"]
    changes_class = first.str.startswith("class") != final.str.startswith("class")
    yield "final_decision", upheld & final.isna(), "the changed decision of an upheld challenge"
    yield "final_decision", ~upheld & final.notna(), "a blank where the challenge was not upheld"
    same = "a decision that differs from first_decision, or the outcome rejected"
    yield "final_decision", final == first, same
    other = "a class where first_decision is a class, and no class where it is none"
    yield "final_decision", final.notna() & changes_class, other
    yield "decided_on", ~is_open & t["decided_on"].isna(), "the date of the outcome"
    undecided = "a blank while the challenge is open; or the outcome upheld or rejected"
    yield "decided_on", is_open & t["decided_on"].notna(), undecided
    yield "decided_on", t["decided_on"] < t["challenged_on"], "a date that is not before challenged_on"
    start = inspection.audit_period.start
    since = f"a date in the audit period or after it: {start} or later"
    yield "challenged_on", t["challenged_on"] < pd.Timestamp(start), since


def _rules_of_register(t: pd.DataFrame, inspection: Inspection) -> Iterator[Rule]:
    yield "note", (t["became"] != "open") & t["note"].isna(), "what was done, or what superseded it"
    late = t["raised_on"] >= pd.Timestamp(inspection.publication.date)
    yield "raised_on", late, f"a date before that of this report, {inspection.publication.date}"
    yield "deadline", t["deadline"] < t["raised_on"], "a date that is not before raised_on"


def _rules_of_survey(t: pd.DataFrame, inspection: Inspection) -> Iterator[Rule]:
    twice = t.duplicated(["respondent_id", "statement"])
    yield "answer", twice, "one answer of a respondent to a statement; this is a second one"


_RULES = {
    "crimes": _rules_of_crimes, "over_recorded": _type_of_class, "n100": _rules_of_n100, "cancellations": _rules_of_cancellations,
    "challenges": _rules_of_challenges, "register": _rules_of_register, "survey": _rules_of_survey,
}  # fmt: skip


# ---- between tables ----------------------------------------------------------------------------------------


def check_across(
    tables: Mapping[str, pd.DataFrame], inspection: Inspection, unread: Mapping[str, Container[str]] | None = None
) -> list[Mistake]:  # fmt: skip
    """Everything that is wrong between the rows of typed tables, between tables, and between tables and parameters.

    ``unread`` has, by table, the references in rows that could not be read and so are not there: nothing is said of what
    may be in them.
    """
    missing = dict(unread or {})
    tables = {name: table for name, table in tables.items() if name not in missing or name in ("crimes", "survey")}
    if "crimes" in missing:
        tables.pop("over_recorded", None)
        if (tables["crimes"]["sample"] == MAIN).sum() == 0:
            return []
        if "challenges" in tables:
            found = tables["challenges"]["crime_id"].map(lambda name: name in missing["crimes"])
            tables["challenges"] = tables["challenges"][~found.astype(bool)]
    crimes = tables["crimes"]
    mistakes = list(_main_sample(crimes))
    if "dip_records" not in missing:
        mistakes += _dip_samples(crimes, tables.get("dip_records"))
    if "strata" in tables and len(tables["strata"]):  # make new writes it empty
        mistakes += _strata(tables["strata"], crimes)
    if "over_recorded" in tables:
        mistakes += _over_recorded(tables["over_recorded"], crimes)
    if "survey" in tables:
        mistakes += _survey(tables["survey"], inspection.survey_statements)
    if "challenges" in tables:
        mistakes += _challenges(tables["challenges"], crimes)
    return mistakes


def _main_sample(crimes: pd.DataFrame) -> Iterator[Mistake]:
    main = crimes[crimes["sample"] == MAIN]
    if main.empty:
        expected = "at least one row with sample 'main'; make collect makes them of returned worksheets"
        yield Mistake("crimes", None, "sample", "no crime of the main sample", expected)
    elif "stratum" in main:
        expected = "the stratum of the frame from which the incident was drawn; or leave the column out"
        for row in _labels(main["stratum"].isna()):
            yield Mistake("crimes", row, "stratum", BLANK, expected)
        strata = main.groupby("incident_id")["stratum"].transform("nunique")
        expected = "one stratum for all crimes of an incident: the one it was drawn from"
        for row in _labels((strata > 1) & ~main.duplicated("incident_id")):
            yield Mistake("crimes", row, "stratum", "an incident with crimes in two strata", expected)


def _strata(strata: pd.DataFrame, crimes: pd.DataFrame) -> Iterator[Mistake]:
    """Numbers of incidents of the strata, against each other and against the audited crimes."""
    main = crimes[crimes["sample"] == MAIN]
    if "stratum" not in main:
        expected = "the stratum of each crime of the main sample; or no rows in the table strata"
        yield Mistake("crimes", None, "stratum", "no such column", expected)
        return
    found = strata["stratum"].map(main.groupby("stratum")["incident_id"].nunique()).fillna(0).astype(int)
    audited, frame = strata["audited_incidents"], strata["frame_incidents"]
    for row in _labels((audited < found) | (audited > frame)):
        least = f"{found[row]:,} (incidents of the stratum in the table crimes)"
        expected = f"a number from {least} to {frame[row]:,} (its frame_incidents)"
        yield Mistake("strata", row, "audited_incidents", str(audited[row]), expected)
    is_sum = (2 * frame == frame.sum()) & (2 * audited == audited.sum()) & (found == 0)
    for row in _labels(is_sum & (len(strata) > 2)):
        yield Mistake("strata", row, "", "the sum of the other rows", "strata alone; delete the row")
    known = shown(", ".join(strata["stratum"]), 200)
    unknown = ~main["stratum"].isin(strata["stratum"]) & ~main.duplicated("stratum")
    for row in _labels(unknown & main["stratum"].notna()):
        expected = f"a stratum of the table strata: {known}"
        yield Mistake("crimes", row, "stratum", shown(main.at[row, "stratum"]), expected)


def _dip_samples(crimes: pd.DataFrame, dip_records: pd.DataFrame | None) -> Iterator[Mistake]:
    is_main = crimes["sample"] == MAIN
    if dip_records is None:
        expected = "a table dip_records that lists the examined records of the dip samples, also those without a crime"
        for row in _labels(~is_main)[:1]:
            yield Mistake("crimes", row, "sample", shown(crimes.at[row, "sample"]), expected)
        return
    examined = crimes["incident_id"].map(dip_records.set_index("record_id")["sample"])
    for row in _labels(~is_main & (examined != crimes["sample"])):
        got = "a record that is not in the table dip_records" if pd.isna(examined[row]) else examined[row]
        expected = f"a record of the dip sample {crimes['sample'][row]} in the table dip_records"
        yield Mistake("crimes", row, "incident_id", got, expected)
    for row in _labels(is_main & examined.notna()):
        yield Mistake("crimes", row, "incident_id", "a record of a dip sample", "an incident of the main sample")


def _over_recorded(over: pd.DataFrame, crimes: pd.DataFrame) -> Iterator[Mistake]:
    """Over-recorded crimes that are among the audited ones, or whose stratum is not that of the crimes beside them."""
    for row in _labels(over["crime_id"].isin(crimes["crime_id"])):
        expected = "one that should not be recorded"
        yield Mistake("over_recorded", row, "crime_id", "a crime of the table crimes", expected)
    main = crimes[crimes["sample"] == MAIN]
    has_strata = "stratum" in over and bool(over["stratum"].notna().any())
    if len(over) and len(main) and ("stratum" in main) != has_strata:
        expected = "the column stratum in both tables or in neither of crimes and over_recorded"
        yield Mistake("over_recorded", None, "stratum", "it in one of them", expected)
    elif "stratum" in main and len(over):
        stratum = over["incident_id"].map(main.drop_duplicates("incident_id").set_index("incident_id")["stratum"])
        wrong = over["stratum"].isna() | (stratum.notna() & (stratum != over["stratum"]))
        for row in _labels(wrong | ~over["stratum"].isin(main["stratum"])):
            got = shown(over.at[row, "stratum"])
            yield Mistake("over_recorded", row, "stratum", got, "that of the incident's draw")


def _survey(survey: pd.DataFrame, known: Mapping[str, str]) -> Iterator[Mistake]:
    names = ", ".join(known) or "(none there yet)"
    for row in _labels(~survey["statement"].isin(list(known))):
        statement = survey.at[row, "statement"]
        expected = f"an id in survey_statements of the parameter file: {names}{suggest(str(statement), known)}"
        yield Mistake("survey", row, "statement", shown(statement), expected)


def _challenges(challenges: pd.DataFrame, crimes: pd.DataFrame) -> Iterator[Mistake]:
    """Challenges whose decision is not what the table of crimes holds."""
    held = crimes.set_index("crime_id")[["offence_class", "recorded"]]
    upheld = challenges["outcome"] == "upheld"
    stands = challenges["final_decision"].where(upheld, challenges["first_decision"])
    for row in _labels(stands.notna()):  # an upheld challenge without the changed decision is told of above
        crime_id, decision = challenges["crime_id"][row], stands[row]
        if crime_id not in held.index:
            if decision != "no crime":
                got, expected = "a crime that is not there", "a crime_id of the table crimes"
                yield Mistake("challenges", row, "crime_id", got, expected)
            continue
        crime = held.loc[crime_id]
        now = "recorded" if crime["recorded"] else "not recorded"
        if decision.startswith("class "):
            now = f"class {crime['offence_class']}"
        if now != decision:
            expected = f"that the table crimes holds the decision that stands: {decision}"
            if decision == "no crime":
                expected = "no row for this crime in the table crimes, for the decision that stands is: no crime"
            yield Mistake("challenges", row, "crime_id", f"another decision there: {now}", expected)
