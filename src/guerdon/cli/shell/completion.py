"""`guerdon completion`: what a shell needs to finish words, all written out: to finish one starts nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import typer
from typer.core import TyperGroup, TyperOption

from guerdon.base.errors import Problem
from guerdon.cli.options import takes
from guerdon.cli.shell.tree import Verb, walk
from guerdon.cli.showing import show_note

Shell = Literal["bash", "zsh", "fish"]
_FILES: Final = ("FILE", "FILE…", "DEF [DEF2]", "MAP")
_FOLDERS: Final = ("DIR",)
_ROLES: Final = "auditor support manager owner"
_ZSH_READY: Final = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }; "
_MARK: Final = "# finishes words after guerdon"

_BASH: Final = """# bash completion for guerdon
_guerdon() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} verb="" i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$verb ${{COMP_WORDS[i]}}" in
            {paths}) verb="${{verb:+$verb }}${{COMP_WORDS[i]}}" ;;
        esac
    done
    case "$verb|$prev" in
{values}    esac
    case "$verb" in
{verbs}    esac
}}
complete -o bashdefault -o default -F _guerdon guerdon
"""
_ZSH: Final = """#compdef guerdon
_guerdon() {{
    local cur=${{words[CURRENT]}} prev=${{words[CURRENT-1]}} verb="" i
    local -a found
    for ((i = 2; i < CURRENT; i++)); do
        case "$verb ${{words[i]}}" in
            ({paths}) verb="${{verb:+$verb }}${{words[i]}}" ;;
        esac
    done
    case "$verb|$prev" in
{values}    esac
    case "$verb" in
{verbs}    esac
    _files
}}
if [ "$funcstack[1]" = "_guerdon" ]; then _guerdon "$@"; else compdef _guerdon guerdon; fi
"""


@dataclass(frozen=True, slots=True)
class CompletionOptions:
    """What the command takes."""

    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]
    install: Annotated[
        bool, typer.Option("--install", help="Put it where new shells find it, and say where that is.")
    ] = False


def completion_of(root: Callable[[], TyperGroup]) -> Callable[..., int]:
    """Make the verb, which knows all verbs.

    Args:
        root: gives the tree.

    Returns:
        The command.
    """

    @takes(CompletionOptions)
    def completion(options: CompletionOptions) -> int:
        """Make a shell finish verbs, options, files and folders after `guerdon`."""
        text = script(root(), options.shell)
        if options.install:
            _install(options.shell, text)
        else:
            typer.echo(text, nl=False)
        return 0

    return completion


def script(root: TyperGroup, shell: Shell) -> str:
    """Write a shell's completion.

    Args:
        root: the tree of verbs.
        shell: whose.

    Returns:
        A script that the shell reads once.
    """
    verbs = list(walk(root))
    if shell == "fish":
        return "".join(f"{line}\n" for line in _fish(verbs))
    # As the loop sees them: what was found before, a blank, and the next word.
    paths = "|".join(f'"{one.path if " " in one.path else " " + one.path}"' for one in verbs if one.path)
    if shell == "bash":
        values = _indented(_cases(verbs, _BASH_VALUES))
        return _BASH.format(paths=paths, values=values, verbs=_indented(map(_bash_verb, verbs)))
    values = _indented(_cases(verbs, _ZSH_VALUES))
    return _ZSH.format(paths=paths, values=values, verbs=_indented(map(_zsh_verb, verbs)))


_BASH_VALUES: Final[Mapping[str, str]] = {
    "files": 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return',
    "folders": 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return',
    "roles": f'mapfile -t COMPREPLY < <(compgen -W "{_ROLES}" -- "$cur"); return',
    "other": "return",
}
_ZSH_VALUES: Final[Mapping[str, str]] = {
    "files": "_files; return",
    "folders": "_files -/; return",
    "roles": f"compadd {_ROLES}; return",
    "other": "return",
}


def _indented(lines: Iterator[str] | map[str]) -> str:
    return "".join(f"        {line}\n" for line in lines)


def _cases(verbs: Sequence[Verb], ways: Mapping[str, str]) -> Iterator[str]:
    """Say what follows each option that wants a value."""
    for kind, way in ways.items():
        places = [
            f'"{verb.path}|{name}"'
            for verb in verbs
            for option in verb.options()
            if not option.is_flag and _kind(option) == kind
            for name in option.opts
        ]
        if places:
            yield f"{'|'.join(places)}) {way} ;;"


def _bash_verb(verb: Verb) -> str:
    options = " ".join(_names(verb))
    words = " ".join([*verb.verbs, *_choices(verb)])
    default = f' || mapfile -t COMPREPLY < <(compgen -W "{words}" -- "$cur")' if words else ""
    first = f'[[ $cur == -* ]] && mapfile -t COMPREPLY < <(compgen -W "{options}" -- "$cur")'
    return f'"{verb.path}") {first}{default} ;;'


def _zsh_verb(verb: Verb) -> str:
    options = f"compadd -- {' '.join(_names(verb))}"
    words = " ".join([*verb.verbs, *_choices(verb)])
    rest = f"; compadd {words}; return" if words else ""
    return f'"{verb.path}") if [[ $cur == -* ]]; then {options}; return; fi{rest} ;;'


def _fish(verbs: Sequence[Verb]) -> Iterator[str]:
    yield "# fish completion for guerdon"
    for verb in verbs:
        below = f"not __fish_seen_subcommand_from {' '.join(verb.verbs)}" if verb.verbs else ""
        here = " ".join(f"; and __fish_seen_subcommand_from {word}" for word in verb.path.split())
        when = f"{below}{here}".removeprefix("; and ").replace("  ", " ") or "true"
        for name in verb.verbs:
            child = next(one for one in verbs if one.path == f"{verb.path} {name}".strip())
            yield f"complete -c guerdon -f -n '{when}' -a {name} -d '{_quoted(child.summary)}'"
        for word in _choices(verb):
            yield f"complete -c guerdon -f -n '{when}' -a {word}"
        for option in verb.options():
            said = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.opts
            )
            taken = "" if option.is_flag else _FISH_VALUES[_kind(option)]
            yield f"complete -c guerdon -n '{when}' {said}{taken} -d '{_quoted(option.help or '')}'"


_FISH_VALUES: Final[Mapping[str, str]] = {
    "files": " -r -F",
    "folders": " -x -a '(__fish_complete_directories)'",
    "roles": f" -x -a '{_ROLES}'",
    "other": " -x",
}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ")


def _names(verb: Verb) -> list[str]:
    return ["--help", *(name for option in verb.options() for name in option.opts if name.startswith("--"))]


def _choices(verb: Verb) -> list[str]:
    """Give the words that an argument can be, where they are few."""
    return list(get_args(Shell)) if verb.path == "completion" else []


def _kind(option: TyperOption) -> str:
    if option.metavar in _FILES:
        return "files"
    if option.metavar in _FOLDERS:
        return "folders"
    return "roles" if "--role" in option.opts else "other"


def _install(shell: Shell, text: str) -> None:
    home = Path.home()
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    places = {
        "bash": data / "bash-completion" / "completions" / "guerdon",
        "zsh": data / "zsh" / "site-functions" / "_guerdon",
        "fish": config / "fish" / "completions" / "guerdon.fish",
    }
    path = places[shell]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if shell != "fish":
            # Not every shell looks into that folder by itself.
            ready = _ZSH_READY if shell == "zsh" else ""
            _remember(home / f".{shell}rc", f"[ -r '{path}' ] && {{ {ready}source '{path}'; }}  {_MARK}\n")
    except OSError as error:
        raise Problem("file_unwritable", f"{path} cannot be written: {error.strerror}") from None
    show_note(f"written: {path}; a new {shell} finishes what you type after guerdon")


def _remember(rc: Path, line: str) -> None:
    there = rc.read_text(encoding="utf-8") if rc.exists() else ""
    if line not in there:
        gap = "\n" if there and not there.endswith("\n") else ""
        with rc.open("a", encoding="utf-8") as file:
            file.write(f"{gap}{line}")
