"""The command line as a shell meets it: help with examples, exit codes, words that finish themselves."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.core import TyperGroup

from guerdon import cli
from guerdon.cli.shell.completion import Shell, script
from guerdon.cli.shell.tree import EXAMPLES, Verb, walk
from tests.cli.conftest import Run

ROOT: TyperGroup = cli.tree()
LEAVES = [verb for verb in walk(ROOT) if not verb.verbs]
GUERDON = str(Path(sys.executable).with_name("guerdon"))


def test_alone_it_teaches(guerdon: Run) -> None:
    said = guerdon()
    assert (said.code, said.err) == (0, "")
    assert "guerdon demo" in said.out
    for code in ("0 done", "1 an error", "130", "141"):
        assert code in " ".join(said.out.split())


@pytest.mark.parametrize("verb", [verb for verb in walk(ROOT) if verb.path], ids=lambda one: one.path)
def test_each_verb_has_a_page_that_begins_with_a_sentence(guerdon: Run, verb: Verb) -> None:
    said = guerdon(*verb.path.split(), "--help")
    assert (said.code, said.err) == (0, "")
    assert re.match(r"[A-Z].*\.$", verb.summary), verb.summary
    if not verb.verbs:
        assert "Examples:" in said.out
    for option in verb.options():
        assert option.help, f"{verb.path} {option.opts[0]} says nothing"


@pytest.mark.parametrize("verb", LEAVES, ids=lambda one: one.path)
def test_examples_can_be_typed_as_they_stand(verb: Verb) -> None:
    assert EXAMPLES.get(verb.path), "show how it is used"
    for example in EXAMPLES[verb.path]:
        typed = example.partition(" > ")[0].partition(" < ")[0]
        words = shlex.split(typed.removeprefix("source <(").removesuffix(")"))
        words = words[words.index("guerdon") + 1 :]
        assert words[: len(verb.path.split())] == verb.path.split()
        rest = words[len(verb.path.split()) :]
        context: Any = verb.command.make_context(verb.path, list(rest))
        assert bool(context.params) == bool(verb.command.params)


def test_examples_are_of_verbs() -> None:
    assert set(EXAMPLES) == {verb.path for verb in LEAVES}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--version"], 0, ""),
        (["keys"], 0, ""),
        (["aply"], 1, "Did you mean 'apply'?"),
        (["keys", "creat"], 1, "Did you mean 'create'?"),
        (["demo", "--membrs", "3"], 1, "guerdon demo --help"),
        (["serve", "--port", "99999"], 1, "[usage]"),
        (["plan"], 1, "Missing argument"),
        (["completion", "tcsh"], 1, "[usage]"),
        (["plan", "no-such-file.yaml"], 1, "[file_not_found]"),
    ],
)
def test_what_is_typed_wrong_is_said_in_a_line(guerdon: Run, words: list[str], code: int, said: str) -> None:
    answer = guerdon(*words)
    assert answer.code == code, answer.err
    assert said in answer.err
    assert len(answer.err.splitlines()) <= 1


@pytest.mark.parametrize("shell", get_args(Shell))
def test_a_script_knows_every_verb_and_option(shell: Shell) -> None:
    text = script(ROOT, shell)
    for verb in walk(ROOT):
        for name in verb.verbs:
            assert re.search(rf"\b{name}\b", text)
        for option in verb.options():
            name = option.opts[0]
            assert (f"-l {name[2:]} " if shell == "fish" else name) in text


@pytest.mark.parametrize("shell", get_args(Shell))
def test_the_shell_itself_takes_the_script(shell: Shell, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        assert shell != "bash", "bash is always there"
        return
    path = tmp_path / "script"
    path.write_text(script(ROOT, shell), encoding="utf-8")
    checked = subprocess.run([program, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


class Typist:
    """Somebody at an interactive bash of their own."""

    def __init__(self, home: Path) -> None:
        environment = {"HOME": str(home), "PATH": f"{Path(GUERDON).parent}:/usr/bin:/bin", "TERM": "dumb"}
        self._child, self._terminal = pty.fork()
        if self._child == 0:
            os.chdir(home)
            os.execve("/bin/bash", ["bash", "--noprofile", "-i"], environment | {"PS1": "> "})  # noqa: S606 - a shell is what is tested

    def types(self, text: str, until: str) -> str:
        """Type, and read until something stands there."""
        os.write(self._terminal, text.encode())
        return self.reads(until)

    def reads(self, until: str) -> str:
        """Read until something stands there."""
        read, patience = "", time.monotonic() + 20
        while until not in read and time.monotonic() < patience:
            if select.select([self._terminal], [], [], 0.2)[0]:
                read += os.read(self._terminal, 65_536).decode("utf-8", "replace")
        assert until in read, f"waited for {until!r}, saw {read!r}"
        return read

    def leaves(self) -> None:
        """Throw away what was typed, and close the shell."""
        os.write(self._terminal, b"\x15exit\n")
        os.waitpid(self._child, 0)
        os.close(self._terminal)


def test_a_bash_finishes_what_is_typed(tmp_path: Path) -> None:
    (tmp_path / "autumn-club.yaml").write_text("program: club\n", encoding="utf-8")
    (tmp_path / "shop-data").mkdir()
    (tmp_path / ".bashrc").write_text("PS1='> '\nset enable-bracketed-paste off", encoding="utf-8")
    installing = [GUERDON, "completion", "bash", "--install"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GUERDON_", "XDG_"))}
    for _ in range(2):
        done = subprocess.run(
            installing, env=kept | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / ".bashrc").read_text(encoding="utf-8").count("guerdon") == 2 + 1, "one line, said once"
    bash = Typist(tmp_path)
    try:
        bash.reads("> ")
        bash.types("guerdon backt\t", "guerdon backtest ")
        bash.types("autumn\t", "autumn-club.yaml ")
        bash.types("--rep\t", "--report ")
        bash.types("shop\t", "shop-data/")
        bash.types("\x15guerdon staff ad\t", "staff add ")
        bash.types("a@b.example --ro\t", "--role ")
        bash.types("man\t", "manager ")
    finally:
        bash.leaves()


@pytest.mark.parametrize(
    ("verb", "spared"), [("--version", "guerdon.rules"), ("fmt", "psycopg"), ("keys", "jinja2")]
)
def test_a_verb_imports_no_more_than_it_needs(verb: str, spared: str) -> None:
    asked = f"import sys; from guerdon.cli import tree; tree([{verb!r}]); print({spared!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
