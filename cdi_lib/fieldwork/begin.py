"""Begin a new inspection: a commented parameter file and empty record tables, from the schemas that check them."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cdi_lib.inspection.files import write_whole
from cdi_lib.inspection.folders import DEFAULT, force_key
from cdi_lib.inspection.parameters import CountFigure, Inspection
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.programme import Programme, load_programme
from cdi_lib.inspection.tables import Column, tables_of

_INTRODUCTION = """\
# Parameters of one inspection. Fill in what is empty; `make check FORCE={force}` says what is missing or wrong.
# Lines that begin with '# ' and a key are optional: take the '# ' away to use them.
# params/northamptonshire.yml is a complete example. Dates are written 2019-06-01, percentages 96.7,
# counts 21900. The record tables are in params/{force}/; {force}/columns.md says what their columns mean.

"""


def begin(force: str, params: Path, programme: str = DEFAULT) -> list[Path]:
    """Write ``params/<force>.yml`` and the empty tables in ``params/<force>/``; returns the files written.

    InputError if a name is not one, or anything is already there: nothing is overwritten.
    """
    try:
        by = load_programme(programme, params)
    except InputError as error:
        raise InputError([p if p.file else replace(p, file="PROGRAMME", where="") for p in error.problems]) from None
    tables = {name: columns for name, columns in tables_of(by).items() if name != "published"}
    force = force_key(force)
    parameter_file, folder = params / f"{force}.yml", params / force
    texts = {folder / "columns.md": _columns(tables)}
    # An empty table of over-recorded crimes says that there were none: nobody has looked yet.
    empty = {name: columns for name, columns in tables.items() if name != "over_recorded"}
    texts |= {folder / f"{name}.csv": ",".join(columns) + "\n" for name, columns in empty.items()}
    texts[parameter_file] = _INTRODUCTION.format(force=force) + "\n".join(_lines(Inspection, "", by)) + "\n"
    there = [path for path in (parameter_file, folder) if os.path.lexists(path)]  # a dead link counts
    if there and not (there == [folder] and _begun(folder, texts)):
        got, expected = "something that is already there", "a new name; nothing is overwritten"
        raise InputError([Problem(f"params/{path.name}", "", got, expected) for path in there])
    try:
        (folder / "returned").mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            write_whole(path, text.encode())
    except OSError:  # a full disk: no half inspection is left that would keep the next try from beginning
        shutil.rmtree(folder, ignore_errors=True)
        parameter_file.unlink(missing_ok=True)
        raise
    return list(texts)


def _begun(folder: Path, texts: Mapping[Path, str]) -> bool:
    """Whether a folder holds only what an earlier run has written that was killed before its last file."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    files = [path for path in folder.rglob("*") if path != folder / "returned"]
    return all(path in texts and path.is_file() and path.read_bytes() == texts[path].encode() for path in files)


def _lines(model: type[BaseModel], indent: str, programme: Programme) -> list[str]:
    """The keys of a model with what they mean; those that are optional are commented out."""
    lines = []
    for key, field in model.model_fields.items():
        nested = _model_of(field.annotation)
        start = f"{indent}{key}" if field.is_required() else f"{indent}# {key}"
        comment = f"  # {field.description}" if field.description else ""
        if key == "programme":
            lines += [f"{key}: {programme.name}{comment}", ""]
            continue
        if key == "recorded_crime":
            lines.append(f"{key}:{comment}")
            for name, crime_type in programme.crime_types.items():
                lines += [f"  {name}:  # {crime_type.label}", *_lines(CountFigure, "    ", programme)]
            lines.append("")
            continue
        if nested is None or get_origin(field.annotation) is tuple:
            value = "1" if key == "schema_version" else _example(field.default) or ("[]" if nested else "")
            lines.append(f"{start}: {value}".rstrip() + comment)
        else:
            inner = _lines(nested, indent + "  ", programme)
            if not field.is_required():  # commented out as a whole, its optional keys no further
                inner = [re.sub(rf"^{indent}( *)(# )?", rf"{indent}# \1", line) for line in inner]
            lines += [f"{start}:{comment}", *inner]
        if not indent:
            lines.append("")
    return lines


def _example(default: Any) -> str:
    if default is PydanticUndefined or default is None or isinstance(default, BaseModel):
        return ""
    if isinstance(default, str):
        return f'"{default}"' if default[:1].isdigit() else default
    return json.dumps(default)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_of(part))), None)


def _columns(tables: Mapping[str, Mapping[str, Column]]) -> str:
    formats = "Tables may be CSV, workbooks (.xlsx, .xls, .ods) or Parquet, one file each."
    lines = ["# The record tables", "", formats, ""]
    for name, columns in tables.items():
        lines += [f"## {name}", "", "| column | what it holds |", "|---|---|"]
        for column, spec in columns.items():
            lines.append(f"| {column} | {spec.description}{'' if spec.required else ' (the column may be left out)'} |")
        lines.append("")
    return "\n".join(lines)
