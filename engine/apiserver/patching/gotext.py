"""Values in texts as Go prints them: upstream's messages quote what they complain of."""

from typing import Any


def go_type(value: Any) -> str:
    """Go's `%T` of decoded JSON."""
    for kind, name in ((bool, "bool"), (str, "string"), (int, "int64"), (float, "float64"), (list, "[]interface {}")):
        if isinstance(value, kind):
            return name
    return "map[string]interface {}"


def go_syntax(value: Any) -> str:
    """Go's `%#v` of decoded JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return show_string(value)
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(go_syntax, value))}}}"
    if isinstance(value, dict):
        return f"map[string]interface {{}}{{{', '.join(f'{show_string(k)}:{go_syntax(v)}' for k, v in sorted(value.items()))}}}"
    return "interface {}(nil)" if value is None else str(value)


def go_pointer(value: Any) -> str:
    """Go's `%v` of a pointer to a value of decoded JSON."""
    return f"&{{{go_value(value)}}}"


def go_value(value: Any) -> str:
    """Go's `%v` of decoded JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(map(go_value, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{k}:{go_value(v)}' for k, v in sorted(value.items()))}]"
    return "<nil>" if value is None else str(value)


def show_string(value: str) -> str:
    """A string in Go's quotes."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
