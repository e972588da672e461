"""A client for the HTTP API of Guerdon: typed, with retries that count nothing twice."""

from __future__ import annotations

from guerdon_client.client import Guerdon
from guerdon_client.connection import GuerdonError, Retries
from guerdon_client.signatures import SignatureError, verify

__all__ = ["Guerdon", "GuerdonError", "Retries", "SignatureError", "verify"]
