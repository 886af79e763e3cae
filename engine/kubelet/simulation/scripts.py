"""What a shell script of a manifest would do: how long it runs, what it prints, how it ends.

A small shell is walked through in its own time: lists, `&&`, `||`, `if`, `for`, `while`, `until`, variables, `echo`, `sleep`, `exit`,
`test`. A command that is not known takes a moment and succeeds; at the end of a script that should keep running, it runs for ever.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from engine.kubelet.simulation.words import DATE, Words, guarded, split, test

NEVER = float("inf")
STEPS_MAX = 2_000
TURNS_MAX = 64
"""A loop that has gone round this often goes on for ever in the same way."""
UNKNOWN_COMMAND_S = 1.0
LINES_MAX = 2_000


class Script(NamedTuple):
    """Lines as (seconds since the start, text); from `loop_at` on, `loop` repeats every `loop_s` seconds for ever."""

    lines: tuple[tuple[float, str], ...]
    ends_s: float
    code: int
    message: str = ""
    loop_at: float = NEVER
    loop_s: float = 1.0
    loop: tuple[tuple[float, str], ...] = ()
    ignores_term: bool = False


class _Ended(Exception):
    """The script is over, or goes on for ever in a way that is known."""


class _Broken(Exception):
    """`break` out of the innermost loop, or `continue` with it."""

    def __init__(self, again: bool) -> None:
        self.again = again


_END_WORDS = frozenset({"done", "fi", "then", "else", "elif", "do", "}", ")"})
_SEPARATORS = frozenset({";", "&", "\n", ";;"})

SERVERS = frozenset(
    {
        *("nginx", "httpd", "apache2-foreground", "caddy", "traefik", "envoy", "haproxy", "coredns"),
        *("redis-server", "memcached", "postgres", "mysqld", "mongod", "etcd", "prometheus", "grafana-server"),
        *("java", "node", "npm", "yarn", "gunicorn", "uvicorn", "flask", "rails", "puma", "php-fpm", "dotnet", "docker-entrypoint.sh"),
    }
)


class _Walk(Words):
    """One walk through a script, with its own clock."""

    def __init__(self, words: list[str], variables: Mapping[str, str], keeps_running: bool) -> None:
        super().__init__(dict(variables))
        self.words = words
        self.keeps_running = keeps_running
        self.now = 0.0
        self.lines: list[tuple[float, str]] = []
        self.message = ""
        self.steps = 0
        self.loop: tuple[float, float, tuple[tuple[float, str], ...]] | None = None
        self.ignores_term = False

    # -- lists and compounds: each takes the position of its first word and returns the position after it

    def list_(self, at: int, run: bool) -> int:
        """A list up to a word that ends it."""
        go = run
        while at < len(self.words) and self.words[at] not in _END_WORDS:
            if self.words[at] in _SEPARATORS:
                at, go = at + 1, run
                continue
            at = self._pipeline(at, go)
            operator = self.words[at] if at < len(self.words) else ""
            if operator in ("&&", "||"):
                go = run and (self.code == 0) == (operator == "&&")
                at += 1
            else:
                go = run
        return at

    def _pipeline(self, at: int, run: bool) -> int:
        at = self._compound(at, run)
        while at < len(self.words) and self.words[at] == "|":
            at = self._compound(at + 1, False)
        return at

    def _compound(self, at: int, run: bool) -> int:
        word = self.words[at]
        if word in ("while", "until"):
            return self._while(at, run, word == "while")
        if word == "for":
            return self._for(at, run)
        if word == "if":
            return self._if(at, run)
        if word in ("(", "{"):
            return self.list_(at + 1, run) + 1
        return self._simple(at, run)

    def _while(self, at: int, run: bool, wanted: bool) -> int:
        condition = at + 1
        turns = 0
        while True:
            mark, began = len(self.lines), self.now
            body = self.list_(condition, run) + 1
            if not run or (self.code == 0) != wanted:
                return self.list_(body, False) + 1
            if not self._turn(body):
                return self.list_(body, False) + 1
            turns += 1
            if turns >= TURNS_MAX:
                self._for_ever(mark, began)

    def _turn(self, body: int) -> bool:
        """One turn of a loop; whether it may go round again."""
        try:
            self.list_(body, True)
        except _Broken as broken:
            return broken.again
        return True

    def _for_ever(self, mark: int, began: float) -> None:
        period = self.now - began or 1.0
        self.loop = (self.now, period, tuple((t - began, text) for t, text in self.lines[mark:]))
        raise _Ended

    def _for(self, at: int, run: bool) -> int:
        name = self.words[at + 1]
        at += 3
        items: list[str] = []
        while self.words[at] not in (";", "\n"):
            items += self.expand(self.words[at]).split()
            at += 1
        while self.words[at] in (";", "\n"):
            at += 1
        body = at + 1
        for item in items if run else ():
            self.variables[name] = item
            if not self._turn(body):
                break
        return self.list_(body, False) + 1

    def _if(self, at: int, run: bool) -> int:
        taken = not run
        while self.words[at] in ("if", "elif"):
            at = self.list_(at + 1, not taken) + 1
            chosen = not taken and self.code == 0
            at = self.list_(at, chosen)
            taken = taken or chosen
        if self.words[at] == "else":
            at = self.list_(at + 1, not taken)
        return at + 1

    # -- simple commands

    def _simple(self, at: int, run: bool) -> int:
        words: list[str] = []
        target = ""
        while at < len(self.words) and self.words[at] not in _SEPARATORS and self.words[at] not in ("&&", "||", "|", ")", "}"):
            if self.words[at] in (">", ">>", "<"):
                if words and words[-1] in ("1", "2"):
                    words.pop()
                at += 1
                if at < len(self.words) and self.words[at] == "&":
                    at += 1
                elif self.words[at - 1] != "<":
                    target = self.words[at]
                at += 1
                continue
            words.append(self.words[at])
            at += 1
        if run and words:
            self.steps += 1
            if self.steps > STEPS_MAX:
                raise _Ended
            last = all(w in _SEPARATORS for w in self.words[at:])
            self.code = self._command(words, target, last)
        return at

    def _command(self, words: list[str], target: str, last: bool) -> int:
        name = words[0]
        assignment = re.match(r"^(\w+)=(.*)$", name, re.DOTALL)
        if assignment:
            self.variables[assignment[1]] = self.expand(assignment[2])
            return self._command(words[1:], target, last) if len(words) > 1 else 0
        if name in ("exec", "!", "time", "nohup") and len(words) > 1:
            code = self._command(words[1:], target, last)
            return int(code == 0) if name == "!" else code
        arguments = [self.expand(word) for word in words[1:]]
        found = _BUILTINS.get(name.rpartition("/")[2])
        if found is not None:
            return int(found(self, arguments, target) or 0)
        if name in ("[", "test", "[["):
            return int(not test([a for a in arguments if a not in ("]", "]]")]))
        if name.rpartition("/")[2] in SERVERS or (last and self.keeps_running):
            self._run_for_ever()
        self.now += UNKNOWN_COMMAND_S
        return 0

    def _run_for_ever(self) -> None:
        self.now = NEVER
        raise _Ended

    def _print(self, text: str, target: str) -> None:
        if target == "/dev/termination-log":
            self.message += text
        elif not target and len(self.lines) < LINES_MAX:
            self.lines += [(self.now, line) for line in text.removesuffix("\n").split("\n")]

    def _do_echo(self, arguments: list[str], target: str) -> None:
        while arguments and re.fullmatch(r"-[neE]+", arguments[0]):
            arguments = arguments[1:]
        self._print(" ".join(arguments) + "\n", target)

    def _do_printf(self, arguments: list[str], target: str) -> None:
        form, values = (arguments[0] if arguments else ""), iter(arguments[1:])
        text = re.sub(r"%[-\d.]*[sdif]", lambda _: next(values, ""), form)
        self._print(text.replace("\\n", "\n").replace("\\t", "\t"), target)

    def _do_date(self, arguments: list[str], target: str) -> None:
        self._print(DATE, target)

    def _do_hostname(self, arguments: list[str], target: str) -> None:
        self._print(self.variables.get("HOSTNAME", ""), target)

    def _do_sleep(self, arguments: list[str], target: str) -> None:
        self.now += sum(sleep_seconds(a) for a in arguments)
        if self.now == NEVER:
            raise _Ended

    def _do_exit(self, arguments: list[str], target: str) -> None:
        self.code = int(arguments[0]) & 255 if arguments and arguments[0].isdigit() else self.code
        raise _Ended

    def _do_break(self, arguments: list[str], target: str) -> None:
        raise _Broken(False)

    def _do_continue(self, arguments: list[str], target: str) -> None:
        raise _Broken(True)

    def _do_true(self, arguments: list[str], target: str) -> int:
        return 0

    def _do_false(self, arguments: list[str], target: str) -> int:
        return 1

    def _do_trap(self, arguments: list[str], target: str) -> None:
        if arguments and arguments[0] == "" and any(a in ("TERM", "SIGTERM", "15") for a in arguments[1:]):
            self.ignores_term = True

    def _do_tail(self, arguments: list[str], target: str) -> None:
        if any(a in ("-f", "-F") for a in arguments):
            self._run_for_ever()

    def _do_wait(self, arguments: list[str], target: str) -> None:
        if self.keeps_running:
            self._run_for_ever()

    def _quiet(self, arguments: list[str], target: str) -> None:
        """Commands that end at once and print nothing."""


_QUIET = ["set", "export", "cd", "mkdir", "touch", "chmod", "chown", "rm", "cp", "mv", "ln", "cat", "ls", "read", "unset", "shift"]
_BUILTINS: dict[str, Callable[[_Walk, list[str], str], int | None]] = {
    **dict.fromkeys(_QUIET, _Walk._quiet),
    "echo": _Walk._do_echo,
    "printf": _Walk._do_printf,
    "date": _Walk._do_date,
    "hostname": _Walk._do_hostname,
    "sleep": _Walk._do_sleep,
    "exit": _Walk._do_exit,
    "break": _Walk._do_break,
    "continue": _Walk._do_continue,
    "true": _Walk._do_true,
    ":": _Walk._do_true,
    "false": _Walk._do_false,
    "trap": _Walk._do_trap,
    "tail": _Walk._do_tail,
    "wait": _Walk._do_wait,
}


def sleep_seconds(text: str) -> float:
    """`30`, `1.5`, `2m`, `infinity`; what is none counts as nothing."""
    if text in ("infinity", "inf"):
        return NEVER
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)([smhd]?)", text)
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]] if found else 0.0


def walk(text: str, variables: Mapping[str, str], keeps_running: bool) -> Script:
    """What a script does. One that cannot be read (unbalanced quotes, a missing `done`) fails as a shell does: exit code 2."""
    try:
        going = _Walk(split(guarded(text)), variables, keeps_running)
    except ValueError as error:
        return Script(((0.0, f"sh: syntax error: {error}"),), 0.0, 2)
    try:
        going.list_(0, True)
    except _Ended:
        if going.loop is not None:
            at, period, lines = going.loop
            return Script(tuple(going.lines), NEVER, 0, going.message, at, period, lines, going.ignores_term)
    except _Broken:
        going.code = 0
    except IndexError:
        return Script((*going.lines, (going.now, "sh: syntax error: unexpected end of file")), going.now, 2)
    code = 0 if going.now == NEVER else going.code
    return Script(tuple(going.lines), going.now, code, going.message, ignores_term=going.ignores_term)


PLAIN = frozenset({"sleep", "echo", "printf", "date", "hostname", "true", "false", "tail", "cat", "ls"})
"""Commands that are understood without a shell around them."""


def walk_words(words: list[str], variables: Mapping[str, str]) -> Script:
    """What a plain command does: `["sleep", "3600"]`."""
    going = _Walk(words, variables, False)
    try:
        going.code = _BUILTINS.get(words[0].rpartition("/")[2], _Walk._quiet)(going, words[1:], "") or 0
    except _Ended:
        return Script(tuple(going.lines), going.now, going.code)
    return Script(tuple(going.lines), max(going.now, 0.05), going.code)
