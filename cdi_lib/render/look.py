"""The look that all pages share: Source Sans Pro, the stylesheet of ``reports/``, and what goes into a page's head.

A page's content security policy names the SHA-256 of its stylesheet and script, so their text may not change on the
way. Pandoc takes indentation away where it embeds resources: here they have none.
"""

import base64
import contextlib
import functools
import hashlib
import io
import json
import re
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cdi_lib import project_folder

LOOK = project_folder() / "reports"
EXTENSION = project_folder() / "_extensions" / "cdi"  # what Quarto and the embedded engine share
MADE = "made"  # in the extension: what Quarto needs and is not written by hand
# Style and weight as the stylesheet asks for them: strong text and headings are semibold.
_PAGE_FONTS = (("Regular", "normal", 400), ("It", "italic", 400), ("Semibold", "normal", 600))
# Latin with the marks of British typography, arrows and comparison signs.
_PAGE_CHARACTERS = [*range(0x20, 0x7F), *range(0xA0, 0x180), *map(ord, "‐‑‒–—‘’“”†•…‰€←↑→↓↩−≈≠≤≥")]


def fonts_folder() -> Path:
    """The folder with the TrueType files of Source Sans Pro."""
    import font_source_sans_pro

    return Path(font_source_sans_pro.__file__).parent / "files"


def hash_of(text: str) -> str:
    """The hash by which a content security policy knows a stylesheet or script."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _font_face(name: str, style: str, weight: int) -> str:
    """A font, cut to the characters of a page, as a rule of a stylesheet."""
    from fontTools import subset

    options = subset.Options(flavor="woff", hinting=False, recalc_timestamp=False, with_zopfli=False)
    font = subset.load_font(fonts_folder() / f"SourceSansPro-{name}.ttf", options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=_PAGE_CHARACTERS)
    cutter.subset(font)
    woff = io.BytesIO()
    subset.save_font(font, woff, options)
    data = base64.b64encode(woff.getvalue()).decode()
    face = f'font-family:"Source Sans Pro";font-style:{style};font-weight:{weight};font-display:swap'
    return f'@font-face{{{face};src:url(data:font/woff;base64,{data}) format("woff")}}'


def _faces() -> str:
    """The fonts as rules of a stylesheet. They are kept, for cutting them takes half a second."""
    made_by = [(name, version(name)) for name in ("fonttools", "font-source-sans-pro")]
    key = hashlib.sha256(json.dumps([made_by, _PAGE_FONTS, _PAGE_CHARACTERS]).encode()).hexdigest()
    kept = project_folder() / ".cache" / "fonts" / f"{key[:16]}.css"
    text = kept.read_text(encoding="ascii") if kept.is_file() else ""
    if text.endswith("}\n") and text.count("@font-face") == len(_PAGE_FONTS):  # else it was cut short
        return text.rstrip()
    text = "\n".join(_font_face(*font) for font in _PAGE_FONTS)
    with contextlib.suppress(OSError):  # of a project that only others may write
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(f"{text}\n", encoding="ascii")
    return text


@functools.cache
def style() -> str:
    """The stylesheet with its fonts inside."""
    css = re.sub(r"/\*.*?\*/", "", (LOOK / "report.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    return "\n".join([_faces(), *(line.strip() for line in css.splitlines() if line.strip())]) + "\n"


def template(name: str) -> str:
    """A template of ``reports/`` for a page that is no report, with the head that such pages share."""
    return "".join((LOOK / part).read_text(encoding="utf-8") for part in ("head.html", name))


def complete(extension: Path, head: str) -> None:
    """Put the head of a page and the fonts into the extension, so that Quarto finds them."""
    (extension / MADE).mkdir(parents=True, exist_ok=True)
    (extension / MADE / "head.html").write_text(head, encoding="utf-8")
    leave_out = shutil.ignore_patterns("*.otf")
    shutil.copytree(fonts_folder(), extension / MADE / "fonts", ignore=leave_out, dirs_exist_ok=True)


def page_head(json_ld: Mapping[str, Any] | None, script: Path | None) -> tuple[str, dict[str, str]]:
    """What the page's head holds besides its metadata, and the hashes that its policy names."""
    head, hashes = f"<style>{style()}</style>\n", {"style-hash": hash_of(style())}
    if json_ld is not None:  # as an element that no text in it can end
        text = json.dumps(json_ld, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
        head += f'<script type="application/ld+json">{text}</script>\n'
    if script:
        code = "\n".join(line.strip() for line in script.read_text(encoding="utf-8").splitlines())
        head += f"<script>{code}</script>\n"
        hashes["script-hash"] = hash_of(code)
    return head, hashes


if __name__ == "__main__":  # for Quarto by hand
    complete(EXTENSION, page_head(None, None)[0])
