"""What controllers, scheduler and kubelets are built on: caches that follow the server, work queues, and actions as data.

A controller is a module of engine.controllers that exports `CONTROLLER = Controller(...)` (`controller.py`): a name, a primary
resource, what changes of which resources bring up which keys, and `reconcile(key, read, now) -> list[Action]`, which is pure.
`Read` (`read.py`) gives it a `Lister` per resource (`cache.py`): `read["pods"].owned_by(uid)`, `.orphans(ns)`, `.select(ns, selector)`,
`.by_index("node", name)`. The actions are in `actions.py`; `executor.py` does them, and `runner.py` holds the key back until the
caches contain what was written for it, so a reconcile always reads its own writes and needs no expectations.
Tests call reconcile with `Read.of({"pods": [...], ...})` and compare the actions.
"""
