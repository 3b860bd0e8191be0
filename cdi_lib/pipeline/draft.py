"""The copy in Word for the fact check: written from the built report, and its edited prose taken back.

What comes back may change prose of the parameters and nothing else: a figure, or a sentence that tells one, is refused.
"""

import difflib
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from cdi_lib.inspection.files import write_whole
from cdi_lib.inspection.folders import params_of, reports_folder
from cdi_lib.inspection.parameters import check_inspection, load_inspection
from cdi_lib.inspection.problems import InputError, Problem, shown
from cdi_lib.inspection.prose import Prose, prose_of, rewritten
from cdi_lib.inspection.results import read_results
from cdi_lib.inspection.sheets import refuse_huge
from cdi_lib.pipeline import fingerprint
from cdi_lib.pipeline.fingerprint import DRAFT as NAME
from cdi_lib.pipeline.notebooks import REPORT
from cdi_lib.report.docx import FIXED, PROSE, Comment, Passage, core, hash_of, is_of_another, read_passages, word_copy

MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Accepted:
    """What a copy brought back: keys whose prose changed, comments, and what was refused."""

    changed: tuple[str, ...]
    comments: tuple[Comment, ...]
    refused: tuple[Problem, ...]


def draft(force: str) -> tuple[Path, int]:
    """Write ``reports/<force>/report.docx`` from the built report; returns it and how many paragraphs may be edited.

    A copy there that was edited is kept, and the draft refused (InputError): nobody's work is written over.
    """
    folder, place = _report_of(force), f"reports/{force}/{NAME}"
    target = folder / NAME
    changed, only_look = fingerprint.reasons(folder, fingerprint.inputs(force, params_of(force), "auto"))
    if changed and not only_look:
        expected = f"a report of the parameters and records as they are; make report FORCE={force}"
        raise InputError.of(f"reports/{force}", "", f"out of date: {changed[0]}", expected)
    if target.is_file():
        passages, comments = _read(target, place)
        if comments or any(passage.is_changed for passage in passages):
            first = f"first make accept FORCE={force} FROM={place}, then move it away"
            raise InputError.of(place, "", "an edited copy", f"no copy with edits or comments there; {first}")
    content, editable = _made(force, folder)
    return write_whole(target, content), editable


def _report_of(force: str) -> Path:
    """The folder of the built report, which must be there."""
    load_inspection(force, params_of(force))
    folder = reports_folder() / force
    if not (folder / "notebooks" / f"{REPORT}.ipynb").is_file():
        expected = f"a built report; build it first: make report FORCE={force}"
        raise InputError.of(f"reports/{force}", "", "no report", expected)
    return folder


def _made(force: str, folder: Path) -> tuple[bytes, int]:
    """The Word copy of a built report, and how many of its paragraphs may be edited."""
    texts = [prose.text for prose in prose_of(_source(force)[0])]
    return word_copy(folder / "notebooks" / f"{REPORT}.ipynb", read_results(folder / "results.json"), texts)


def _source(force: str) -> tuple[str, bytes, bool]:
    """The parameter file as text with plain line ends, what stands before it, and whether its lines end as in Windows."""
    content = (params_of(force) / f"{force}.yml").read_bytes()
    mark = content[:3] if content.startswith(b"\xef\xbb\xbf") else b""
    text = content[len(mark) :].decode("utf-8")
    return text.replace("\r\n", "\n"), mark, "\r\n" in text


def accept(force: str, copy: Path) -> Accepted:
    """Take the edited prose of a Word copy back into ``params/<force>.yml``; what else was changed is refused.

    InputError for a file that is no copy of a report of this kind; the parameters are then as they were.
    """
    folder = _report_of(force)
    passages, comments = _read(copy, copy.name)
    if not any(passage.kind for passage in passages):
        expected = f"a copy that make draft FORCE={force} wrote; text pasted into a new document loses its marks"
        raise InputError.of(copy.name, "", "a document without the marks of a draft", expected)
    if is_of_another(copy.read_bytes(), force):
        expected = f"a copy of the report of {force}; the parameters are as they were"
        raise InputError.of(copy.name, "", "a copy of another force's report", expected)
    source, mark, is_windows = _source(force)
    changes, refused = _edits(passages, prose_of(source), read_passages(_made(force, folder)[0])[0], copy.name)
    if changes:
        text = _checked(force, source, changes)
        text = text.replace("\n", "\r\n") if is_windows else text
        write_whole(params_of(force) / f"{force}.yml", mark + text.encode("utf-8"))
    return Accepted(tuple(sorted(changes)), tuple(comments), tuple(refused))


def _read(path: Path, name: str) -> tuple[list[Passage], list[Comment]]:
    if not path.is_file():
        raise InputError.of("FROM", "", f"no file {shown(name, 200)}", "the edited copy: FROM=path/to/file.docx")
    if path.stat().st_size > MOST_BYTES:
        raise InputError.of(name, "", f"{path.stat().st_size:,} bytes", f"at most {MOST_BYTES:,} bytes")
    try:
        with zipfile.ZipFile(path) as archive:
            refuse_huge(archive, name, "a document")
        return read_passages(path.read_bytes())
    except zipfile.BadZipFile:
        raise InputError.of(name, "", "not a readable Word document", "the .docx file that came back") from None
    except ValueError as error:
        raise InputError.of(name, "", str(error), "the .docx file that came back") from None


def _edits(
    passages: Sequence[Passage], prose: Sequence[Prose], printed: Sequence[Passage], name: str
) -> tuple[dict[str, list[str]], list[Problem]]:
    """What was changed in a copy, by key, and what is refused: by parameters and report, both as they are now."""
    changes, refused = dict[str, list[str]](), list[Problem]()
    now = {item.key: item.text for item in prose}
    text_of = {passage.hash: passage.text for passage in printed}
    key_of = {hash_of(core(item.text)): item.key for item in reversed(prose)}
    versions: dict[str, list[list[str]]] = defaultdict(list)  # of each key, what each of its places says
    behind: list[str] | None = None  # the texts to which a paragraph that was added belongs
    for passage in passages:
        where = f"section {shown(passage.section)}" if passage.section else ""
        if passage.kind == PROSE:
            behind = None
            if key := key_of.get(passage.hash):
                versions[key].append([passage.text] if core(passage.text) else [])
                behind = versions[key][-1]
            elif hash_of(core(passage.text)) not in key_of:  # else it was taken back already
                got = f"{shown(passage.text)}, an edit of a text that the parameters no longer have"
                expected = "an edit of the latest draft; edit it in the parameters"
                refused.append(Problem(name, where, got, expected))
        elif passage.kind == FIXED:
            behind = None
            if passage.is_changed:
                refused.append(_figure(passage, text_of.get(passage.hash), name, where))
        elif behind is not None:
            behind += [passage.text] if core(passage.text) else []
        else:
            got = f"a new paragraph {shown(passage.text)}"
            refused.append(Problem(name, where, got, "prose behind prose that may be edited, or a comment"))
    refused += _missing(passages, printed, key_of, versions, name)
    for key, found in versions.items():
        changed = [texts for texts in found if [core(text) for text in texts] != [core(now[key])]]
        if len({tuple(map(core, texts)) for texts in changed}) > 1:
            got = f"{len(found)} versions, in places that print the same text"
            refused.append(Problem(name, key, got, "one version"))
        elif changed:
            changes[key] = [_as_before(text, now[key]) for text in changed[0]]
    return changes, refused


def _missing(
    passages: Sequence[Passage], printed: Sequence[Passage], key_of: Mapping[str, str],
    versions: dict[str, list[list[str]]], name: str,
) -> Iterator[Problem]:  # fmt: skip
    """Passages of the draft that the copy has no more: a point of prose is taken out, anything else refused."""
    there = {passage.number for passage in passages if passage.kind}
    if len(there) == max((passage.of for passage in passages), default=0):
        return
    left = Counter(passage.hash for passage in passages)  # the same figure may stand in several cells
    for passage in printed:
        left[passage.hash] -= 1
        if left[passage.hash] >= 0:
            continue
        key = key_of.get(passage.hash) if passage.kind == PROSE else None
        if key and not versions[key]:
            versions[key].append([])
        elif key is None:
            expected = "it as it was; what is computed cannot be taken out"
            yield Problem(name, "", f"no more {shown(passage.text)}", expected)


def _figure(passage: Passage, before: str | None, name: str, where: str) -> Problem:
    """What to say of a passage that is computed and was changed: the figures in it first."""
    if before is None:
        got = f"{shown(passage.text)}, changed from a text that the report no longer prints"
        return Problem(name, where, got, "what the report says; make draft again, or write a comment")
    old, new = before.split(), passage.text.split()
    quoted = lambda words: shown(" ".join(words)) if words else "nothing"
    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    parts = [f"{quoted(new[k:m])} for {quoted(old[i:j])}" for what, i, j, k, m in steps if what != "equal"]
    expected = "words of reports/text: a text of this section in the folder of the force takes their place"
    if any(re.search(r"\d", part) for part in parts):
        expected = "the figure that was computed: correct the records or parameters that it rests on"
    return Problem(name, where, f"{', '.join(parts)} in {shown(before, 90)}", expected)


def _as_before(text: str, before: str) -> str:
    """An edited text without what only its print adds: the capital of a sentence, the stop or mark of a point."""
    text = text if before[-1:] in ".;," else text.rstrip(".;,")
    return before[:1] + text[1:] if text[:1].lower() == before[:1].lower() else text


def _checked(force: str, source: str, changes: Mapping[str, Sequence[str]]) -> str:
    """The parameter file with the edited prose; InputError if it could not be used then."""
    name = f"params/{force}.yml"
    try:
        text = rewritten(source, changes)
    except ValueError as error:
        raise InputError.of(name, str(error).partition(":")[0], "several texts or none", str(error)) from None
    check_inspection(yaml.safe_load(text), name, params_of(force))
    return text
