"""Who owns which field: metadata.managedFields and server-side apply (structured-merge-diff). `manager` is what the server calls:

    @dataclass(frozen=True)
    class Writer:
        manager: str                    # manager_name(fieldManager, user agent)
        api_version: str                # of the request, and of the objects that are handed over
        subresource: str = ""
        reset: FieldSet = {}            # reset_fields(...): fields that the kind's strategy takes from the live object in any case
        convert: Callable[[Obj, str], Obj] | None = None   # (object, api version) -> the object in it; None: versions differ in name only

    updated(live: Obj | None, new: Obj, type_info: TypeInfo | None, writer: Writer, now: float) -> Obj
        create, update and the non-apply patches: `new` with managedFields. Call it on the decoded and defaulted object before
        PrepareForCreate/Update, and again after mutating admission if that changed the object.
    applied(live: Obj | None, applied: Obj, type_info: TypeInfo | None, writer: Writer, now: float, force: bool = False) -> Obj
        server-side apply: the merged object with managedFields; `applied` is the body as it was sent, not defaulted; so the server
        defaults the result, and defaulted fields belong to nobody. Raises StatusError (409 with its causes; 400; 500 as upstream).
    manager_name(field_manager: str, user_agent: str) -> str
    reset_fields(subresource: str, has_status: bool) -> FieldSet
    keep_times(live: Obj, new: Obj) -> Obj
        just before the commit: `new` with live's managedFields where they differ in times only, so that a write that changes nothing
        is recognised as one.

`fieldsets` has the sets themselves. `type_info` None: a kind without schema; lists are atomic and maps granular.
"""
