"""Bad inputs, each with the essential words of the message that it gets.

``python tests/bad_inputs.py`` prints the table with the messages in full.
"""

from __future__ import annotations

import copy
import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from complete_force import complete_files, complete_parameters, complete_tables, write_files
from forces import parameters

from cdi_lib.inspection.folders import PROJECT

CHECK = ("check", "--force=testshire")
SAMPLE = ("sample", "--force=testshire")
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the one in C takes a tenth of the time
REMOVED = object()  # as a value: the key, column or file is taken away


@dataclass(frozen=True)
class BadInput:
    """One mistake.

    Parameters
    ----------
    name : str
        What is wrong, for readers.
    words : tuple of str
        All of them stand in one line of the answer.
    files : dict
        Content by path in ``params``, in the place of what the complete force has there; REMOVED: no such file.
    command : tuple of str
        Arguments of the command that must refuse it.
    make : callable, optional
        Called with the folder ``params`` for what cannot be said with contents of files.
    """

    name: str
    words: tuple[str, ...]
    files: dict
    command: tuple[str, ...] = CHECK
    make: Callable[[Path], None] = lambda params: None

    def write(self, params: Path) -> None:
        """Write the complete force with this mistake into a folder."""
        files = complete_files() | self.files
        write_files(params, {name: content for name, content in files.items() if content is not REMOVED})
        self.make(params)


def changed(content: dict, path: str, value: object) -> dict:
    """A copy of nested dictionaries and lists with one value replaced; the path is dotted, lists count from 0."""
    content = copy.deepcopy(content)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = content
    for part in parents:
        place = place[part]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return content


def in_yaml(content: object) -> bytes:
    return yaml.dump(content, Dumper=DUMPER, sort_keys=False, allow_unicode=True).encode()


def parameter(name: str, path: str, value: object, *words: str) -> BadInput:
    """A parameter with a wrong value."""
    return BadInput(name, words, {"testshire.yml": in_yaml(changed(complete_parameters(), path, value))})


def parameter_file(name: str, content: bytes | str, *words: str) -> BadInput:
    """A parameter file with this content."""
    return BadInput(name, words, {"testshire.yml": content.encode() if isinstance(content, str) else content})


def parameter_line(name: str, line: str, *words: str) -> BadInput:
    """A parameter file with a line of YAML added at its end."""
    return parameter_file(name, in_yaml(complete_parameters()) + line.encode() + b"\n", *words)


def _with_tables(files: dict) -> dict:
    """Files of tables, and of the others no more than they need."""
    statements = {"trained": "I have had enough training.", "ethics": "Leaders set an example."}
    others = {
        f"testshire/{name}.csv": REMOVED for name in ("n100", "cancellations", "survey", "challenges", "published")
    }
    return {"testshire.yml": in_yaml(parameters(survey_statements=statements))} | others | files


def cell(name: str, table: str, column: str, value: str, *words: str, row: int = 2) -> BadInput:
    """A table with a wrong value in one cell; ``row`` counts as a spreadsheet does."""
    data = complete_tables()[table].astype(object)
    data.loc[row - 2, column] = value
    return BadInput(name, words, _with_tables({f"testshire/{table}.csv": data.to_csv(index=False).encode()}))


def table(name: str, change: Callable, *words: str, of: str = "crimes") -> BadInput:
    """A table after a change of its data frame."""
    data = change(complete_tables()[of])
    return BadInput(name, words, _with_tables({f"testshire/{of}.csv": data.to_csv(index=False).encode()}))


def table_text(name: str, change: Callable[[bytes], bytes], *words: str, of: str = "crimes") -> BadInput:
    """A CSV file after a change of its bytes."""
    path = f"testshire/{of}.csv"
    return BadInput(name, words, _with_tables({path: change(complete_files()[path])}))


def table_file(name: str, files: dict, *words: str) -> BadInput:
    """Other files in the folder of tables."""
    return BadInput(name, words, _with_tables({f"testshire/{file}": content for file, content in files.items()}))


@cache
def own_criteria() -> dict:
    """The framework that is changed."""
    return yaml.safe_load((PROJECT / "params" / "programmes" / "cdi-2017.yml").read_text(encoding="utf-8"))


def criteria(name: str, path: str, value: object, *words: str) -> BadInput:
    """A judgement framework of the user's own with a wrong value."""
    content = changed(own_criteria() | {"name": "own"}, path, value)
    return criteria_file(name, in_yaml(content), *words)


def criteria_file(name: str, content: bytes, *words: str) -> BadInput:
    named = in_yaml(changed(complete_parameters(), "programme", "own"))
    return BadInput(name, words, {"testshire.yml": named, "programmes/own.yml": content})


def frame(name: str, files: dict, *words: str) -> BadInput:
    """A sampling frame; the command that draws from it."""
    return BadInput(name, words, {f"testshire/{file}": content for file, content in files.items()}, SAMPLE)


def command(name: str, arguments: tuple[str, ...], *words: str) -> BadInput:
    return BadInput(name, words, {}, arguments)


def special(name: str, make: Callable[[Path], None], *words: str, without: str = "") -> BadInput:
    """What only a change of the folder can say; ``without``: a file that is not written."""
    return BadInput(name, words, {without: REMOVED} if without else {}, make=make)


def _broken_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<nothing")
    return buffer.getvalue()


def _bomb() -> str:
    """The billion laughs: nine levels of nine references each."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 10)]
    return "\n".join(lines)


def _repeat_column(data):
    data.insert(1, "again", data["crime_id"])
    return data.rename(columns={"again": "crime_id"})


_FRAME = "incident_id,stratum\n" + "".join(f"F{k},violence\nG{k},sexual\nH{k},other\n" for k in range(40))

# fmt: off
PARAMETERS = [
    parameter("audit period that ends before it starts", "audit_period", {"start": "2022-06-30", "end": "2022-01-01"}, "params/testshire.yml, audit_period", "ends on or after its start", "2022-01-01"),
    parameter("audit period of ten years", "audit_period.start", "2012-01-01", "audit_period", "three years or less"),
    parameter("date that does not exist", "audit_period.end", "2022-06-31", "audit_period.end", "'2022-06-31'", "2019-06-01"),
    parameter("date in the form of another country", "audit_period.end", "06/30/2022", "audit_period.end", "year-month-day"),
    parameter("date in words", "publication.date", "September 2022", "publication.date", "'September 2022'", "year-month-day"),
    parameter("date that is a number", "publication.date", 20220901, "publication.date", "20220901", "year-month-day"),
    parameter("date before history", "audit_period.start", "0022-01-01", "audit_period.start", "1990"),
    parameter("date far in the future", "publication.date", "9999-09-01", "publication.date", "2100"),
    parameter("publication before the end of the audit", "publication.date", "2022-03-01", "publication.date", "after the audit period", "2022-03-01"),
    parameter("approval of a date that does not exist", "publication.approvals.0.date", "2022-02-29", "publication.approvals.1.date", "year-month-day"),
    parameter("percentage as a proportion", "auditable_route_percent.value", 0.967, "auditable_route_percent.value", "0.967", "write 96.7"),
    parameter("percentage above 100", "auditable_route_percent.value", 967, "auditable_route_percent.value", "967", "up to 100"),
    parameter("negative percentage", "auditable_route_percent.value", -5, "auditable_route_percent.value", "up to 100"),
    parameter("auditable route of nothing", "auditable_route_percent.value", 0, "auditable_route_percent.value", "above 0"),
    parameter("percentage with its sign", "auditable_route_percent.value", "96.7%", "auditable_route_percent.value", "'96.7%'", "a number, such as 96.7"),
    parameter("percentage with a decimal comma", "auditable_route_percent.value", "96,7", "auditable_route_percent.value", "a number, such as 96.7"),
    parameter("percentage that is not a number", "auditable_route_percent.value", float("nan"), "auditable_route_percent.value", "nan", "a number"),
    parameter("percentage that is infinite", "auditable_route_percent.value", float("inf"), "auditable_route_percent.value", "inf", "a number"),
    parameter("confidence level as a proportion", "estimation.confidence_percent", 0.95, "estimation.confidence_percent", "such as 95"),
    parameter("confidence level of 100", "estimation.confidence_percent", 100, "estimation.confidence_percent", "between 50 and 100"),
    parameter("count with thousands separators", "recorded_crime.other.value", "21,900", "recorded_crime.other.value", "'21,900'", "without quotes or thousands separators"),
    parameter("count in quotes", "recorded_crime.other.value", "21900", "recorded_crime.other.value", "without quotes"),
    parameter("count with decimals", "recorded_crime.other.value", 21900.5, "recorded_crime.other.value", "a whole number"),
    parameter("negative count", "recorded_crime.violence.value", -1, "recorded_crime.violence.value", "-1", "0 or more"),
    parameter("count that is not a number", "recorded_crime.violence.value", float("nan"), "recorded_crime.violence.value", "a whole number"),
    parameter("yes for a count", "recorded_crime.violence.value", True, "recorded_crime.violence.value", "a whole number"),
    parameter("count of more crimes than there can be", "recorded_crime.violence.value", 10**18, "recorded_crime.violence.value", "100,000,000"),
    parameter("no recorded crime at all", "recorded_crime", {name: {"value": 0, "status": "assumed", "source": "x"} for name in ("violence", "sexual", "other")}, "recorded_crime", "0 in all"),
    parameter("recorded crime smaller than the sample", "recorded_crime.violence.value", 15, "recorded_crime.violence", "15 in 12 months", "12 audited crimes"),
    parameter("recorded crime of a type without audited crimes", "recorded_crime.sexual.value", 0, "estimation.headline", "6 audited crimes of type sexual"),
    parameter("crime type left out", "recorded_crime.other", REMOVED, "recorded_crime.other", "got nothing", "excluding fraud"),
    parameter("figure without its source", "recorded_crime.other.source", REMOVED, "recorded_crime.other.source", "where the figure comes from"),
    parameter("number where keys are expected", "recorded_crime", 21900, "recorded_crime", "keys of its own, indented below it"),
    parameter("unknown key that is nearly right", "audit_perod", {}, "audit_perod", "did you mean 'audit_period'?"),
    parameter("unknown key deep inside", "sampling.sede", 1, "sampling.sede", "did you mean 'seed'?"),
    parameter("word that is none of the choices", "estimation.interval", "wald", "estimation.interval", "'wald'", "'wilson'"),
    parameter("word that is nearly one of the choices", "estimation.headline", "stratifed", "estimation.headline", "did you mean 'stratified'?"),
    parameter("text where true or false is expected", "estimation.clustered", "nope", "estimation.clustered", "true or false"),
    parameter("number where true or false is expected", "previous_inspection.representative", 1, "previous_inspection.representative", "true or false"),
    parameter("publication that is neither draft nor final", "publication.status", "finl", "publication.status", "did you mean 'final'?"),
    parameter("version as a number", "publication.version", 1.0, "publication.version", "text; put it in quotes"),
    parameter("empty name", "force.name", "  ", "force.name", "text that is not empty"),
    parameter("control characters in a name", "force.name", "Test\x07shire", "force.name", "control characters"),
    parameter("writing direction turned round in a name", "force.name", "Test\u202eerihs", "force.name", "U+202E"),
    parameter("picture in a text", "findings.overall", ["Well done \U0001f693"], "findings.overall.1", "U+1F693", "typeface"),
    parameter("name as long as a book", "force.name", "x" * 10_000, "force.name", "10,000 characters"),
    parameter("list where text is expected", "force.name", ["Testshire"], "force.name", "text"),
    parameter("text where a list is expected", "findings.overall", "All is well.", "findings.overall", "a list: one '- …' line for each entry"),
    parameter("no, unquoted, in a list of texts", "findings.overall", [False], "findings.overall.1", "put it in quotes"),
    parameter("version of the format from the future", "schema_version", 2, "schema_version", "got 2", "1"),
    parameter("invented records without a note", "records.note", REMOVED, "records", "a note that says what was invented"),
    parameter("more recorded than audited crimes before", "previous_inspection.recorded_crimes", 83, "previous_inspection", "83 recorded of 82 audited is impossible"),
    parameter("previous inspection of no crime", "previous_inspection.audited_crimes", 0, "previous_inspection.audited_crimes", "1 or more"),
    parameter("previous inspection after this one", "previous_inspection.year", 2023, "previous_inspection.year", "before this audit period", "2023"),
    parameter("previous inspection of two digits", "previous_inspection.year", 14, "previous_inspection.year", "2000 or more"),
    parameter("characteristic both recorded and not", "equality.not_recorded", ["age"], "equality", "in both: age"),
    parameter("margin of nothing", "sampling.margin_points", 0, "sampling.margin_points", "above 0"),
    parameter("margin as a proportion", "sampling.margin_points", 0.03, "sampling.margin_points", "percentage points", "write 3"),
    parameter("seed with decimals", "sampling.seed", 1.5, "sampling.seed", "a whole number"),
    parameter("stratum of no incidents", "sampling.incidents.violence", 0, "sampling.incidents.violence", "1 or more"),
    parameter("unknown programme", "programme", "cdi-2071", "programme", "did you mean 'cdi-2017'?"),
    parameter("programme as a path", "programme", "../../etc/passwd", "programme", "one of cdi-2017"),
    parameter("area for improvement of an unknown element", "areas_for_improvement.0.elements", ["timelines"], "areas_for_improvement", "'timelines'", "did you mean 'timeliness'?"),
    parameter("assessment of an unknown element", "assessments.0.element", "recomendations", "assessments", "did you mean 'recommendations'?"),
    parameter("assessment of an element that is counted", "assessments.0.element", "timeliness", "assessments", "timeliness"),
    parameter("finding that is none", "assessments.0.finding", "met", "assessments.1.finding", "'fully met'"),
    parameter("grade carried forward that does not exist", "carried_forward.0.grade", "excellent", "carried_forward", "excellent", "outstanding"),
    parameter("grade carried forward from a date that does not exist", "carried_forward.0.date", "2018-02-30", "carried_forward.1.date", "year-month-day"),
    parameter("grade carried forward from the future", "carried_forward.0.date", "2023-01-01", "carried_forward", "before this report", "2023-01-01"),
    parameter("grade carried forward for an unknown element", "carried_forward.0.element", "plan", "carried_forward", "plan"),
    parameter("decision for a grade that does not exist", "decisions.0.grade", "very good", "decisions", "very good", "outstanding"),
    parameter("decision about nothing that is judged", "decisions.0.grade_of", "efficiency", "decisions", "did you mean 'efficient'?"),
    parameter("decision without a reason", "decisions.0.reason", REMOVED, "decisions.1.reason", "printed in the report"),
    parameter("two decisions about the same", "decisions", complete_parameters()["decisions"] * 2, "decisions", "more than once: efficient"),
]
PARAMETER_FILES = [
    parameter_file("empty parameter file", "", "params/testshire.yml", "nothing", "a file of 'key: value' lines"),
    parameter_file("parameter file of comments only", "# to do\n", "params/testshire.yml", "nothing", "a file of 'key: value' lines"),
    parameter_file("parameter file that is a list", "- a\n- b\n", "params/testshire.yml", "a file of 'key: value' lines"),
    parameter_file("tabs for indentation", "force:\n\tname: X\n", "params/testshire.yml, line 2", "tab"),
    parameter_file("bracket that is not closed", "force: [\n", "params/testshire.yml, line 2", "YAML"),
    parameter_file("colon in a text without quotes", "force:\n  name: Testshire: Police\n", "params/testshire.yml, line 2", "quotes"),
    parameter_file("binary parameter file", bytes(range(256)) * 4, "params/testshire.yml", "UTF-8 text"),
    parameter_file("parameter file with zero bytes", b"force: {name: \"a\x00b\"}\n", "params/testshire.yml", "special characters"),
    parameter_file("parameter file in UTF-16", in_yaml(complete_parameters()).decode().encode("utf-16"), "params/testshire.yml", "UTF-16", "UTF-8"),
    parameter_file("parameter file in Windows-1252", "force: {name: Dyfed \u2013 Powys}\n".encode("cp1252"), "params/testshire.yml", "line 1", "UTF-8 text"),
    parameter_line("key that stands twice", "programme: cdi-2017", "params/testshire.yml, line", "'programme' stands twice", "each key once"),
    parameter_line("key that is a number", "2022: x", "line", "the key 2022", "in quotes"),
    parameter_line("key that YAML reads as false", "no: x", "line", "the key False", "in quotes"),
    parameter_line("key that is a list", "? [a, b]\n: x", "line", "key"),
    parameter_line("program in a YAML tag", "x: !!python/object/apply:os.system [ls]", "line", "a YAML tag", "without tags"),
    parameter_line("unknown YAML tag", "x: !secret y", "line", "a YAML tag"),
    parameter_file("number with a leading zero", in_yaml(complete_parameters()).replace(b"value: 9000", b"value: 012000"), "params/testshire.yml, line", "'012000'", "without leading zeros"),
    parameter_file("number of base sixty", in_yaml(complete_parameters()).replace(b"value: 9000", b"value: 12:30"), "params/testshire.yml, line", "'12:30'", "decimal number"),
    parameter_file("number of base sixteen", in_yaml(complete_parameters()).replace(b"value: 9000", b"value: 0x1F40"), "params/testshire.yml, line", "'0x1F40'", "decimal number"),
    parameter_line("two documents in one file", "---\na: 1", "line", "one document"),
    parameter_line("billion laughs", _bomb(), "params/testshire.yml", "anchors"),
    parameter_line("anchor that holds itself", "x: &x [*x]", "params/testshire.yml", "anchors"),
    parameter_file("nesting a thousand deep", "a: " + "[" * 3000 + "]" * 3000, "params/testshire.yml", "nested"),
    parameter_file("date in YAML that does not exist", in_yaml(complete_parameters()).replace(b"'2022-06-30'", b"2022-06-31"), "params/testshire.yml", "audit_period.end", "2022-06-31", "a date that exists"),
    parameter_file("time where a day is expected", in_yaml(complete_parameters()).replace(b"'2022-06-30'", b"2022-06-30 12:00:00"), "audit_period.end", "year-month-day"),
    special("parameter file that is a folder", lambda params: (params / "testshire.yml").mkdir(), "params/testshire.yml", "a folder", without="testshire.yml"),
]
TABLES = [
    table("missing column", lambda t: t.drop(columns="route"), "params/testshire/crimes.csv, column route", "no such column", "control_room"),
    table("column too many", lambda t: t.assign(victim_name="x"), "column 'victim_name'", "an unknown column"),
    table("misspelt column", lambda t: t.rename(columns={"recorded_at": "recordet_at"}), "column 'recordet_at'", "did you mean 'recorded_at'?"),
    table("column in capitals", lambda t: t.rename(columns={"crime_id": "Crime ID"}), "column 'Crime ID'", "did you mean 'crime_id'?"),
    table("column twice", _repeat_column, "column 'crime_id'", "twice"),
    table("two columns exchanged", lambda t: t.rename(columns={"sample": "route", "route": "sample"}), "crimes.csv, rows 2, 3, 4", "column sample", "vulnerable_adult"),
    table("header only", lambda t: t.iloc[:0], "crimes.csv", "no crime of the main sample"),
    table("only crimes of dip samples", lambda t: t[t["sample"] != "main"], "crimes.csv", "no crime of the main sample"),
    table("crime twice", lambda t: t.assign(crime_id=t["crime_id"].replace("V0001", "V0000")), "rows 2, 3, column crime_id", "got 2 times a value", "once"),
    table("record of a dip sample twice", lambda t: t.assign(record_id="VA1"), "dip_records.csv, rows 2, 3, 4 and 1 more, column record_id", "once", of="dip_records"),
    cell("crime without a reference", "crimes", "crime_id", "", "row 2, column crime_id", "a blank cell"),
    cell("unknown crime type", "crimes", "crime_type", "violance", "row 2, column crime_type", "'violance'", "violence, sexual, other"),
    cell("unknown offence class", "crimes", "offence_class", "105", "row 2, column offence_class", "'105'", "did you mean '105"),
    cell("class of another crime type", "crimes", "offence_class", "20A", "row 2, column crime_type", "sexual, the crime type of class 20A"),
    cell("number for yes", "crimes", "domestic_abuse", "1", "row 2, column domestic_abuse", "'1'", "one of yes, no"),
    cell("recorded before it was reported", "crimes", "recorded_at", "2022-01-01 09:59", "row 2, column recorded_at", "not before the time of report"),
    cell("time of recording without recorded", "crimes", "recorded_at", "2022-01-02 10:00", "row 12, column recorded_at", "not recorded", row=12),
    cell("N100 for a crime that is no rape", "crimes", "recorded_as", "n100", "row 12, column recorded_as", "only for a crime of rape", row=12),
    cell("reported outside the audit period", "crimes", "reported_at", "2021-12-31 23:59", "row 2, column reported_at", "2022-01-01 to 2022-06-30"),
    cell("date that does not exist in a table", "crimes", "reported_at", "2022-02-30 10:00", "row 2, column reported_at", "'2022-02-30 10:00'", "2019-06-03 14:05"),
    cell("American date", "crimes", "reported_at", "01/13/2022 10:00", "row 2, column reported_at", "03/06/2019"),
    cell("year of two digits", "crimes", "reported_at", "03/06/22 14:05", "row 2, column reported_at", "03/06/2019"),
    cell("time with a zone", "crimes", "reported_at", "2022-01-01T10:00:00Z", "row 2, column reported_at", "2019-06-03 14:05"),
    cell("number of a spreadsheet for a date", "crimes", "reported_at", "44562.4", "row 2, column reported_at", "2019-06-03 14:05"),
    cell("no route in the main sample", "crimes", "route", "", "row 2, column route", "control_room or crime_recording_centre"),
    cell("incident in two strata", "crimes", "stratum", "other", "row 2, column stratum", "one stratum for all crimes of an incident"),
    cell("blank stratum", "crimes", "stratum", "", "row 2, column stratum", "a blank cell"),
    cell("unknown sample", "crimes", "sample", "Main", "row 2, column sample", "one of main"),
    cell("crime of a dip record that was not examined", "crimes", "incident_id", "VA9", "row 30, column incident_id", "not in the table dip_records", row=30),
    cell("crime of another dip sample", "crimes", "incident_id", "TP1", "row 30, column incident_id", "vulnerable_adult", row=30),
    cell("dip record in the main sample", "crimes", "incident_id", "VA1", "row 2, column incident_id", "a record of a dip sample"),
    cell("formula in a cell", "crimes", "crime_type", "=cmd|' /C calc'!A0", "row 2, column crime_type", "one of violence"),
    cell("very long cell", "crimes", "crime_type", "x" * 100_000, "row 2, column crime_type", "xxx…"),
    cell("review without an answer", "n100", "should_be_rape", "", "n100.csv, row 4, column should_be_rape", "yes or no for a review", row=4),
    cell("answer without a review", "n100", "should_be_rape", "yes", "n100.csv, row 2, column should_be_rape", "a blank"),
    cell("unknown kind of N100 record", "n100", "kind", "reviewed", "n100.csv, row 2, column kind", "one of required, review"),
    cell("unknown type of cancelled crime", "cancellations", "crime_type", "robery", "cancellations.csv, row 2, column crime_type", "robbery"),
    cell("nobody said whether the victim was told", "cancellations", "victim_informed", "", "cancellations.csv, row 2, column victim_informed", "yes or no"),
    cell("statement that the parameters do not have", "survey", "statement", "traned", "survey.csv, row 2, column statement", "did you mean 'trained'?"),
    cell("answer that is none", "survey", "answer", "maybe", "survey.csv, row 2, column answer", "strongly agree"),
    cell("second answer to a statement", "survey", "statement", "trained", "survey.csv, row 3", "one answer", row=3),
    cell("published figure of another form", "published", "shown_as", "per cent", "published.csv, row 2, column shown_as", "percent"),
    cell("challenge of a crime that is not there", "challenges", "crime_id", "V0999", "challenges.csv, row 2, column crime_id", "a crime that is not there"),
    cell("challenge without an outcome", "challenges", "outcome", "", "challenges.csv, row 2, column outcome", "a blank cell", "upheld, rejected or open"),
    cell("challenge upheld without the changed decision", "challenges", "final_decision", "", "challenges.csv, row 2, column final_decision", "changed decision"),
    cell("challenge decided before it was made", "challenges", "decided_on", "2022-07-01", "challenges.csv, row 2, column decided_on", "not before challenged_on"),
    cell("challenge upheld that the crimes do not show", "challenges", "final_decision", "not recorded", "challenges.csv, row 2, column crime_id", "not recorded"),
    cell("stratum with fewer audited incidents than the crimes show", "strata", "audited_incidents", "6", "strata.csv, row 2, column audited_incidents", "a number from 7"),
    cell("stratum with more audited incidents than there are", "strata", "audited_incidents", "4001", "strata.csv, row 2, column audited_incidents", "to 4,000"),
    cell("stratum with a share instead of a number", "strata", "frame_incidents", "0.5", "strata.csv, row 2, column frame_incidents", "whole number"),
    cell("stratum that the table of strata does not have", "strata", "stratum", "violent", "crimes.csv, row 2, column stratum", "'violence'"),
    cell("picture in a published figure", "published", "figure", "\U0001f693", "published.csv, row 2, column figure", "typeface"),
    cell("text where a time of recording is expected", "crimes", "recorded_at", "nan", "row 2, column recorded_at", "'nan'", "2019-06-03 14:05"),
    cell("published figure of no result", "published", "result", "estimate.overall.value", "published.csv, row 2, column result", "'estimate.overall.value'", "such as estimates.overall.value"),
    table_text("blank row", lambda text: text.replace(b"\nV0001", b"\n,,,,,,,,,,,\nV0001"), "crimes.csv, row 3", "a blank row"),
    table_text("row with a value too many", lambda text: text.replace(b"\nV0001,", b"\nV0001,x,y,"), "crimes.csv, row 3", "12 values"),
    table_text("quotation mark that is not closed", lambda text: text.replace(b"\nV0001", b'\n"V0001'), "crimes.csv", "quotation mark"),
    table_text("zero bytes in a table", lambda text: text.replace(b"V0001", b"V\x000001"), "crimes.csv", "zero byte"),
    table_text("empty file", lambda text: b"", "crimes.csv", "empty"),
    table_text("binary file with the name of a table", lambda text: bytes(range(256)) * 8, "crimes.csv", "zero byte"),
    table_file("no table of crimes", {"crimes.csv": REMOVED}, "params/testshire/crimes.csv", "no such file"),
    table_file("two files for one table", {"crimes.xlsx": b""}, "crimes.csv and crimes.xlsx", "one file for this table"),
    table_file("table with another ending", {"crimes.csv": REMOVED, "crimes.xlsb": b"x"}, "crimes.xlsb", ".csv, .xlsx", ".parquet"),
    table_file("packed table", {"survey.csv": REMOVED, "survey.csv.gz": b"x"}, "survey.csv.gz", "ends with .csv.gz", "save it as one"),
    table_file("old workbook that is none", {"crimes.csv": REMOVED, "crimes.xls": b"x"}, "crimes.xls", "text such as CSV", "the ending of what it is"),
    table_file("misspelt table", {"cancelations.csv": b"x"}, "cancelations.csv", "did you mean 'cancellations'?"),
    table_file("workbook that is none", {"crimes.csv": REMOVED, "crimes.xlsx": b"no workbook"}, "crimes.xlsx", "an Excel workbook"),
    table_file("damaged workbook", {"crimes.csv": REMOVED, "crimes.xlsx": _broken_zip()}, "crimes.xlsx", "an Excel workbook"),
    table_file("damaged Parquet file", {"crimes.csv": REMOVED, "crimes.parquet": b"PAR1 nothing PAR1"}, "crimes.parquet", "a Parquet file"),
    special("table that is a folder", lambda params: (params / "testshire" / "crimes.csv").mkdir(), "crimes.csv", "a folder", without="testshire/crimes.csv"),
]
CRITERIA = [
    criteria_file("empty criteria file", b"", "params/programmes/own.yml", "'key: value'"),
    criteria_file("criteria file that is no YAML", b"name: [", "params/programmes/own.yml, line", "YAML"),
    criteria("criteria of another name than their file", "name", "other", "params/programmes/own.yml, line 1, name", "'own', as the file is called"),
    criteria("gap between bands", "elements.all_crime.bands", {"outstanding": 94, "requires improvement": 80}, "elements.all_crime.bands", "none for 'good': a gap"),
    criteria("bands that overlap", "elements.all_crime.bands.good", 96, "elements.all_crime.bands", "without overlap"),
    criteria("band for an unknown grade", "elements.all_crime.bands", {"outstanding": 94, "god": 90, "requires improvement": 80}, "elements.all_crime.bands", "did you mean 'good'?"),
    criteria("band as a proportion", "elements.all_crime.bands.good", 0.9, "elements.all_crime.bands", "write 90"),
    criteria("band in words for a rate", "elements.all_crime.bands.good", "most", "elements.all_crime.bands", "percentages such as 90"),
    criteria("unknown measure", "elements.all_crime.estimate", "overal", "elements.all_crime.estimate", "did you mean 'overall'?"),
    criteria("element judged by two measures", "elements.all_crime.share", "rape", "elements.all_crime", "exactly one of estimate, share and assessment"),
    criteria("element of no question", "elements.all_crime.question", "efective", "elements.all_crime.question", "did you mean 'effective'?"),
    criteria("unknown rule", "questions.effective.rules.good.at_least_good", 2, "questions.effective.rules.good.at_least_good", "at_most_below"),
    criteria("rule for an unknown grade", "questions.effective.rules.fair", {"at_most_below": 1, "sentence": "x"}, "questions.effective.rules", "'fair'"),
    criteria("rule that is missing", "questions.effective.rules.good", REMOVED, "questions.effective.rules", "none for 'good'"),
    criteria("rule with an unknown key element", "questions.effective.rules.good.key", ["allcrime"], "questions.effective.rules.good.key", "did you mean 'all_crime'?"),
    criteria("rules that contradict each other", "questions.effective.rules.good.at_most_below", 0, "questions.effective.rules", "good"),
    criteria("required element that does not exist", "questions.effective.required", ["every_crime"], "questions.effective.required", "every_crime"),
    criteria("one grade only", "grades", ["good"], "grades", "two or more"),
    criteria("grade that stands twice", "grades", ["outstanding", "good", "good", "inadequate"], "grades", "different"),
]
FRAMES = [
    frame("no sampling frame", {}, "frame", "no such file"),
    frame("empty sampling frame", {"frame.csv": b""}, "frame.csv", "an empty file"),
    frame("sampling frame with a header only", {"frame.csv": b"incident_id,stratum\n"}, "frame.csv", "no"),
    frame("sampling frame without ids", {"frame.csv": _FRAME.replace("incident_id", "log").encode()}, "frame.csv", "incident_id"),
    frame("incident twice in the frame", {"frame.csv": (_FRAME + "F1,violence\n").encode()}, "frame.csv", "more than once, in 2 records (rows 5, 122"),
    frame("incident without an id in the frame", {"frame.csv": (_FRAME + ",violence\n").encode()}, "frame.csv", "empty"),
    frame("sample larger than a stratum", {"frame.csv": _FRAME.replace("violence", "other").encode()}, "violence"),
    frame("damaged sampling frame", {"frame.parquet": b"PAR1"}, "frame.parquet", "parquet"),
    frame("two sampling frames", {"frame.csv": _FRAME.encode(), "frame.xlsx": b"x"}, "frame.csv and frame.xlsx", "one file"),
]
COMMANDS = [
    command("force that is not there", ("check", "--force=testshyre"), "params/testshyre.yml", "did you mean 'testshire'?"),
    command("no force", ("report",), "FORCE", "got nothing"),
    command("force with capitals and spaces", ("report", "--force=West Mercia"), "FORCE", "perhaps FORCE=west-mercia"),
    command("force that is a path", ("check", "--force=../testshire"), "FORCE", "lower-case letters"),
    command("force that is an absolute path", ("check", "--force=/etc/passwd"), "FORCE", "lower-case letters"),
    command("force with a shell command", ("report", "--force=x;rm -rf /"), "FORCE", "lower-case letters"),
    command("force with the ending of its file", ("report", "--force=testshire.yml"), "FORCE", "FORCE=testshire"),
    command("force with a line break", ("report", "--force=testshire\n"), "FORCE", "lower-case letters"),
    command("force named as a folder of the project", ("new", "--force=criteria"), "FORCE", "a folder of the project"),
    command("new inspection of a force that is there", ("new", "--force=testshire"), "params/testshire.yml", "nothing is overwritten"),
    command("difference from nothing", ("diff", "--force=testshire"), "AGAINST", "results.json"),
    command("difference from a file that is not there", ("diff", "--force=testshire", "--against=/nowhere/results.json"), "/nowhere/results.json", "no file"),
    command("negative number of jobs", ("reports", "--jobs=-1"), "JOBS", "-1"),
    command("unknown renderer", ("report", "--force=testshire", "--renderer=latex"), "--renderer", "latex"),
    command("unknown command", ("publish",), "invalid choice", "publish"),
]
# fmt: on
BAD_INPUTS = [*PARAMETERS, *PARAMETER_FILES, *TABLES, *CRITERIA, *FRAMES, *COMMANDS]


def answer(bad: BadInput, params: Path) -> tuple[int, str]:
    """Exit status and error output of a command that meets this mistake, run in this process."""
    import contextlib

    from cdi_lib.cli import main

    bad.write(params)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(bad.command)
        except SystemExit as left:  # argparse
            status = left.code
    return status, err.getvalue()


if __name__ == "__main__":
    import os

    for bad in BAD_INPUTS:
        if len(sys.argv) > 1 and sys.argv[1] not in bad.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CDI_PARAMS"] = f"{folder}/params"
            os.environ["CDI_REPORTS"] = f"{folder}/reports"
            status, text = answer(bad, Path(folder) / "params")
            print(f"## {bad.name} ({' '.join(bad.command)}: exit status {status})\n{text}")
