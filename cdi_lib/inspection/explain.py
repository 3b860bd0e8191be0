"""What pydantic found wrong with a file, said for people: the key, what was got, what was expected."""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cdi_lib.inspection.problems import Problem, shown, suggest

_WHOLE = "a whole number without quotes or thousands separators, such as 21900"
_NUMBER = "a number, such as 96.7"
_LIST = "a list: one '- …' line for each entry"
_KEYS = "keys of its own, indented below it"
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("tuple_type", "list_type"), _LIST),
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), _KEYS),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
}
_BOUNDS = {
    "greater_than": "above {gt:g}",
    "greater_than_equal": "of {ge:g} or more",
    "less_than": "below {lt:g}",
    "less_than_equal": "of {le:g} or less",
}


class PlacedError(ValueError):
    """What is wrong between parts of a file, and the key where it is to be mended."""

    def __init__(self, place: str, expected: str):
        self.place = place
        super().__init__(expected)


def explain(error: ValidationError, model: type[BaseModel], name: str) -> list[Problem]:
    """Turn what pydantic found in a file that messages call ``name`` into problems."""
    problems: dict[tuple[str, str], Problem] = {}
    for item in error.errors(include_url=False):
        problem = _problem(item, model, name)
        kept = problems.get((problem.where, problem.got))
        # A number that may be whole or not fails twice; one message for a value is enough, the more general one.
        if kept is None or (kept.expected == _WHOLE and problem.expected == _NUMBER):
            problems[problem.where, problem.got] = problem
    return list(problems.values())


def _problem(item: Any, model: type[BaseModel], name: str) -> Problem:
    owner, keys = place(item["loc"], model)
    where = ".".join(str(key + 1) if isinstance(key, int) else shown(key)[1:-1] for key in keys)
    kind, context = item["type"], item.get("ctx", {})
    got = "nothing" if item["input"] is None else shown(item["input"])
    expected = _EXPECTED.get(kind, item["msg"])
    if kind == "missing":
        field = owner.model_fields.get(keys[-1]) if owner else None
        got, expected = ("nothing", f"this key{': ' + field.description if field and field.description else ''}")
    elif kind == "extra_forbidden":
        known = list(owner.model_fields) if owner else []
        got = f"the unknown key {shown(keys[-1])}"
        expected = f"one of {', '.join(known)}{suggest(keys[-1], known)}"
    elif kind == "value_error":
        expected = str(context["error"])
        where = getattr(context["error"], "place", where)
        got = "" if isinstance(item["input"], dict | BaseModel) else got
    elif kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        expected = f"one of {context['expected']}{suggest(item['input'], choices)}"
    elif kind in _BOUNDS:
        expected = f"a number {_BOUNDS[kind].format(**context)}"
    return Problem(name, where, got, expected)


def place(location: tuple[Any, ...], model: type[BaseModel]) -> tuple[type[BaseModel] | None, tuple[Any, ...]]:
    """Where a location of pydantic leads: the model that owns its last key (None: no model does), and the keys.

    What pydantic adds behind the keys (names of union branches, marks of dictionary keys) is left out.
    """
    here: Any = model
    owner: type[BaseModel] | None = None
    keys = []
    for key in location:
        kind = get_origin(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            owner, field = here, here.model_fields.get(key)
            here = _core(field.annotation) if field else None
        elif kind in (dict, tuple):
            owner, here = None, _core(get_args(here)[1 if kind is dict else 0])
        else:
            break
        keys.append(key)
    return owner, tuple(keys)


def _core(annotation: Any) -> Any:
    """A type without its validators and without None."""
    kind = get_origin(annotation)
    if kind is Annotated:
        return _core(get_args(annotation)[0])
    if kind in (Union, UnionType):
        kinds = [part for part in get_args(annotation) if part is not NoneType]
        return _core(kinds[0]) if len(kinds) == 1 else None
    return annotation
