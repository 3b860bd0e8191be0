"""What `make check` says about one force before a report is built."""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cdi_lib.fieldwork import collected, returns
from cdi_lib.fieldwork.chain import check_chain
from cdi_lib.fieldwork.draw import read_audit_frame
from cdi_lib.fieldwork.trail import check_drawn, read_trail
from cdi_lib.inspection.details import Judgements
from cdi_lib.inspection.files import find_table
from cdi_lib.inspection.folders import PARAMS_VARIABLE, SECTIONS_VARIABLE, own_folder, params_of, reports_folder
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.pipeline import fingerprint
from cdi_lib.pipeline.audit import Audit, doubts, read_audit, read_inspection
from cdi_lib.pipeline.build import check_final, lacking
from cdi_lib.pipeline.notebooks import NOTEBOOKS, BuildError, execute, saved_by


@dataclass
class Checked:
    """What was found about one force."""

    returned: returns.Returns | None
    said: list[str] = field(default_factory=list)  # response and agreement, in words
    papers: list[Path] = field(default_factory=list)  # written beside the worksheets
    problems: list[Problem] = field(default_factory=list)
    failure: str = ""  # of a notebook
    summary: str = ""  # of what is complete, and what to do next


def check(force: str) -> Checked:
    """Check returned worksheets, parameters and records of one force; writes the auditors' papers.

    InputError if the parameter file cannot be used: nothing else can be checked without it.
    """
    params = params_of(force)
    inspection = read_inspection(force, params)
    returned = returns.check_returns(force, inspection, params)
    found = Checked(returned)
    if returned is not None:
        found.problems += returned.problems
        found.said = _response(force, returned, params)
        found.papers = collected.write_papers(force, returned, params)
        if not collected.is_collected(force, params):
            found.problems += check_drawn(force, inspection, params) + check_chain(force, inspection, params, None)
            found.summary = f"the returned worksheets are complete. Next: make collect FORCE={force}"
            return found
    found.problems += _undrawn(force, inspection, params)
    try:
        audit = read_audit(force, params)
        records = audit.records
        found.problems += _changed(audit) + doubts(audit, _judgements(audit, params))
        found.said += _for_final(audit)
        check_final(audit, fingerprint.commit())
        found.summary = (
            f"parameters and records are complete: {len(records.main):,} audited crimes in the main sample, "
            f"{len(records.crimes) - len(records.main):,} in dip samples. Next: make report FORCE={force}"
        )
    except InputError as error:
        found.problems += error.problems
    except BuildError as error:
        found.failure = str(error)
    found.problems = list(dict.fromkeys(found.problems))  # an unreadable frame is met twice
    return found


def _undrawn(force: str, inspection: Inspection, params: Path) -> list[Problem]:
    """What is wrong or doubtful about a frame from which no sample was drawn yet; of others the trail tells."""
    try:
        if inspection.sampling and find_table("frame", own_folder(force, params)) and not read_trail(force, params):
            return list(read_audit_frame(force, inspection, params).told)
        return []
    except InputError as error:
        return list(error.problems)


def _response(force: str, returned: returns.Returns, params: Path) -> list[str]:
    """Response by stratum and agreement of the two audits, in words."""
    said = [
        f"{stratum}: {counts['returned']:,} of {counts['selected']:,} incidents returned: "
        f"{counts['crime']:,} with crimes, {counts['no_crime']:,} without, "
        f"{counts['cannot_be_audited']:,} that cannot be audited"
        for stratum, counts in returned.strata.items()
    ]
    if found := returned.recheck:
        agreed = f"{found['agreed']:,} of {found['incidents']:,} incidents decided alike"
        if found["agreed"] < found["incidents"]:
            agreed += f"; {returns.DISAGREEMENTS} has the others, of which the first audit counts"
        said.append(f"re-check: {agreed if found['incidents'] else 'no incident has been decided twice yet'}")
        said += [
            f"re-check: kappa of the {name} {kappa['kappa']:.2f} "
            f"({kappa['confidence']:.0%} interval {kappa['low']:.2f} to {kappa['high']:.2f})"
            for name in ("finding", "outcome")
            if (kappa := found[name]) and kappa["kappa"] is not None
        ]
    if unaudited := collected.not_replaced(force, returned, params):
        said.append(
            f"{len(unaudited):,} incidents that cannot be audited have no replacement; where reserves were asked for "
            f"in sampling.reserves: make sample FORCE={force} REPLACE=1"
        )
    return said


def _for_final(audit: Audit) -> list[str]:
    """What a draft still lacks to be final, in words; the same that stops a final report, and what no rule asks for."""
    publication, findings = audit.inspection.publication, audit.inspection.findings
    is_final = publication.status == "final"  # and refused for what a rule asks for
    open_points = [] if is_final else [f"{got} ({what})" for got, what in lacking(audit, fingerprint.commit())]
    open_points += [] if publication.approvals else ["no approval (publication.approvals)"]
    if not (findings.conclusion or findings.what_next):  # and the report says so
        open_points.append("no conclusion (findings.conclusion)")
    if publication.version.startswith("0"):
        open_points.append(f"version {publication.version} (publication.version)")
    ready = "a draft can be built; for a final report set publication.status to final"
    if is_final:
        ready = "it is final" if open_points else ""
    return [f"{ready}{'; still open: ' if open_points else ''}{'; '.join(open_points)}"] if ready else []


def _changed(audit: Audit) -> list[Problem]:
    """A warning for each table that is not the one of the published report, for nothing else may tell of a slip."""
    try:
        before = json.loads((reports_folder() / audit.force / fingerprint.NAME).read_text(encoding="utf-8"))["inputs"]
    except (OSError, ValueError, KeyError):
        return []
    got = "another file than the report was made from"
    expected = "a change that is meant: make report, make diff show it"
    changed = [name for name, sha256 in audit.records.files.items() if before.get(name, sha256) != sha256]
    return [Problem(name, "", got, expected, "warning") for name in changed]


def _judgements(audit: Audit, params: Path) -> Judgements:
    """The grades of an audit, for which the notebooks are run."""
    with tempfile.TemporaryDirectory() as scratch:
        sections = Path(scratch) / "sections"
        variables = {PARAMS_VARIABLE: str(params), SECTIONS_VARIABLE: str(sections)}
        for name in NOTEBOOKS:
            execute(name, audit.force, Path(scratch) / f"{name}.ipynb", variables=variables, audit=audit)
        return Judgements.model_validate(saved_by(NOTEBOOKS[-1], sections).details["judgements"])
