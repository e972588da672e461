"""The page on which members check what they were given: all of it happens in their browser."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from guerdon.web.languages.saying import LANGUAGES, choose_language
from guerdon.web.templating.paper import page, templates

ROUTER: Final = APIRouter(include_in_schema=False)
POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self';"
    " font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HERE: Final = Path(__file__).parent
_TEMPLATES: Final = templates(_HERE / "templates", lean=False)
TEXTS: Final[dict[str, dict[str, str]]] = {
    language: msgspec.json.decode(
        (_HERE / "words" / f"{language}.json").read_bytes(), type=dict[str, str], strict=True
    )
    for language in LANGUAGES
}
"""By language, what the page says under each of its names."""


@ROUTER.get("/proof")
async def proof(request: Request, lang: str = "") -> Response:
    """A page that reads a proof file without sending it anywhere."""
    language = lang if lang in LANGUAGES else request.cookies.get("guerdon_language", "")
    if language not in LANGUAGES:
        language = choose_language(request.headers.get("accept-language", ""))
    texts = TEXTS[language]
    text = _TEMPLATES.get_template("proof.html").render(
        language=language,
        texts=texts,
        said=msgspec.json.encode(texts).decode(),
        languages={key: name.partition(" ")[0] for key, name in LANGUAGES.items()},
    )
    return page(text, POLICY, vary="accept-language, cookie")
