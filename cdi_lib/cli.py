"""The commands behind the Makefile: ``python -m cdi_lib report FORCE``.

Every command ends with status 0 only if what was asked for exists and is whole. A mistake in the input is answered
with what is wrong, where, and what to do; never with a traceback.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cdi_lib.parameters import PROJECT, force_key, forces, load_inspection
from cdi_lib.problems import InputError, Problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit status."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return 2
    try:
        return chosen.command(chosen)
    except InputError as error:
        _print_problems(error.problems)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing was published", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"error: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cdi_lib", description="Crime data integrity inspection reports."
    )
    commands = parser.add_subparsers(title="commands")

    def command(name: str, run, text: str, force: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=run)
        if force:
            sub.add_argument("--force", default="", help="name of the force: a file in params/, without .yml")
        return sub

    for name, run, text, one in (
        ("report", report, "build the report of one force", True),
        ("reports", reports, "build the reports of all forces in params/", False),
    ):
        sub = command(name, run, text, force=one)
        if not one:
            sub.add_argument("--jobs", type=int, default=0, help="how many forces at a time")
        sub.add_argument(
            "--renderer", choices=["auto", "quarto", "pandoc"], default="auto", help="engine for HTML and PDF"
        )
    command("check", check, "check parameters and records of one force")
    command("sample", sample, "draw the audit sample from the sampling frame, with its trail")
    command("new", new, "begin a new inspection: parameter file and empty record tables")
    sub = command("diff", diff, "which results changed since an earlier results.json")
    sub.add_argument("--against", default="", help="results.json, or a folder that holds one")
    command("notebook", notebook, "open the notebooks in JupyterLab")
    command("test", test, "run all tests: pytest, and the notebooks by nbval", force=False)
    command("oracles", oracles, "make the golden results of R's survey package again (needs R)", force=False)
    command("bench", bench, "measure speed, as ratios", force=False)
    command("verify", verify, "build the report twice and compare the files byte for byte")
    command("reconstruct", reconstruct, "make the record tables of a force again from published counts")
    command(
        "refresh",
        refresh,
        "run the notebooks for Northamptonshire and keep their outputs in notebooks/",
        force=False,
    )
    parser.set_defaults(command=None)
    return parser


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        print(
            f"{errors} error{'s' if errors != 1 else ''}; mend the input and run the command again",
            file=sys.stderr,
        )


def _shown(path: Path) -> str:
    """A path as the user would type it."""
    return os.path.relpath(path)


def report(chosen: argparse.Namespace) -> int:
    """Build the report of one force; the last lines are the paths."""
    force = force_key(chosen.force)
    return 0 if _build(force, chosen.renderer) else 1


def _build(force: str, renderer: str) -> bool:
    from cdi_lib.build import REPORTS, BuildError, build_report
    from cdi_lib.render import RenderError

    try:
        built = build_report(force, renderer, progress=lambda text: print(text, flush=True))
    except (BuildError, RenderError) as error:
        print(f"error: {error}", file=sys.stderr)
        print(
            f"The previous report, if any, is as it was. The notebooks as far as they came: "
            f"{_shown(REPORTS / '.failed' / force)}",
            file=sys.stderr,
        )
        return False
    print(built.message)
    for path in built.files:
        print(_shown(path))
    return True


def reports(chosen: argparse.Namespace) -> int:
    """Build all forces, one after the other; one force's failure does not stop the others."""
    failed = []
    for force in forces():
        try:
            if not _build(force, chosen.renderer):
                failed.append(force)
        except InputError as error:
            _print_problems(error.problems)
            failed.append(force)
    print(f"{len(forces()) - len(failed)} of {len(forces())} reports built")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def check(chosen: argparse.Namespace) -> int:
    """Check parameters and records; 1 if there are errors."""
    from cdi_lib.build import BuildError, judgement_warnings, read_audit

    force = force_key(chosen.force)
    audit = read_audit(force)
    try:
        _print_problems(judgement_warnings(audit))
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    records = audit.records
    print(
        f"{force}: parameters and records are complete: {len(records.main):,} audited crimes in the main sample, "
        f"{len(records.crimes) - len(records.main):,} in dip samples. Next: make report FORCE={force}"
    )
    return 0


def new(chosen: argparse.Namespace) -> int:
    """Begin a new inspection; refuses to overwrite."""
    from cdi_lib.new_inspection import begin

    force = force_key(chosen.force)
    for path in begin(force):
        print(_shown(path))
    print(f"Fill these in, then: make check FORCE={force}")
    return 0


def sample(chosen: argparse.Namespace) -> int:
    """Draw the audit sample; the same seed gives the same selection."""
    from cdi_lib.new_inspection import draw_sample

    force = force_key(chosen.force)
    for path in draw_sample(force, load_inspection(force)):
        print(_shown(path))
    print("These files name records: keep them with the auditors' papers.")
    return 0


def diff(chosen: argparse.Namespace) -> int:
    """Print the results that changed, before and after."""
    from cdi_lib.build import REPORTS
    from cdi_lib.results import differences, read_results

    force = force_key(chosen.force)
    if not chosen.against:
        raise InputError([Problem("AGAINST", "", "nothing", "a results.json, or a folder that holds one")])
    against = Path(chosen.against)
    before = read_results(against / "results.json" if against.is_dir() else against)
    changed = differences(before, read_results(REPORTS / force / "results.json"))
    for row in changed:
        print(f"{row['result']}: {row['before']} -> {row['after']}")
    print(f"{len(changed)} result{'s' if len(changed) != 1 else ''} changed")
    return 0


def notebook(chosen: argparse.Namespace) -> int:
    """Open JupyterLab; the notebooks take the force from their first code cell."""
    import nbformat

    force = force_key(chosen.force)
    load_inspection(force)
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
    print(f"Notebooks with the parameters of {force}: {_shown(folder)}")
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(folder)])


def verify(chosen: argparse.Namespace) -> int:
    """Build twice into folders of their own and compare."""
    import filecmp
    import tempfile

    from cdi_lib.build import build_report

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
    library = subprocess.call([*pytest, "-n", "auto"], cwd=PROJECT)
    notebooks = subprocess.call([*pytest, "--nbval", "-p", "no:cacheprovider", "notebooks"], cwd=PROJECT)
    return library or notebooks


def oracles(chosen: argparse.Namespace) -> int:
    """Run the R script that makes the golden results."""
    import shutil

    rscript = shutil.which("Rscript")
    if rscript is None:
        print("R is not installed; on Debian: apt-get install r-base-core r-cran-survey", file=sys.stderr)
        return 1
    return subprocess.call([rscript, "tests/oracles/survey.R"], cwd=PROJECT)


def bench(chosen: argparse.Namespace) -> int:
    """Run the benchmarks, one after the other."""
    scripts = sorted((PROJECT / "tests").glob("bench_*.py"))
    return max((subprocess.call([sys.executable, str(script)], cwd=PROJECT) for script in scripts), default=0)


def reconstruct(chosen: argparse.Namespace) -> int:
    """Make the reconstructed record tables again."""
    from cdi_lib.reconstruction import reconstruct as make

    folder = PROJECT / "params" / force_key(chosen.force)
    specification = folder / "reconstruction.yml"
    if not specification.is_file():
        raise InputError(
            [
                Problem(
                    _shown(specification), "", "no such file", "published counts to reconstruct records from"
                )
            ]
        )
    for path in make(specification, folder):
        print(_shown(path))
    return 0


def refresh(chosen: argparse.Namespace) -> int:
    """Execute the notebooks and keep their outputs in the repository."""
    import shutil
    import tempfile

    from cdi_lib.build import NOTEBOOKS, REPORT, SECTIONS_VARIABLE, execute, write_front_matter

    with tempfile.TemporaryDirectory() as scratch:
        os.environ[SECTIONS_VARIABLE] = str(Path(scratch) / "sections")
        for name in (*NOTEBOOKS, REPORT):
            executed = Path(scratch) / f"{name}.ipynb"
            execute(name, "northamptonshire", executed, parameters={})
            if name == REPORT:
                write_front_matter(executed, load_inspection("northamptonshire"))
            shutil.copyfile(executed, PROJECT / "notebooks" / f"{name}.ipynb")
            print(f"notebooks/{name}.ipynb")
    return 0
