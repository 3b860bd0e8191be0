"""The commands behind the Makefile: ``python -m cdi_lib report --force=northamptonshire``.

Every command ends with status 0 only if what was asked for exists and is whole. A mistake in the input is answered
with what is wrong, where, and what to do; never with a traceback. Commands only ask and tell: what they do is in the
packages, imported when it is needed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdi_lib import is_project
from cdi_lib.inspection import folders
from cdi_lib.inspection.problems import InputError, Problem, shown
from cdi_lib.pipeline.console import Console, ForcesProgress, shown_path
from cdi_lib.pipeline.notebooks import STEPS, BuildError
from cdi_lib.pipeline.surroundings import settle
from cdi_lib.render.errors import RenderError

if TYPE_CHECKING:
    from cdi_lib.fieldwork.returns import Returns
    from cdi_lib.inspection.parameters import Inspection
    from cdi_lib.inspection.results import Results
    from cdi_lib.pipeline.runner import Outcome

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
    if not is_project(folders.PROJECT):
        needed = "this needs a project (a folder with notebooks/ and params/)"
        console.error(f"{needed}: go to one, or name it in CDI_PROJECT")
        return 2
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be ended politely is to be interrupted
    status = 1
    try:
        settle()
        if "force" in chosen:
            chosen.force = folders.force_key(chosen.force)
            params, reports = folders.params_of(chosen.force), folders.reports_folder()
            folders.sweep(params / chosen.force)
            for folder in (params, reports, reports / chosen.force):
                folders.sweep(folder, ".*.*.tmp")
        status = chosen.command(chosen)
    except InputError as error:
        console.problems(error.problems)
    except KeyboardInterrupt:
        folders.remove_leftovers(folders.reports_folder(), folders.BUILDING)  # of the builds that were just ended
        console.error("stopped; what was published before is as it was")
        status = 130
    except (BuildError, RenderError) as error:
        console.error(str(error))
    except BrokenPipeError:  # who reads it wants no more, as head does
        return _unread(0 if chosen.command in (diff, trace, why) else 1)
    except OSError as error:
        console.error(f"{error.filename or 'a file'}: {error.strerror or error}")
    except MemoryError:
        console.error("the memory of this machine is too small for these files; what was published before is as it was")
    try:
        console.finish(chosen.command.__name__, status)
        sys.stdout.flush()
    except BrokenPipeError:
        return _unread(status)
    except OSError as error:  # what it was sent to is full
        with contextlib.suppress(OSError):
            print(f"error: the output: {error.strerror or error}", file=sys.stderr)
        return _unread(status or 1)
    return status


def _unread(status: int) -> int:
    """The exit status where nobody reads the output any more, of which Python's own end then has nothing to say."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return status


def report(chosen: argparse.Namespace) -> int:
    """Build the report of one force, if it is not up to date."""
    from cdi_lib.pipeline.runner import build_all, write_front

    force = chosen.force
    say_step = lambda force, step, text: console.say(f"{force}: {text}")
    [outcome] = build_all([force], renderer=chosen.renderer, again=chosen.again, on_step=say_step)
    console.outcomes([outcome])
    if _has_failed(outcome):
        return 1
    console.problems(outcome.problems)  # what is doubtful about the report
    write_front(changed=outcome.status != "unchanged")  # also where a build was killed before it
    up_to_date = f"{force}: up to date; AGAIN=1 builds it all the same"
    console.say(up_to_date if outcome.status == "unchanged" else outcome.message)
    console.files(folders.reports_folder() / force / name for name in ("index.html", "report.pdf", "results.json"))
    return 0


def _has_failed(outcome: Outcome) -> bool:
    """Whether a build has failed, and why is told."""
    if not outcome.is_whole:
        if outcome.message:
            console.error(outcome.message)
        console.problems(outcome.problems)
    return not outcome.is_whole


def preview(chosen: argparse.Namespace) -> int:
    """Serve the report of one force in a browser, and make it again when something changes, until Ctrl-C."""
    from cdi_lib.inspection.parameters import load_inspection
    from cdi_lib.pipeline.preview import preview as serve

    load_inspection(chosen.force, folders.params_of(chosen.force))
    try:
        serve(chosen.force, chosen.renderer, chosen.port, lambda text: print(text, flush=True))
    except KeyboardInterrupt:
        console.say("the preview has ended; the report is as it was built last")
    return 0


def reports(chosen: argparse.Namespace) -> int:
    """Build the reports that are not up to date, and the comparison; one force's failure does not stop the others."""
    from cdi_lib.pipeline.runner import build_all, compare, write_front

    if chosen.jobs < 0:
        raise InputError.of("JOBS", "", str(chosen.jobs), "how many forces at a time, such as JOBS=2")
    names = folders.all_forces()
    with contextlib.closing(ForcesProgress(len(names), STEPS, console)) as progress:
        outcomes = build_all(
            names, renderer=chosen.renderer, jobs=chosen.jobs or None, scheduler=chosen.scheduler, again=chosen.again,
            on_step=progress.step, on_outcome=progress.ended,
        )  # fmt: skip
    console.outcomes(outcomes)
    failed = [outcome.force for outcome in outcomes if _has_failed(outcome)]
    compared = compare([o.force for o in outcomes if o.is_whole], chosen.renderer, chosen.again)
    if not _has_failed(compared):
        console.files([folders.reports_folder() / folders.COMPARISON / "index.html"])
    console.files([write_front(changed=any(one.status != "unchanged" for one in (*outcomes, compared)))])
    unchanged, whole = sum(o.status == "unchanged" for o in outcomes), len(outcomes) - len(failed)
    console.say(f"reports that are whole: {whole} of {len(outcomes)}; already up to date: {unchanged}")
    if doubtful := [outcome.force for outcome in outcomes if outcome.is_whole and outcome.problems]:
        console.say(f"with warnings, which make check FORCE=name tells: {', '.join(doubtful)}")
    if failed:
        console.error(f"failed: {', '.join(failed)}")
    return 0 if not failed and compared.is_whole else 1


def programme(chosen: argparse.Namespace) -> int:
    """Publish the page of a force's rolling programme of audits: run chart, bands, and which categories are due."""
    from cdi_lib.pipeline.pages import publish_programme

    folder, message = publish_programme(chosen.force, chosen.renderer)
    console.files(folder / name for name in ("index.html", "report.pdf", "programme.json"))
    console.say(message)
    return 0


def why(chosen: argparse.Namespace) -> int:
    """Say why the report of one force would be made again."""
    from cdi_lib.pipeline import runner

    force = chosen.force
    if not (folders.params_of(force) / f"{force}.yml").is_file():
        expected = f"the parameters of the force; begin with: make new FORCE={force}"
        raise InputError.of(f"params/{force}.yml", "", "no such file", expected)
    for reason in runner.why(force, chosen.renderer) or [f"{force}: nothing has changed since the report was built"]:
        console.say(reason)
    return 0


def check(chosen: argparse.Namespace) -> int:
    """Check returned worksheets, parameters and records of one force; 1 if there are errors, or warnings with --strict."""
    from cdi_lib.pipeline import check as checking

    found = checking.check(chosen.force)
    for text in found.said:
        console.say(text)
    console.files(found.papers)
    if found.returned is not None:
        for auditor, (returned, given) in found.returned.progress.items():
            console.say(f"auditor {auditor}: {returned:,} of {given:,} incidents returned")
        console.detail("strata", found.returned.strata)
        console.detail("recheck", found.returned.recheck)
    if found.failure:
        console.error(found.failure)
        return 1
    console.problems(found.problems)
    if any(problem.severity == "error" for problem in found.problems):
        return 1
    if chosen.strict and found.problems:
        console.error(f"warnings: {len(found.problems)}, none of which STRICT=1 lets pass")
        return 1
    console.say(f"{chosen.force}: {found.summary}")
    return 0


def new(chosen: argparse.Namespace) -> int:
    """Begin a new inspection: parameter file and empty record tables; refuses to overwrite."""
    from cdi_lib.fieldwork.begin import begin

    force = chosen.force
    console.files(begin(force, folders.params_folder(), chosen.programme or folders.DEFAULT))
    console.say(f"Next: fill in params/{force}.yml, put the sampling frame into params/{force}/ as frame.csv,")
    console.say(f"and draw the sample: make sample FORCE={force}; without a frame: fill in the tables, make check")
    return 0


def sample(chosen: argparse.Namespace) -> int:
    """Draw the audit sample, its replacements, or a re-check; the same seed gives the same selection."""
    from cdi_lib.fieldwork import collected
    from cdi_lib.fieldwork.draw import draw_recheck, draw_sample
    from cdi_lib.inspection.parameters import load_inspection

    force, params = chosen.force, folders.params_of(chosen.force)
    inspection = load_inspection(force, params)
    if chosen.recheck and chosen.replace:
        raise InputError.of("RECHECK", "", "REPLACE as well", "one of the two at a time")
    if chosen.recheck:
        if not (chosen.recheck.isascii() and chosen.recheck.isdecimal()):
            raise InputError.of("RECHECK", "", shown(chosen.recheck), "a number of incidents, such as RECHECK=50")
        drawn = draw_recheck(force, inspection, int(chosen.recheck), params)
    elif chosen.replace:
        expected = "worksheets in which auditors say what cannot be audited"
        unaudited = collected.not_replaced(force, _returned(force, inspection, params, expected), params)
        drawn = draw_sample(force, inspection, params, unaudited)
        number, unreplaced = len(unaudited), len(drawn.unreplaced)
        console.say(
            f"{number:,} incidents cannot be audited and had no replacement: "
            f"{number - unreplaced:,} have one now, {unreplaced:,} have none"
        )
        if unreplaced:
            more = "more in sampling.reserves (those in use keep their order), then again"
            console.say(f"Their strata have no reserve left; {more}")
    else:
        drawn = draw_sample(force, inspection, params, {})
    for line in drawn.said:
        console.say(line)
    console.problems(drawn.told)
    console.files(drawn.written)
    if drawn.kept:
        console.say(f"{shown_path(drawn.kept)} was there and is left as it is: it may be filled in")
    console.say("These files name records: keep them with the auditors' papers.")
    put = f"put it into params/{force}/returned/; make check FORCE={force}"
    console.say(f"Next: auditors fill in the worksheet; {put}")
    return 0


def _returned(force: str, inspection: Inspection, params: Path, expected: str) -> Returns:
    """The returned worksheets, which must be there."""
    from cdi_lib.fieldwork import returns

    found = returns.check_returns(force, inspection, params)
    if found is None:
        raise InputError.of(f"params/{force}/{returns.FOLDER}", "", "no .xlsx or .csv file", expected)
    return found


def trace(chosen: argparse.Namespace) -> int:
    """Show one record along its way, from the frame to the results in which it counts."""
    from cdi_lib.fieldwork.trace import trace as follow
    from cdi_lib.inspection.parameters import load_inspection

    if not chosen.record:
        raise InputError.of("RECORD", "", "nothing", "the reference of an incident or of a crime")
    params = folders.params_of(chosen.force)
    for link, words in follow(chosen.force, load_inspection(chosen.force, params), params, chosen.record):
        console.say(f"{link:<10} {words}")
    return 0


def collect(chosen: argparse.Namespace) -> int:
    """Make the table of crimes of the returned worksheets; nothing that may have been corrected is overwritten."""
    from cdi_lib.fieldwork import collected
    from cdi_lib.fieldwork.chain import check_chain
    from cdi_lib.fieldwork.trail import check_drawn
    from cdi_lib.inspection.parameters import load_inspection

    force, params = chosen.force, folders.params_of(chosen.force)
    inspection = load_inspection(force, params)
    if problems := check_drawn(force, inspection, params) + check_chain(force, inspection, params, None):
        raise InputError(problems)
    expected = f"worksheets that auditors filled in; draw the sample first: make sample FORCE={force}"
    written = collected.collect(force, _returned(force, inspection, params, expected), params)
    if not written:
        console.say(f"{force}: the table of crimes is already that of the worksheets")
    console.files(written)
    console.say(f"Next: make check FORCE={force}")
    return 0


def diff(chosen: argparse.Namespace) -> int:
    """Say which figures changed since an earlier results.json, grades first; --json adds every result, unrounded."""
    from cdi_lib.inspection.results import differences
    from cdi_lib.report.changes import changes

    before, after = _results_to_compare(chosen.force, chosen.against)
    found, group = changes(before, after), ""
    for change in found:
        if change.group != group:
            group = change.group
            console.say(f"{group}:")
        console.say(f"  {change.text}")
    if not found:
        console.say("no result differs")
    console.detail("changes", [{"group": change.group, "text": change.text} for change in found])
    console.detail("differences", differences(before, after))
    return 0


def _results_to_compare(force: str, against: str) -> tuple[Results, Results]:
    """The earlier results that the user names and those of the built report; every problem of both at once."""
    from cdi_lib.inspection.results import read_results

    what = "results.json of an earlier report, or the folder that holds it"
    if not against:
        raise InputError.of("AGAINST", "", "nothing", what)
    earlier, current = Path(against), folders.reports_folder() / force / "results.json"
    if earlier.is_dir():
        earlier = earlier / "results.json"
    place, build = shown_path(current), f"a built report; build it first: make report FORCE={force}"
    missing = {
        earlier: Problem("AGAINST", "", f"no file {shown(shown_path(earlier), 200)[1:-1]}", what),
        current: Problem(place, "", "no such file", build),
    }
    if problems := [problem for path, problem in missing.items() if not path.is_file()]:
        raise InputError(problems)
    before, after = read_results(earlier), read_results(current)
    if before.force != after.force:
        raise InputError.of("AGAINST", "force", before.force, f"earlier results of {after.force}")
    return before, after


def draft(chosen: argparse.Namespace) -> int:
    """Write the built report as a Word document for the fact check: prose can be edited, figures cannot."""
    from cdi_lib.pipeline import draft as drafting

    path, editable = drafting.draft(chosen.force)
    console.files([path])
    what = (
        f"{editable} paragraphs may be edited"
        if editable
        else "the parameters hold no text to edit; comments can be made"
    )
    console.say(f"{what}; send it as a copy, and take what comes back:")
    console.say(f"make accept FORCE={chosen.force} FROM=the-copy.docx")
    return 0


def accept(chosen: argparse.Namespace) -> int:
    """Take edited prose of a Word copy back into the parameters, list its comments, refuse changed figures; then 1."""
    from cdi_lib.pipeline import draft as drafting

    if not chosen.copy:
        raise InputError.of("FROM", "", "nothing", "the copy that came back: FROM=path/to/file.docx")
    taken = drafting.accept(chosen.force, Path(chosen.copy))
    for comment in taken.comments:
        who = ", ".join(part for part in (comment.author or "a reader without a name", comment.day) if part)
        console.say(f"comment on {shown(comment.section)} by {who}: {comment.text} ({shown(comment.about, 80)})")
    for key in taken.changed:
        console.say(f"taken back: params/{chosen.force}.yml, {key}")
    console.detail("comments", [asdict(comment) for comment in taken.comments])
    console.detail("taken_back", list(taken.changed))
    console.problems(taken.refused)
    n = len(taken.refused)
    console.say(f"texts taken back: {len(taken.changed)}; comments: {len(taken.comments)}; changes refused: {n}")
    return 1 if n else 0


def notebook(chosen: argparse.Namespace) -> int:
    """Open the notebooks in JupyterLab; they take the force from their first code cell."""
    from cdi_lib.inspection.parameters import load_inspection
    from cdi_lib.pipeline.notebooks import folder_for

    force = chosen.force
    load_inspection(force, folders.params_of(force))
    folder, left = folder_for(force)
    for path in left:
        print(f"{shown_path(path)} is not the project's, and is left as it is; delete it to have that again")
    if getattr(os, "geteuid", lambda: 1)() == 0:
        what = "an account that is not the superuser's, as JupyterLab asks for"
        raise InputError.of("make notebook", "", "the superuser", f"{what}; or: jupyter lab --allow-root {folder}")
    print(f"Notebooks with the parameters of {force}: {shown_path(folder)}")
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(folder)])


_FLAG: dict[str, Any] = {"action": "store_true"}
OPTIONS: dict[str, dict[str, Any]] = {
    "force": {"default": "", "help": "name of the force: a file in params/, without .yml"},
    "renderer": {"choices": ["auto", "quarto", "pandoc"], "default": "auto", "help": "engine for HTML and PDF"},
    "again": _FLAG | {"help": "build also what is up to date"},
    "programme": {"default": "", "help": "kind of inspection: a file in params/programmes, without .yml"},
    "port": {"type": int, "default": 0, "help": "port of the preview; any that is free if none is named"},
    "jobs": {"type": int, "default": 0, "help": "how many forces at a time"},
    "scheduler": {"default": "", "help": "address of a Dask scheduler: tcp://host:port"},
    "strict": _FLAG | {"help": "end with status 1 for warnings too"},
    "recheck": {"default": "", "help": "incidents to draw for a blind re-check"},
    "record": {"default": "", "help": "reference of an incident or of a crime"},
    "replace": _FLAG | {"help": "put reserves in the place of incidents that cannot be audited"},
    "against": {"default": "", "help": "results.json, or a folder that holds one"},
    "copy": {"default": "", "help": "the Word copy that came back"},
    "json": _FLAG | {"help": "print one JSON document at the end, for scripts"},
}
COMMANDS: dict[Callable[[argparse.Namespace], int], tuple[str, ...]] = {
    report: ("force", "renderer", "again"),
    preview: ("force", "renderer", "port"),
    reports: ("renderer", "again", "jobs", "scheduler"),
    programme: ("force", "renderer"),
    why: ("force", "renderer"),
    new: ("force", "programme"),
    sample: ("force", "recheck", "replace"),
    check: ("force", "strict"),
    collect: ("force",),
    trace: ("force", "record"),
    diff: ("force", "against"),
    notebook: ("force",),
    draft: ("force",),
    accept: ("force", "copy"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m cdi_lib", description="Crime data integrity inspection reports.")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands")
    for command, options in COMMANDS.items():
        sub = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__)
        sub.set_defaults(command=command)
        sub.add_argument("-q", "--quiet", action="store_true", help="print errors only")
        for name in (*options, "json"):
            sub.add_argument(f"--{name}", **OPTIONS[name])
    return parser
