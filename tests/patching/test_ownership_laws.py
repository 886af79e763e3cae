"""Laws of comparison, update and apply, over generated objects of a kind with every sort of field."""

from hypothesis import given

from engine.apiserver.managedfields.fieldsets import EMPTY, difference, intersection, union, without
from engine.apiserver.managedfields.manager import applied, updated
from engine.apiserver.managedfields.ownership import NEVER_OWNED
from engine.apiserver.managedfields.shapes import shape_of
from engine.apiserver.managedfields.typed import SAME, compare, set_of
from engine.base.objects import Obj, frozen
from tests.patching.objects import INFO, NOW, entries, in_order, thing, things, writer

SHAPE = shape_of(INFO)


@given(things, things)
def test_comparison_says_what_is_written_and_what_is_gone(a: Obj, b: Obj) -> None:
    there, back = compare(a, b, SHAPE), compare(b, a, SHAPE)
    assert compare(a, frozen(a), SHAPE) == SAME
    assert (there == SAME) is (in_order(a) == in_order(b))
    assert intersection(there.written, there.removed) == EMPTY
    assert difference(there.removed, back.written) == EMPTY, "what is gone is new on the way back"
    assert intersection(set_of(b, SHAPE), there.removed) == EMPTY
    assert difference(intersection(set_of(b, SHAPE), there.written), set_of(b, SHAPE)) == EMPTY


@given(things, things)
def test_an_update_takes_what_it_writes_from_everybody(a: Obj, b: Obj) -> None:
    live = updated(None, a, INFO, writer("one"), NOW)
    made = updated(live, b, INFO, writer("two"), NOW + 5)
    owned = entries(made)
    difference_made = compare(a, b, SHAPE)
    mine = difference(difference_made.written, NEVER_OWNED)
    assert owned.get("two", EMPTY) == mine
    left = difference(difference(entries(live).get("one", EMPTY), mine), difference_made.removed)
    assert owned.get("one", EMPTY) == left
    missing = difference(set_of(b, SHAPE), union(owned.get("one", EMPTY), owned.get("two", EMPTY)))
    assert without(missing, NEVER_OWNED) == EMPTY, "every field belongs to somebody"


@given(things)
def test_an_update_that_changes_nothing_returns_the_object_itself(a: Obj) -> None:
    live = updated(None, a, INFO, writer("one"), NOW)
    assert updated(live, live, INFO, writer("two"), NOW + 5) is live


@given(things, things)
def test_applying_twice_is_applying_once(a: Obj, b: Obj) -> None:
    live = updated(None, a, INFO, writer("user"), NOW)
    once = applied(live, b, INFO, writer("applier"), NOW + 1, force=True)
    assert applied(once, b, INFO, writer("applier"), NOW + 2) is once


@given(things, things)
def test_what_an_applier_applies_no_more_is_removed(a: Obj, b: Obj) -> None:
    first = applied(None, a, INFO, writer("applier"), NOW)
    second = applied(first, b, INFO, writer("applier"), NOW + 1)
    assert entries(second)["applier"] == without(set_of(b, SHAPE), NEVER_OWNED)
    assert set_of({"spec": second["spec"]}, SHAPE) == set_of({"spec": b["spec"]}, SHAPE)


@given(things, things)
def test_what_another_manager_owns_stays(a: Obj, b: Obj) -> None:
    shared = applied(applied(None, a, INFO, writer("one"), NOW), a, INFO, writer("two"), NOW + 1)
    made = applied(shared, b, INFO, writer("one"), NOW + 2, force=True)
    given_up = difference(set_of(a, SHAPE), set_of(b, SHAPE))
    assert difference(given_up, set_of(made, SHAPE)) == EMPTY
    assert difference(set_of(b, SHAPE), set_of(made, SHAPE)) == EMPTY


@given(things, things)
def test_an_apply_keeps_parts_that_it_does_not_change(a: Obj, b: Obj) -> None:
    live = updated(None, a, INFO, writer("user"), NOW)
    made = applied(live, b, INFO, writer("applier"), NOW + 1, force=True)
    for name, value in live["spec"].items():
        if name not in b["spec"] or b["spec"][name] == value:
            assert made["spec"][name] is value


def test_objects_of_equal_fields_share_their_entries() -> None:
    spec = frozen({"replicas": 1, "settings": {"a": "b"}})
    made = [updated(None, {**thing(), "metadata": {"name": f"t{i}"}, "spec": spec}, INFO, writer("one"), NOW + 0.3) for i in range(3)]
    assert all(obj["metadata"]["managedFields"] is made[0]["metadata"]["managedFields"] for obj in made)
    alike = updated(None, thing({"replicas": 7, "settings": {"a": "x"}}), INFO, writer("one"), NOW)
    assert alike["metadata"]["managedFields"] is made[0]["metadata"]["managedFields"], "equal fields, other values"
    after = [updated(obj, {**obj, "spec": {**spec, "replicas": 2}}, INFO, writer("two"), NOW) for obj in made]
    assert all(obj["metadata"]["managedFields"] is after[0]["metadata"]["managedFields"] for obj in after)
