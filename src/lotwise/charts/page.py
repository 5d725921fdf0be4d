"""A page for a report: sections of pictures, tables and notes in one HTML file without a script.

The page forbids itself to load anything: its content security policy allows one style, by its hash, and
nothing else. It reads on a telephone, in the dark and on paper, and by ear: landmarks, headings in order,
captions, a description in every picture.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from lotwise.charts.reading import each_of, items_of, one_of, words_of
from lotwise.charts.svg import escape, without_style
from lotwise.charts.theme import DARK, HEAT_STYLE, LIGHT, STYLE
from lotwise.errors import InputError

NOTE_KINDS: Final = {"note": "Note", "warning": "Warning", "good": "Good"}
_REFUSED_TAGS: Final = {"script", "foreignObject", "image", "use", "a", "iframe", "animate", "set", "link"}
_PREFIX: Final = re.compile(r"\blw[0-9a-f]{12}(?=-[td]\b)")


@dataclass(frozen=True)
class Picture:
    """A picture of this package, a caption under it, and a narrow one for telephones (below 640 px)."""

    svg: str
    caption: str = ""
    narrow: str = ""


@dataclass(frozen=True)
class Table:
    """A table: its caption, its columns, rows of text; columns of numbers are set to the right.

    ``folded`` hides it behind its caption until asked for: the figures behind a picture.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    folded: bool = False


@dataclass(frozen=True)
class Note:
    """A paragraph; a ``warning`` or a ``good`` one says so in words."""

    text: str
    kind: str = "note"


@dataclass(frozen=True)
class Section:
    """A titled part of a page."""

    title: str
    parts: Sequence[Picture | Table | Note]


def page(
    title: str, sections: Sequence[Section], *, subtitle: str = "", footer: str = "", language: str = "en"
) -> str:
    """The whole page as HTML text.

    Raises
    ------
    InputError
        CHART-113 text that is none, a language that is no tag; CHART-116 a picture that holds what a picture
        may not; CHART-117 a table whose rows do not fit its columns; CHART-108 an unknown kind of
        note; CHART-118 a part of another kind.
    """
    name = words_of(title, "title")
    if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{2,8})*", words_of(language, "language")):
        raise InputError("CHART-113", f"the language is {language!r}", "give a tag such as 'en' or 'pt-BR'")
    seen: dict[str, int] = {}
    sections = each_of(sections, Section, "sections")
    bodies = [_section(section, i, seen) for i, section in enumerate(sections, 1)]
    style = _PAGE_STYLE + STYLE + (HEAT_STYLE if any('class="lw-h' in body for body in bodies) else "")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    links = "".join(
        f'<li><a href="#part-{i}">{escape(words_of(section.title, "section"))}</a></li>'
        for i, section in enumerate(sections, 1)
    )
    contents = f'<nav aria-label="Contents"><ol>{links}</ol></nav>' if len(sections) > 2 else ""
    under = f'<p class="sub">{escape(words_of(subtitle, "subtitle"))}</p>' if subtitle else ""
    foot = f"<footer><p>{escape(words_of(footer, 'footer'))}</p></footer>" if footer else ""
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(name) or 'Report'}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#main">Skip to the content</a>\n'
        f"<header><h1>{escape(name)}</h1>{under}</header>\n"
        f'{contents}\n<main id="main">\n{"".join(bodies)}</main>\n{foot}\n</body>\n</html>\n'
    )


def _section(section: Section, number: int, seen: dict[str, int]) -> str:
    heading = f'<h2 id="part-{number}">{escape(words_of(section.title, "section"))}</h2>'
    parts = "\n".join(_part(part, seen) for part in section.parts)
    return f'<section aria-labelledby="part-{number}">{heading}\n{parts}\n</section>\n'


def _part(part: Picture | Table | Note, seen: dict[str, int]) -> str:
    if isinstance(part, Picture):
        return _picture(part, seen)
    if isinstance(part, Table):
        return _table(part)
    if one_of(part, Note, "part").kind not in NOTE_KINDS:
        raise InputError("CHART-108", f"a note of kind {part.kind!r}", f"use one of {', '.join(NOTE_KINDS)}")
    word = "" if part.kind == "note" else f"<strong>{NOTE_KINDS[part.kind]}:</strong> "
    return f'<p class="note {part.kind}">{word}{escape(words_of(part.text, "note"))}</p>'


def _picture(part: Picture, seen: dict[str, int]) -> str:
    wide = _own(check_picture(part.svg), seen)
    caption = f"<figcaption>{escape(words_of(part.caption, 'caption'))}</figcaption>" if part.caption else ""
    if not part.narrow:
        return f'<figure><div class="scroll" tabindex="0">{wide}</div>{caption}</figure>'
    narrow = _own(check_picture(part.narrow), seen)
    return f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div>{caption}</figure>'


def _own(svg: str, seen: dict[str, int]) -> str:
    """The picture without its style; the ids of one that is in the page already get a number of their own."""
    match = _PREFIX.search(svg)
    if match is not None:
        count = seen[match[0]] = seen.get(match[0], 0) + 1
        if count > 1:
            svg = re.sub(rf"\b{match[0]}(?=-[td]\b)", f"{match[0]}-{count}", svg)
    return without_style(svg)


def check_picture(svg: object) -> str:
    """The picture, if it is one: SVG of our own making, nothing in it that runs or loads.

    Raises
    ------
    InputError
        CHART-116 no XML, another root, a script, an event, a reference, a foreign element, a style attribute.
    """
    if isinstance(svg, str) and "<!" not in svg and "<?" not in svg:
        try:
            root = ElementTree.fromstring(svg)
        except ElementTree.ParseError as error:
            raise InputError(
                "CHART-116", f"the picture is no XML: {error}", "pass what a chart gave"
            ) from None
        found = _forbidden(root)
        if found is None:
            return svg
    else:
        found = "a declaration" if isinstance(svg, str) else f"a {type(svg).__name__}"
    raise InputError("CHART-116", f"the picture holds {found}", "pass what a function of lotwise.charts gave")


def _forbidden(root: ElementTree.Element) -> str | None:
    space = "{http://www.w3.org/2000/svg}"
    if root.tag != f"{space}svg":
        return f"{root.tag} at its root"
    for element in root.iter():
        name = str(element.tag).removeprefix(space)
        if name in _REFUSED_TAGS or name.startswith("{"):
            return f"an element {name}"
        if name == "style" and element.text not in {STYLE, HEAT_STYLE}:
            return "a style of its own"
        for attribute, value in element.attrib.items():
            plain = attribute.rpartition("}")[2].lower()
            refers = plain in {"href", "src", "style"} or plain.startswith("on") or attribute.startswith("{")
            if refers or "url(" in value.lower() or "javascript:" in value.lower():
                return f"an attribute {plain}"
    return None


def _table(table: Table) -> str:
    columns = [words_of(column, "column") for column in items_of(table.columns, "columns")]
    numbers = set(table.numbers)
    for i, row in enumerate(table.rows):
        if len(row) != len(columns):
            raise InputError(
                "CHART-117",
                f"row {i} has {len(row)} cells for {len(columns)} columns",
                "one cell for each column",
            )

    def cell(name: str, k: int, text: str) -> str:
        scope = ' scope="col"' if name == "th" else ""
        number = ' class="num"' if k in numbers else ""
        return f"<{name}{scope}{number}>{escape(words_of(text, 'cell'))}</{name}>"

    head = "".join(cell("th", k, column) for k, column in enumerate(columns))
    body = "\n".join(
        f"<tr>{''.join(cell('td', k, text) for k, text in enumerate(row))}</tr>" for row in table.rows
    )
    caption = escape(words_of(table.caption, "caption"))
    inside = f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    start = f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
    if table.folded:
        return f"<details><summary>{caption}</summary>{start}{inside}</details>"
    return f"{start}<caption>{caption}</caption>{inside}"


def _colours(colours: dict[str, str]) -> str:
    return "".join(
        f"--{name}:{colours[name]};" for name in ("bg", "ink", "dim", "grid", "edge", "shade", "up", "down")
    )


_PAGE_STYLE: Final = (
    f":root{{color-scheme:light dark;{_colours(LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_colours(DARK)}}}}}"
    "*{box-sizing:border-box}html{scroll-behavior:auto}"
    "body{margin:0 auto;max-width:1000px;padding:1rem;background:var(--bg);color:var(--ink);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans',"
    "'DejaVu Sans',Arial,sans-serif;"
    "font-variant-numeric:tabular-nums}"
    "h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .75rem;"
    "border-bottom:1px solid var(--edge);padding-bottom:.25rem}"
    ".sub,figcaption,footer{color:var(--dim)}.sub{margin:0}figcaption{font-size:.9rem;margin:.25rem 0 0}"
    "nav ol{margin:1rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none}"
    "a{color:var(--up)}"
    "a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--up);"
    "outline-offset:2px}.skip{position:absolute;left:-999px}.skip:focus{position:static}"
    "figure{margin:1rem -10px}figcaption{padding:0 10px}"
    ".scroll{overflow-x:auto}.scroll .lw{max-width:none}.lw{display:block;height:auto}"
    ".narrow{display:none}@media (max-width:640px){.narrow{display:block}.wide{display:none}}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "caption{text-align:left;color:var(--dim);padding:.25rem 0}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--grid);vertical-align:top}"
    "th{border-bottom-color:var(--edge)}.num{text-align:right;white-space:nowrap}"
    "summary{cursor:pointer;color:var(--dim)}"
    ".note{margin:.75rem 0;max-width:46rem}"
    ".warning,.good{border-left:4px solid var(--down);padding:.4rem .8rem;"
    "background:var(--shade)}.good{border-left-color:var(--up)}"
    "footer{margin-top:2.5rem;font-size:.85rem;border-top:1px solid var(--grid)}"
    f"@media print{{:root{{{_colours(LIGHT)}}}body{{max-width:none;padding:0;font-size:11pt}}"
    "nav,.skip{{display:none}}"
    "figure,tr{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}.scroll .lw{max-width:100%}"
    ".narrow{display:none}.wide{display:block}thead{display:table-header-group}}"
)
