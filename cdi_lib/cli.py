"""The commands behind the Makefile: ``python -m cdi_lib report FORCE``.

Every command ends with status 0 only if what was asked for exists and is whole. A mistake in the input is answered
with what is wrong, where, and what to do; never with a traceback.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cdi_lib import is_project
from cdi_lib.inspection.folders import (
    BUILDING,
    COMPARISON,
    PROJECT,
    all_forces,
    force_key,
    params_folder,
    params_of,
    remove_leftovers,
    reports_folder,
)
from cdi_lib.inspection.problems import InputError, Problem, shown
from cdi_lib.pipeline.console import Console, ForcesProgress, shown_path

if TYPE_CHECKING:
    from cdi_lib.inspection.results import Results

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit status."""
    global console
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return 2
    console = Console(chosen.quiet, chosen.json)
    if not is_project(PROJECT):
        console.error(
            "this needs a project (a folder with notebooks/ and params/): go to one, or name it in CDI_PROJECT"
        )
        return 2
    status = _run(chosen)
    console.finish(chosen.name, status)
    return status


def _run(chosen: argparse.Namespace) -> int:
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be ended politely is to be interrupted
    except ValueError:  # not the main thread
        pass
    try:
        return chosen.command(chosen)
    except InputError as error:
        console.problems(error.problems)
        return 1
    except KeyboardInterrupt:
        remove_leftovers(reports_folder(), BUILDING)  # of the builds that were just ended
        console.error("stopped; what was published before is as it was")
        return 130
    except OSError as error:
        console.error(f"{error.filename or 'a file'}: {error.strerror or error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cdi_lib", description="Crime data integrity inspection reports."
    )
    commands = parser.add_subparsers(title="commands")

    def command(name: str, run, text: str, force: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=run, name=name)
        sub.add_argument("-q", "--quiet", action="store_true", help="print errors only")
        sub.add_argument(
            "--json", action="store_true", help="print one JSON document at the end, for scripts"
        )
        if force:
            sub.add_argument("--force", default="", help="name of the force: a file in params/, without .yml")
        return sub

    for name, run, text, one in (
        ("report", report, "build the report of one force, if it is not up to date", True),
        ("reports", reports, "build the reports that are not up to date, and the comparison", False),
        ("why", why, "why the report of one force would be made again", True),
    ):
        sub = command(name, run, text, force=one)
        sub.add_argument(
            "--renderer", choices=["auto", "quarto", "pandoc"], default="auto", help="engine for HTML and PDF"
        )
        if name != "why":
            sub.add_argument("--again", action="store_true", help="build also what is up to date")
        if not one:
            sub.add_argument("--jobs", type=int, default=0, help="how many forces at a time")
            sub.add_argument("--scheduler", default="", help="address of a Dask scheduler: tcp://host:port")
    sub = command("check", check, "check returned worksheets, parameters and records of one force")
    sub.add_argument("--strict", action="store_true", help="end with status 1 for warnings too")
    sub = command("sample", sample, "draw the audit sample from the sampling frame: trail and worksheet")
    sub.add_argument("--recheck", default="", help="incidents to draw for a blind re-check")
    sub.add_argument(
        "--replace",
        action="store_true",
        help="put reserves in the place of incidents that by the returned worksheets cannot be audited",
    )
    command("collect", collect, "make the table of crimes of the returned worksheets")
    command("new", new, "begin a new inspection: parameter file and empty record tables")
    sub = command("diff", diff, "which figures changed since an earlier results.json")
    sub.add_argument("--against", default="", help="results.json, or a folder that holds one")
    command("notebook", notebook, "open the notebooks in JupyterLab")
    command("test", test, "run all tests: pytest, and the notebooks by nbval", force=False)
    command("oracles", oracles, "make the golden results of R's survey package again (needs R)", force=False)
    command("stress", stress, "kill, fill the disk, fuzz: what takes too long for the tests", force=False)
    command("screenshots", screenshots, "make the pictures of the README from a built report")
    command("bench", bench, "measure speed, as ratios", force=False)
    command("verify", verify, "build the report twice and compare the files byte for byte")
    command(
        "refresh",
        refresh,
        "run the notebooks for Northamptonshire and keep their outputs in notebooks/",
        force=False,
    )
    parser.set_defaults(command=None)
    return parser


def report(chosen: argparse.Namespace) -> int:
    """Build the report of one force; the last lines are the paths."""
    from cdi_lib.pipeline.runner import build_all

    force = force_key(chosen.force)
    say_step = lambda force, step, text: console.say(f"{force}: {text}")
    [outcome] = build_all([force], renderer=chosen.renderer, again=chosen.again, on_step=say_step)
    return 0 if _tell_outcome(outcome) else 1


def _tell_outcome(outcome) -> bool:
    """Tell what became of a force: the files that a reader wants, or what went wrong."""
    console.outcome(outcome)
    if not outcome.is_whole:
        if outcome.message:
            console.error(outcome.message)
        console.problems(outcome.problems)
        return False
    if outcome.status == "unchanged":
        console.say(f"{outcome.force}: up to date; AGAIN=1 builds it all the same")
    else:
        console.say(outcome.message)
    for name in ("index.html", "report.pdf", "results.json"):
        console.file(reports_folder() / outcome.force / name)
    return True


def reports(chosen: argparse.Namespace) -> int:
    """Build all forces and the comparison; one force's failure does not stop the others."""
    from cdi_lib.pipeline.runner import STEPS, build_all

    if chosen.jobs < 0:
        raise InputError([Problem("JOBS", "", str(chosen.jobs), "how many forces at a time, such as JOBS=2")])
    names = all_forces()
    progress = ForcesProgress(len(names), STEPS, console)

    def ended(outcome) -> None:
        took = f"{outcome.status} in {outcome.seconds:g} s" if outcome.is_whole else "failed"
        progress.finished(outcome.force, took, outcome.status != "unchanged")

    try:
        outcomes = build_all(
            names,
            renderer=chosen.renderer,
            jobs=chosen.jobs or None,
            scheduler=chosen.scheduler,
            again=chosen.again,
            on_step=progress.step,
            on_outcome=ended,
        )
    finally:
        progress.close()
    return _tell_all(outcomes, chosen)


def _tell_all(outcomes: list, chosen: argparse.Namespace) -> int:
    """Tell what failed, compare the forces that are whole, and count."""
    from cdi_lib.pipeline.runner import compare

    failed = [outcome for outcome in outcomes if not outcome.is_whole]
    for outcome in outcomes:
        console.outcome(outcome)
    for outcome in failed:
        if outcome.message:
            console.error(outcome.message)
        console.problems(outcome.problems)
    whole = [outcome.force for outcome in outcomes if outcome.is_whole]
    compared = compare(whole, chosen.renderer, chosen.again)
    if compared.is_whole:
        console.file(reports_folder() / COMPARISON / "index.html")
    else:
        if compared.message:
            console.error(compared.message)
        console.problems(compared.problems)
    unchanged = sum(outcome.status == "unchanged" for outcome in outcomes)
    console.say(f"reports that are whole: {len(whole)} of {len(outcomes)}; already up to date: {unchanged}")
    if failed:
        console.error(f"failed: {', '.join(outcome.force for outcome in failed)}")
    return 0 if not failed and compared.is_whole else 1


def why(chosen: argparse.Namespace) -> int:
    """Say why a report would be made again."""
    from cdi_lib.pipeline import runner

    force = force_key(chosen.force)
    if not (params_of(force) / f"{force}.yml").is_file():
        expected = f"the parameters of the force; begin with: make new FORCE={force}"
        raise InputError([Problem(f"params/{force}.yml", "", "no such file", expected)])
    reasons = runner.why(force, chosen.renderer)
    for reason in reasons:
        console.say(reason)
    if not reasons:
        console.say(f"{force}: nothing has changed since the report was built")
    return 0


def check(chosen: argparse.Namespace) -> int:
    """Check returned worksheets, parameters and records; 1 if there are errors, or warnings with --strict."""
    from cdi_lib.fieldwork import returns
    from cdi_lib.fieldwork.draw import check_drawn
    from cdi_lib.inspection.parameters import load_inspection
    from cdi_lib.pipeline.build import BuildError, judgement_warnings, read_audit

    force = force_key(chosen.force)
    params = params_of(force)
    inspection = load_inspection(force, params)
    returned = returns.check_returns(force, inspection, params)
    problems = list(returned.problems) if returned else []
    if returned:
        _tell_returns(force, returned, params)
    is_whole = returned is None or returns.is_collected(force, params)
    if not is_whole:
        problems += check_drawn(force, inspection, params)
    audit = None
    if is_whole:
        try:
            audit = read_audit(force)
            if returned:
                records = audit.records
                problems += returns.check_collected(force, returned, records.main, records.challenges)
            problems += judgement_warnings(audit)
        except InputError as error:
            problems += error.problems
        except BuildError as error:
            console.error(str(error))
            return 1
    console.problems(problems)
    if any(chosen.strict or problem.severity == "error" for problem in problems):
        return 1
    if audit is None:
        console.say(f"{force}: the returned worksheets are complete. Next: make collect FORCE={force}")
        return 0
    records = audit.records
    console.say(
        f"{force}: parameters and records are complete: {len(records.main):,} audited crimes in the main sample, "
        f"{len(records.crimes) - len(records.main):,} in dip samples. Next: make report FORCE={force}"
    )
    return 0


def _tell_returns(force: str, returned, params: Path) -> None:
    """Response by stratum, agreement, and the papers written beside the worksheets."""
    from cdi_lib.fieldwork import returns

    for stratum, counts in returned.strata.items():
        console.say(
            f"{stratum}: {counts['returned']:,} of {counts['selected']:,} incidents returned: "
            f"{counts['crime']:,} with crimes, {counts['no_crime']:,} without, "
            f"{counts['cannot_be_audited']:,} that cannot be audited"
        )
    if found := returned.recheck:
        console.say(
            f"re-check: {found['agreed']:,} of {found['incidents']:,} incidents decided alike"
            if found["incidents"]
            else "re-check: no incident has been decided twice yet"
        )
        for name in ("finding", "outcome"):
            kappa = found[name]
            if kappa and kappa["kappa"] is not None:
                console.say(
                    f"re-check: kappa of the {name} {kappa['kappa']:.2f} "
                    f"({kappa['confidence']:.0%} interval {kappa['low']:.2f} to {kappa['high']:.2f})"
                )
    if unaudited := returns.not_replaced(force, returned, params):
        console.say(
            f"{len(unaudited):,} incidents that cannot be audited have no replacement; where reserves were asked for in "
            f"sampling.reserves: make sample FORCE={force} REPLACE=1"
        )
    console.detail("strata", returned.strata)
    console.detail("recheck", returned.recheck)
    for path in returns.write_papers(force, returned, params):
        console.file(path)


def collect(chosen: argparse.Namespace) -> int:
    """Make the table of crimes of the returned worksheets; nothing that may have been corrected is overwritten."""
    from cdi_lib.fieldwork import returns
    from cdi_lib.fieldwork.draw import check_drawn
    from cdi_lib.inspection.parameters import load_inspection

    force = force_key(chosen.force)
    params = params_of(force)
    inspection = load_inspection(force, params)
    if problems := check_drawn(force, inspection, params):
        raise InputError(problems)
    returned = returns.check_returns(force, inspection, params)
    if returned is None:
        expected = f"worksheets that auditors filled in; draw the sample first: make sample FORCE={force}"
        raise InputError([Problem(f"params/{force}/{returns.FOLDER}", "", "no .xlsx or .csv file", expected)])
    written = returns.collect(force, returned, params)
    if not written:
        console.say(f"{force}: the table of crimes is already that of the worksheets")
    for path in written:
        console.file(path)
    console.say(f"Next: make check FORCE={force}")
    return 0


def new(chosen: argparse.Namespace) -> int:
    """Begin a new inspection; refuses to overwrite."""
    from cdi_lib.fieldwork.begin import begin

    force = force_key(chosen.force)
    for path in begin(force, params_folder()):
        console.file(path)
    console.say(
        f"Next: fill in params/{force}.yml, put the sampling frame into params/{force}/ as frame.csv,"
    )
    console.say(
        f"and draw the sample: make sample FORCE={force}; without a frame: fill in the tables, make check"
    )
    return 0


def sample(chosen: argparse.Namespace) -> int:
    """Draw the audit sample, its replacements, or a re-check; the same seed gives the same selection."""
    from cdi_lib.fieldwork.draw import draw_recheck, draw_sample
    from cdi_lib.inspection.parameters import load_inspection

    force = force_key(chosen.force)
    params = params_of(force)
    inspection = load_inspection(force, params)
    if chosen.recheck and chosen.replace:
        raise InputError([Problem("RECHECK", "", "REPLACE as well", "one of the two at a time")])
    if chosen.recheck:
        if not (chosen.recheck.isascii() and chosen.recheck.isdecimal()):
            expected = "a number of incidents, such as RECHECK=50"
            raise InputError([Problem("RECHECK", "", shown(chosen.recheck), expected)])
        drawn = draw_recheck(force, inspection, int(chosen.recheck), params)
    else:
        unaudited = _unaudited(force, inspection, params) if chosen.replace else {}
        drawn = draw_sample(force, inspection, params, unaudited)
        if chosen.replace:
            _tell_replaced(unaudited, drawn.unreplaced)
    for path in drawn.written:
        console.file(path)
    if drawn.kept:
        console.say(f"{shown_path(drawn.kept)} was there and is left as it is: it may be filled in")
    console.say("These files name records: keep them with the auditors' papers.")
    console.say(
        f"Next: auditors fill in the worksheet; put it into params/{force}/returned/; make check FORCE={force}"
    )
    return 0


def _unaudited(force: str, inspection, params: Path) -> dict[str, str]:
    """Incidents that cannot be audited and have no replacement yet, each with the auditor's reason."""
    from cdi_lib.fieldwork import returns

    returned = returns.check_returns(force, inspection, params)
    if returned is None:
        expected = "worksheets in which auditors say what cannot be audited"
        raise InputError([Problem(f"params/{force}/{returns.FOLDER}", "", "no .xlsx or .csv file", expected)])
    return returns.not_replaced(force, returned, params)


def _tell_replaced(unaudited: dict[str, str], unreplaced: Sequence[str]) -> None:
    console.say(
        f"{len(unaudited):,} incidents cannot be audited and had no replacement: "
        f"{len(unaudited) - len(unreplaced):,} have one now, {len(unreplaced):,} have none"
    )
    if unreplaced:
        console.say(
            "Their strata have no reserve left; more in sampling.reserves (those in use keep their order), then again"
        )


def diff(chosen: argparse.Namespace) -> int:
    """Print which figures of the report changed, grades first; --json adds every result that differs, unrounded."""
    from cdi_lib.inspection.results import differences
    from cdi_lib.report.changes import changes

    force = force_key(chosen.force)
    before, after = _results_to_compare(force, chosen.against)
    found, group = changes(before, after), ""
    for change in found:
        if change.group != group:
            group = change.group
            console.say(f"{group}:")
        console.say(f"  {change.text}")
    if not found:
        console.say("no result differs")
    console.detail("changes", [asdict(change) for change in found])
    console.detail("differences", differences(before, after))
    return 0


def _results_to_compare(force: str, against: str) -> tuple[Results, Results]:
    """The earlier results that the user names and those of the built report; every problem of both at once."""
    from cdi_lib.inspection.results import read_results

    what = "results.json of an earlier report, or the folder that holds it"
    if not against:
        raise InputError([Problem("AGAINST", "", "nothing", what)])
    earlier, current = Path(against), reports_folder() / force / "results.json"
    if earlier.is_dir():
        earlier = earlier / "results.json"
    problems = []
    if not earlier.is_file():
        problems.append(Problem("AGAINST", "", f"no file {shown_path(earlier)}", what))
    if not current.is_file():
        expected = f"a built report; build it first: make report FORCE={force}"
        problems.append(Problem(shown_path(current), "", "no such file", expected))
    if problems:
        raise InputError(problems)
    before, after = read_results(earlier), read_results(current)
    if before.force != after.force:
        raise InputError([Problem("AGAINST", "force", before.force, f"earlier results of {after.force}")])
    return before, after


def notebook(chosen: argparse.Namespace) -> int:
    """Open JupyterLab; the notebooks take the force from their first code cell."""
    import nbformat

    from cdi_lib.inspection.parameters import load_inspection

    force = force_key(chosen.force)
    load_inspection(force, params_of(force))
    folder = PROJECT / "notebooks"
    if force != "northamptonshire":  # copies that name the force; those in notebooks/ stay as they are
        folder = PROJECT / ".cache" / force / "notebooks"
        folder.mkdir(parents=True, exist_ok=True)
        for source in (PROJECT / "notebooks").glob("*.ipynb"):
            copy = nbformat.read(source, as_version=4)
            for cell in copy.cells:
                if "parameters" in cell.metadata.get("tags", []):
                    cell.source = cell.source.replace('"northamptonshire"', f'"{force}"')
            nbformat.write(copy, folder / source.name)
    print(f"Notebooks with the parameters of {force}: {shown_path(folder)}")
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(folder)])


def verify(chosen: argparse.Namespace) -> int:
    """Build twice into folders of their own and compare."""
    import filecmp
    import tempfile

    from cdi_lib.pipeline.build import build_report

    force = force_key(chosen.force)
    with tempfile.TemporaryDirectory() as scratch:
        first, second = (
            build_report(force, "auto", reports=Path(scratch) / name, progress=print).folder
            for name in ("first", "second")
        )
        names = sorted(str(path.relative_to(first)) for path in first.rglob("*") if path.is_file())
        others = sorted(str(path.relative_to(second)) for path in second.rglob("*") if path.is_file())
        differ = set(names) ^ set(others)
        differ |= {
            name
            for name in set(names) & set(others)
            if not filecmp.cmp(first / name, second / name, shallow=False)
        }
    for name in sorted(differ):
        print(f"differs: {name}", file=sys.stderr)
    print(f"{len(names) - len(differ)} of {len(names)} files are the same byte for byte")
    return 1 if differ else 0


def test(chosen: argparse.Namespace) -> int:
    """Everything that CI runs: the library, then the notebooks against their committed outputs."""
    pytest = [sys.executable, "-m", "pytest"]
    library = subprocess.call([*pytest, "-n", "auto", "-p", "no:nbval"], cwd=PROJECT)
    each_in_one_kernel = ["--nbval", "-n", "auto", "--dist", "loadfile", "-p", "no:cacheprovider"]
    notebooks = subprocess.call([*pytest, *each_in_one_kernel, "notebooks"], cwd=PROJECT)
    return library or notebooks


def oracles(chosen: argparse.Namespace) -> int:
    """Run the R script that makes the golden results."""
    import shutil

    rscript = shutil.which("Rscript")
    if rscript is None:
        print("R is not installed; on Debian: apt-get install r-base-core r-cran-survey", file=sys.stderr)
        return 1
    return subprocess.call([rscript, "tests/oracles/survey.R"], cwd=PROJECT)


def stress(chosen: argparse.Namespace) -> int:
    """Run the long tests of robustness."""
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    return subprocess.call([*pytest, "tests/stress.py"], cwd=PROJECT)


def screenshots(chosen: argparse.Namespace) -> int:
    """Pictures of the built report, on a desktop, on a phone and as PDF, in reports/_images/."""
    import shutil

    report = reports_folder() / force_key(chosen.force)
    missing = [name for name in ("chromium", "node", "pdftoppm") if shutil.which(name) is None]
    if missing or not (PROJECT / "tests" / "browser" / "node_modules").is_dir():
        console.error(f"not installed: {', '.join(missing) or 'run npm ci --prefix tests/browser'}")
        return 1
    if not (report / "index.html").is_file():
        console.error(f"there is no report yet: make report FORCE={chosen.force}")
        return 1
    images = PROJECT / "reports" / "_images"
    script = PROJECT / "tests" / "browser" / "screenshots.mjs"
    status = subprocess.call(["node", script, shutil.which("chromium"), report / "index.html", images])
    page = ["pdftoppm", "-png", "-r", "60", "-f", "3", "-l", "3", "-singlefile"]
    return status or subprocess.call([*page, report / "report.pdf", images / "report-pdf"])


def bench(chosen: argparse.Namespace) -> int:
    """Run the benchmarks, one after the other."""
    scripts = sorted((PROJECT / "tests").glob("bench_*.py"))
    return max((subprocess.call([sys.executable, str(script)], cwd=PROJECT) for script in scripts), default=0)


def refresh(chosen: argparse.Namespace) -> int:
    """Execute the notebooks and keep their outputs in the repository."""
    import shutil
    import tempfile

    from cdi_lib.inspection.folders import SECTIONS_VARIABLE
    from cdi_lib.inspection.parameters import load_inspection
    from cdi_lib.pipeline.build import NOTEBOOKS, REPORT, execute, write_front_matter

    os.environ.pop(SECTIONS_VARIABLE, None)  # run as if by hand
    with tempfile.TemporaryDirectory() as scratch:
        for name in (*NOTEBOOKS, REPORT, "calibration", "comparison"):
            executed = Path(scratch) / f"{name}.ipynb"
            execute(name, "northamptonshire", executed, parameters={})
            if name == REPORT:
                write_front_matter(executed, load_inspection("northamptonshire"))
            shutil.copyfile(executed, PROJECT / "notebooks" / f"{name}.ipynb")
            print(f"notebooks/{name}.ipynb")
    return 0
