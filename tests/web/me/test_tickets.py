"""The ticket that a member prints from their page, in the language that they read it in."""

from __future__ import annotations

import pytest

from tests.web.me.conftest import Reader


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Corner Club", "1 March 2027, 19:00", "For one person")),
        ("bn", ("কর্নার ক্লাব", "১ মার্চ ২০২৭, ১৯:০০", "একজনের জন্য")),
        ("hi", ("Corner Club", "1 मार्च 2027, 19:00", "एक व्यक्ति के लिए")),
    ],
)
async def test_a_ticket_is_printed_in_the_reader_s_language(
    reader: Reader, language: str, words: tuple[str, ...]
) -> None:
    taken = await reader.send("/take/hall", {"once": "h1", "quantity": "1"})
    behind = taken.headers["location"].removeprefix(reader.path).partition("?")[0]
    assert f'{behind}/ticket?lang={language}"' in await reader.open(behind, lang=language)
    paper = await reader.client.get(f"{reader.path}{behind}/ticket?lang={language}")
    assert paper.headers["content-security-policy"].startswith("default-src 'none'")
    assert paper.headers["cache-control"] == "no-store"
    for said in (f'<html lang="{language}">', "<svg ", *words):
        assert said in paper.text, said
    file = await reader.client.get(f"{reader.path}{behind}/calendar?lang={language}")
    assert words[2] in file.text.replace("\r\n ", "")
    # Of what is no seat, and of what is not there, there is no ticket.
    assert (await reader.client.get(f"{reader.path}/taken/red_0000000000000/ticket")).status_code == 404
