"""Read YAML strictly: what is ambiguous, repeated or huge is refused with the line on which it stands."""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cdi_lib.inspection.problems import InputError, shown

_UTF8 = "UTF-8 text; save the file as UTF-8"
MOST_BYTES, MOST_VALUES, DEEPEST = 1_000_000, 100_000, 20
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9_]*|[0-9]*\.[0-9]*|[0-9.]+[eE][-+]?[0-9]+|\.inf|\.nan)", re.IGNORECASE)
_HINTS = {
    "'\\t'": "a tab; spaces for indentation",
    "mapping values are not allowed here": "a second ': ' on one line; quotes around a text that holds a colon",
    "but found another document": "a line '---' that begins another document; one document in a file",
    "special characters are not allowed": "zero bytes or other special characters; plain UTF-8 text",
    "expected <block end>": "a line that does not fit those before it; their indentation, and quotes that are closed",
    "expected ',' or": "brackets that are not closed or lack a comma; quotes around a text that holds , : ? [ ] { or }",
    "unexpected end of stream": "a quotation mark that is not closed; another one where the text ends",
    "could not determine a constructor": "a YAML tag (!…); plain values without tags",
}


@dataclass(frozen=True)
class Document:
    """What a YAML file holds: its content, and where it stands."""

    content: dict[str, Any]
    root: yaml.Node

    def find(self, *keys: str) -> tuple[int, int]:
        """How many of these keys, each below the one before it, are there, and the line of the last of them."""
        node, line = self.root, 1
        for depth, key in enumerate(keys):
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            found = next((pair for pair in pairs if pair[0].value == key), None)
            if found is None:
                return depth, line
            line, node = found[0].start_mark.line + 1, found[1]
        return len(keys), line


def read_yaml(path: Path, name: str) -> Document:
    """Read a file of 'key: value' lines in UTF-8; ``name`` is how messages call it."""
    where, got, expected = "", "a folder", "a file of 'key: value' lines"
    content = b"" if path.is_dir() else path.read_bytes()
    try:
        if len(content) > MOST_BYTES:
            got, expected = f"{len(content):,} bytes", f"at most {MOST_BYTES:,} bytes"
        elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
            got, expected = "text in UTF-16", _UTF8
        elif not path.is_dir():
            loader = _PlainLoader(content.decode("utf-8-sig"))
            root = loader.get_single_node()
            value = None if root is None else loader.construct_document(root)
            if root is not None and isinstance(value, dict):
                return Document(value, root)
            got = "nothing" if value is None else shown(value)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        where, got, expected = f"line {line}", "a byte that is not UTF-8", _UTF8
    except yaml.YAMLError as error:
        where, got, expected = _told(error)
    except (ValueError, RecursionError) as error:
        got, expected = shown(str(error)), "YAML with valid values"
    raise InputError.of(name, where, got, expected)


def _told(error: yaml.YAMLError) -> tuple[str, str, str]:
    """Where YAML is wrong, what is there, and what should be."""
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "text that is not YAML"
    what = next((hint for words, hint in _HINTS.items() if words in what), what)
    got, _, expected = what.partition("; ")
    if found := re.fullmatch(r"expected (.+), but found (.+)", what):
        expected, got = f"{found[1]}; ", "the end of the file" if "end>" in found[2] else found[2]
    if expected and not found:  # it says what to do
        return where, got, expected
    return where, got, f"{expected}YAML is made of 'key: value' lines, nested by spaces"


class _PlainLoader(yaml.SafeLoader):
    """YAML's safe loader without its surprises.

    A key that stands twice is an error instead of the last one winning; numbers are decimal (in plain YAML 012000 is
    5120, and 12:30 is 750); aliases (``*name``) cannot make a huge thing of a small file, or one that holds itself.
    """

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self._depth >= DEEPEST:
            raise _error(f"values nested more than {DEEPEST} deep; fewer brackets", self.peek_event())  # type: ignore[no-untyped-call]
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def get_single_node(self) -> yaml.Node | None:
        if node := super().get_single_node():
            _expanded_size(node, {})
        return node

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        if not _DECIMAL.fullmatch(node.value):
            got = f"{shown(node.value)}, which YAML does not read as a decimal number"
            raise _error(f"{got}; a number without leading zeros, or text in quotes", node)
        return self.construct_yaml_int(node) if node.tag.endswith(":int") else self.construct_yaml_float(node)

    def construct_moment(self, node: yaml.ScalarNode) -> object:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:  # a day that there is not: text, which is refused where a date is expected
            return node.value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # <<: keys of another group, behind those that stand here
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise _error(f"the key {shown(key)}; text, in quotes if need be", key_node)
            if key in seen:
                raise _error(f"the key {shown(key)} stands twice (first on line {seen[key]}); each key once", key_node)
            seen[key] = key_node.start_mark.line + 1
        return super().construct_mapping(node, deep)


_PlainLoader.add_constructor("tag:yaml.org,2002:int", _PlainLoader.construct_number)
_PlainLoader.add_constructor("tag:yaml.org,2002:float", _PlainLoader.construct_number)
_PlainLoader.add_constructor("tag:yaml.org,2002:timestamp", _PlainLoader.construct_moment)


def _error(got_and_expected: str, place: yaml.Node | yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=got_and_expected, problem_mark=place.start_mark)  # type: ignore[arg-type]


def _expanded_size(node: yaml.Node, sizes: dict[int, int | None]) -> int:
    """How many values a node stands for when every alias in it is written out."""
    key = id(node)
    if key not in sizes:
        sizes[key] = None  # under way: whoever meets it again is inside it
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
        sizes[key] = 1 + sum(_expanded_size(part, sizes) for part in parts)
    size = sizes[key]
    if size is None or size > MOST_VALUES:
        what = "a value that holds itself" if size is None else f"more than {MOST_VALUES:,} values"
        raise _error(f"{what}, by anchors and aliases; none of these", node)
    return size
