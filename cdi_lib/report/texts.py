"""The words of the report: Jinja templates in ``reports/text/<language>``, which an editor changes without Python.

A file is a section; a file of the same name in ``params/<force>/text`` stands in its place for that inspection. A text
may choose between sentences and print what was computed; it may not compute: arithmetic, an unknown name, table or
figure is a problem with file and line, found before anything runs.
"""

import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel

from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.values import core
from cdi_lib.report import labels

SUFFIX = ".md"
MACROS = "_macros"
COMPUTING = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Neg)
# What Jinja brings along and a text may use: to choose and to arrange, not to compute.
BUILT_IN = (
    *("default", "dictsort", "first", "items", "join", "last", "list", "lower", "map", "reject", "rejectattr"),
    *("replace", "reverse", "select", "selectattr", "trim", "upper"),
)
# A number typed into a sentence. Names such as N100, and the numbers of a Jinja expression, are none.
TYPED = re.compile(r"(?<![\w{#.])\d[\d,.]*%?(?!\w)")
HTML = re.compile(r"</?[A-Za-z][^<>:@]*>|<!--")
REFERENCE = re.compile(r"(?<!\w)@((?:tbl|fig)-[\w-]*\w)")
_PARSED: dict[tuple[str, ...], nodes.Template] = {}


class Texts:
    """The texts of one language (a folder in ``reports/text``), those of an inspection's own folder first.

    ``filters`` and ``functions`` are what the texts may call by name, besides the filters of Jinja in `BUILT_IN`.
    """

    def __init__(self, language: str, own: Path | None, filters: Mapping[str, Any], functions: Mapping[str, Any] = {}):
        known = sorted(path.name for path in labels.TEXTS.iterdir() if path.is_dir() and path.name[0] not in "._")
        if language not in known:
            expected = f"one of {', '.join(known)}{suggest(language, known)} (folders in reports/text)"
            raise InputError.of("", "publication.language", shown(language), expected)
        self.folders = [path for path in (own, labels.TEXTS / language) if path is not None]
        self._environment = ImmutableSandboxedEnvironment(
            loader=jinja2.FileSystemLoader([str(path) for path in self.folders]),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_printed,
        )
        own_filters = self._environment.filters
        self._environment.filters = {name: own_filters[name] for name in BUILT_IN} | dict(filters)
        self._environment.globals.clear()
        self._environment.globals.update(functions)

    def path(self, section: str) -> Path | None:
        """The file of a section: the inspection's own, else that of the language; None where there is none."""
        found = (folder / f"{section}{SUFFIX}" for folder in self.folders)
        return next((path for path in found if path.is_file()), None)

    def tell(self, section: str, context: Mapping[str, Any]) -> str:
        """The text of a section as Markdown; InputError with file and line if it asks for something that is not there."""
        name = f"{section}{SUFFIX}"
        try:
            macros = self._macros(context)
            return tidy(self._environment.get_template(name).render({**context, **macros}))
        except jinja2.TemplateNotFound as error:
            raise InputError([self._missing(str(error))]) from None
        except jinja2.TemplateSyntaxError as error:
            raise InputError([self._broken(error)]) from None
        except InputError:
            raise
        except Exception as error:
            file, line = _where(error) or (name, None)
            what = error.message if isinstance(error, jinja2.TemplateError) else str(error)
            expected = "text that asks for what the results hold"
            place = f"line {line}" if line else ""
            raise InputError.of(told(Path(file)), place, what or type(error).__name__, expected) from error

    def check(self, sections: Collection[str], context: Collection[str], known: Mapping[str, Collection[str]],
              models: Mapping[str, type[BaseModel]], measures: Mapping[str, Collection[str]] | None = None) -> list[Problem]:  # fmt: skip
        """What is wrong with the texts of these sections; before anything runs.

        ``context`` are the names that :meth:`tell` will be given, ``known`` the ids that functions may be called with, and
        ``models`` the types of names that are models, so that misspelt fields are found. ``measures`` are ids as ``known``
        has them for the texts of an inspection: those of the project serve many programmes, and ask for what some have.
        """
        problems: list[Problem] = []
        waiting, done, shared = [MACROS, *sections], set(), self._shared()
        while waiting:
            section = waiting.pop(0)
            if section in done:
                continue
            done.add(section)
            path = self.path(section)
            if path is None:
                problems += [] if section == MACROS else [self._missing(f"{section}{SUFFIX}")]
                continue
            try:
                source = path.read_text(encoding="utf-8")
                tree = self._parsed(source, section, path)
            except UnicodeDecodeError:
                problems.append(Problem(told(path), "", "a file that is not UTF-8", "text saved as UTF-8"))
                continue
            except jinja2.TemplateSyntaxError as error:
                problems.append(self._broken(error))
                continue
            waiting += [str(name).removesuffix(SUFFIX) for name in meta.find_referenced_templates(tree) if name]
            ids = {**known, **(measures if measures and path.parent == self.folders[0] else {})}
            if measures and path.parent != self.folders[0] and (nothing := _asks_for_nothing(tree, measures)):
                expected = (
                    "results that the programme has; or a text of its own, or null for this section in its chapters"
                )
                problems.append(Problem(told(path), "", f"a section that asks for {nothing} only", expected))
                continue
            names = {*context, *self._environment.globals}
            problems += _check_tree(tree, told(path), {*names, *shared}, ids, models)
            problems += _check_filters(tree, told(path), self._environment)
            problems += _check_prose(tree, told(path), {*known.get("table", ()), *known.get("figure", ())})
            stored = {(name.name, name.lineno) for name in tree.find_all(nodes.Name) if name.ctx == "store"}
            for name, line in sorted(stored | {(macro.name, macro.lineno) for macro in tree.find_all(nodes.Macro)}):
                if name in names:
                    got = f"'{name}' given to something else, which hides what every text may ask for by that name"
                    problems.append(Problem(told(path), f"line {line}", got, "another name for it"))
        for path in sorted(self.folders[0].glob("*")) if len(self.folders) > 1 else []:  # an inspection's own
            if path.name[0] not in ".~" and (path.stem not in done or path.suffix != SUFFIX):
                name = f"the name of a section and {SUFFIX}{suggest(path.stem, done)}"
                problems.append(
                    Problem(told(path), "", shown(path.name), f"{name}; a text of another name is not told")
                )
        return problems

    def _parsed(self, source: str, section: str, path: Path) -> nodes.Template:
        """A text as a tree, once in a process; its syntax and the names of its filters are right."""
        key = (source, str(path), *self._environment.filters)
        if key not in _PARSED:
            self._environment.compile(source, section, str(path))  # finds unknown filters
            _PARSED[key] = self._environment.parse(source, section, str(path))
        return _PARSED[key]

    def _macros(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """The sentences that several sections share: macros that every text may call by name."""
        if self.path(MACROS) is None:
            return {}
        module = self._environment.get_template(f"{MACROS}{SUFFIX}").make_module(dict(context))
        return {name: value for name, value in vars(module).items() if name[0] != "_"}

    def _shared(self) -> list[str]:
        path = self.path(MACROS)
        return [] if path is None else re.findall(r"{%-?\s*macro\s+(\w+)", path.read_text(encoding="utf-8"))

    def _missing(self, name: str) -> Problem:
        section = name.removesuffix(SUFFIX)
        names = sorted({path.stem for folder in self.folders for path in folder.glob(f"*{SUFFIX}")})
        expected = f"a text of this name for the section '{section}'{suggest(section, names)}"
        return Problem(told(self.folders[-1] / name), "", "no such file", expected)

    def _broken(self, error: jinja2.TemplateSyntaxError) -> Problem:
        file = told(Path(error.filename)) if error.filename else str(error.name or "")
        word = re.search(r"filter named '(\w+)'", error.message or "")
        got = f"{error.message}{suggest(word[1], self._environment.filters) if word else ''}"
        return Problem(file, f"line {error.lineno}", got, "a text in the language of templates (Jinja)")


def told(path: Path) -> str:
    """A file as messages name it: within the project, or in the parameters of a force."""
    parts = path.parts
    for root in ("params", "reports"):
        if root in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(root) :])
    return path.name


def tidy(text: str) -> str:
    """Markdown with each paragraph and point on one line, so that authors may break lines where they like.

    >>> tidy("One  sentence,\\nbroken .\\n\\n\\n- a point\\n  of two lines\\n- another")
    'One sentence, broken.\\n\\n- a point of two lines\\n- another'
    """
    blocks = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines: list[str] = []
        for line in block.split("\n"):
            if not line.strip():
                continue
            begins = re.match(r"[ \t]*([-*+|#>!]|:::|```|: |\d+[.)] |\[\^)", line)
            if lines and not begins and not re.match(r"[ \t]*(#|\||:::|```|!)", lines[-1]):
                lines[-1] += " " + line.strip()
            else:
                lines.append(line.rstrip())
        blocks.append("\n".join(_spaced(line) for line in lines))
    return "\n\n".join(block for block in blocks if block)


def _spaced(line: str) -> str:
    """One space between words, none before a full stop or comma; tables and pictures stay as they are."""
    if re.match(r"[ \t]*[|!`]", line):
        return line
    return re.sub(r" +([.,;:])(?=\s|$)", r"\1", re.sub(r"(?<=\S) {2,}", " ", line))


def _printed(value: object) -> object:
    """What an expression prints, without the line breaks around a macro; nobody means to print the word "None"."""
    if value is None:
        raise jinja2.UndefinedError("a value that is not known here is printed; ask for it with {% if %} first")
    return value.strip("\n") if isinstance(value, str) else value


def _where(error: BaseException) -> tuple[str, int] | None:
    """The file and line of a text in which an error arose."""
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    return next((place for place in reversed(places) if place[0].endswith(SUFFIX)), None)


def _check_tree(
    tree: nodes.Template, file: str, names: Collection[str], known: Mapping[str, Collection[str]],
    models: Mapping[str, type[BaseModel]],
) -> Iterator[Problem]:  # fmt: skip
    """Computed numbers, unknown names, ids and fields in one text."""

    def problem(node: nodes.Node, got: str, expected: str) -> Problem:
        return Problem(file, f"line {node.lineno}", got, expected)

    for node in tree.find_all(COMPUTING):
        got = f"a computed number ({type(node).__name__.lower()})"
        yield problem(node, got, "a number of the results; what is computed belongs into a notebook")
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    own |= {macro.name for macro in tree.find_all(nodes.Macro)} | {"loop"}
    told_of: set[str] = set()
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in {*names, *own, *told_of}:
            told_of.add(name.name)
            yield problem(name, f"the unknown name '{name.name}'", f"a known one{suggest(name.name, names)}")
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in known:
            for argument in call.args[:1]:
                if not isinstance(argument, nodes.Const) or argument.value in known[call.node.name]:
                    continue
                if not str(argument.value).startswith("survey_"):  # the statements of an inspection
                    ids = list(known[call.node.name])
                    got = f"{call.node.name}({shown(argument.value)})"
                    yield problem(call, got, f"an id that there is{suggest(str(argument.value), ids)}")
    models = {**models, **dict(_results_named(tree, models))}
    for attribute in tree.find_all(nodes.Getattr):
        owner = attribute.node.name if isinstance(attribute.node, nodes.Name) else ""
        kept = known.get(owner)
        if kept is not None and attribute.attr not in (*kept, *dir(dict)):
            got = f"'{owner}.{attribute.attr}'"
            yield problem(attribute, got, f"what there is{suggest(attribute.attr, kept)}")
        elif missing := _missing_field(attribute, models):
            yield problem(attribute, f"'{missing[0]}'", f"a field of {missing[1]}{suggest(missing[0], missing[2])}")


def _results_named(
    tree: nodes.Template, models: Mapping[str, type[BaseModel]]
) -> Iterator[tuple[str, type[BaseModel]]]:
    """The names that a text gives to results, once each, and the models of these."""
    stored = [name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"]
    for assign in tree.find_all(nodes.Assign):
        pairs = [(assign.target, assign.node)]
        if isinstance(assign.target, nodes.Tuple) and isinstance(assign.node, nodes.Tuple):
            pairs = list(zip(assign.target.items, assign.node.items, strict=False))
        for target, value in pairs:
            if isinstance(value, nodes.Call) and isinstance(value.node, nodes.Name) and isinstance(target, nodes.Name):
                asked = f"{value.node.name}()"
                if asked in models and stored.count(target.name) == 1:
                    yield target.name, models[asked]


def _check_filters(tree: nodes.Template, file: str, environment: jinja2.Environment) -> Iterator[Problem]:
    """Unknown filters and tests, also in a branch that may never be told."""
    for kind, known in ((nodes.Filter, environment.filters), (nodes.Test, environment.tests)):
        for node in tree.find_all(kind):
            if node.name is not None and node.name not in known:
                got = f"No {kind.__name__.lower()} named '{node.name}' found{suggest(node.name, known)}"
                yield Problem(file, f"line {node.lineno}", got, "a text in the language of templates (Jinja)")


def _asks_for_nothing(tree: nodes.Template, measures: Mapping[str, Collection[str]]) -> str:
    """What a text asks for, if the programme has nothing of it: its sentences would say that this was not inspected."""
    asked = [
        (call.node.name, call.args[0].value)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {"shares", *measures} - {"table"}
        if call.args and isinstance(call.args[0], nodes.Const)
    ]
    begins = lambda value: any(id_.startswith(value) for id_ in measures["share"])
    there = any(begins(value) if name == "shares" else value in measures[name] for name, value in asked)
    return "" if there else ", ".join(dict.fromkeys(str(value) for _, value in asked))


def _missing_field(node: nodes.Getattr, models: Mapping[str, type[BaseModel]]) -> tuple[str, str, list[str]] | None:
    """The field, its model and the known fields, if the last part of ``results.details.sampel`` is no field."""
    path: list[str] = []
    here: nodes.Expr = node
    while isinstance(here, nodes.Getattr):
        path.append(here.attr)
        here = here.node
    if not isinstance(here, nodes.Name) or here.name not in models:
        return None
    model: object = models[here.name]
    for position, name in enumerate(reversed(path), 1):
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
        fields = [*model.model_fields, *model.model_computed_fields]
        if name not in fields and not hasattr(model, name):
            return (name, model.__name__, fields) if position == len(path) else None
        model = core(model.model_fields[name].annotation) if name in model.model_fields else None
    return None


def _check_prose(tree: nodes.Template, file: str, outputs: Collection[str]) -> Iterator[Problem]:
    """HTML, references to nothing and open blocks in sentences; a warning for each number that is typed into one."""
    depth, place = 0, ""
    for data in tree.find_all(nodes.TemplateData):
        for number, line in enumerate(data.data.split("\n")):
            place = f"line {data.lineno + number}"
            if tag := HTML.search(line):
                yield Problem(file, place, f"raw HTML ('{tag[0]}')", "Markdown")
            for name in REFERENCE.findall(line):
                if outputs and name not in outputs:
                    there = f"a table or figure that there is{suggest(name, outputs)}"
                    yield Problem(file, place, f"a reference to '@{name}'", there)
            if fence := re.match(r"[ \t]*:::+(.*)", line):
                depth += 1 if fence[1].strip() else -1
                if depth < 0:
                    got = "a ':::' block that is closed and not opened"
                    yield Problem(file, place, got, "a line '::: {.box}' before")
            for match in TYPED.finditer(line):
                expected = "a number of the results, so that it cannot be wrong"
                yield Problem(file, place, f"the typed number {match[0]}", expected, "warning")
    if depth > 0:
        yield Problem(file, place, "a ':::' block that is opened and not closed", "a line ':::' behind it")
