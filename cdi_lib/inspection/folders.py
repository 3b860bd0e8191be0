"""Where things are: the project, the parameters, the reports, and the names of forces. Imports nothing heavy."""

import os
import re
import shutil
from pathlib import Path

from cdi_lib import project_folder
from cdi_lib.inspection.problems import InputError, shown

PROJECT = project_folder()
# A build sets these for its notebooks; scripts and tests may set them for commands.
PARAMS_VARIABLE, REPORTS_VARIABLE, SECTIONS_VARIABLE = "CDI_PARAMS", "CDI_REPORTS", "CDI_SECTIONS"
DEFAULT = "cdi-2017"  # the programme of parameters that name none
FOLDERS = ("programmes", "criteria")  # of programmes, in params; the second is where older projects keep theirs
DEMONSTRATION = "demonstration"  # folder of generated forces in params/
BUILDING = ".*-building-*"  # folders in reports/ in which builds are under way
COMPARISON = "comparison"  # folder of the comparison of forces in reports/
RESERVED = (*FOLDERS, DEMONSTRATION, COMPARISON)
FORCE_KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def params_folder() -> Path:
    """The folder of parameters: ``params``, or what ``CDI_PARAMS`` says."""
    return Path(os.environ.get(PARAMS_VARIABLE) or PROJECT / "params").resolve()


def reports_folder() -> Path:
    """The folder of reports: ``reports``, or what ``CDI_REPORTS`` says."""
    return Path(os.environ.get(REPORTS_VARIABLE) or PROJECT / "reports").resolve()


def params_of(force: str) -> Path:
    """The folder that holds the parameters of a force: :func:`params_folder`, or its demonstration set."""
    own, demonstration = params_folder(), params_folder() / DEMONSTRATION
    is_there = (demonstration / f"{force}.yml").is_file() and not (own / f"{force}.yml").is_file()
    return demonstration if is_there else own


def own_folder(force: str, params: Path, *parts: str) -> Path:
    """A folder of a force in ``params``, to write to: never one that a link leads out of it to."""
    folder = params.joinpath(force_key(force), *parts)
    if folder.resolve() != params.resolve().joinpath(force, *parts):
        where = "/".join(("params", force, *parts))
        raise InputError.of(where, "", "a link to another place", "a folder of the force's own")
    return folder


def remove_leftovers(folder: Path, pattern: str) -> None:
    """Remove folders of builds that were killed. The number of the process is the last but one part of their names."""
    for leftover in folder.glob(pattern):
        if (process := leftover.name.rsplit("-", 2)[-2]).isdecimal() and not _is_running(process):
            shutil.rmtree(leftover, ignore_errors=True)


def sweep(folder: Path, pattern: str = "**/.*.*.tmp") -> None:
    """Remove files that a process which was killed has half written, see :func:`cdi_lib.inspection.files.write_whole`."""
    for path in folder.glob(pattern):
        if (process := path.name.split(".")[-2]).isdecimal() and not _is_running(process):
            path.unlink(missing_ok=True)


def _is_running(process: str) -> bool:
    import psutil

    try:  # one that was killed stays in the list of processes until its parent, or the system's first one, takes notice
        return psutil.Process(int(process)).status() != psutil.STATUS_ZOMBIE
    except psutil.AccessDenied:  # another user's
        return True
    except (ValueError, psutil.NoSuchProcess):
        return False


def forces(params: Path | None = None) -> list[str]:
    """All forces that have a parameter file in a folder, in alphabetical order."""
    paths = (params or params_folder()).glob("*.yml")
    return sorted(path.stem for path in paths if FORCE_KEY.fullmatch(path.stem))


def all_forces() -> list[str]:
    """All forces that can be built: those of the user and those of the demonstration set."""
    return sorted({*forces(), *forces(params_folder() / DEMONSTRATION)})


def slug(text: str) -> str:
    """Text as lower-case letters, digits and single hyphens, for names of files and anchors; perhaps empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def force_key(force: object) -> str:
    """The name of a force as it is used for files and folders; InputError for one of which another path could be built,
    and for the names of folders that are no force's."""
    text = force if isinstance(force, str) else ""
    if FORCE_KEY.fullmatch(text) and len(text) <= 60 and text not in RESERVED:
        return text
    tidy, letters = slug(text), "a name of lower-case letters, digits and hyphens that begins with a letter"
    expected = f"{letters}, such as FORCE=devon-and-cornwall"
    if text in RESERVED:
        expected += " (this one is a folder of the project)"
    elif FORCE_KEY.fullmatch(tidy) and ".." not in text:
        expected += f"; perhaps FORCE={tidy}"
    raise InputError.of("FORCE", "", shown(text) if text else "nothing", expected)
