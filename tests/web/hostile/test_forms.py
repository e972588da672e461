"""Every form and page of the console, of members and of friends, sent what no browser sends."""

from __future__ import annotations

import re
import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit

import pytest
from httpx2 import Response

from tests.web.console.desk import Person, signed_in
from tests.web.hostile import values
from tests.web.hostile.conftest import Besieged
from tests.web.hostile.test_doors import some
from tests.web.hostile.town import KEY, SHOP, newcomer

TEXTS: Final = (
    *(unquote(text, errors="surrogateescape") for text in values.TEXTS),
    "💥" * 5_000,
    "a\r\nb: c",
)
_NUMBER: Final = re.compile(r"[a-z]{2,4}_[0-9a-z]{13}|[0-9a-f-]{32,36}|\d+")
_TYPED: Final = {
    "number": "1", "email": "a@b.example", "date": "2027-01-01", "datetime-local": "2027-01-01T10:00",
    "url": "https://shop.example/x", "text": "some", "search": "some", "month": "2026-10", "tel": "1",
}  # fmt: skip


@dataclass
class Form:
    """A form as a browser would send it, without anybody's doing."""

    action: str
    method: str
    multipart: bool
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> tuple[str, str]:
        """Tells forms that do the same apart from others."""
        return _NUMBER.sub("#", urlsplit(self.action).path), ",".join(sorted(self.fields))


class _Reader(HTMLParser):
    """Finds links and forms."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "a" and said.get("href", "").startswith("/"):
            self.links.append(said["href"].partition("#")[0])
        elif tag == "form":
            action, method = said.get("action") or self.path, said.get("method", "get").lower()
            self.forms.append(Form(action, method, said.get("enctype", "").startswith("multipart")))
        elif self.forms:
            self._field(tag, said)

    def _field(self, tag: str, said: dict[str, str]) -> None:
        fields, name, kind = self.forms[-1].fields, said.get("name", ""), said.get("type", "text")
        if tag == "option" and self._select:
            if not fields[self._select] or "selected" in said:
                fields[self._select] = said.get("value", "")
        elif tag in ("input", "textarea", "select", "button") and name:
            self._select = name if tag == "select" else ""
            if kind != "file":
                fields.setdefault(
                    name, said.get("value") or ("" if tag == "select" else _TYPED.get(kind, "some"))
                )


class Walker:
    """Somebody who opens each kind of page once and remembers its forms."""

    def __init__(self, besieged: Besieged, person: Person, within: tuple[str, ...]) -> None:
        self.besieged, self.person, self.within = besieged, person, within
        self.pages: dict[str, str] = {}
        self.forms: dict[tuple[str, str], Form] = {}

    async def walk(self, *starts: str) -> None:
        """Follow all links that stay within."""
        left = deque(starts)
        while left:
            path = left.popleft()
            kind = _NUMBER.sub("#", path)
            if kind in self.pages or not path.startswith(self.within):
                continue
            self.pages[kind] = path
            answer = await self.send("GET", path, "a link")
            if "text/html" not in answer.headers.get("content-type", ""):
                continue
            found = _Reader(urlsplit(path).path)
            found.feed(answer.text)
            left.extend(found.links)
            for form in found.forms:
                self.forms.setdefault(form.kind, form)

    async def send(self, method: str, path: str, what: str, **more: Any) -> Response:
        """Send something, and note what is wrong with the page that comes."""
        self.besieged.asked += 1
        answer = await self.person.ask(method, path, **more)
        said = f"{method} {path[:200]} · {what[:120]!r} → {answer.status_code} {answer.text[:0]}"
        if answer.status_code >= 500:
            self.besieged.wrong.append(said + answer.text[:300])
        elif answer.status_code >= 400:
            if "text/html" not in answer.headers["content-type"]:
                self.besieged.wrong.append(f"{said} no page: {answer.text[:200]}")
            if changed := self.besieged.watch.look():
                self.besieged.wrong.append(f"{said} left behind: {changed}")
        else:
            self.besieged.watch.look()
        if answer.headers.get("location", "").startswith("/console/sign-in"):
            await self.person.sign_in("owner@shop.example")
        return answer

    async def fill(self, form: Form, changed: dict[str, str], what: str) -> Response:
        """Send a form with some fields changed."""
        fields = {**form.fields, **changed}
        if "form_token" in fields:
            fields["form_token"] = changed.get("form_token", self.person.token)
        pairs = [(name, value.encode("utf-8", "surrogateescape")) for name, value in fields.items()]
        if form.method == "get":
            return await self.send("GET", f"{form.action.partition('?')[0]}?{urlencode(pairs)}", what)
        if form.multipart:
            body = b"".join(_part(name, value) for name, value in pairs) + b"--x--\r\n"
            headers = {"content-type": "multipart/form-data; boundary=x"}
        else:
            body, headers = urlencode(pairs).encode(), {"content-type": "application/x-www-form-urlencoded"}
        return await self.send("POST", form.action, what, content=body, headers=headers)

    async def spoil(self, each: int) -> None:
        """Send each form with each field wrong in its turn, left out, and the whole of it broken."""
        for turn, form in enumerate(self.forms.values()):
            for place, name in enumerate(form.fields):
                for text in some(TEXTS, turn + place, each):
                    await self.fill(form, {name: text}, f"{name}={text}")
                left = Form(form.action, form.method, form.multipart, {**form.fields})
                del left.fields[name]
                await self.fill(left, {}, f"without {name}")
            await self._break(form, turn, each)

    async def _break(self, form: Form, turn: int, each: int) -> None:
        if form.method == "get":
            return
        for raw, media in some(BROKEN, turn, max(1, each // 3)):
            headers = {"content-type": media}
            await self.send("POST", form.action, f"{media} {raw[:60]!r}", content=raw, headers=headers)


def _part(name: str, value: bytes, more: bytes = b"") -> bytes:
    head = b'--x\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n' % (name.encode(), more)
    return head + value + b"\r\n"


_FORM: Final = "application/x-www-form-urlencoded"
_PARTS: Final = "multipart/form-data; boundary=x"
BROKEN: Final = (
    (b"", _FORM),
    (b"a" * 3_000_000, _FORM),
    (b"%00=%00&form_token=%00", _FORM),
    (b"%ff=%ff", _FORM),
    (b"&".join(b"k%d=1" % number for number in range(5_000)), _FORM),
    (b"{}", "application/json"),
    (b"\xff\xfe", "text/plain"),
    (b"", _PARTS),
    (b"--x", _PARTS),
    (b"--x--", _PARTS),
    (b"--x\r\n\r\n\r\n--x--\r\n", _PARTS),
    (b"--x\r\n" + b"a" * 20_000, _PARTS),
    (_part("a", b"1"), _PARTS),
    (_part("a\0b", b"\0") + b"--x--\r\n", _PARTS),
    (_part("a", b"\xff") + b"--x--\r\n", _PARTS),
    (_part("file", b"x", b'; filename="../../etc/passwd"') + b"--x--\r\n", _PARTS),
    (_part("file", b"x", b'; filename=""') + b"--x--\r\n", _PARTS),
    (_part("file", b"x", b'; filename="%00%ff"') + b"--x--\r\n", _PARTS),
    (_part("file", b"x" * 3_000_000, b'; filename="big.bin"'), _PARTS),
    (b"".join(_part(f"k{number}", b"1") for number in range(300)) + b"--x--\r\n", _PARTS),
    (b"--x--\r\n", "multipart/form-data"),
    (b"--x--\r\n", "multipart/form-data; boundary=" + "x" * 500),
)
"""Bodies that no browser makes of a form."""


@pytest.fixture(autouse=True)
def nothing_kept_on_the_disk() -> Iterator[None]:
    before = set(Path(tempfile.gettempdir()).glob("guerdon-upload-*"))
    yield
    assert not set(Path(tempfile.gettempdir()).glob("guerdon-upload-*")) - before


@pytest.mark.parametrize("each", [24, pytest.param(2, marks=pytest.mark.long)])
async def test_no_form_of_the_console_breaks(besieged: Besieged, each: int) -> None:
    walker = Walker(besieged, await signed_in(besieged.api), ("/console",))
    besieged.watch.look()
    await walker.walk("/console", f"/console/p/{KEY}")
    assert len(walker.pages) >= 40, sorted(walker.pages)
    # Who signs out or ends their own key has nothing to send any more.
    for kind in [kind for kind in walker.forms if kind[0] in ("/console/sign-out", "/console/staff/#")]:
        del walker.forms[kind]
    assert len(walker.forms) >= 30, sorted(walker.forms)
    await walker.spoil(each)
    besieged.check()


@pytest.mark.parametrize("each", [24, pytest.param(2, marks=pytest.mark.long)])
async def test_no_form_of_a_member_breaks(besieged: Besieged, each: int) -> None:
    one = await newcomer(besieged.api, f"mia-{each}")
    made = await besieged.api.post(f"{SHOP}/members/{one}/page", json={"hours": 24})
    page = made.json()["url"]
    walker = Walker(besieged, Person(besieged.api.client, besieged.api.tenant), (page,))
    besieged.watch.look()
    await walker.walk(page)
    assert len(walker.forms) >= 8, sorted(walker.forms)
    await walker.spoil(each)
    for what in ("join-challenge", "found-team", "write-post", "wait-for-seat", "nothing", "__class__"):
        for key in some(values.TEXTS, len(what), 4):
            await walker.send("POST", f"{page}/do/{what}/{key}", key, content=b"once=1&text=x&name=y")
            await walker.send("GET", f"{page}/take/{key}", key)
            await walker.send("GET", f"{page}/taken/{key}/calendar", key)
    besieged.check()


async def test_no_page_for_anybody_breaks(besieged: Besieged) -> None:
    api, known = besieged.api, besieged.town.known
    quiz = await api.post(f"{SHOP}/quizzes/know_your_tea/link", json={"member": await newcomer(api, "nia")})
    walker = Walker(besieged, Person(api.client, api.tenant), ("/r/", "/s/", "/play/"))
    besieged.watch.look()
    await walker.walk(
        f"/r/{KEY}/{known['invitation']}?t={api.tenant}", f"/s/{known['share']}", quiz.json()["url"]
    )
    await walker.walk(f"/r/{KEY}?t={api.tenant}")
    assert len(walker.forms) >= 2, sorted(walker.forms)
    await walker.spoil(6)
    # A slash makes another address of it.
    for text in (one for one in values.TEXTS if "%2f" not in one):
        for path in (
            f"/r/{text}",
            f"/r/{KEY}/{text}?t={text}",
            f"/s/{text}",
            f"/s/{text}/card.png",
            f"/me/{text}",
        ):
            await walker.send("GET", path, text)
        answer = await api.client.get(f"/photos/{text}")
        assert answer.status_code == 404, text
    besieged.check()
