"""The careful evaluator: slow, with exact positions and errors that a deciding term absorbs.

It runs only after the fast code failed. `false && error` is false and `error && false` is false as well;
`all` and `exists` likewise; an error that nothing absorbs becomes an `EvaluationError` where it arose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guerdon.rules.expressions import tree
from guerdon.rules.expressions.errors import FAILURES, EvaluationError, explain, place_of
from guerdon.rules.expressions.runtime import budget, dynamic, optionals
from guerdon.rules.expressions.runtime.wording import patterns
from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.types import BOOL

_ERROR = 6
"""Steps that an error costs which another turn of a loop may absorb."""


class Careful:
    """Evaluates a typed tree node by node."""

    def __init__(self, root: tree.Node, source: str) -> None:
        """Prepare.

        Args:
            root: typed tree.
            source: the expression's text, for positions.
        """
        self._root = root
        self._source = source
        self._is_crowded = tree.is_crowded(root)
        self._weights = {
            id(node): tree.weight(node) for node in tree.walk(root) if isinstance(node, tree.Loop)
        }

    def __call__(self, scope: Any) -> Any:
        """Evaluate.

        Args:
            scope: object with the root names as attributes.

        Returns:
            The value.

        Raises:
            EvaluationError: there is no value.
        """
        return _Run(scope, self._source, self._is_crowded, self._weights).value(self._root)


class _Run:
    """One evaluation."""

    def __init__(self, scope: Any, source: str, is_crowded: bool, weights: Mapping[int, int]) -> None:
        self._scope = scope
        self._weights = weights
        self._is_crowded = is_crowded
        self._source = source
        self._slots: dict[int, Any] = {}
        self._budget = [budget.STEPS]
        self._around: list[int] = []
        self._ways: dict[type[tree.Node], Callable[[Any], Any]] = {
            tree.Const: self._const,
            tree.Root: self._root,
            tree.Variable: self._variable,
            tree.Field: self._field,
            tree.Apply: self._apply,
            tree.Junction: self._junction,
            tree.Choice: self._choice,
            tree.Items: self._items,
            tree.Pairs: self._pairs,
            tree.Loop: self._loop,
            tree.Has: self._has,
            tree.Default: self._default,
            tree.OrElse: self._or_else,
        }
        self._loops: dict[str, Callable[[tree.Loop, Any], Any]] = {
            "all": lambda node, items: self._decided(node, items, decides=False),
            "exists": lambda node, items: self._decided(node, items, decides=True),
            "exists_one": self._exists_one,
            "filter": self._filter,
            "map": self._map,
            "to_map": self._to_map,
        }

    def value(self, node: tree.Node) -> Any:
        """Give a node's value, which is None only for a written null."""
        try:
            value = self._ways[type(node)](node)
            if value is None and not _may_be_null(node):
                dynamic.missing()
            return dynamic.as_bool(value) if node.type == BOOL else value
        except EvaluationError:
            raise
        except FAILURES as error:
            raise self._error(error, node.span) from error

    def _error(self, error: Exception, span: Span) -> EvaluationError:
        code, detail = explain(error)
        line, column, _ = place_of(self._source, span)
        return EvaluationError(code, detail, line, column)

    def _const(self, node: tree.Const) -> Any:
        return node.value

    def _root(self, node: tree.Root) -> Any:
        return getattr(self._scope, node.name)

    def _variable(self, node: tree.Variable) -> Any:
        return self._slots[node.slot]

    def _field(self, node: tree.Field) -> Any:
        base = self.value(node.base)
        return base[node.name] if node.by_item else getattr(base, node.name)

    def _apply(self, node: tree.Apply) -> Any:
        args = [self.value(arg) for arg in node.args]
        if (self._is_crowded and node.operation.weighs) or tree.is_weighed(node, self._around):
            self._pay(node, args)
        return node.operation.run(*args)

    def _pay(self, node: tree.Apply, args: list[Any]) -> None:
        if node.operation.native == "matches":
            patterns.pay_match(self._budget, args[0], args[1], not isinstance(node.args[1], tree.Const))
            return
        for arg in args:
            budget.weigh(self._budget, arg)

    def _junction(self, node: tree.Junction) -> bool:
        decides = not node.is_and
        first: EvaluationError | None = None
        for term in node.terms:
            try:
                if bool(self.value(term)) == decides:
                    return decides
            except EvaluationError as error:
                first = first or _unless_spent(error)
        if first is not None:
            raise first
        return not decides

    def _choice(self, node: tree.Choice) -> Any:
        return self.value(node.then if self.value(node.test) else node.other)

    def _items(self, node: tree.Items) -> list[Any]:
        return [self.value(item) for item in node.items]

    def _pairs(self, node: tree.Pairs) -> Mapping[Any, Any]:
        return {self.value(key): self.value(value) for key, value in node.pairs}

    def _loop(self, node: tree.Loop) -> Any:
        items = budget.take(self._budget, self.value(node.source), self._weights[id(node)])
        if node.second is not None:
            items = budget.numbered(items)
        self._around.append(node.slot)
        try:
            return self._loops[node.kind](node, items)
        finally:
            self._around.pop()

    def _passes(self, node: tree.Loop, item: Any) -> bool:
        if node.second is None:
            self._slots[node.slot] = item
        else:
            self._slots[node.slot], self._slots[node.second] = item
        return True if node.test is None else bool(self.value(node.test))

    def _decided(self, node: tree.Loop, items: Any, decides: bool) -> bool:
        first: EvaluationError | None = None
        for item in items:
            try:
                if self._passes(node, item) is decides:
                    return decides
            except EvaluationError as error:
                first = first or _unless_spent(error)
                budget.pay(self._budget, _ERROR)
        if first is not None:
            raise first
        return not decides

    def _exists_one(self, node: tree.Loop, items: Any) -> bool:
        return [self._passes(node, item) for item in items].count(True) == 1

    def _filter(self, node: tree.Loop, items: Any) -> list[Any]:
        return [dynamic.present(item) for item in items if self._passes(node, item)]

    def _map(self, node: tree.Loop, items: Any) -> list[Any]:
        if node.body is None:
            raise TypeError("map has a body")
        return [self.value(node.body) for item in items if self._passes(node, item)]

    def _to_map(self, node: tree.Loop, items: Any) -> Mapping[Any, Any]:
        if node.body is None:
            raise TypeError("a loop that makes a map has a body")
        made: dict[Any, Any] = {}
        for item in items:
            if self._passes(node, item):
                made[self._slots[node.slot]] = self.value(node.body)
        return made

    def _has(self, node: tree.Has) -> bool:
        try:
            self.value(node.path)
        except EvaluationError as error:
            if error.code != "missing_value":
                raise
            return False
        return True

    def _default(self, node: tree.Default) -> Any:
        try:
            return self.value(node.path)
        except EvaluationError as error:
            if error.code != "missing_value":
                raise
            return self.value(node.fallback)

    def _or_else(self, node: tree.OrElse) -> Any:
        optional = self.value(node.optional)
        return optionals.chosen(optional, lambda: self.value(node.fallback), node.unwraps)


def _may_be_null(node: tree.Node) -> bool:
    """Say whether a node can give a null that was written, rather than an absent value."""
    return isinstance(node, (tree.Const, tree.Choice, tree.Default))


def _unless_spent(error: EvaluationError) -> EvaluationError:
    """Let a used-up budget end everything: absorbing it would let the work go on."""
    if error.code == "iteration_limit":
        raise error
    return error
