"""Executed notebooks that are used again: those before the report, while nothing that they depend on has changed.

Sentences (findings in the parameters, texts of the report) and the look reach the report notebook only. Whatever is doubtful
is run again: another file, another version of Python or of the code.
"""

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.results import Section, digest, read_section, write_json
from cdi_lib.pipeline import fingerprint
from cdi_lib.pipeline.audit import Audit
from cdi_lib.pipeline.notebooks import NOTEBOOKS

# Of the code: what no notebook before the report reads.
APART = re.compile(
    r"reports/text/.*\.md|reports/[^/]+|cdi_lib/render/.*|notebooks/(report|comparison|calibration)\.ipynb"
)


def _folder(force: str) -> Path:
    return PROJECT / ".cache" / force / "built"


def _key(audit: Audit) -> str:
    """One SHA-256 over everything that the notebooks before the report depend on."""
    code = {name: sha256 for name, sha256 in fingerprint.code_files().items() if not APART.fullmatch(name)}
    own = {name: sha256 for name, sha256 in audit.inputs.items() if name != f"params/{audit.force}.yml"}
    asked = audit.inspection.model_dump_json(exclude={"findings"})
    return digest(code | own | {"inspection": asked})


def restore(audit: Audit, notebooks: Path, sections: Path) -> bool:
    """Put executed notebooks and what they found into the folders of a build; False where there are none that fit."""
    kept = _folder(audit.force) / _key(audit)
    try:
        found = [read_section(kept, name) for name in NOTEBOOKS]
        if None in found:
            return False
        for name in NOTEBOOKS:
            shutil.copyfile(kept / f"{name}.ipynb", notebooks / f"{name}.ipynb")
    except (OSError, ValueError):  # somebody removes it just now, or has changed it
        return False
    sections.mkdir(exist_ok=True)
    for section in found:
        assert isinstance(section, Section)
        section = section.model_copy(update={"inputs": digest(audit.inputs)})
        write_json(sections / f"{section.notebook}.json", section.model_dump(mode="json"))
    return True


def keep(audit: Audit, notebooks: Path, sections: Path) -> None:
    """Keep executed notebooks and what they found, in the place of those before; where that is not possible, none."""
    folder = _folder(audit.force)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
        for name in NOTEBOOKS:
            shutil.copyfile(notebooks / f"{name}.ipynb", made / f"{name}.ipynb")
            shutil.copyfile(sections / f"{name}.json", made / f"{name}.json")
        key = _key(audit)
        for old in folder.iterdir():
            if old != made:
                shutil.rmtree(old, ignore_errors=True)
        os.rename(made, folder / key)


def forget(force: str) -> None:
    """Remove what is kept of a force: everything is run again."""
    shutil.rmtree(_folder(force), ignore_errors=True)
