"""`guerdon anchor`: sets up where heads of logs are anchored, and checks stamps."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import typer

from guerdon.base.errors import Problem
from guerdon.cli.opening import settings_for
from guerdon.cli.options import Json, takes
from guerdon.cli.showing import read_document, show_json, show_note, show_table
from guerdon.connect.chain.anchoring import await_mined, transact
from guerdon.connect.chain.contract import Contract, creation_code, offer_data, take_data
from guerdon.connect.chain.places import (
    Chain,
    find_chain,
    find_node_url,
    load_certificates,
    load_key,
)
from guerdon.connect.chain.rpc import Node, number_of, to_hex
from guerdon.connect.chain.signing import Key, address_text, made_at, read_address
from guerdon.infra.postgres.folder import write_private
from guerdon.infra.settings import Settings
from guerdon.rules.proofs.notes import NoteKey

app = typer.Typer(
    name="anchor", help="Set up where heads of the log are anchored; check stamps.", no_args_is_help=True
)
_WEI_OF_A_COIN: Final = 10**18
_NOBODY: Final = bytes(20)


@dataclass(frozen=True, slots=True)
class NewKeyOptions:
    """What the command takes."""

    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the key goes.", show_default=False)]
    json: Json = False


@app.command("new-key")
@takes(NewKeyOptions)
def new_key(options: NewKeyOptions) -> int:
    """Make a key for a chain, in a file that nobody else may read, and print its address.

    Send the address some of the chain's coins, name the file in GUERDON_ANCHOR_KEY_FILE, and keep a copy.

    guerdon anchor new-key anchor.key
    """
    if options.file.exists():
        raise Problem("file_exists", f"{options.file} is there already; a key is never overwritten")
    private = secrets.token_bytes(32)
    key = Key.read(private.hex())
    try:
        write_private(options.file, f"0x{private.hex()}\n")
    except OSError as error:
        raise Problem("file_unwritable", f"{options.file} cannot be written: {error.strerror}") from None
    _say(options.json, {"address": address_text(key.address)}, address_text(key.address))
    return 0


@dataclass(frozen=True, slots=True)
class JsonOptions:
    """What the command takes."""

    json: Json = False


@app.command("deploy")
@takes(JsonOptions)
def deploy(options: JsonOptions) -> int:
    """Put the contract on the chain of GUERDON_ANCHOR_CHAIN_URL; the key's address owns it.

    Prints what GUERDON_ANCHOR_CONTRACT has to be. One contract serves all programs of an installation.
    """
    settings = settings_for(None)
    key = load_key(settings)
    with Node(find_node_url(settings)) as node:
        chain_id = node.chain_id()
        address = made_at(key.address, node.nonce(key.address))
        show_note(f"putting the contract on chain {chain_id}, signed by {address_text(key.address)} …")
        await_mined(node, transact(node, key, chain_id, creation_code()))
        owner = Contract(node, address).owner()
    assert owner == key.address, "whoever makes it owns it"
    place = Chain("", chain_id, address).place
    _say(options.json, {"contract": place, "owner": address_text(owner)}, f"GUERDON_ANCHOR_CONTRACT={place}")
    return 0


@app.command("status")
@takes(JsonOptions)
def status(options: JsonOptions) -> int:
    """Ask the chain whether anchoring can work: node, contract, owner and what the key's address has.

    Exit code 1 where it cannot.
    """
    settings = settings_for(None)
    with _contract(settings) as (node, chain, contract):
        owner, heir = contract.owner(), contract.heir()
        key = load_key(settings)
        balance = number_of(node.ask("eth_getBalance", to_hex(key.address), "latest"))
    rows = [
        ("contract", chain.place),
        ("owner", address_text(owner)),
        ("offered to", "nobody" if heir == _NOBODY else address_text(heir)),
        ("our key", address_text(key.address)),
        ("its coins", f"{Decimal(balance) / _WEI_OF_A_COIN:.6f}"),
    ]
    problems = []
    if owner != key.address:
        problems.append("our key does not own the contract, so it cannot anchor")
    if not balance:
        problems.append("our key's address has no coins to pay with")
    if options.json:
        show_json({"well": not problems, "problems": problems, **dict(rows), "wei": str(balance)})
    else:
        show_table(("what", "is"), rows)
        for one in problems:
            show_note(one)
    return 1 if problems else 0


@dataclass(frozen=True, slots=True)
class OfferOptions:
    """What the command takes."""

    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Who may take it, 0x and 40 digits.", show_default=False)
    ]
    json: Json = False


@app.command("offer")
@takes(OfferOptions)
def offer(options: OfferOptions) -> int:
    """Offer the contract to another key, which then takes it with `guerdon anchor take`.

    Until it does, nothing changes; an offer to 0x and 40 zeros takes it back.

    guerdon anchor offer 0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359
    """
    try:
        heir = read_address(options.address)
    except ValueError as error:
        raise Problem("address_invalid", str(error)) from None
    _tell(offer_data(heir))
    _say(options.json, {"offered_to": address_text(heir)}, f"offered to {address_text(heir)}")
    return 0


@app.command("take")
@takes(JsonOptions)
def take(options: JsonOptions) -> int:
    """Take the contract that was offered to the key of GUERDON_ANCHOR_KEY_FILE."""
    _tell(take_data())
    address = address_text(load_key(settings_for(None)).address)
    _say(options.json, {"owner": address}, f"owned by {address}")
    return 0


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the command takes."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="A stamped head.", show_default=False)]
    certificates: Annotated[
        Path,
        typer.Option(
            "--certificates", metavar="PEM", help="Of the authority, or of its issuer.", show_default=False
        ),
    ]
    keys: Annotated[
        list[str],
        typer.Option("--log-key", metavar="KEY", help="A public key of the log.", show_default=False),
    ] = field(default_factory=list)
    json: Json = False


@app.command("check")
@takes(CheckOptions)
def check(options: CheckOptions) -> int:
    """Check a stamped head, offline: who signed it, and when the authority saw it.

    guerdon anchor check stamp.json --certificates tsa.pem --log-key guerdon/main/club+0a1b2c3d+AfJ…
    """
    from guerdon.connect.chain.stamping import check_file

    keys = read_keys(options.keys)
    head, stamp = check_file(read_document(options.file), keys, load_certificates(options.certificates))
    if options.json:
        show_json(
            {
                "checkpoint": {"origin": head.origin, "size": head.size, "root": head.root.hex()},
                "stamped_at": stamp.at.isoformat(),
                "policy": stamp.policy,
                "serial": str(stamp.serial),
                "authority": stamp.signer.subject.rfc4514_string(),
            }
        )
    else:
        show_note(f"{head.origin}: a head of {head.size} transactions, signed by the key given")
        show_note(f"{stamp.signer.subject.rfc4514_string()} saw it at {stamp.at.isoformat()}")
    return 0


def read_keys(texts: Sequence[str]) -> list[NoteKey]:
    """Read the keys that a head may be signed with.

    Args:
        texts: as published.

    Returns:
        The keys.

    Raises:
        Problem: `log_key_missing` or `log_key_invalid`.
    """
    if not texts:
        detail = "a head is worth as much as the key that signed it: give the key as well, with --log-key"
        raise Problem("log_key_missing", detail)
    return [NoteKey.read(text) for text in texts]


@contextmanager
def _contract(settings: Settings) -> Iterator[tuple[Node, Chain, Contract]]:
    chain = require_chain(settings)
    with Node(chain.url) as node:
        yield node, chain, Contract(node, chain.contract)


def require_chain(settings: Settings) -> Chain:
    """Read which contract is told of heads.

    Args:
        settings: of this process.

    Returns:
        The contract.

    Raises:
        Problem: `anchor_not_configured` or `settings_invalid`.
    """
    chain = find_chain(settings)
    if chain is None:
        detail = "no chain is named: set GUERDON_ANCHOR_CHAIN_URL and GUERDON_ANCHOR_CONTRACT"
        raise Problem("anchor_not_configured", detail)
    return chain


def _tell(data: bytes) -> None:
    settings = settings_for(None)
    key = load_key(settings)
    with _contract(settings) as (node, chain, _):
        if node.chain_id() != chain.chain_id:
            raise Problem("chain_is_another", "the node is of another chain than the contract")
        await_mined(node, transact(node, key, chain.chain_id, data, chain.contract))


def _say(as_json: bool, value: dict[str, str], text: str) -> None:
    if as_json:
        show_json(value)
    else:
        typer.echo(text)
