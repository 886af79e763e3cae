"""Results by identity."""

from engine.kinds.common.memo import Memo, stable


def test_a_result_is_remembered_for_the_object_not_for_its_value() -> None:
    calls = []
    memo: Memo[int] = Memo(lambda obj: calls.append(obj) or len(obj))
    one, other = [1, 2], [1, 2]
    assert [memo(one), memo(one), memo(other)] == [2, 2, 2]
    assert len(calls) == 2


def test_a_remembered_object_lives_so_that_its_id_is_not_given_away() -> None:
    memo: Memo[int] = Memo(lambda obj: obj[0], entries_max=1_000)
    assert [memo([i]) for i in range(500)] == list(range(500))


def test_the_oldest_entry_goes_when_it_is_full() -> None:
    calls = []
    memo: Memo[int] = Memo(lambda obj: calls.append(obj[0]) or obj[0], entries_max=2)
    lists = [[0], [1], [2]]
    for each in [*lists, lists[2], lists[0]]:
        memo(each)
    assert calls == [0, 1, 2, 0]
    assert len(memo) == 2


def test_what_came_out_of_a_change_is_known_to_need_none() -> None:
    seen = []

    def change(items: list[int]) -> list[int]:
        seen.append(items)
        return items if len(items) > 1 else [*items, 0]

    memo = stable(change)
    given = [1]
    once = memo(given)
    assert memo(once) is once
    assert memo(given) is once
    assert seen == [given]
