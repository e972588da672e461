"""Prints how many conformance cases pass: `python -m tests.conformance`."""

import sys

from tests.conformance.cases import load, objection, table

cases = load()
sys.stdout.write(table(cases, {case.name: objection(case) for case in cases}))
