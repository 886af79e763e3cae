"""The API server: `handle(request) -> Response | Stream`, everything that changes or shows the cluster (DESIGN.md, decision 1).

A request goes through `routing` -> `requests` (its verb) -> `decoding` -> managed fields -> `admission` -> the kind's strategy ->
validation -> store; the answer through `representation`. One file answers one of these questions.
"""
