"""Newcomers: who enrols, and who is met for the first time where that enrols them."""

from guerdon.engine.joining.newcomers import NOBODY_KNOWN, enrol_newcomers

__all__ = ["NOBODY_KNOWN", "enrol_newcomers"]
