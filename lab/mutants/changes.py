"""What a mutant does to a function or a table: it works on the syntax tree, so that layout and comments do not matter.

Each change is a function that takes the tree of one function, class or constant and returns how often it applied.
Expressions are written as Python source and are the same if their trees are.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Change: TypeAlias = Callable[[ast.AST], int]


def becomes(old: str, new: str) -> Change:
    """Put another expression in the place of one."""
    return _replace(lambda node: _is(node, old), new)


def decides(about: str, outcome: bool) -> Change:  # noqa: FBT001  # reads like the condition that it decides
    """Decide the condition that mentions an expression: the operand of an `and` or `or`, or a whole `if`."""

    def innermost(node: ast.AST) -> bool:
        return _mentions(node, about) and not any(_mentions(inner, about) for inner in _conditions(node))

    def change(tree: ast.AST) -> int:
        conditions = list(_conditions(tree))
        wanted = [node for node in conditions if _is(node, about)] or [node for node in conditions if innermost(node)]
        return _replace(lambda node: node in wanted, str(outcome))(tree)

    return change


def entry(key: str, value: str | None, *, of: str | None = None) -> Change:
    """Give a table another value for a key, or none; with `of`, the table that is the value of that key."""

    def change(tree: ast.AST) -> int:
        tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
        if of is not None:
            pairs = [pair for table in tables for pair in zip(table.keys, table.values, strict=True)]
            tables = [cast("ast.Dict", inner) for name, inner in pairs if name is not None and _is(name, of)]
        tables = tables[:1]
        for table in tables:
            items = [(k, v) for k, v in zip(table.keys, table.values, strict=True) if k is None or not _is(k, key)]
            new = [] if value is None else [(_expression(key), _expression(value))]
            table.keys, table.values = [k for k, _ in items + new], [v for _, v in items + new]
        return len(tables)

    return change


def adds(element: str) -> Change:
    """Add an element to a tuple."""

    def change(tree: ast.AST) -> int:
        tuples = [node for node in ast.walk(tree) if isinstance(node, ast.Tuple)][:1]
        for each in tuples:
            each.elts.append(_expression(element))
        return len(tuples)

    return change


def returns(value: str) -> Change:
    """Return something whatever happens."""

    def change(tree: ast.AST) -> int:
        cast("ast.FunctionDef", tree).body = [ast.Return(_expression(value))]
        return 1

    return change


def without(about: str) -> Change:
    """Leave out the statement that mentions an expression."""
    return _around(about, lambda body, at: [*body[:at], *body[at + 1 :]])


def late(about: str) -> Change:
    """Do the statement that mentions an expression after the one that follows it."""
    return _around(about, lambda body, at: [*body[:at], *body[at : at + 2][::-1], *body[at + 2 :]])


def before(about: str, statement: str) -> Change:
    """Do something before the statement that mentions an expression."""
    return _around(about, lambda body, at: [*body[:at], *ast.parse(statement).body, *body[at:]])


def after(about: str, statement: str) -> Change:
    """Do something after the statement that mentions an expression."""
    return _around(about, lambda body, at: [*body[: at + 1], *ast.parse(statement).body, *body[at + 1 :]])


def says(old: str, new: str) -> Change:
    """Put other words into a text, for instance one of SQL."""

    def change(tree: ast.AST) -> int:
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and old in str(node.value)]
        for text in texts:
            text.value = str(text.value).replace(old, new)
        return len(texts)

    return change


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _is(node: ast.AST, source: str) -> bool:
    return isinstance(node, ast.expr) and ast.unparse(node) == ast.unparse(_expression(source))


def _mentions(node: ast.AST, source: str) -> bool:
    return any(_is(inner, source) for inner in ast.walk(node))


def _conditions(tree: ast.AST) -> Iterator[ast.expr]:
    """Give what decides something below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp):
            yield from (value for value in node.values if value is not tree)
        elif isinstance(node, ast.If | ast.IfExp | ast.While) and node.test is not tree:
            yield node.test
        elif isinstance(node, ast.comprehension):
            yield from node.ifs


def _replace(is_it: Callable[[ast.AST], bool], new: str) -> Change:
    class Replacing(ast.NodeTransformer):
        count = 0

        def visit(self, node: ast.AST) -> ast.AST:
            if is_it(node):
                self.count += 1
                return _expression(new)
            return self.generic_visit(node)

    def change(tree: ast.AST) -> int:
        replacing = Replacing()
        replacing.generic_visit(tree)
        return replacing.count

    return change


def _around(about: str, rewrite: Callable[[list[ast.stmt], int], list[ast.stmt]]) -> Change:
    """Rewrite the block around the innermost statement that mentions an expression."""

    def change(tree: ast.AST) -> int:
        count = 0
        for node, name, block in list(_blocks(tree)):
            hits = [at for at, stmt in enumerate(block) if not hasattr(stmt, "body") and _mentions(stmt, about)]
            if hits:
                setattr(node, name, rewrite(block, hits[0]) or [ast.Pass()])
            count += len(hits)
        return count

    return change


def _blocks(tree: ast.AST) -> Iterator[tuple[ast.AST, str, list[ast.stmt]]]:
    """Give every block of statements, with where it stands."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield node, name, cast("list[ast.stmt]", block)
