"""Going places: commands, filter, namespaces, back, help."""

from ktui.keys import Action, by_app

TABLES = ("table", "overview")

ACTIONS = (
    Action("command", "Go to a kind, namespace, theme", (":",), by_app("command"), "Go", hint=80, short="go"),
    Action("filter", "Filter (words, regex, !not, -l labels, -f fuzzy)", ("/",), by_app("filter"), "Go", hint=70, short="filter"),
    Action("back", "Back; first clears the filter", ("escape", "q"), by_app("back"), "Go"),
    Action("previous", "The pane before in the history", ("[",), by_app("history -1"), "Go"),
    Action("next", "The pane after in the history", ("]",), by_app("history 1"), "Go"),
    Action("overview", "Overview", ("~", "`"), by_app("overview"), "Go"),
    Action("namespace", "All namespaces; those of the first line", tuple("0123456789"), by_app("namespace"), "Go", places=TABLES),
    Action("help", "This help", ("?", "f1"), by_app("help"), "Go", hint=90, short="help"),
    Action("header", "First line on or off", ("ctrl+e",), by_app("header"), "Go"),
    Action("theme", "Next theme", ("f2",), by_app("theme"), "Go"),
    Action("quit", "Leave ktui (the engine goes on where it was started for itself)", ("ctrl+c",), by_app("quit"), "Go"),
)
