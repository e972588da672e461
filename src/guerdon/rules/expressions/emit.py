"""From the typed tree to one Python code object.

The code is built from `ast` nodes. Nothing of the user's text becomes Python text: constants are bound to
numbered names, variables are numbered, and attribute names are fields that the environment declares.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, TypedDict

from guerdon.rules.expressions import tree
from guerdon.rules.expressions.errors import FAILURES, Failure
from guerdon.rules.expressions.runtime import budget, dynamic, optionals
from guerdon.rules.expressions.runtime.wording import patterns
from guerdon.rules.expressions.types import ANY, BOOL, BYTES, STRING, ListOf, MapOf, Type

_BINARY: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}
_COMPARE: dict[str, ast.cmpop] = {
    "==": ast.Eq(), "!=": ast.NotEq(), "in": ast.In(),
    "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE(),
}  # fmt: skip
_UNARY: dict[str, ast.unaryop] = {"not": ast.Not(), "neg": ast.USub()}


class _Place(TypedDict):
    lineno: int
    col_offset: int
    end_lineno: int
    end_col_offset: int


_PLACE: _Place = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
_BUDGET = "budget"
_SCOPE = "scope"


def generate(root: tree.Node, again: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make the fast function of an expression.

    Args:
        root: typed tree.
        again: what is called with the scope when the fast code fails; it finds the position, or the value
            that an error-absorbing operator gives.

    Returns:
        A function of the scope.
    """
    emitter = _Emitter(is_crowded=tree.is_crowded(root))
    value = emitter.result(root)
    body: list[ast.stmt] = []
    if emitter.loops or emitter.is_crowded:
        start = ast.List([ast.Constant(budget.STEPS, **_PLACE)], ast.Load(), **_PLACE)
        body.append(ast.Assign([ast.Name(_BUDGET, ast.Store(), **_PLACE)], start, **_PLACE))
    retry = ast.Return(_called(emitter.bound(again), _name(_SCOPE)), **_PLACE)
    handler = ast.ExceptHandler(emitter.bound(FAILURES), None, [retry], **_PLACE)
    body.append(ast.Try([ast.Return(value, **_PLACE)], [handler], [], [], **_PLACE))
    arguments = ast.arguments([], [ast.arg(_SCOPE, **_PLACE)], None, [], [], None, [])
    function = ast.FunctionDef("expression", arguments, body, [], **_PLACE)
    module = compile(ast.Module([function], []), "<expression>", "exec", dont_inherit=True, optimize=0)
    code = next(part for part in module.co_consts if isinstance(part, CodeType))
    return FunctionType(code, {"__builtins__": {}, **emitter.globals})


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load(), **_PLACE)


def _called(function: ast.expr, *args: ast.expr) -> ast.expr:
    return ast.Call(function, list(args), [], **_PLACE)


def _constant(value: bool | int | str | None) -> ast.expr:
    return ast.Constant(value, **_PLACE)


def _compared(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [sign], [right], **_PLACE)


def _any_of(*values: ast.expr) -> ast.expr:
    return ast.BoolOp(ast.Or(), list(values), **_PLACE)


def _all_of(*values: ast.expr) -> ast.expr:
    return ast.BoolOp(ast.And(), list(values), **_PLACE)


def _lambda(body: ast.expr) -> ast.expr:
    return ast.Lambda(ast.arguments([], [], None, [], [], None, []), body, **_PLACE)


def _is_bare(node: tree.Node) -> bool:
    """Say whether generated code for a node may give None instead of failing."""
    return isinstance(node, (tree.Field, tree.Variable, tree.Root))


def _has_size(kind: Type) -> bool:
    return kind in (ANY, STRING, BYTES) or isinstance(kind, (ListOf, MapOf))


def first_of(path: Callable[[], Any], fallback: Callable[[], Any]) -> Any:
    """Take the value of a path or, when it is absent, a fallback.

    Args:
        path: reads the path.
        fallback: computes the fallback.

    Returns:
        One of both.
    """
    try:
        value = path()
    except (AttributeError, LookupError):
        return fallback()
    except Failure as failure:
        if failure.code != "missing_value":
            raise
        return fallback()
    return fallback() if value is None else value


class _Emitter:
    """Turns typed nodes into nodes of Python."""

    def __init__(self, is_crowded: bool) -> None:
        self.is_crowded = is_crowded
        self.globals: dict[str, Any] = {}
        self.loops = 0
        self._around: list[int] = []
        self._names: dict[int, str] = {}
        self._emitters: dict[type[tree.Node], Callable[[Any], ast.expr]] = {
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

    def result(self, node: tree.Node) -> ast.expr:
        """Emit a node whose value leaves the fast code or is stored, and so must not be None."""
        if node.type == BOOL:
            return self._truth(node)
        value = self.node(node)
        if not _is_bare(node):
            return value
        absent = _called(self.bound(dynamic.missing))
        test = _compared(value, ast.IsNot(), _constant(None))
        return ast.IfExp(test, self.node(node), absent, **_PLACE)

    def node(self, node: tree.Node) -> ast.expr:
        return self._emitters[type(node)](node)

    def bound(self, value: Any) -> ast.expr:
        """Give a Python object a numbered name that the code can use."""
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"c{len(self.globals)}"
            self.globals[name] = value
        return _name(name)

    def _const(self, node: tree.Const) -> ast.expr:
        if isinstance(node.value, (bool, int, str)):
            return _constant(node.value)
        return self.bound(node.value)

    def _root(self, node: tree.Root) -> ast.expr:
        return ast.Attribute(_name(_SCOPE), node.name, ast.Load(), **_PLACE)

    def _variable(self, node: tree.Variable) -> ast.expr:
        return _name(f"v{node.slot}")

    def _field(self, node: tree.Field) -> ast.expr:
        base = self.node(node.base)
        if node.by_item:
            return ast.Subscript(base, _constant(node.name), ast.Load(), **_PLACE)
        return ast.Attribute(base, node.name, ast.Load(), **_PLACE)

    # Operations

    def _apply(self, node: tree.Apply) -> ast.expr:
        native = node.operation.native
        if native in ("==", "!="):
            return self._equality(node)
        if native == "in":
            return self._membership(node)
        if native in _UNARY:
            truth = self._truth if native == "not" else self._operand(node)
            return ast.UnaryOp(_UNARY[native], truth(node.args[0]), **_PLACE)
        if native == "matches":
            return self._match(node)
        args = [self._operand(node)(arg) for arg in node.args]
        if native in _BINARY:
            return ast.BinOp(args[0], _BINARY[native], args[1], **_PLACE)
        if native in _COMPARE:
            return _compared(args[0], _COMPARE[native], args[1])
        return self._function(node, native, args)

    def _function(self, node: tree.Apply, native: str, args: list[ast.expr]) -> ast.expr:
        if native == "contains":
            return _compared(args[1], ast.In(), args[0])
        if native == "len":
            return _called(self.bound(len), *args)
        if native.startswith("."):
            return _called(ast.Attribute(args[0], native[1:], ast.Load(), **_PLACE), *args[1:])
        return _called(self.bound(node.operation.run), *args)

    def _match(self, node: tree.Apply) -> ast.expr:
        text, pattern = (self.node(arg) for arg in node.args)
        known = node.args[1].value if isinstance(node.args[1], tree.Const) else None
        if self._is_paid(node):
            paid = (_name(_BUDGET), text, pattern, _constant(known is None))
            text = _called(self.bound(patterns.pay_match), *paid)
        if known is None:
            return _called(self.bound(node.operation.run), text, pattern)
        search = self.bound(patterns.searcher(known))
        return _compared(_called(search, text), ast.IsNot(), _constant(None))

    def _is_paid(self, node: tree.Apply) -> bool:
        return (self.is_crowded and node.operation.weighs) or tree.is_weighed(node, self._around)

    def _operand(self, node: tree.Apply) -> Callable[[tree.Node], ast.expr]:
        return self._weighed if self._is_paid(node) else self.node

    def _weighed(self, node: tree.Node) -> ast.expr:
        value = self.node(node)
        if isinstance(node, tree.Const) or not _has_size(node.type):
            return value
        return _called(self.bound(budget.weigh), _name(_BUDGET), value)

    def _truth(self, node: tree.Node) -> ast.expr:
        """Emit a truth value that is certainly true or false."""
        value = self.node(node)
        if not _is_bare(node):
            return value
        refuse = _called(self.bound(dynamic.as_bool), self.node(node))
        doubt = _all_of(_compared(self.node(node), ast.IsNot(), _constant(False)), refuse)
        return _any_of(_compared(value, ast.Is(), _constant(True)), doubt)

    def _insist(self, node: tree.Node) -> ast.expr:
        """Emit a test that is true, or fails because the value is absent."""
        there = _compared(self.node(node), ast.IsNot(), _constant(None))
        return _any_of(there, _called(self.bound(dynamic.missing)))

    def _equality(self, node: tree.Apply) -> ast.expr:
        sign = _COMPARE[node.operation.native]
        compared = _compared(self.node(node.args[0]), sign, self.node(node.args[1]))
        bare = [arg for arg in node.args if _is_bare(arg)]
        if not bare:
            return compared
        if len(bare) == 2:
            return _all_of(*(self._insist(arg) for arg in bare), compared)
        if node.operation.native == "!=":
            return _all_of(compared, self._insist(bare[0]))
        absent = _compared(self.node(bare[0]), ast.Is(), _constant(None))
        return _any_of(compared, _all_of(absent, _called(self.bound(dynamic.missing))))

    def _membership(self, node: tree.Apply) -> ast.expr:
        item, items = node.args
        right = self._operand(node)(items)
        compared = _compared(self.node(item), ast.In(), right)
        return _all_of(self._insist(item), compared) if _is_bare(item) else compared

    # Logic and choice

    def _junction(self, node: tree.Junction) -> ast.expr:
        terms = [self._truth(term) for term in node.terms]
        return _all_of(*terms) if node.is_and else _any_of(*terms)

    def _choice(self, node: tree.Choice) -> ast.expr:
        return ast.IfExp(self._truth(node.test), self.result(node.then), self.result(node.other), **_PLACE)

    # Lists, maps and loops

    def _items(self, node: tree.Items) -> ast.expr:
        return ast.List([self.result(item) for item in node.items], ast.Load(), **_PLACE)

    def _pairs(self, node: tree.Pairs) -> ast.expr:
        keys: list[ast.expr | None] = [self.result(key) for key, _ in node.pairs]
        return ast.Dict(keys, [self.result(value) for _, value in node.pairs], **_PLACE)

    def _loop(self, node: tree.Loop) -> ast.expr:
        self.loops += 1
        steps = _constant(tree.weight(node))
        source = _called(self.bound(budget.take), _name(_BUDGET), self.node(node.source), steps)
        if node.second is not None:
            source = _called(self.bound(budget.numbered), source)
        self._around.append(node.slot)
        test = None if node.test is None else self._truth(node.test)
        body = None if node.body is None else self.result(node.body)
        self._around.pop()
        target = self._target(node)
        item = tree.Variable(ANY, node.span, node.slot, "")
        if node.kind == "to_map" and body is not None:
            around = ast.comprehension(target, source, [] if test is None else [test], 0)
            return ast.DictComp(self.result(item), body, [around], **_PLACE)
        if node.kind in ("filter", "map"):
            around = ast.comprehension(target, source, [] if test is None else [test], 0)
            return ast.ListComp(self.result(item) if body is None else body, [around], **_PLACE)
        if test is None:
            raise TypeError(f"{node.kind} has a test")
        if node.kind == "exists_one":
            around = ast.comprehension(target, source, [test], 0)
            ones = ast.ListComp(_constant(1), [around], **_PLACE)
            return _compared(_called(self.bound(len), ones), ast.Eq(), _constant(1))
        each = ast.GeneratorExp(test, [ast.comprehension(target, source, [], 0)], **_PLACE)
        return _called(self.bound(all if node.kind == "all" else any), each)

    def _target(self, node: tree.Loop) -> ast.expr:
        first: ast.expr = ast.Name(f"v{node.slot}", ast.Store(), **_PLACE)
        if node.second is None:
            return first
        second = ast.Name(f"v{node.second}", ast.Store(), **_PLACE)
        return ast.Tuple([first, second], ast.Store(), **_PLACE)

    # Absence

    def _has(self, node: tree.Has) -> ast.expr:
        path = node.path
        if isinstance(path, tree.Field) and (path.base.type == ANY or isinstance(path.base.type, MapOf)):
            get = ast.Attribute(self.node(path.base), "get", ast.Load(), **_PLACE)
            return _compared(_called(get, _constant(path.name)), ast.IsNot(), _constant(None))
        return _compared(self.node(path), ast.IsNot(), _constant(None))

    def _default(self, node: tree.Default) -> ast.expr:
        fallback = self.result(node.fallback)
        if _absorbs(node.path):
            # A failure inside such a path may be absorbed: only the careful evaluator knows.
            return self.result(node.path)
        return _called(self.bound(first_of), _lambda(self.node(node.path)), _lambda(fallback))

    def _or_else(self, node: tree.OrElse) -> ast.expr:
        fallback = _lambda(self.result(node.fallback))
        unwraps = _constant(node.unwraps)
        return _called(self.bound(optionals.chosen), self.node(node.optional), fallback, unwraps)


def _absorbs(node: tree.Node) -> bool:
    """Say whether an error below a path may be absorbed there."""
    while isinstance(node, (tree.Field, tree.Apply)):
        if isinstance(node, tree.Field):
            node = node.base
            continue
        if any(
            not isinstance(arg, (tree.Const, tree.Field, tree.Variable, tree.Root)) for arg in node.args[1:]
        ):
            return True
        node = node.args[0]
    return not isinstance(node, (tree.Root, tree.Variable, tree.Const))
