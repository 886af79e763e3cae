"""The API server: `handle(request) -> Response | Stream`, everything that changes or shows the cluster (DESIGN.md, decision 1).

A write goes through `routing` -> its verb (`creation`, `updating`, `deletion`, `scale`, `binding`, `eviction`) -> `decoding` ->
`defaulting` -> `ownership` (managed fields) -> `admission_chain` -> `strategy` (the kind's rules, validation) -> `services`
(allocation) -> `storage`; reads through `listing` and `watching`; every answer through `representation`. One file answers one of
these questions.
"""
