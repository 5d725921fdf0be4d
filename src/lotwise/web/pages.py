"""The pages: templates filled with the library's own answers; what is static needs no script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from jinja2 import Environment, PackageLoader, TemplateNotFound, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from lotwise.charts.page import Picture, Section
from lotwise.charts.svg import without_style
from lotwise.errors import LotwiseError
from lotwise.web.scans import FORM, compared, scanned
from lotwise.web.site import FIRST, Site

TICKET: Final = ("contract", "side", "equity", "risk", "entry", "stop", "leverage")
LONGEST_WORD: Final = 80
UNBOUND: Final = 'It is shown; trades are bounded by it where the trade file names it: plan = "plan.toml".'
Made = dict[str, Any]


class Pages:
    """The pages of one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        loader = PackageLoader("lotwise.web", "templates")
        self.templates = Environment(loader=loader, autoescape=select_autoescape(default=True))

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        made: dict[str, Callable[[Request], Made]] = {
            "size": self.size,
            "scan": self.scan,
            "journal": self.journal,
            "review": self.review,
            "plan": self.plan,
            "settings": lambda request: {},
        }
        routes: list[BaseRoute] = [Route("/", self.desk, methods=["GET"])]
        return routes + [
            Route(f"/{name}", self._page(name, make), methods=["GET"]) for name, make in made.items()
        ]

    def _page(self, name: str, make: Callable[[Request], Made]) -> Any:
        async def page(request: Request) -> Response:
            return await run_in_threadpool(self._filled, name, make, request)

        return page

    def _filled(self, name: str, make: Callable[[Request], Made], request: Request) -> Response:
        try:
            made, status = make(request), 200
        except LotwiseError as error:
            said = f"{error.message}. {error.hint}".rstrip(". ") + "."
            made, status = {"problem": said, "form": form_of(request), "empty": said}, 200
        return self.html(name, made, request, status)

    async def desk(self, request: Request) -> Response:
        """The desk; without an account the calculator."""
        if self.site.desk is None:
            return RedirectResponse("/size", 303)
        return self.html("desk", {}, request)

    def html(self, name: str, made: Made, request: Request, status: int = 200) -> Response:
        """A filled template."""
        chosen = request.query_params.get("contract", "")
        values = {"site": self.site, "assets": self.site.assets, "page": name, "boot": self.site.boot(chosen)}
        try:
            text = self.templates.get_template(f"{name}.html").render(**values, **made)
        except (TemplateNotFound, KeyError):  # a page of which a template or a file is not there
            text = self.templates.get_template("bare.html").render(**values, **made)
        return HTMLResponse(text, status)

    # -- what stands in them

    def size(self, request: Request) -> Made:
        """The calculator, with the venues side by side where they are asked for."""
        form = form_of(request)
        if not (form["stop"] and form["entry"]):
            return {"form": form}
        return {"form": form, "venues": compared(self.site, form)}

    def scan(self, request: Request) -> Made:
        """The scan of a form."""
        from lotwise.contracts.catalogue import VENUES

        listed = {"venues_list": list(VENUES), "form": FORM}
        given = {name: text for name, text in request.query_params.items() if name in FORM}
        return (listed | scanned(self.site, given)) if given else listed

    def journal(self, request: Request) -> Made:
        """Trades with R and costs, the newest first."""
        from lotwise.web.journal_page import journal_sections

        zone = self.site.looks.kept.time_zone
        found = journal_sections(self.site, zone)
        of = "this account" if self.site.desk else "all accounts"
        lead = f"Every trade of {of}, days and times in {zone}."
        return {"sections": drawn(found), "lead": lead, "empty": "No trade has been closed yet."}

    def review(self, request: Request) -> Made:
        """What pays and what to stop."""
        from lotwise.web.journal_page import review_sections

        found = review_sections(self.site, self.site.looks.kept.time_zone)
        return {"sections": drawn(found), "empty": "Nothing to review yet: close a trade first."}

    def plan(self, request: Request) -> Made:
        """How the scaling plan stands."""
        from lotwise.web.journal_page import plan_sections

        site, lead = self.site, ""
        if site.plan is not None:
            obeys = site.desk is not None and site.desk.config.plan == site.plan
            lead = "Every trade of this desk is asked against it." if obeys else UNBOUND
        if site.is_demo and site.plan is not None:
            lead = f"An example, told the sample journal. {UNBOUND}"
        return {
            "sections": drawn(plan_sections(site)),
            "lead": lead,
            "empty": "No plan yet: lotwise plan init writes one, lotwise web --plan FILE shows it.",
        }


def drawn(sections: Sequence[Section]) -> list[Section]:
    """Sections whose pictures carry no style of their own: the page has it."""
    return [
        replace(
            section,
            parts=[
                replace(part, svg=without_style(part.svg), narrow=without_style(part.narrow))
                if isinstance(part, Picture)
                else part
                for part in section.parts
            ],
        )
        for section in sections
    ]


def form_of(request: Request) -> dict[str, str]:
    """The ticket's fields in an address, cut to what a field can hold."""
    found = {name: request.query_params.get(name, "").strip()[:LONGEST_WORD] for name in TICKET}
    found["contract"] = found["contract"] or FIRST
    return found
