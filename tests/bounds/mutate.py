"""The mutants of a C++ file: each term removed and halved, each comparison flipped, each choice taken one way.

Clang's own parser finds the expressions. All mutants of a file stand in one text, which a number switches when the program runs: so
the file is compiled once, not once for each of a thousand mutants.

`for` headers, subscripts and addresses are left alone: a mutant there reads foreign memory or never ends, which says nothing about a bound.
"""

import dataclasses
import re

from clang import cindex

FLIPPED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
MOVED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}  # the boundary alone
OF_TWO = {"max": "min", "min": "max"}
OF_ONE = {"fabs": "({})", "abs": "({})", "sqrt": "({})", "grown": "({})", "round_up": "static_cast<float>({})",
          "round_down": "static_cast<float>({})"}


@dataclasses.dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    function: str
    begin: int
    end: int
    before: str
    after: str

    def __str__(self):
        return f"{self.file}:{self.line} {self.before} -> {self.after}"


class _Walk:
    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.found = {}

    def source(self, cursor):
        return self.text[cursor.extent.start.offset : cursor.extent.end.offset].decode()

    def add(self, cursor, function, after):
        """`after` in the place of the cursor's text."""
        begin, end = cursor.extent.start.offset, cursor.extent.end.offset
        before = self.text[begin:end].decode()
        if after not in (before, f"({before})"):
            mutant = Mutant(self.name, cursor.extent.start.line, function, begin, end, before, after)
            self.found.setdefault((begin, -end, after), mutant)

    def operator(self, left, right):
        between = self.text[left.extent.end.offset : right.extent.start.offset].decode()
        return between.replace("(", " ").replace(")", " ").strip()

    def binary(self, cursor, function):
        left, right = cursor.get_children()
        sign = self.operator(left, right)
        a, b = self.source(left), self.source(right)
        if sign in FLIPPED:
            self.add(cursor, function, f"({a} {FLIPPED[sign]} {b})")
        if sign in MOVED:
            self.add(cursor, function, f"({a} {MOVED[sign]} {b})")
        if sign in ("+", "-"):
            self.add(cursor, function, f"({a})")
            self.add(cursor, function, f"({b})" if sign == "+" else f"(-({b}))")
            self.add(cursor, function, f"({a} {'-' if sign == '+' else '+'} {b})")
            self.add(cursor, function, f"({a} {sign} ({b}) / 2)")
            if not (left.kind == cindex.CursorKind.BINARY_OPERATOR):
                self.add(cursor, function, f"(({a}) / 2 {sign} {b})")
        if sign == "*":
            self.add(cursor, function, f"({a})")
            self.add(cursor, function, f"({b})")
        if sign == "/":
            self.add(cursor, function, f"({a})")
        if sign in ("&&", "||"):
            self.add(cursor, function, f"({a})")
            self.add(cursor, function, f"({b})")

    def compound(self, cursor, function):
        left, right = cursor.get_children()
        sign = self.operator(left, right)
        b = self.source(right)
        if sign in ("+=", "-="):
            self.add(right, function, f"(({b}) * 0)")
            self.add(right, function, f"(({b}) / 2)")

    def call(self, cursor, function):
        arguments = list(cursor.get_arguments())
        name = cursor.spelling
        if name in OF_TWO and len(arguments) == 2:
            for argument in arguments:
                self.add(cursor, function, f"({self.source(argument)})")
            self.add(cursor, function, self.source(cursor).replace(name, OF_TWO[name], 1))
        if name in OF_ONE and len(arguments) == 1:
            self.add(cursor, function, OF_ONE[name].format(self.source(arguments[0])))

    def conditional(self, cursor, function):
        _, yes, no = cursor.get_children()
        self.add(cursor, function, f"({self.source(yes)})")
        self.add(cursor, function, f"({self.source(no)})")

    def walk(self, cursor, function):
        kind = cursor.kind
        if kind in (cindex.CursorKind.CXX_METHOD, cindex.CursorKind.FUNCTION_DECL, cindex.CursorKind.CONSTRUCTOR):
            function = cursor.spelling
        children = list(cursor.get_children())
        if kind == cindex.CursorKind.FOR_STMT:
            self.walk(children[-1], function)
            return
        if kind == cindex.CursorKind.ARRAY_SUBSCRIPT_EXPR:
            self.walk(children[0], function)
            return
        if kind == cindex.CursorKind.STATIC_ASSERT or cursor.type.get_canonical().kind == cindex.TypeKind.POINTER:
            return
        if kind == cindex.CursorKind.BINARY_OPERATOR:
            self.binary(cursor, function)
        elif kind == cindex.CursorKind.COMPOUND_ASSIGNMENT_OPERATOR:
            self.compound(cursor, function)
        elif kind == cindex.CursorKind.CALL_EXPR:
            self.call(cursor, function)
        elif kind == cindex.CursorKind.CONDITIONAL_OPERATOR:
            self.conditional(cursor, function)
        elif kind == cindex.CursorKind.UNARY_OPERATOR and self.source(cursor)[:1] in ("-", "!"):
            self.add(cursor, function, f"({self.source(cursor)[1:]})")
        elif kind == cindex.CursorKind.FLOATING_LITERAL and self.source(cursor).strip("0.F"):
            self.add(cursor, function, f"({self.source(cursor)} / 2)")
        for child in children:
            self.walk(child, function)


def mutants_of(path, name, arguments):
    """The mutants of the file at `path`, which reports call `name`; `arguments` are Clang's. In the order of the file, what holds
    another before it."""
    unit = cindex.Index.create().parse(str(path), args=arguments)
    errors = [str(note) for note in unit.diagnostics if note.severity >= cindex.Diagnostic.Error]
    if errors:
        raise SystemExit(f"{name}: Clang cannot read it: {errors[:3]}")
    walk = _Walk(name, path.read_bytes())
    for cursor in unit.cursor.get_children():
        if cursor.location.file is not None and cursor.location.file.name == str(path):
            walk.walk(cursor, "")
    return [walk.found[place] for place in sorted(walk.found)]


def _switched(text, numbered, begin, end):
    """text[begin:end] with the mutants in it, which do not overlap unless one holds the other."""
    parts = []
    while numbered:
        first = numbered[0][1]
        here = [pair for pair in numbered if (pair[1].begin, pair[1].end) == (first.begin, first.end)]
        inside = [pair for pair in numbered if pair[1].begin < first.end and pair not in here]
        numbered = [pair for pair in numbered if pair[1].begin >= first.end]
        parts.append(text[begin : first.begin].decode())
        kind = f"std::remove_cvref_t<decltype({first.before})>"
        choices = "".join(f"mutant == {number} ? static_cast<{kind}>({one.after}) : " for number, one in here)
        parts.append(f"({choices}{_switched(text, inside, first.begin, first.end)})")
        begin = first.end
    return "".join(parts) + text[begin:end].decode()


def switched(path, numbered):
    """The file's text with all mutants [(number, mutant)] of it: the one whose number is `mutant` is taken, a global int. Constants
    become variables that are set when the program begins."""
    text = path.read_bytes()
    result = _switched(text, numbered, 0, len(text))
    result = re.sub(r"\bstatic constexpr (float|double)\b", r"static inline const \1", result)
    result = re.sub(r"\bconstexpr (float|double) (\w+) =", r"const \1 \2 =", result)
    return re.sub(r"\bconstexpr (\w+) (\w+)\(", r"inline \1 \2(", result)
