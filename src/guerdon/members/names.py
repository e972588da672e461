"""Finding people by name though no name is stored in the open: hashed words and their beginnings."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from guerdon.members.crypto import Vault

WORDS_AT_MOST = 16
BEGINNING = 3
_DIGEST_BYTES = 16
_LATIN_MARKS = range(0x300, 0x370)


def words_of(name: str) -> list[str]:
    """Cut a name into the words by which it is found.

    Args:
        name: as people write it.

    Returns:
        Words in folded case and without accents, each once, at most 16.
    """
    folded = unicodedata.normalize("NFKD", name.casefold())
    # Marks of other scripts are letters in their own right and stay.
    bare = unicodedata.normalize("NFC", "".join(one for one in folded if ord(one) not in _LATIN_MARKS))
    spaced = "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in bare)
    return list(dict.fromkeys(spaced.split()))[:WORDS_AT_MOST]


def name_digests(vault: Vault, name: str) -> list[bytes]:
    """Give the keyed hashes under which a name is stored.

    Args:
        vault: the tenant's keys.
        name: as people write it.

    Returns:
        16 bytes for each word, and for its first three letters; sorted, each once.
    """
    words = words_of(name)
    digests = {_word(vault, word) for word in words}
    digests |= {_beginning(vault, word) for word in words if len(word) >= BEGINNING}
    return sorted(digests)


def search_digest(vault: Vault, word: str) -> bytes:
    """Give the keyed hash that a name has where a typed word may begin a word of it.

    Args:
        vault: the tenant's keys.
        word: as `words_of` gives it.

    Returns:
        The hash of the word itself; from three letters on that of the first three.
    """
    return _word(vault, word) if len(word) < BEGINNING else _beginning(vault, word)


def is_meant(words: Sequence[str], name: str) -> bool:
    """Tell whether each typed word is the beginning of a word of a name.

    Args:
        words: as typed and cut by `words_of`; those shorter than three letters must be whole words.
        name: as people write it.

    Returns:
        Whether the name is one that was looked for.
    """
    own = words_of(name)
    return all(
        any(one == word or (len(word) >= BEGINNING and one.startswith(word)) for one in own) for word in words
    )


def _word(vault: Vault, word: str) -> bytes:
    return vault.digest("name_word", word)[:_DIGEST_BYTES]


def _beginning(vault: Vault, word: str) -> bytes:
    return vault.digest("name_beginning", word[:BEGINNING])[:_DIGEST_BYTES]
