"""Every command that a document shows is run, and prints what the document says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.architecture.source import ROOT
from tests.databases import empty_folder
from tests.docs.ready import Ready
from tests.docs.sessions import Block, Reader, Step, blocks, matches, steps

__all__ = ["empty_folder"]

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FOLLOWED = [path for path in DOCUMENTS if any(block.language == "console" for block in blocks(path))]

FOLDER: Final = re.compile(r"guerdon (?:serve|apply) [^\n]*--data (\S+)")
FROM_NOTHING: Final = {"quickstart", "backup", "production"}
"""Documents whose first command makes the database; the others come to one that is there and empty."""
DEMO: Final = "demo-data"
SLOW: Final = {"demo", "retention", "backup", "proofs", "import", "production", "verify", "backtest"}
"""Documents that take their time: they are followed in the long run, and their subjects have short tests."""


def _case(path: Path) -> Any:
    """Each document may go to any worker, but those that start the demo share it."""
    group = "demo" if path.stem in {"README", "demo"} else f"document {path.stem}"
    marks = [pytest.mark.xdist_group(group), *([pytest.mark.long] if path.stem in SLOW else [])]
    return pytest.param(path, id=path.stem, marks=marks)


@pytest.fixture(scope="session")
def a_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first document that starts the demo of 2,000 leaves it, stopped, for the others."""
    return tmp_path_factory.mktemp("a-demo") / DEMO


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """A program that begins at once, for all documents of a worker."""
    with Ready(tmp_path_factory.mktemp("ready")) as one:
        yield one


@pytest.mark.timeout(600)  # some begin a club of 2,000 members, verify it, and are not alone on the machine
@pytest.mark.parametrize("document", [_case(path) for path in FOLLOWED])
def test_the_commands_do_what_the_document_says(
    document: Path, tmp_path: Path, empty_folder: Path, a_demo: Path, ready: Ready
) -> None:
    assert shutil.which("curl"), "the documents use curl: apt-get install curl"
    if document.stem not in FROM_NOTHING:
        for name in _folders(document):
            shutil.copytree(empty_folder, tmp_path / name, symlinks=True)
    starts_demo = document.stem in {"README", "demo"}
    if starts_demo and a_demo.exists():
        shutil.copytree(a_demo, tmp_path / DEMO, symlinks=True)
    with Reader(tmp_path, ready.prefix) as reader:
        for block in blocks(document):
            _follow(reader, block)
    if starts_demo and not a_demo.exists():
        (tmp_path / DEMO).rename(a_demo)


def _folders(document: Path) -> set[str]:
    commands = "".join(block.text for block in blocks(document) if block.language == "console")
    return set(FOLDER.findall(commands))


def _follow(reader: Reader, block: Block) -> None:
    if block.language == "yaml" and block.words:
        reader.write(block.words[0], block.text)
    if block.language != "console":
        return
    for step in steps(block):
        if "server" in block.words:
            reader.serve(step.command)
        elif "stopped" in block.words:
            reader.stop()
            _compare(reader, step)
        else:
            _compare(reader, step)


def _compare(reader: Reader, step: Step) -> None:
    printed = reader.run(step.command)
    assert matches(step.expected, printed), (
        f"$ {step.command}\nprinted:\n{printed}\nexpected:\n{step.expected}"
    )


def test_there_are_documents_to_follow() -> None:
    assert {"README", "quickstart", "earn", "redeem", "tiers", "import", "backtest"} <= {
        path.stem for path in FOLLOWED
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_no_command_escapes(document: Path) -> None:
    for block in blocks(document):
        if block.language in {"sh", "bash", "shell", "text"}:
            hidden = [
                line
                for line in block.text.splitlines()
                if re.match(r"\s*(\$ )?(curl|\.venv\S+|guerdon \w+)\b", line)
            ]
            assert hidden == [], "a block that is run is a ```console block"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_verbs_of_make_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for verb in re.findall(r"`?\bmake ([a-z-]+)", " ".join(block.text for block in blocks(document))):
        assert re.search(rf"^{verb}:", makefile, re.MULTILINE), verb


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_pictures_are_described(document: Path) -> None:
    for words in re.findall(r"!\[([^\]]*)\]", document.read_text(encoding="utf-8")):
        assert len(words) > 20, "say what the picture shows"


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("a … c", "a b c", True),
        ("a … c", "a b d", False),
        ("…", "", True),
        ("", "", True),
        ("", "surprise", False),
        ("a\nb", "a\nx\nb", False),
        ("1.5", "1x5", False),
    ],
)
def test_a_difference_is_seen(expected: str, printed: str, same: bool) -> None:
    assert matches(expected, printed) is same


def test_a_console_block_is_taken_apart() -> None:
    text = "$ one \\\n  two\nsays\n$ cat <<'END'\n$ a'\nEND\n$ echo 'x\ny'\nx\ny\n"
    assert list(steps(Block("console", (), text))) == [
        Step("one \\\n  two", "says"),
        Step("cat <<'END'\n$ a'\nEND", ""),
        Step("echo 'x\ny'", "x\ny"),
    ]
