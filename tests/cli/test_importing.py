"""While modules are imported nobody looks for garbage, and afterwards it is as before."""

from __future__ import annotations

import gc

import pytest

from guerdon.cli import run
from guerdon.cli.shell.importing import without_collecting


def test_garbage_is_collected_again_after_importing(capsys: pytest.CaptureFixture[str]) -> None:
    assert gc.isenabled()
    with without_collecting():
        assert not gc.isenabled()
    with pytest.raises(ImportError), without_collecting():
        raise ImportError
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("guerdon ")
    assert gc.isenabled()
