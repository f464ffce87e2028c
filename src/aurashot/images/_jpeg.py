"""Rewrite JPEG files to what decides how they look; entropy-coded data are copied byte for byte.

Of each segment that stays, the fields that the standard gives it are written, and no byte more. Tables that no scan
uses, fill bytes before markers and all other segments go. Sources: ITU-T T.81, annex B; JFIF 1.02; Adobe TN 5116;
ICC.1, annex B.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aurashot.images._containers import START_OF_SCAN, jpeg_parts
from aurashot.images._profiles import without_texts
from aurashot.images._window import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aurashot.images._containers import Part
    from aurashot.images._window import Piece, Window

FRAMES: Final = frozenset(bytes([code]) for code in range(0xC0, 0xD0) if code not in {0xC4, 0xC8, 0xCC})
_ARITHMETIC: Final = frozenset(bytes([code]) for code in range(0xC9, 0xD0))
_PROFILE: Final = b"ICC_PROFILE\0"
_LONGEST_CONTENT: Final = 0xFFFF - 2
_FILL_BLOCK: Final = 1_024


class MalformedError(ValueError):
    """A part of a file is not what its format says."""


class _Plan(NamedTuple):
    """What a file uses.

    Attributes:
        tables: The tables that a scan uses: the offset of the segment of each, and its place in that.
        profile: Its colour profile, rewritten.
        transform: The transform of its colours that Adobe's segment states.
    """

    tables: frozenset[tuple[int, int]]
    profile: bytes | None
    transform: bytes | None


def jpeg_pieces(window: Window, parts: Sequence[Part]) -> Iterator[Piece]:
    """Yield a complete JPEG file without metadata, piece by piece.

    Raises:
        MalformedError: A segment is shorter than its fields.
    """
    plan = _plan(window, parts)
    yield b"\xff\xd8"
    seen: set[bytes] = set()
    for part in parts:
        if write := _SEGMENTS.get(part.kind):
            for content in write(_content(window, part), part, plan):
                if part.kind not in seen or part.kind not in _ONCE:
                    yield from _segments(part.kind, content)
                seen.add(part.kind)
        if part.kind == START_OF_SCAN:
            yield Span(scan_start(part), scan_end(window, part))
    yield b"\xff\xd9"


def without_gaps(window: Window) -> bytes | None:
    """Return a JPEG file without what lies between its segments, up to the first scan; None if nothing does.

    Pillow skips such bytes one by one.
    """
    pieces: list[Piece] = [b"\xff\xd8"]
    end = 2
    for part in jpeg_parts(window, tolerant=True):
        if part.kind == START_OF_SCAN:
            pieces.append(Span(part.start, window.size))
            return window.joined(pieces) if part.start != end or len(pieces) > 2 else None
        if part.start == end and isinstance(pieces[-1], Span):
            pieces[-1] = Span(pieces[-1].start, part.end)
        else:
            pieces.append(Span(part.start, part.end))
        end = part.end
    return window.joined(pieces)


def scan_start(part: Part) -> int:
    """Return where the entropy-coded data of a scan start."""
    return part.start + 2 + _length(part)


def scan_end(window: Window, part: Part) -> int:
    """Return where the entropy-coded data of a scan end, before any fill bytes."""
    start, end = scan_start(part), part.end
    while end > start:
        block = window.at(max(start, end - _FILL_BLOCK), min(_FILL_BLOCK, end - start))
        data = block.rstrip(b"\xff")
        end -= len(block) - len(data)
        if data:
            break
    return end


def _length(part: Part) -> int:
    """Return the length of a scan's header, which its own field states."""
    return 2 + 4 + 2 * part.content[0] if part.content else 2


def _content(window: Window, part: Part) -> bytes:
    """Return the content of a segment, after its length."""
    is_scan = part.kind == START_OF_SCAN
    size = _length(part) - 2 if is_scan else part.end - part.start - 4
    head = window.at(part.start + 2, 2 + size)
    content = head[2:]
    if len(content) < size or (is_scan and int.from_bytes(head[:2]) != size + 2):
        raise MalformedError("a segment has another length than its fields")
    return content


def _segments(kind: bytes, content: bytes) -> Iterator[bytes]:
    """Yield a segment, or those that a long ICC profile takes."""
    if kind != b"\xe2":
        yield b"\xff" + kind + (len(content) + 2).to_bytes(2) + content
        return
    room = _LONGEST_CONTENT - len(_PROFILE) - 2
    pieces = [content[start : start + room] for start in range(0, len(content), room)]
    for number, piece in enumerate(pieces, 1):
        head = _PROFILE + bytes([number, len(pieces)])
        yield b"\xff\xe2" + (len(head) + len(piece) + 2).to_bytes(2) + head + piece


def _plan(window: Window, parts: Sequence[Part]) -> _Plan:
    if sum(part.kind in FRAMES for part in parts) != 1:
        raise MalformedError("it has no frame, or several")
    adobe = [content for part in parts if part.kind == b"\xee" and _is_adobe(content := _content(window, part))]
    return _Plan(_used_tables(window, parts), _profile(window, parts), adobe[-1][11:12] if adobe else None)


def _used_tables(window: Window, parts: Sequence[Part]) -> frozenset[tuple[int, int]]:
    """Return the last definition of each table before each scan, if the scan or the frame refers to it."""
    defined: dict[tuple[bytes, int], tuple[int, int]] = {}
    used: set[tuple[int, int]] = set()
    frame = next(_content(window, part) for part in parts if part.kind in FRAMES)
    is_arithmetic = any(part.kind in _ARITHMETIC for part in parts)
    for part in parts:
        content = _content(window, part) if part.kind in _TABLES or part.kind == START_OF_SCAN else b""
        if part.kind in _TABLES:
            names = [table[0] for table in _TABLES[part.kind](content)]
            mask = 15 if part.kind == b"\xdb" else 31  # a quantization table may have 8 or 16 bits, under one number
            defined |= {(part.kind, name & mask): (part.start, place) for place, name in enumerate(names)}
        elif part.kind == START_OF_SCAN:
            wanted = [key for key in defined if _refers(content, frame, *key, is_arithmetic=is_arithmetic)]
            used.update(defined[key] for key in wanted)
    return frozenset(used)


def _refers(scan: bytes, frame: bytes, kind: bytes, name: int, *, is_arithmetic: bool) -> bool:
    """Whether a scan uses a table; quantization tables are those of the frame."""
    if kind == b"\xdb":
        return name in frame[8 : 6 + 3 * frame[5] : 3]
    if kind == b"\xcc":
        return is_arithmetic
    pairs = scan[2 : 2 + 2 * scan[0] : 2]
    return not is_arithmetic and any(name in {pair >> 4, pair & 15 | 16} for pair in pairs)


def _profile(window: Window, parts: Sequence[Part]) -> bytes | None:
    """Return the rewritten ICC profile, which may be spread over segments."""
    found: dict[int, bytes] = {}
    for part in parts:
        if part.kind == b"\xe2" and part.content.startswith(_PROFILE):
            content = _content(window, part)
            found.setdefault(content[12] if len(content) > 14 else 0, content[14:])
    return without_texts(b"".join(found[number] for number in sorted(found))) if found else None


def _jfif(content: bytes, _: Part, __: _Plan) -> Iterator[bytes]:
    """Keep version and density; what may follow is a thumbnail, another image."""
    if content.startswith(b"JFIF\0") and len(content) >= 12:
        yield content[:12] + b"\0\0"


def _is_adobe(content: bytes) -> bool:
    return content.startswith(b"Adobe") and len(content) >= 12


def _adobe(content: bytes, _: Part, plan: _Plan) -> Iterator[bytes]:
    """Keep which transform the colours have; the other fields tell how Adobe's encoder was set."""
    if _is_adobe(content) and plan.transform:
        yield b"Adobe\0\x64\0\0\0\0" + plan.transform


def _colours(content: bytes, _: Part, plan: _Plan) -> Iterator[bytes]:
    if content.startswith(_PROFILE) and plan.profile:
        yield plan.profile


def _tables(content: bytes, part: Part, plan: _Plan) -> Iterator[bytes]:
    tables = enumerate(_TABLES[part.kind](content))
    if kept := b"".join(table for place, table in tables if (part.start, place) in plan.tables):
        yield kept


def _quantization(content: bytes) -> Iterator[bytes]:
    return _split(content, lambda at: 65 + 64 * (content[at] >> 4 > 0))


def _huffman(content: bytes) -> Iterator[bytes]:
    return _split(content, lambda at: 17 + sum(content[at + 1 : at + 17]))


def _conditioning(content: bytes) -> Iterator[bytes]:
    return _split(content, lambda _: 2)


def _split(content: bytes, size_at: Callable[[int], int]) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        size = size_at(at)
        if at + size > len(content):
            raise MalformedError("a table is cut short")
        yield content[at : at + size]
        at += size


def _frame(content: bytes, _: Part, __: _Plan) -> Iterator[bytes]:
    yield _whole(content, 6 + 3 * _whole(content, 6)[5])


def _interval(content: bytes, _: Part, __: _Plan) -> Iterator[bytes]:
    yield _whole(content, 2)


def _scan(content: bytes, _: Part, __: _Plan) -> Iterator[bytes]:
    yield content


def _whole(content: bytes, size: int) -> bytes:
    if len(content) < size:
        raise MalformedError("a segment is cut short")
    return content[:size]


_ONCE: Final = {b"\xe0", b"\xe2", b"\xee"}
_TABLES: Final[dict[bytes, Callable[[bytes], Iterator[bytes]]]] = {
    b"\xdb": _quantization,
    b"\xc4": _huffman,
    b"\xcc": _conditioning,
}
_SEGMENTS: Final[dict[bytes, Callable[[bytes, Part, _Plan], Iterator[bytes]]]] = {
    b"\xe0": _jfif,
    b"\xe2": _colours,
    b"\xee": _adobe,
    b"\xdd": _interval,
    START_OF_SCAN: _scan,
    **dict.fromkeys(_TABLES, _tables),
    **dict.fromkeys(FRAMES, _frame),
}
