"""Who counts as a visit: somebody who looks at a page, and no machine that makes a preview of it."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request

_MACHINES: Final = re.compile(
    r"bot|crawl|spider|slurp|preview|fetch|scan|monitor|uptime|headless|facebookexternalhit|whatsapp|telegram|"
    r"embedly|pinterest|skype|vkshare|curl|wget|python|java/|okhttp|go-http|libwww|httpx|aiohttp|axios|node",
    re.IGNORECASE,
)


def is_person(request: Request) -> bool:
    """Tell whether a request looks like a person who opened a page.

    Args:
        request: with its headers.

    Returns:
        False for machines that say what they are, for pages fetched ahead, and for what no page asked for.
    """
    headers = request.headers
    agent = headers.get("user-agent", "")
    if "mozilla" not in agent.lower() or _MACHINES.search(agent):
        return False
    ahead = (
        f"{headers.get('sec-purpose', '')} {headers.get('purpose', '')} {headers.get('x-moz', '')}".lower()
    )
    if "prefetch" in ahead or "preview" in ahead:
        return False
    return headers.get("sec-fetch-dest", "document") == "document"
