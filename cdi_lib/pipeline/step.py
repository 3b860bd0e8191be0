"""What a notebook opens: the audit, what the notebooks before it found, and where its own results go."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cdi_lib.inspection.folders import PROJECT, SECTIONS_VARIABLE, params_folder
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.inspection.results import Recorder, Results, Section, combine, digest, read_section
from cdi_lib.pipeline import fingerprint
from cdi_lib.pipeline.audit import Audit, audit_of
from cdi_lib.pipeline.notebooks import NOTEBOOKS, execute, saved_by


@dataclass(frozen=True)
class Step:
    """What a notebook works with."""

    audit: Audit
    earlier: list[Section]
    recorder: Recorder
    folder: Path

    @property
    def inspection(self) -> Inspection:
        return self.audit.inspection

    @property
    def records(self) -> AuditRecords:
        return self.audit.records

    @property
    def own_texts(self) -> Path:
        """Where an inspection keeps the texts that stand in the place of those in ``reports/text``."""
        return params_folder() / self.audit.force / "text"

    def results(self) -> Results:
        """The results of all earlier notebooks together."""
        return combine(self.audit.force, self.inspection, self.audit.inputs, self.earlier)

    def save(self) -> None:
        """Save what this notebook found for the notebooks after it."""
        self.recorder.save(self.folder)


def open_step(notebook: str, force: str) -> Step:
    """Open one notebook's step: read the audit and what the notebooks before it found.

    A notebook that is opened by hand runs those before it first, if their results are missing or belong to other
    parameters or records.
    """
    audit = audit_of(force)
    by_hand = SECTIONS_VARIABLE not in os.environ
    folder = _sections_by_hand(force) if by_hand else Path(os.environ[SECTIONS_VARIABLE])
    before = NOTEBOOKS[: NOTEBOOKS.index(notebook)] if notebook in NOTEBOOKS else NOTEBOOKS
    inputs = digest(audit.inputs)
    for name in before:
        section = read_section(folder, name)
        if section is None or section.inputs != inputs:
            with tempfile.TemporaryDirectory() as scratch:
                output, variables = Path(scratch) / f"{name}.ipynb", {SECTIONS_VARIABLE: str(folder)}
                execute(name, force, output, variables=variables, audit=audit)
    earlier = [saved_by(name, folder) for name in before]
    if by_hand:  # cells are then numbered in the order in which somebody happened to run them
        earlier = [section.model_copy(update={"cells": {}}) for section in earlier]
    return Step(audit, earlier, Recorder(notebook, inputs), folder)


def _sections_by_hand(force: str) -> Path:
    """Where notebooks that are opened by hand keep what they found: a folder for each state of the code.

    (The notebooks do not count, as they change by being run; whoever edits one runs it.)
    """
    code = digest({name: hash for name, hash in fingerprint.code_files().items() if "notebooks/" not in name})
    return PROJECT / ".cache" / force / "sections" / code[:16]
