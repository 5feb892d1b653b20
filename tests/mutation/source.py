"""Reads C++ just well enough to change it: tokens, matching brackets, and what is code to be run.

Not a parser. It relies on the formatting that .clang-format gives (CI checks it): an operator with
spaces on both sides has two operands, `T* x` is a declaration. Whatever it gets wrong does not
compile, and a mutant that does not compile does not count.
"""

import bisect
import functools
import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
  | (?P<directive> ^[ \t]*\#(?:[^\n\\]|\\.)* )
  | (?P<string> (?:u8|[uUL])?R"(?P<raw>[^(\s]*)\(.*?\)(?P=raw)" | (?:u8|[uUL])?"(?:[^"\\\n]|\\.)*" )
  | (?P<char> '(?:[^'\\\n]|\\.)+' )
  | (?P<number> (?:0[xX][0-9a-fA-F']+ | (?:\d[\d']*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) [uUlLzZfF]* )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<sign> <<= | >>= | <=> | \.\.\. | ->\* | :: | \+\+ | -- | -> | << | >> | <= | >= | == | != | &&
      | \|\| | [-+*/%&|^]= | . )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_TYPE_KEYWORDS = {"class", "struct", "union", "enum"}
_OPENING = {"(": ")", "[": "]", "{": "}"}


@dataclass
class Token:
    kind: str  # "string", "char", "number", "name" or "sign"
    text: str
    start: int  # offsets into the file
    end: int
    line: int  # 1 is the first
    mate: int = -1  # of a bracket: index of the other one
    opener: int = -1  # index of the innermost bracket around it; -1 for none
    scope: str = ""  # of a "{": namespace, class, code, list or concept
    code: bool = False  # part of something that runs
    outside: bool = False  # of that: part of what a variable or member starts with, outside of functions
    message: bool = False  # part of an error: of a throw, or of what refuse() is told


class Source:
    """One file of the engine: `text`, its `tokens`, and its lines."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.tokens = _tokens(text)
        self._starts = [token.start for token in self.tokens]
        self._classes = {self.at(i + 1) for i in range(len(self.tokens)) if self.at(i) in ("class", "struct")}
        self._match_brackets()
        self._classify_braces()
        self._mark_code()
        self._mark_messages()

    def span(self, first, last):
        """The text from token `first` to token `last`, both included."""
        return self.text[self.tokens[first].start : self.tokens[last].end]

    def at(self, i):
        """The text of token `i`; empty when there is no such token."""
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def is_spaced(self, i):
        """Does white space stand on both sides of token `i`, as around an operator with two operands?"""
        token = self.tokens[i]
        return self.text[token.start - 1].isspace() and self.text[token.end].isspace()

    def statement_end(self, i):
        """Index of the `;` that ends the statement which starts at token `i`; -1 if there is none."""
        while i < len(self.tokens):
            text = self.at(i)
            if text == ";":
                return i
            if text in (")", "]", "}"):
                return -1
            i = (self.tokens[i].mate if text in _OPENING else i) + 1
        return -1

    def starts_statement(self, i):
        """Can token `i` be the first of a statement in a block of code?"""
        opener = self.tokens[i].opener
        if opener < 0 or self.tokens[opener].scope != "code":
            return False
        before = self.at(i - 1)
        return before in (";", "{", "}", "else", "do") or self.is_guarded(i)

    def is_guarded(self, i):
        """Does token `i` stand right after `if (...)`, `for (...)` or `while (...)`?"""
        if self.at(i - 1) != ")":
            return False
        head = self.at(self.tokens[i - 1].mate - 1)
        return head in ("if", "for", "while") or (
            head == "constexpr" and self.at(self.tokens[i - 1].mate - 2) == "if"
        )

    def head(self, i):
        """The tokens before the bracket `i`, back to the end of the last statement or block, as text."""
        words = []
        opener = self.tokens[i].opener
        i -= 1
        while i > opener:
            text = self.at(i)
            if text == ";" or (text == "}" and self.tokens[self.tokens[i].mate].scope != "list"):
                break
            if text in (")", "]", "}"):
                words.append(text)
                i = self.tokens[i].mate
                text = self.at(i)
            words.append(text)
            i -= 1
        return words[::-1]

    def function_at(self, offset):
        """How a linker's symbol names the outermost function around a place in the text: `name`, or `Name(` for
        a constructor or destructor. Empty when there is none, or when the compiler may have computed it."""
        inside = bisect.bisect_right(self._starts, offset) - 1
        body = -1
        while inside >= 0:
            if self.tokens[inside].scope == "code" and self.tokens[inside].end <= offset:
                body = inside
            inside = self.tokens[inside].opener
        return self._name_of(body)

    @functools.cache
    def _name_of(self, body):
        """The name of the function whose body is the brace `body`, as function_at() gives it."""
        head = self.head(body) if body >= 0 else []
        names = [i for i in range(1, len(head)) if head[i] == "(" and head[i - 1] not in ("decltype", "explicit")]
        if not names or "constexpr" in head:
            return ""
        name = head[names[0] - 1]
        if head[names[0] - 2 : names[0] - 1] == ["operator"]:
            return "operator" + name
        return name + "(" if name in self._classes else name

    # --- how the tokens are understood -----------------------------------------------------------

    def _match_brackets(self):
        stack = []
        for i, token in enumerate(self.tokens):
            if token.kind == "sign" and token.text in (")", "]", "}"):
                token.mate = stack.pop()
                self.tokens[token.mate].mate = i
            token.opener = stack[-1] if stack else -1
            if token.kind == "sign" and token.text in _OPENING:
                stack.append(i)

    def _classify_braces(self):
        for i, token in enumerate(self.tokens):
            if token.text == "{" and token.kind == "sign":
                token.scope = self._scope_of(i)

    def _scope_of(self, i):
        before = self.at(i - 1)
        head = self.head(i)
        if before == "requires" or "concept" in head:
            return "concept"
        if before == ")" and self.at(self.tokens[i - 1].mate - 1) == "requires":
            return "concept"
        if "namespace" in head:
            return "namespace"
        if _TYPE_KEYWORDS & set(_without_template(head)) and "(" not in head:
            return "class"
        opener = self.tokens[i].opener
        if before == "{" and self.tokens[opener].scope == "list":
            return "list"
        if before in (")", "]", "else", "do", "try", "{", "}", ";", "const", "mutable", "noexcept", "override"):
            return "code"
        return "code" if self._returns_type(i) else "list"

    def _returns_type(self, i):
        """Is the brace `i` the body of a function written `(...) -> type {`?"""
        i -= 1
        while i >= 0 and (self.tokens[i].kind == "name" or self.at(i) in ("::", "<", ">", ",", "*", "&", ">>")
                          or self.tokens[i].kind == "number"):
            i -= 1
        return self.at(i) == "->" and self.at(i - 1) == ")"

    def _mark_code(self):
        """Code is what stands in bodies of functions, in lists of member initializers, and what a
        variable or member starts with."""
        for i, token in enumerate(self.tokens):
            opener = token.opener
            around = None
            while opener >= 0 and around is None:
                scope = self.tokens[opener].scope
                around = None if scope in ("", "list") else scope
                opener = self.tokens[opener].opener
            token.outside = around in ("class", "namespace") and self._is_initializer(i)
            token.code = around == "code" or token.outside

    def _is_initializer(self, i):
        """Outside code: does token `i` follow the `=` of a variable, or the `:` after `)` of a
        constructor? (Not the `= 0` of a function without a body.)"""
        while i > 0:
            i -= 1
            text = self.at(i)
            if text in (")", "]", "}") and self.tokens[i].kind == "sign":
                if text == "}" and self.tokens[self.tokens[i].mate].scope != "list":
                    return False
                i = self.tokens[i].mate
            elif text == ";" or (text == "{" and self.tokens[i].scope != "list"):
                return False
            elif text == "=":
                pure = self.at(i - 1) in (")", "const", "override", "noexcept", "operator")
                return not pure and not self._is_in_template(i)
            elif text == ":" and self.at(i - 1) == ")":
                return True
        return False

    def _is_in_template(self, i):
        """Does token `i` stand between the angle brackets of `template <...>`?"""
        depth = 0
        while i > 0 and depth >= 0 and self.at(i) not in (";", "{", "}"):
            i -= 1
            depth += {">": 1, ">>": 2, "<": -1}.get(self.at(i), 0)
        return depth < 0 and self.at(i - 1) == "template"

    def _mark_messages(self):
        for i, token in enumerate(self.tokens):
            if token.text == "throw" and token.kind == "name":
                last = self.statement_end(i)
            elif token.text == "refuse" and self.at(i + 1) == "(":
                last = self.tokens[i + 1].mate
            elif token.text == "static_assert":
                last = self.statement_end(i)
            else:
                continue
            for k in range(i, last + 1):
                self.tokens[k].message = True


def _tokens(text):
    tokens = []
    line = 1
    position = 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        kind = match.lastgroup
        if kind == "raw":
            kind = "string"
        if kind in ("comment", "directive") or match.group().isspace():
            continue
        tokens.append(Token(kind, match.group(), match.start(), match.end(), line))
    return tokens


def _without_template(words):
    """`words` without `template <...>` in front, whose `class T` is no class."""
    if "template" not in words:
        return words
    depth = 0
    for i in range(words.index("template") + 1, len(words)):
        depth += {"<": 1, ">": -1, ">>": -2}.get(words[i], 0)
        if depth <= 0:
            return words[:words.index("template")] + _without_template(words[i + 1:])
    return words
