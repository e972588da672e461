"""The member's page for proofs and the published log: words, policy, caching, limits, and who may read."""

from __future__ import annotations

import asyncio
import re

import pytest

from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.proofs.notes import NoteKey, read_checkpoint
from guerdon.web.app import build_app
from guerdon.web.limits import MISSES_BURST
from guerdon.web.pages.proof import POLICY, TEXTS
from tests.architecture.source import ROOT
from tests.web.conftest import Api
from tests.web.test_log import logged

WEB = ROOT / "src" / "guerdon" / "web"
CHOSEN = {
    *(f"kind_{kind}" for kind in ("award", "redeem", "cancel", "expire", "adjust", "send", "receive")),
    *("kind_convert", "kind_return", "kind_repay", "why_not_logged", "why_not_the_accounts", "why_gap"),
    *("why_another", "why_nobody", "code_proof_invalid", "code_proof_fails", "code_checkpoint_invalid"),
    *("code_checkpoint_not_signed", "code_log_key_invalid", "code_browser_too_old", "code_no_crypto"),
    *(
        "code_no_key",
        "code_internal",
        "bad",
        "bad_proof_invalid",
        "bad_internal",
        "bad_no_key",
        "bad_no_crypto",
    ),
    *("bad_browser_too_old", "bad_log_key_invalid", "key_given", "key_from_here", "good_one", "good_many"),
}
"""What the page says by a value: kinds of transactions, and what is wrong."""


def test_each_text_is_said_in_each_language_with_the_same_places() -> None:
    template = (WEB / "pages" / "templates" / "proof.html").read_text(encoding="utf-8")
    script = (WEB / "static" / "proof" / "page.js").read_text(encoding="utf-8")
    used = {*re.findall(r"texts\.(\w+)", template), *re.findall(r'say\("(\w+)"', script), *CHOSEN}
    for language, texts in TEXTS.items():
        assert set(texts) == used, language
        for name, text in texts.items():
            places = sorted(re.findall(r"\{(\w+)\}", text))
            assert places == sorted(re.findall(r"\{(\w+)\}", TEXTS["en"][name])), (language, name)
            if language != "en":
                assert text != TEXTS["en"][name], (language, name)


def test_each_refusal_of_the_verifier_has_words() -> None:
    verifier = (WEB / "static" / "proof" / "verify.js").read_text(encoding="utf-8")
    codes = set(re.findall(r'"((?:proof|checkpoint|log_key|browser)_\w+)"', verifier))
    reasons = set(re.findall(r', "(?:/lines/[^"]*)?", "(\w+)"|`, "(\w+)"', verifier))
    assert len(codes) == 6
    assert {f"code_{code}" for code in codes} <= set(TEXTS["en"])
    assert {f"why_{one or other}" for one, other in reasons} <= set(TEXTS["en"])


@pytest.mark.parametrize(
    ("path", "headers", "language"),
    [
        ("/proof", {}, "en"),
        ("/proof", {"accept-language": "bn-BD,bn;q=0.9"}, "bn"),
        ("/proof", {"accept-language": "bn", "cookie": "guerdon_language=hi"}, "hi"),
        ("/proof?lang=bn", {"cookie": "guerdon_language=hi"}, "bn"),
        ("/proof?lang=xx", {}, "en"),
    ],
)
async def test_the_page_speaks_the_readers_language(
    bare: Api, path: str, headers: dict[str, str], language: str
) -> None:
    answer = await bare.client.get(path, headers=headers)
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    assert TEXTS[language]["title"] in answer.text
    assert answer.headers["content-security-policy"] == POLICY
    assert "'unsafe" not in POLICY
    assert "style=" not in answer.text
    for asset in re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text):
        assert (await bare.client.get(asset)).status_code == 200


async def published(api: Api, name: str) -> str:
    path = f"/log/{api.tenant}/club/{name}"
    for _ in range(100):
        answer = await api.client.get(path)
        if answer.status_code == 200:
            return answer.text
        assert answer.json()["code"] == "log_not_found"
        await asyncio.sleep(0.1)
    raise AssertionError("it was never published")


async def test_everybody_reads_head_and_keys_and_nothing_else(api: Api) -> None:
    await logged(api)
    keys = [NoteKey.read(line) for line in (await published(api, "keys")).splitlines()]
    head = read_checkpoint(await published(api, "checkpoint"), keys)
    assert (head.origin, head.size > 0) == (f"guerdon/{api.tenant}/club", True)
    answer = await api.client.get(f"/log/{api.tenant}/club/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=5"
    again = await api.client.get(
        f"/log/{api.tenant}/club/checkpoint", headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    for path in ("Main/club", f"{api.tenant}/other", f"{api.tenant}/..", "nobody/club"):
        missing = await api.client.get(f"/log/{path}/checkpoint")
        assert missing.status_code == 404, path
    touched = await api.client.get("/log/x%00/club/checkpoint")
    assert (touched.status_code, touched.json()["code"]) == (400, "nul_character")


async def test_a_house_that_publishes_nothing_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await logged(api)
    await published(api, "checkpoint")
    settings = api.house.settings.model_copy(update={"publish_logs": False})
    monkeypatch.setattr(api.house, "settings", settings)
    front = build_app(api.house)
    monkeypatch.setattr(api.client._transport, "app", front)
    answer = await api.client.get(f"/log/{api.tenant}/club/checkpoint")
    assert (answer.status_code, answer.json()["code"]) == (404, "log_not_found")
    # Whoever has a key reads it as before.
    assert (await api.get("/v1/programs/club/log/checkpoint")).status_code == 200


async def test_whoever_asks_without_end_has_to_wait(api: Api) -> None:
    path = "/log/nobody/club/checkpoint"
    assert (await api.client.get(path)).status_code == 404
    for _ in range(MISSES_BURST):
        api.front.premises.doorkeeper.limits.count_miss("log from 127.0.0.1")
    answer = await api.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    # Who has a key is somebody else.
    assert (await api.get("/v1/programs/club/log/keys")).status_code == 200


async def test_a_key_is_changed_once_and_what_the_old_one_signed_stays_good(api: Api) -> None:
    await logged(api)
    club = "/v1/programs/club"
    first = (await api.get(f"{club}/log/keys")).json()["data"]
    old = (await api.get(f"{club}/log/checkpoint")).json()["note"]
    asked = {"headers": {"idempotency-key": "k1"}}
    made = await api.post(f"{club}/log/keys", **asked)
    assert made.status_code == 201
    assert (await api.post(f"{club}/log/keys", **asked)).json() == made.json()
    listed = (await api.get(f"{club}/log/keys")).json()["data"]
    assert [one["key"] for one in listed] == [one["key"] for one in first] + [made.json()["key"]]
    assert read_checkpoint(old, [NoteKey.read(one["key"]) for one in listed]).size > 0
    assert (await api.with_key("accounts:read").post(f"{club}/log/keys")).json()["code"] == "scope_missing"
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = tx.execute("select action, detail from audit where action = 'log_key.rotated'").fetchall()
    assert [(row[0], row[1]["key"]) for row in acts] == [("log_key.rotated", made.json()["key"])]
