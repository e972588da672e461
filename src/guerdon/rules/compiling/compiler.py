"""What compiling one definition shares: its environments, its scales, and the faults found so far."""

from __future__ import annotations

from typing import Any

from guerdon.base.calendar import Span, Zone
from guerdon.rules import definition as written
from guerdon.rules.definition import Definition, DefinitionFault, ExpressionText, Positions
from guerdon.rules.expressions import Environment, Expression, ExpressionError, Type, compile_expression
from guerdon.rules.scope import environment_for


class Compiling:
    """The compilation of one definition."""

    def __init__(self, definition: Definition, positions: Positions | None) -> None:
        self.definition = definition
        self.positions = positions
        self.zone = Zone(definition.timezone)
        self.faults: list[DefinitionFault] = []
        self.environments: dict[str, Environment] = {}
        self.scales = {key: one.scale for key, one in definition.retired.wallets.items()}
        self.scales.update((key, wallet.scale) for key, wallet in definition.wallets.items())

    def expression(
        self, text: ExpressionText | None, event_type: str, expects: Type | None
    ) -> Expression | None:
        """Compile an expression.

        Args:
            text: what is written, or None.
            event_type: the event that it sees.
            expects: what it must come to; None for anything.

        Returns:
            The expression; None where nothing is written, or where it is a fault.
        """
        if text is None:
            return None
        environment = self.environments.get(event_type)
        if environment is None:
            environment = self.environments[event_type] = environment_for(self.definition, event_type)
        try:
            return compile_expression(str(text), environment, expects=expects)
        except ExpressionError as error:
            offset = offset_of(str(text), error.line, error.column)
            self.fault(text.pointer, error.code, error.detail, (offset, error.suggestion or ""))
            return None

    def fault(self, pointer: str, code: str, detail: str, near: tuple[int, str] = (0, "")) -> None:
        """Note what is wrong.

        Args:
            pointer: where in the document.
            code: a stable word.
            detail: a sentence.
            near: characters into the text there, and the nearest known word.
        """
        line, column = (
            written.locate(self.positions, pointer, near[0]) if self.positions is not None else (0, 0)
        )
        fault = DefinitionFault(pointer, code, detail, line, column, nearest=near[1])
        if fault not in self.faults:
            # What carts and orders are both compiled from is wrong once.
            self.faults.append(fault)


def offset_of(text: str, line: int, column: int) -> int:
    """Turn a line and a column of an expression into an offset.

    Args:
        text: the expression.
        line: from 1.
        column: from 1, in characters.

    Returns:
        Characters before that place.
    """
    return sum(len(one) + 1 for one in text.split("\n")[: line - 1]) + column - 1


def span_of(span: Any) -> Span:
    """Take a span out of a definition.

    Args:
        span: as written there.

    Returns:
        The calendar's span.
    """
    return Span(span.months, span.days, span.hours, span.minutes)
