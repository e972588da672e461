"""The catalogues: one file for each language, the English text → how that language says it.

English is the key, so a text that nobody has translated yet appears in English and never as a code. A text
about so many things has one form for each plural category of the language, where they differ. The title of a
refusal stands under `problem <code>`. Places such as `{count}` stay in every language. A test compares all of
it with what pages say.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

Said = str | dict[str, str]
"""A text, or its forms by plural category: `one`, `other`."""

_TRANSLATED: Final = ("bn", "hi")


def _load(language: str) -> dict[str, Said]:
    path = Path(__file__).with_name(f"{language}.json")
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Said])


CATALOGUES: Final[Mapping[str, Mapping[str, Said]]] = {
    "en": {},
    **{language: _load(language) for language in _TRANSLATED},
}
