"""Changes to a function or a table. They work on the syntax tree, so layout and comments do not matter.

Each change is a function that takes the tree of a function, class or constant and returns how often it applied.
Expressions are Python source; two are equal if their trees are equal.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Change: TypeAlias = Callable[[ast.AST], int]


def becomes(old: str, new: str) -> Change:
    """Replace an expression."""
    return _replace(lambda node: _is(node, old), new)


def decides(about: str, outcome: bool) -> Change:  # noqa: FBT001  # the constant that replaces the condition
    """Replace the condition that contains an expression by a constant: an operand of `and` or `or`, or a whole `if`."""

    def innermost(node: ast.AST) -> bool:
        return _contains(node, about) and not any(_contains(inner, about) for inner in _conditions(node))

    def change(tree: ast.AST) -> int:
        conditions = list(_conditions(tree))
        wanted = [node for node in conditions if _is(node, about)] or [node for node in conditions if innermost(node)]
        return _replace(lambda node: node in wanted, str(outcome))(tree)

    return change


def entry(key: str, value: str | None, *, of: str | None = None) -> Change:
    """Set or remove a key of a table; with `of`, of the table that is the value of that key."""

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
    """Replace the body of a function by a return statement."""

    def change(tree: ast.AST) -> int:
        cast("ast.FunctionDef", tree).body = [ast.Return(_expression(value))]
        return 1

    return change


def without(about: str) -> Change:
    """Remove the statement that contains an expression."""
    return _rewrite_block(about, lambda body, at: [*body[:at], *body[at + 1 :]])


def late(about: str) -> Change:
    """Move the statement that contains an expression to the end of its block."""
    return _rewrite_block(about, lambda body, at: [*body[:at], *body[at + 1 :], body[at]])


def before(about: str, statement: str) -> Change:
    """Insert a statement before the one that contains an expression."""
    return _rewrite_block(about, lambda body, at: [*body[:at], *ast.parse(statement).body, *body[at:]])


def after(about: str, statement: str) -> Change:
    """Insert a statement after the one that contains an expression."""
    return _rewrite_block(about, lambda body, at: [*body[: at + 1], *ast.parse(statement).body, *body[at + 1 :]])


def replaces_text(old: str, new: str) -> Change:
    """Replace a part of a string constant, such as SQL."""

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


def _contains(node: ast.AST, source: str) -> bool:
    return any(_is(inner, source) for inner in ast.walk(node))


def _conditions(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the conditions below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp):
            yield from (value for value in node.values if value is not tree)
        elif isinstance(node, ast.If | ast.IfExp | ast.While) and node.test is not tree:
            yield node.test
        elif isinstance(node, ast.comprehension):
            yield from node.ifs


def _replace(matches: Callable[[ast.AST], bool], new: str) -> Change:
    class Replacer(ast.NodeTransformer):
        count = 0

        def visit(self, node: ast.AST) -> ast.AST:
            if matches(node):
                self.count += 1
                return _expression(new)
            return self.generic_visit(node)

    def change(tree: ast.AST) -> int:
        replacer = Replacer()
        replacer.generic_visit(tree)
        return replacer.count

    return change


def _rewrite_block(about: str, rewrite: Callable[[list[ast.stmt], int], list[ast.stmt]]) -> Change:
    """Rewrite the block of the innermost statement that contains an expression."""

    def change(tree: ast.AST) -> int:
        count = 0
        for node, name, block in list(_blocks(tree)):
            hits = [at for at, stmt in enumerate(block) if not hasattr(stmt, "body") and _contains(stmt, about)]
            if hits:
                setattr(node, name, rewrite(block, hits[0]) or [ast.Pass()])
            count += len(hits)
        return count

    return change


def _blocks(tree: ast.AST) -> Iterator[tuple[ast.AST, str, list[ast.stmt]]]:
    """Yield all blocks of statements, each with its node and field name."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield node, name, cast("list[ast.stmt]", block)
