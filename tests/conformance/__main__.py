"""Prints what passes of the conformance cases, and why others do not apply: `python -m tests.conformance`."""

import sys

from tests.conformance.cases import closing, listed, load, objection, table

cases = load()
sys.stdout.write(f"{table(cases, {case.name: objection(case) for case in cases})}\n{closing(listed())}")
