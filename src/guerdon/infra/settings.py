"""What the surroundings tell Guerdon: environment variables, and the key that lives beside the data."""

from __future__ import annotations

import base64
import binascii
import secrets
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from guerdon.base.errors import Fault, Problem
from guerdon.infra.postgres.folder import write_private

_MASTER_KEY_BYTES = 32
_MASTER_KEY_FILE = "master.key"


class Settings(BaseSettings):
    """Settings of one process, each from `GUERDON_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="GUERDON_", frozen=True, extra="forbid", env_ignore_empty=True
    )

    database_url: SecretStr | None = None
    """A served PostgreSQL; without it an embedded one runs in `data`."""
    data: Annotated[Path, AfterValidator(Path.expanduser)] = Path("guerdon-data")
    """Folder for the embedded database, keys and fact files."""
    api_key: SecretStr | None = None
    """A key that is made to exist with all scopes at the start."""
    master_key: SecretStr | None = None
    """32 bytes in base64, from which the keys of people's data are wrapped."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    pool_size: int = Field(default=8, ge=1, le=100)
    """Most pooled connections by role."""
    queue_limit: int = Field(default=4096, ge=1, le=1_000_000)
    """Commands that may wait; beyond it callers are told to come again."""
    hand_over_from: int = Field(default=10, ge=0, le=1_000_000)
    """Calls a second about one account from which on they go to the server of this machine that has it; 0 for
    never."""
    allow_loopback: bool = False
    """Whether webhooks may go to this machine itself, without TLS too: for development only."""
    rate_limit: int = Field(default=10_000, ge=0, le=1_000_000)
    """Calls a second that a key may make which says nothing of its own; 0 knows no limit."""
    trusted_proxies: str = ""
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed, joined by commas."""
    anchor_every_minutes: int = Field(default=60, ge=1, le=44_640)
    """Between two anchors of a log, where any place for them is named."""
    anchor_chain_url: SecretStr | None = None
    """Of a node of the chain (JSON-RPC); it may carry a key, and is never shown."""
    anchor_contract: str = ""
    """The contract, such as `eip155:1:0x…`."""
    anchor_key_file: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    """Private key of the contract's owner, 64 hexadecimal digits, readable for nobody else."""
    anchor_confirmations: int = Field(default=12, ge=1, le=100_000)
    """Blocks after which an anchor counts as final."""
    anchor_fee_limit_gwei: int = Field(default=100, ge=1, le=1_000_000)
    """Most that is paid for a unit of gas."""
    anchor_authority_url: SecretStr | None = None
    """A time-stamp authority (RFC 3161)."""
    anchor_authority_certificates: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    """PEM: the authority's certificate, or of whoever issued it."""
    anchor_authority_policy: str = ""
    """The policy to ask for, an object identifier."""
    sign_every: int = Field(default=10, ge=1, le=86_400)
    """Seconds after which the head of a log that grew is signed again, where nobody asks for it before."""
    publish_logs: bool = True
    """Whether everybody may read the signed heads of logs and their keys, which tell how many transactions
    there are."""
    witnesses: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    """File that says who is told of each signed head."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def load_settings(**given: object) -> Settings:
    """Read the settings from the environment.

    Args:
        **given: values that win over the environment, from the command line say; None means not given.

    Returns:
        Checked settings.

    Raises:
        Problem: `settings_invalid` with a pointer to each wrong one.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = tuple(
            # The value itself may be a secret, so only the rule that it breaks is told.
            Fault("/" + "/".join(str(part) for part in fault["loc"]), "settings_invalid", fault["msg"])
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
        )
        names = ", ".join("GUERDON_" + fault.pointer.strip("/").upper() for fault in faults)
        raise Problem("settings_invalid", f"wrong settings: {names}", faults) from None


def load_master_key(settings: Settings, file: Path | None = None) -> bytes:
    """Read the master key, making one in the data folder of an embedded database at the first start.

    Args:
        settings: where to look.
        file: the file that has it, where it is kept somewhere else.

    Returns:
        32 bytes.

    Raises:
        Problem: `master_key_invalid`, or `master_key_missing` for a served database without one.
    """
    if settings.master_key is not None:
        return _decoded(settings.master_key.get_secret_value(), "GUERDON_MASTER_KEY")
    path = file or settings.data / _MASTER_KEY_FILE
    if path.is_file():
        return _decoded(path.read_text(encoding="ascii", errors="replace"), str(path))
    if settings.database_url is not None:
        # A key made here would be lost with this machine, and with it everybody's data.
        raise Problem(
            "master_key_missing",
            "a served database needs GUERDON_MASTER_KEY: 32 random bytes in base64, the same in each process",
        )
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secrets.token_bytes(_MASTER_KEY_BYTES)
    write_master_key(settings.data, key)
    return key


def write_master_key(data_dir: Path, key: bytes) -> None:
    """Put a master key into a data folder, readable for its owner alone.

    Args:
        data_dir: the folder.
        key: 32 bytes.
    """
    write_private(data_dir / _MASTER_KEY_FILE, base64.b64encode(key).decode("ascii") + "\n")


def _decoded(text: str, origin: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _MASTER_KEY_BYTES:
        raise Problem("master_key_invalid", f"{origin} does not hold {_MASTER_KEY_BYTES} bytes in base64")
    return key
