"""The words of a shell script: splitting, variables, substitutions, arithmetic, `test`."""

import re
import shlex

DATE = "\0date\0"
"""Stands in a line for the time at which it is printed."""

_SUBSTITUTION = re.compile(r"\$\((?P<command>[^()]*)\)|`(?P<old>[^`]*)`")
_ARITHMETIC = re.compile(r"\$\(\((?P<sum>[^()]*)\)\)")
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\}|(?P<plain>\w+|\?|\$))")
_SUM = re.compile(r"^\s*\$?(\w+)\s*(?:([-+*/%])\s*\$?(\w+))?\s*$")
_PUNCTUATION = ";&|<>()\n"


def split(text: str) -> list[str]:
    """Words and operators. A quoted operator (`echo ";"`) is taken for one."""
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars=_PUNCTUATION)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[str] = []
    for word in lexer:
        if word and all(ch in _PUNCTUATION for ch in word) and len(word) > 1:
            found += re.findall(r"&&|\|\||;;|>>|.|\n", word)
        else:
            found.append(word)
    return found


def guarded(text: str) -> str:
    """The script with substitutions made safe for splitting into words, and comments taken out."""
    text = re.sub(r"(?m)(^|\s)#.*$", r"\1", text)
    text = _ARITHMETIC.sub(lambda m: f"\1{m['sum'].replace(' ', '')}\1", text)
    return _SUBSTITUTION.sub(lambda m: "\2" + re.sub(r"\s+", "\3", (m["command"] or m["old"] or "").strip()) + "\2", text)


class Words:
    """Expands words with the variables and the last exit code of a script."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.code = 0

    def expand(self, word: str) -> str:
        """A word with its variables and substitutions."""
        word = re.sub("\1([^\1]*)\1", lambda m: str(self._sum(m[1])), word)
        word = re.sub("\2([^\2]*)\2", lambda m: self._output(m[1].split("\3")), word)
        return _VARIABLE.sub(self._variable, word)

    def _variable(self, found: re.Match[str]) -> str:
        name = found["braced"] or found["plain"]
        if name == "?":
            return str(self.code)
        return "1" if name == "$" else self.variables.get(name) or found["default"] or ""

    def _sum(self, text: str) -> int:
        found = _SUM.match(text)
        if not found:
            return 0
        left, right = (self._number(part) for part in (found[1], found[3] or "0"))
        if found[2] in ("/", "%"):
            return 0 if right == 0 else (left // right if found[2] == "/" else left % right)
        return {"-": left - right, "*": left * right}.get(found[2] or "+", left + right)

    def _number(self, text: str) -> int:
        shown = text if text.isdigit() else self.variables.get(text, "0")
        return int(shown) if shown.isdigit() else 0

    def _output(self, words: list[str]) -> str:
        name, arguments = words[0] if words else "", [self.expand(w) for w in words[1:]]
        if name == "date":
            return DATE
        if name == "hostname":
            return self.variables.get("HOSTNAME", "")
        if name == "echo":
            return " ".join(arguments)
        if name == "seq" and arguments and all(a.isdigit() for a in arguments):
            bounds = [int(a) for a in arguments]
            return " ".join(map(str, range(bounds[0] if len(bounds) > 1 else 1, min(bounds[-1], 10_000) + 1)))
        return ""


def test(words: list[str]) -> bool:
    if words[:1] == ["!"]:
        return not test(words[1:])
    if len(words) == 3:
        left, operator, right = words
        if operator in ("=", "==", "!="):
            return (left == right) == (operator != "!=")
        if operator.startswith("-") and left.isdigit() and right.isdigit():
            a, b = int(left), int(right)
            return {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}.get(operator, False)
    if len(words) == 2:
        return words[1] == "" if words[0] == "-z" else words[0] == "-n" and words[1] != ""
    return len(words) == 1 and words[0] != ""
