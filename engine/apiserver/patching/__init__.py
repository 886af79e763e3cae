"""Patches: merge (RFC 7386), JSON (RFC 6902) and strategic merge; all through `patch.apply_patch`.

    apply_patch(current: Obj, patch: Any, content_type: str, type_info: TypeInfo | None) -> Obj

`patch` is decoded JSON. The patched object shares what the patch did not touch with `current` and is `current` itself where nothing
changed. It is neither decoded against the schema nor defaulted: the server does both to it, as to the body of an update. Raises
StatusError with upstream's codes and texts. Server-side apply is in `engine.apiserver.managedfields`.
"""
