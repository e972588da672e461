"""What was anchored outside, for `guerdon verify --anchor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.cli.proofs.anchor import read_keys, require_chain
from guerdon.cli.proofs.heads import KeptHead, kept_head
from guerdon.cli.showing import counted, read_document, show_note
from guerdon.connect.chain.checking import Checker
from guerdon.connect.chain.places import Chain, load_certificates
from guerdon.connect.chain.rpc import Node
from guerdon.infra.settings import Settings
from guerdon.programs.tenants import Tenant
from guerdon.wiring import House

CHAIN: Final = "chain"
_ONE_LOOK: Final = (
    "set transaction isolation level repeatable read, read only; set local statement_timeout = 0"
)


def read_stamped(anchors: Sequence[str], keys: Sequence[str], settings: Settings) -> list[KeptHead]:
    """Read heads that an authority stamped.

    Args:
        anchors: files of stamps; the word `chain` is left to `find_anchored`.
        keys: public keys of logs.
        settings: name the authority's certificates.

    Returns:
        The heads, their signatures and stamps checked.

    Raises:
        Problem: what `check_file` and `load_certificates` raise; `anchor_not_configured`.
    """
    files = [one for one in anchors if one != CHAIN]
    if not files:
        return []
    path = settings.anchor_authority_certificates
    if path is None:
        detail = "stamps need a certificate to be checked: set GUERDON_ANCHOR_AUTHORITY_CERTIFICATES"
        raise Problem("anchor_not_configured", detail)
    from guerdon.connect.chain.stamping import check_file

    trusted, certificates = read_keys(keys), load_certificates(path)
    return [kept_head(check_file(read_document(name), trusted, certificates)[0]) for name in files]


def find_anchored(anchors: Sequence[str], settings: Settings) -> Chain | None:
    """Tell which chain is asked.

    Args:
        anchors: as given.
        settings: name the chain.

    Returns:
        The chain, None where it is not asked for.

    Raises:
        Problem: `anchor_not_configured`, `settings_invalid`.
    """
    return require_chain(settings) if CHAIN in anchors else None


def anchored_findings(house: House, tenant: Tenant, chain: Chain | None) -> Iterator[Finding]:
    """Hold a tenant's logs against a chain.

    Args:
        house: whose.
        tenant: which.
        chain: to ask; None asks nobody.

    Yields:
        What does not hold.

    Raises:
        Problem: what `Checker.run` raises.
    """
    if chain is None:
        return
    with Node(chain.url) as node, house.database.transaction(tenant.tenant_id) as tx:
        tx.execute(_ONE_LOOK)
        checker = Checker(tx, node, chain)
        yield from checker.run()
    show_note(f"{tenant.key}: {counted(checker.anchors, 'anchor')} read from the chain")
