"""The prose of a parameter file: which texts of it a reader may edit in words, and how an edited text is put back.

Only the text itself is replaced in the file: comments, the order of keys and all else stay, letter by letter.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

WIDTH = 104  # of a line of prose
IN_AREAS = "areas_for_improvement"


@dataclass(frozen=True)
class Prose:
    """One text of a parameter file: its key as messages name it, and where it stands in the file."""

    key: str  # findings.summary.1, areas_for_improvement.2.text
    text: str
    start: int  # of the text in the file, in characters
    end: int
    column: int  # of the text, from which further lines are indented
    item: int | None  # where the '-' of its point stands, for points that can be added and taken out
    in_brackets: bool  # of a list in one line, where a text is written in quotation marks


def prose_of(source: str) -> list[Prose]:
    """The texts of a parameter file that are prose: findings, and areas for improvement; in the order of the file."""
    root = yaml.compose(source, Loader=yaml.SafeLoader)
    found = []
    for name, node in _pairs(root):
        if name == "findings":
            for section, points in _pairs(node):
                found += list(_points(source, f"findings.{section}", points))
        elif name == IN_AREAS and isinstance(node, yaml.SequenceNode):
            for number, area in enumerate(node.value, 1):
                texts = [value for key, value in _pairs(area) if key == "text"]
                found += [_prose(source, f"{IN_AREAS}.{number}.text", text, _is_flow(area)) for text in texts]
    return found


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        yield str(key.value), value


def _points(source: str, key: str, points: yaml.Node) -> Iterator[Prose]:
    for number, point in enumerate(points.value if isinstance(points, yaml.SequenceNode) else (), 1):
        if isinstance(point, yaml.ScalarNode):
            dash = None if _is_flow(points) else source.rindex("-", 0, point.start_mark.index)
            yield _prose(source, f"{key}.{number}", point, _is_flow(points), dash)


def _is_flow(node: yaml.Node) -> bool:
    return bool(getattr(node, "flow_style", False))


def _prose(source: str, key: str, node: yaml.Node, in_brackets: bool, item: int | None = None) -> Prose:
    start = node.start_mark.index
    end = start + len(source[start : node.end_mark.index].rstrip())  # a folded text ends with the lines behind it
    if item is None:  # the value of a key, which is where further lines are indented from
        line = source.rfind("\n", 0, start) + 1
        column = len(source[line:start]) - len(source[line:start].lstrip(" -")) + 2
    else:
        column = node.start_mark.column
    return Prose(key, " ".join(node.value.split()), start, end, column, item, in_brackets)


def rewritten(source: str, changes: Mapping[str, Sequence[str]]) -> str:
    """The parameter file with other prose: of each key the texts that take its place, none to take it out.

    KeyError for a key that is no prose; ValueError where a text would have to be added to, or taken from, what is no
    list of points.

    >>> print(rewritten("findings:\\n  rape:\\n    - Old.  # a comment\\n", {"findings.rape.1": ["New.", "More."]}))
    findings:
      rape:
        - New.  # a comment
        - More.
    <BLANKLINE>
    """
    known = {prose.key: prose for prose in prose_of(source)}
    for key, texts in sorted(changes.items(), key=lambda change: -known[change[0]].start):
        prose = known[key]
        if len(texts) != 1 and (prose.item is None or prose.in_brackets):
            raise ValueError(f"{key}: one text, as this is no list of points in lines of their own")
        line_end = source.find("\n", prose.end)
        line_end = len(source) if line_end < 0 else line_end
        if not texts:
            begin = source.rfind("\n", 0, prose.item) + 1
            left = [one for one in known.values() if one.key.rpartition(".")[0] == key.rpartition(".")[0]]
            empty = all(not changes.get(one.key, ["kept"]) for one in left)
            # The last point of a list leaves an empty list, not a key without a value.
            kept = f"{' ' * (prose.column - 2)}[]" if empty and prose is left[0] else ""
            source = source[:begin] + (f"{kept}\n" if kept else "") + source[line_end + 1 :]
            continue
        pad = " " * (prose.column - 2)
        more = "".join(f"\n{pad}- {_written(text, prose.column, False)}" for text in texts[1:])
        first = _written(texts[0], prose.column, prose.in_brackets)
        source = source[: prose.start] + first + source[prose.end : line_end] + more + source[line_end:]
    return source


def _written(text: str, column: int, in_brackets: bool) -> str:
    """A text as YAML: plain where that is sure to be read as it stands, else folded, in brackets between quotation marks."""
    text = " ".join(text.split())
    if in_brackets:
        return json.dumps(text, ensure_ascii=False)
    if len(text) + column <= WIDTH and _is_plain(text):
        return text
    lines = textwrap.wrap(text, WIDTH - column, break_long_words=False, break_on_hyphens=False)
    return ">-" + "".join(f"\n{' ' * column}{line}" for line in lines)


def _is_plain(text: str) -> bool:
    try:
        return bool(text[0].isalpha() and " #" not in text and yaml.safe_load(f"- {text}") == [text])
    except yaml.YAMLError:
        return False
