"""Whatever is thrown at the command line, it answers with a sentence and an exit code."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from guerdon import cli
from guerdon.cli.shell.tree import walk
from tests.cli.conftest import DEFINITION, Run
from tests.served import surroundings

GUERDON = str(Path(sys.executable).with_name("guerdon"))
DOWN = "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2"
CODES = {0, 1, 2, 130, 141}


def _good(code: int, said: str) -> None:
    assert code in CODES, said
    assert "Traceback" not in said
    assert "[internal_error]" not in said, said


@pytest.fixture
def rubbish(tmp_path: Path) -> dict[str, Path]:
    """Files that nobody should give to anything."""
    contents = {
        "empty": b"",
        "binary": random.Random(1).randbytes(5_000),
        "zeros": bytes(300),
        "latin": "program: café".encode("latin-1"),
        "utf16": DEFINITION.encode("utf-16"),
        "deep.json": b"[" * 50_000,
        "number": b"17",
        "list.yaml": b"- a\n- b\n",
        "tabs.yaml": b"program:\tx\n\ty: 1\n",
        "bomb.yaml": b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "half.json": b'{"specversion": "1.0", "id"',
        "broken.ndjson.gz": b"\x1f\x8b\x08\x00 this is no gzip",
        "broken.parquet": b"PAR1 and then nothing PAR1",
        "quotes.csv": b'a,b\n"1,2\n3,4\n',
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    return {name: tmp_path / name for name in (*contents, "folder", "number/below", "not-there")}


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "FILE", "--data", "HOME"],
        ["apply", "FILE", "--data", "HOME"],
        ["fmt", "FILE"],
        ["fmt", "FILE", "--check"],
        ["eval", "order.net", "--order", "FILE"],
        ["eval", "order.net", "--program", "FILE"],
        ["backtest", "FILE", "--events", "FILE", "--report", "OUT"],
        ["backtest", "CLUB", "--events", "FILE", "--report", "OUT"],
        ["backtest", "CLUB", "--events", "FILE", "--map", "FILE", "--report", "OUT"],
        ["import", "FILE", "--program", "club", "--data", "HOME", "--map", "FILE"],
    ],
    ids=" ".join,
)
def test_any_file_ends_in_a_sentence(
    guerdon: Run, rubbish: dict[str, Path], definition: Path, tmp_path: Path, words: list[str]
) -> None:
    for name, path in rubbish.items():
        places = {"FILE": path, "HOME": tmp_path / "home", "OUT": tmp_path / "out", "CLUB": definition}
        said = guerdon(*(places.get(word, word) for word in words))
        _good(said.code, f"{name}: {said.err}")
        if not (said.code == 0 and words[0] == "fmt"):
            assert said.err.strip(), f"{name}: nothing was said"
    assert not (tmp_path / "home").exists(), "what cannot be read begins nothing"


def test_rubbish_is_not_imported(guerdon: Run, rubbish: dict[str, Path], home: Path) -> None:
    for name in ("empty", "binary", "deep.json", "half.json", "broken.ndjson.gz", "folder", "not-there"):
        said = guerdon("import", rubbish[name], "--program", "club", "--data", home)
        _good(said.code, f"{name}: {said.err}")
        assert said.code == 1, name


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "CLUB"],
        ["apply", "CLUB"],
        ["versions", "club"],
        ["export", "club"],
        ["rollback", "club", "1"],
        ["explain", "A-1"],
        ["verify"],
        ["doctor"],
        ["keys", "list"],
        ["staff", "list"],
    ],
    ids=" ".join,
)
def test_a_database_that_is_down_is_said(definition: Path, words: list[str]) -> None:
    done = subprocess.run(
        [GUERDON, *(str(definition) if word == "CLUB" else word for word in words)],
        env=surroundings(GUERDON_DATABASE_URL=DOWN, GUERDON_MASTER_KEY="A" * 43 + "="),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    _good(done.returncode, done.stderr)
    assert done.returncode == 1
    assert done.stderr.strip()


def test_a_server_that_is_not_there_is_said(guerdon: Run, definition: Path) -> None:
    for words in (["plan", definition], ["apply", definition], ["versions", "club"], ["export", "club"]):
        said = guerdon(*words, "--url", "http://127.0.0.1:1", "--key", "gk_x")
        assert (said.code, "[server_unreachable]" in said.err) == (1, True), said.err


def test_a_full_disk_is_said(guerdon: Run, definition: Path, tmp_path: Path) -> None:
    events = tmp_path / "year.ndjson"
    assert guerdon("demo", "--members", "5", "--write", events).code == 0
    full = guerdon("demo", "--members", "5", "--write", "/dev/full")
    assert (full.code, "No space left" in full.err) == (1, True), full.err
    for report in ("/dev/full", "/dev/full/out", definition):
        said = guerdon("backtest", definition, "--events", events, "--report", report)
        _good(said.code, said.err)
        assert said.code == 1


@pytest.mark.parametrize("out", ["/dev/full", "closed"])
def test_an_output_that_cannot_be_written_is_said(out: str, tmp_path: Path) -> None:
    shell = f"'{GUERDON}' schema {'>&-' if out == 'closed' else '> ' + out}"
    done = subprocess.run(
        ["bash", "-c", shell], env=surroundings(), capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize(
    "words", ["schema", "demo --members 300 --write /dev/stdout", "--help", "completion bash"]
)
def test_whoever_stops_reading_gets_no_trace(words: str, tmp_path: Path) -> None:
    shell = f"'{GUERDON}' {words} | head -c 1; echo; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", shell], env=surroundings(), capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout.split()[-1] in {"0", "141"}, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("words", [["fmt", "-"], ["backtest", "CLUB", "--events", "-", "--report", "out"]])
def test_ctrl_c_ends_it(words: list[str], definition: Path, tmp_path: Path) -> None:
    command = [GUERDON, *(str(definition) if word == "CLUB" else word for word in words)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=surroundings(),
        text=True,
        cwd=tmp_path,
    ) as running:
        assert running.stdin is not None
        # Only a command that reads takes more than a pipe holds.
        os.write(running.stdin.fileno(), b"\n" * 200_000)
        running.send_signal(signal.SIGINT)
        running.stdin.close()
        assert running.wait(60) == 130
        assert running.stderr is not None
        assert running.stderr.read().strip().splitlines()[-1] == "interrupted"


@pytest.mark.parametrize("seed", range(6))
def test_random_words_are_answered(
    guerdon: Run, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    verbs = [one for one in walk(cli.tree()) if one.path not in ("demo", "serve", "completion")]
    values = [
        "",
        "x",
        "-1",
        "9" * 30,
        "\x1b[31m",
        "[bold]",
        "é",
        "-",
        "--",
        "2025-13-45",
        "*",
        "\n",
        "/dev/null",
    ]
    for _ in range(12):
        verb = chance.choice(verbs)
        choices = [*(option.opts[0] for option in verb.options()), *values]
        words = [*verb.path.split(), *chance.choices(choices, k=chance.randrange(6))]
        if chance.randrange(4) == 0:
            words += ["--data", "/dev/null/below"]
        said = guerdon(*words)
        _good(said.code, f"{words}: {said.err}")
