"""Who owns which field: metadata.managedFields and server-side apply (structured-merge-diff). `manager` is what the server calls:

    @dataclass(frozen=True)
    class Writer:
        manager: str                    # manager_name(fieldManager, user agent)
        api_version: str                # of the request, and of the objects that are handed over
        subresource: str = ""
        reset: FieldSet = {}            # reset_fields(...): fields that the kind's strategy takes from the live object in any case
        convert: Callable[[Obj, str], Obj] | None = None   # (object, api version) -> the object in it; None: versions differ in name only

    updated(live: Obj | None, new: Obj, type_info: TypeInfo | None, writer: Writer, now: float) -> Obj
        create, update and the non-apply patches: `new` with managedFields. Call it on the decoded and defaulted object, once, before
        PrepareForCreate/Update and admission: what these add belongs to nobody, as upstream.
    applied(live: Obj | None, applied: Obj, type_info: TypeInfo | None, writer: Writer, now: float, force: bool = False) -> Obj
        server-side apply: the merged object with managedFields; `applied` is the body as it was sent, not defaulted; so the server
        defaults the result, and defaulted fields belong to nobody. Raises StatusError (409 with its causes; 400; 500 as upstream).
    manager_name(field_manager: str, user_agent: str) -> str
    reset_fields(subresource: str, has_status: bool, resource: str = "") -> FieldSet
    keep_times(live: Obj, new: Obj) -> Obj
        just before the commit: `live` itself where `new` differs in times of managedFields only, so that a write that changes nothing
        is recognised as one.
    scale.to_scale(entries, replicas_path) -> entries and scale.to_parent(entries, scale_entries, replicas_path, api_version) -> entries
        managedFields of an object for writes through its `scale` subresource, and back.

`fieldsets` has the sets themselves. `type_info` None: a kind without schema; lists are atomic and maps granular.
"""
