"""Settings from the environment, and the master key."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from guerdon.base.errors import Problem
from guerdon.infra.settings import load_master_key, load_settings

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATA", "API_KEY", "MASTER_KEY", "HOST", "PORT", "QUEUE_LIMIT", "LOG_LEVEL"):
        monkeypatch.delenv(f"GUERDON_{name}", raising=False)


def test_without_anything_it_listens_at_home_on_an_embedded_database() -> None:
    settings = load_settings()
    assert settings.database_url is None
    assert settings.host == "127.0.0.1"


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GUERDON_PORT", "9000")
    monkeypatch.setenv("GUERDON_DATA", "~/somewhere")
    monkeypatch.setenv("GUERDON_LOG_LEVEL", "")
    assert load_settings(port=None).port == 9000
    assert load_settings(port=9001).port == 9001
    assert load_settings().data == Path.home() / "somewhere"
    assert load_settings(data=tmp_path).data == tmp_path


def test_wrong_settings_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUERDON_PORT", "70000")
    monkeypatch.setenv("GUERDON_QUEUE_LIMIT", "s3cret")
    with pytest.raises(Problem) as problem:
        load_settings()
    assert problem.value.code == "settings_invalid"
    assert {fault.pointer for fault in problem.value.faults} == {"/port", "/queue_limit"}
    assert "s3cret" not in str(problem.value) + repr(problem.value.faults)
    assert "GUERDON_PORT" in problem.value.detail


def test_an_unknown_argument_is_an_error() -> None:
    with pytest.raises(Problem) as problem:
        load_settings(colour="red")
    assert problem.value.faults[0].pointer == "/colour"


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUERDON_MASTER_KEY", KEY)
    monkeypatch.setenv("GUERDON_API_KEY", "gk_very_secret")
    monkeypatch.setenv("GUERDON_DATABASE_URL", "postgresql://u:pa55word@db/x")
    shown = repr(load_settings()) + str(load_settings())
    assert KEY not in shown
    assert "gk_very_secret" not in shown
    assert "pa55word" not in shown


def test_the_first_start_makes_a_key_and_later_ones_find_it(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "data")
    key = load_master_key(settings)
    assert len(key) == 32
    assert load_master_key(settings) == key
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600
    assert load_master_key(load_settings(data=tmp_path / "other")) != key


def test_a_given_key_is_taken(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, master_key=KEY)
    assert load_master_key(settings) == bytes(range(32))
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize("wrong", ["short", "not base64 !", base64.b64encode(bytes(31)).decode(), "é" * 44])
def test_a_wrong_key_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(Problem) as given:
        load_master_key(load_settings(data=tmp_path, master_key=wrong))
    assert given.value.code == "master_key_invalid"
    (tmp_path / "master.key").write_text(wrong, encoding="utf-8")
    with pytest.raises(Problem) as found:
        load_master_key(load_settings(data=tmp_path))
    assert found.value.code == "master_key_invalid"
    assert wrong not in str(given.value) + str(found.value)


def test_a_served_database_never_gets_a_key_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(Problem) as problem:
        load_master_key(load_settings(data=tmp_path, database_url="postgresql://db/x"))
    assert problem.value.code == "master_key_missing"
    assert list(tmp_path.iterdir()) == []
