"""Listeners at a writer: whoever a commit may be news for hears of it, and of all that changed."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from replica.interest import Interest
from replica.subscriptions import Subscription, Subscriptions

NAMES = [bytes([number]) for number in range(6)]
SOME = st.frozensets(st.sampled_from(NAMES), max_size=3)
INTERESTS = st.none() | st.builds(Interest, SOME, SOME)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.floats(0, 5)),
        st.tuples(st.just("interest"), st.integers(0, 9), INTERESTS),
        st.tuples(st.just("due"), st.integers(0, 9), st.floats(0, 60)),
        st.tuples(st.just("end"), st.integers(0, 9)),
        st.tuples(
            st.just("commit"), SOME.filter(bool), st.none() | SOME, st.floats(0, 10)
        ),
    ),
    max_size=40,
)  # fmt: skip


@given(STEPS)
def test_it_hears_of_what_its_interest_takes_and_once_it_is_due_of_one_commit(
    steps: list[tuple[object, ...]],
) -> None:
    subscriptions, now_s = Subscriptions(), 0.0
    living: list[Subscription] = []
    due: dict[Subscription, float] = {}
    for step in steps:
        match step:
            case ("begin", float(due_s)):
                living.append(subscriptions.begin(chooses=True))
                due[living[-1]] = living[-1].due_s = now_s + due_s
            case ("interest", int(which), interest) if living:
                assert interest is None or isinstance(interest, Interest)
                living[which % len(living)].interest = interest
            case ("due", int(which), float(due_s)) if living:
                one = living[which % len(living)]
                due[one] = one.due_s = due_s
            case ("end", int(which)) if living:
                subscriptions.end(living.pop(which % len(living)))
            case ("commit", frozenset(changed), audience, float(later_s)):
                assert audience is None or isinstance(audience, frozenset)
                now_s += later_s
                subscriptions.announce(changed, audience, now_s)
                for one in living:
                    is_due = one.interest is not None and now_s > due[one]
                    hears = (
                        one.interest is None
                        or is_due
                        or audience is None
                        or bool(one.interest.keys & audience)
                        or bool(one.interest.holds & changed)
                    )
                    assert one.take() == (changed if hears else frozenset())
                    if is_due:
                        due[one] = math.inf
    for one in living:
        subscriptions.end(one)
    assert not subscriptions.has_choosers


def test_who_is_due_hears_of_one_commit_and_of_the_next_only_when_it_is_due_again() -> None:
    subscriptions = Subscriptions()
    one = subscriptions.begin(chooses=True)
    one.due_s, one.interest = 60.0, Interest(frozenset({b"a"}), frozenset({b"b"}))
    for now_s in (30.0, 60.0):
        subscriptions.announce(frozenset({b"c"}), frozenset(), now_s)
        assert one.take() == frozenset()
    # A session that waits long for its turn has one look to make then, and not all that came.
    for number in range(100):
        subscriptions.announce(frozenset({b"c%d" % number}), frozenset(), 61.0 + number)
    assert one.take() == frozenset({b"c0"})
    one.due_s = 220.0
    heard = []
    for now_s in (219.0, 220.0, 221.0, 222.0):
        subscriptions.announce(frozenset({b"c"}), frozenset(), now_s)
        heard.append(bool(one.take()))
    assert heard == [False, False, True, False]


def test_who_has_ended_hears_nothing_whatever_it_was_interested_in() -> None:
    subscriptions = Subscriptions()
    one, other = subscriptions.begin(chooses=True), subscriptions.begin(chooses=False)
    one.interest = Interest(frozenset({b"a"}), frozenset({b"b"}))
    subscriptions.announce(frozenset({b"c"}), frozenset(), 0.0)
    assert (one.take(), other.take()) == (frozenset(), frozenset({b"c"}))
    subscriptions.end(one)
    subscriptions.end(one)
    one.interest = Interest(frozenset({b"c"}), frozenset({b"c"}))
    subscriptions.announce(frozenset({b"b", b"c"}), frozenset({b"a", b"c"}), 0.0)
    assert (one.take(), other.take()) == (frozenset(), frozenset({b"b", b"c"}))


def test_they_wake_in_the_order_in_which_they_began() -> None:
    subscriptions, woken = Subscriptions(), list[int]()

    class Noted(Subscription):
        def add(self, streams: frozenset[bytes]) -> None:
            woken.append(self.number)

    every = [subscriptions.begin(chooses=True) for _ in range(50)]
    for one in reversed(every):
        one.__class__ = Noted
        one.interest = Interest(frozenset({b"a"}), frozenset({b"b"}))
    subscriptions.announce(frozenset({b"b"}), frozenset(), 0.0)
    assert woken == sorted(woken)
    assert len(woken) == 50
