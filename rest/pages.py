"""The few HTML pages of one-time links: how they look, their headers, their language. No script, no
rule; what a link does stands in the modules that use them."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from resolvers.identity.words import Words, accepted, words_in

_FOLDER: Final = Path(__file__).parent / "templates"
_CSS: Final = (_FOLDER / "page.css").read_text(encoding="utf-8")
_CSS_HASH: Final = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class PageText:
    """What stands on a page. With a `button` it has a form that posts to the page's own address,
    with `passwords` two fields for a new one; `problem` is why it is shown again."""

    title: str
    text: str
    button: str | None = None
    passwords: bool = False
    problem: str | None = None


def words_of(request: Request, language: str | None = None) -> Words:
    """The words of a person whose language is known, else those that their browser asks for."""
    return words_in(language, *accepted(request.headers.get("accept-language")))


def page(
    words: Words, shown: PageText, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """The page as an answer that nobody keeps, frames or puts a script into. Its address holds a
    token, so it is told to nobody: a page with a form may tell it to this server only, because
    browsers would send `Origin: null` with the form otherwise, which is refused."""
    html = _TEMPLATES.get_template("page.html").render(
        words=words,
        css=Markup(_CSS),  # noqa: S704  our own file, and quotes in it must stay quotes
        title=shown.title,
        text=shown.text,
        button=shown.button,
        passwords=shown.passwords,
        problem=shown.problem,
    )
    policy = "no-referrer" if shown.button is None else "same-origin"
    return HTMLResponse(
        html,
        status_code=status,
        headers={
            **_HEADERS,
            "Content-Language": words.tag,
            "Referrer-Policy": policy,
            **(headers or {}),
        },
    )
