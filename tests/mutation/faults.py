"""The kinds of small faults, and where in a file of the engine each can be made.

Each kind yields (kind, start, end, text): `text` instead of the characters from start to end.
"""

import re


def faults(source):
    """All of them, with whether they lie outside of functions as a fifth. Statements come before
    conditions, and so win where both make the same change."""
    for i, token in enumerate(source.tokens):
        if not token.code or source.at(i - 1) == "operator":
            continue
        kinds = [_dropped]
        if not token.message:
            kinds += {"sign": (_operators, _signs, _chosen, _indices, _arguments), "number": (_constants,),
                      "name": (_truths, _conditions, _partners)}.get(token.kind, ())
        for find in kinds:
            for fault in find(source, i):
                yield *fault, token.outside


_BINARY = {
    "+": ("arithmetic", "-"), "-": ("arithmetic", "+"), "*": ("arithmetic", "/"),
    "/": ("arithmetic", "*"), "%": ("arithmetic", "/"), "&": ("arithmetic", "|"),
    "|": ("arithmetic", "&"), "^": ("arithmetic", "&"), ">>": ("arithmetic", "<<"),
    "<<": ("arithmetic", ">>"),
    "+=": ("arithmetic", "-=", "="), "-=": ("arithmetic", "+=", "="), "*=": ("arithmetic", "/=", "="),
    "/=": ("arithmetic", "*=", "="), "|=": ("arithmetic", "="), "^=": ("arithmetic", "="),
    "<": ("comparison", "<=", ">"), "<=": ("comparison", "<", ">="),
    ">": ("comparison", ">=", "<"), ">=": ("comparison", ">", "<="),
    "==": ("comparison", "!="), "!=": ("comparison", "=="),
    "&&": ("logic", "||"), "||": ("logic", "&&"),
}


def _operators(source, i):
    token = source.tokens[i]
    if token.text in _BINARY and source.is_spaced(i):
        kind, *others = _BINARY[token.text]
        for other in others:
            yield kind, token.start, token.end, other
    if token.text in ("++", "--"):
        yield "arithmetic", token.start, token.end, "--" if token.text == "++" else "++"


def _signs(source, i):
    """`-x` becomes `x`, and `!x` too."""
    token = source.tokens[i]
    if token.text in ("-", "!") and not source.text[token.end].isspace():
        yield ("sign" if token.text == "-" else "condition"), token.start, token.end, ""


def _constants(source, i):
    token = source.tokens[i]
    if source.at(i + 1) == ">" and not source.is_spaced(i + 1):
        return  # an argument of a template
    if source.at(i - 1) == "<" and not source.is_spaced(i - 1):
        return
    digits, suffix = re.fullmatch(r"(0[xX][0-9a-fA-F']+|[^uUlLzZfF]+)([uUlLzZfF]*)", token.text).groups()
    if digits.lower().startswith("0x"):
        others = [hex(int(digits, 16) + 1)]
    elif digits.isdigit():
        others = {"0": ["1"], "1": ["0", "2"]}.get(digits, [str(int(digits) + 1)])
    else:
        value = float(digits)
        others = [{0.0: "1.0", 1.0: "2.0", 0.5: "1.0"}.get(value, repr(2 * value))]
    for other in others:
        yield "constant", token.start, token.end, other + suffix


def _truths(source, i):
    token = source.tokens[i]
    if token.text in ("true", "false"):
        yield "constant", token.start, token.end, "false" if token.text == "true" else "true"


def _dropped(source, i):
    """A statement that computes, calls, leaves early, or guards a scope under a name nobody uses."""
    if not source.starts_statement(i):
        return
    token = source.tokens[i]
    last = source.statement_end(i)
    if last < 0:
        return
    if token.text == "return":
        drop = source.is_guarded(i)
    elif token.text in ("continue", "break", "throw", "delete"):
        drop = True
    elif token.kind == "name" or token.text in ("++", "--", "*", "("):
        drop = _is_expression(source, i, last) or _is_unused(source, i, last)
    else:
        drop = False
    if drop:
        yield "statement", token.start, source.tokens[last].end, ";"


_NO_EXPRESSION = {
    "using", "typedef", "if", "for", "while", "do", "else", "switch", "case", "default", "struct", "class",
    "template", "return", "goto", "try", "static_assert",
}


def _is_expression(source, i, last):
    """Does a statement compute or call, and declare nothing?"""
    if source.at(i) in _NO_EXPRESSION | {"const", "constexpr", "static", "auto", "thread_local"}:
        return False
    while i < last:
        following = source.at(i + 1)
        if source.tokens[i].kind == "name" and source.tokens[i + 1].kind == "name":
            return False  # Type name
        if source.at(i) in (">", "&", "*", "&&") and source.tokens[i + 1].kind == "name" and not source.is_spaced(i) \
                and not source.text[source.tokens[i].start - 1].isspace():
            return False  # Type<...> name, Type& name
        if following in ("=", "(", "+=", "-=", "*=", "/=", "^=", "|="):
            return True
        if source.at(i) in ("++", "--"):
            return True
        i += 1
    return False


def _is_unused(source, i, last):
    """Does a statement declare `Type name(...)` or `Type name;` that nothing refers to later?"""
    if source.at(i) in _NO_EXPRESSION:
        return False
    k = i
    while k < last and source.at(k + 1) not in ("(", "=", "{", ";", "["):
        k += 1
    name = source.tokens[k]
    if name.kind != "name" or k == i or source.at(k + 1) != "(":
        return False
    close = source.tokens[source.tokens[i].opener].mate
    return all(source.at(later) != name.text for later in range(last, close))


def _conditions(source, i):
    """`if (c)`, `while (c)` and `for (...; c; ...)`: negated, and as if c were always true or false."""
    word = source.tokens[i].text
    if word not in ("if", "while", "for"):
        return
    is_constexpr = source.at(i + 1) == "constexpr"
    opening = i + 2 if is_constexpr else i + 1
    if source.at(opening) != "(":
        return
    closing = source.tokens[opening].mate
    semicolons = [k for k in range(opening, closing) if source.at(k) == ";" and source.tokens[k].opener == opening]
    assigns = any(source.at(k) == "=" and source.tokens[k].opener == opening for k in range(opening, closing))
    first, last = opening + 1, closing - 1
    if word == "for":
        if len(semicolons) != 2 or semicolons[1] == semicolons[0] + 1:
            return
        yield "condition", source.tokens[semicolons[0] + 1].start, source.tokens[semicolons[1]].start, "false"
        return
    if semicolons:
        first = semicolons[0] + 1
    elif assigns:  # if (T* x = ...)
        start, end = source.tokens[closing].start, source.tokens[closing].start
        yield "condition", start, end, "; false"
        return
    start, end = source.tokens[first].start, source.tokens[last].end
    if source.text[start:end] in ("true", "false"):
        return
    yield "condition", start, end, f"!({source.text[start:end]})"
    if word == "if":
        yield "condition", start, end, "true"
    if word == "while" or not _guards_droppable(source, closing + 1):
        yield "condition", start, end, "false"


def _guards_droppable(source, i):
    """Is what follows an `if` one statement that is dropped elsewhere, without an `else`?"""
    last = source.statement_end(i)
    return any(True for _ in _dropped(source, i)) and source.at(last + 1) != "else"


def _chosen(source, i):
    """`c ? x : y` with the condition negated."""
    if source.at(i) != "?":
        return
    opener = source.tokens[i].opener
    first = i
    while first - 1 > opener:
        text = source.at(first - 1)
        if text in (",", ";", "{", "=", "return", "?", ":", "<<", "+=") or text == "(":
            break
        first = source.tokens[first - 1].mate if text in (")", "]", "}") else first - 1
    if first < i:
        start, end = source.tokens[first].start, source.tokens[i - 1].end
        yield "condition", start, end, f"!({source.text[start:end]})"


def _arguments(source, i):
    """`f(x, y)` with two neighbouring arguments exchanged."""
    before = source.tokens[i - 1] if i > 0 else None
    if source.at(i) != "(" or before is None or before.kind != "name" and before.text != ">":
        return
    if before.text in ("if", "for", "while", "switch", "return", "sizeof", "constexpr", "requires"):
        return
    if before.text in ("max", "min", "swap"):
        return  # whose arguments are alike
    closing = source.tokens[i].mate
    commas = [k for k in range(i, closing) if source.at(k) == "," and source.tokens[k].opener == i]
    edges = [i, *commas, closing]
    arguments = [(edges[k] + 1, edges[k + 1] - 1) for k in range(len(edges) - 1)]
    for (a, b), (c, d) in zip(arguments, arguments[1:]):
        first, second = source.span(a, b), source.span(c, d)
        between = source.text[source.tokens[b].end : source.tokens[c].start]
        of_one_sort = first.startswith('"') == second.startswith('"') and "{" not in first + second
        if first != second and of_one_sort:
            yield "arguments", source.tokens[a].start, source.tokens[d].end, second + between + first


def _indices(source, i):
    """`x[i]` with another index of the same function."""
    if source.at(i) != "[" or source.tokens[i].mate != i + 2 or source.tokens[i + 1].kind != "name":
        return
    index = source.tokens[i + 1]
    others = set()
    first, last = _function_around(source, i)
    for k in range(first, last):
        if source.at(k) == "[" and source.tokens[k].mate == k + 2 and source.tokens[k + 1].kind == "name":
            others.add(source.at(k + 1))
    for other in sorted(others - {index.text}):
        yield "index", index.start, index.end, other


def _function_around(source, i):
    """First and last token of the outermost function around token `i`, its parameters included."""
    outermost = i
    while (opener := source.tokens[i].opener) >= 0:
        if source.tokens[opener].scope == "code":
            outermost = opener
        i = opener
    first = outermost
    while source.at(first - 1) not in ("", ";", "{", "}"):
        first -= 1
    return first, max(source.tokens[outermost].mate, outermost)


_PARTNERS = [("a", "b"), ("m", "n"), ("m", "k"), ("n", "k"), ("x1", "x2"), ("ae", "be"), ("dim0", "dim1"),
             ("dim", "rank"), ("rows", "columns"), ("from", "to"), ("kA", "kB"), ("vjp_a", "vjp_b"),
             ("first", "second"), ("above", "below"), ("high", "low"), ("in_size", "out_size"),
             ("before", "after"), ("shorter", "result"), ("g", "y"), ("begin", "end"), ("min", "max"),
             ("steps", "sizes")]


def _partners(source, i):
    """A name with its counterpart: `a` and `b`, `at_a` and `at_b`, `dim0` and `dim1`."""
    token = source.tokens[i]
    others = [v if token.text == u else u for u, v in _PARTNERS if token.text in (u, v)]
    if token.text.endswith(("_a", "_b")) and token.text not in ("vjp_a", "vjp_b"):
        others.append(token.text[:-1] + ("b" if token.text.endswith("a") else "a"))
    first, last = _function_around(source, i)
    for other in others:
        if any(source.at(k) == other for k in range(first, last)):
            yield "operand", token.start, token.end, other
