"""What scenarios can do to a world that no seed draws: it happens, and a site comes through it."""

from __future__ import annotations

from random import Random

import pytest

from simulator.draw import CALM, FAULTS, GIVEN_FAULTS, Options, differing
from simulator.scenario.scenario import Scenario, Seeded
from simulator.weather import Outage
from simulator.world.campaign import Failure, attempt
from simulator.world.coverage import draw_coverage
from simulator.world.drawn import options_of
from simulator.world.moving import Houses
from simulator.world.run import Report, Size

DAY_S = 86_400.0
TWO_DAYS = Size(phones=1, days=2, entries_per_phone=4)


def lived(options: Options, size: Size = TWO_DAYS, seed: int = 1) -> Report:
    outcome = attempt(seed, size, scenario=Scenario("mine", "For tests.", options=options))
    assert isinstance(outcome, Report), outcome
    return outcome


def test_no_seed_draws_what_has_to_be_given() -> None:
    drawn = {name for seed in range(300) for name in options_of(seed).faults()}
    assert not drawn & GIVEN_FAULTS
    for name in sorted(GIVEN_FAULTS):
        assert options_of(7, having=[name]).without(name) == options_of(7).without(name)
        assert name in options_of(7, having=[name]).faults()


def test_a_scenario_gives_its_faults_and_no_others() -> None:
    options = Options(kills_per_day=2.0)
    assert options_of(3, scenario=Scenario("mine", "For tests.", options=options)) == options


def test_a_scenario_that_lets_a_seed_draw_keeps_what_it_gives_as_it_gives_it() -> None:
    drawn = options_of(3)
    assert drawn.kills_per_day
    assert drawn.tunnels_per_day
    scenario = Scenario(
        "mine",
        "For tests.",
        options=Options(tunnels_per_day=3.5),
        seeded=Seeded(drawn=True),
        given=frozenset({"tunnels_per_day", "kills_per_day"}),
    )
    options = options_of(3, scenario=scenario)
    assert (options.tunnels_per_day, options.kills_per_day) == (3.5, 0.0)
    assert options.without("tunnels", "kills") == drawn.without("tunnels", "kills")


def test_what_is_asked_for_beside_a_scenario_is_as_strong_as_the_seed_has_it() -> None:
    scenario = Scenario("mine", "For tests.", options=Options(kills_per_day=2.0))
    options = options_of(3, scenario=scenario, having=["power_cuts"], without=["kills"])
    assert differing(options).keys() == {"power_cuts_per_day"}
    assert options.power_cuts_per_day == options_of(3, having=["power_cuts"]).power_cuts_per_day


def test_streams_that_a_scenario_gives_are_spared_what_tls_never_does() -> None:
    scenario = Scenario(
        "mine", "For tests.", options=Options(websockets=True), seeded=Seeded(drawn=True)
    )
    for seed in range(60):
        options = options_of(seed, scenario=scenario)
        assert options.websockets
        assert not options.flipped_per_frame


def test_a_hub_that_moves_house_is_found_by_phones_and_by_the_other_hub() -> None:
    report = lived(Options(hub_moves_per_day=2.0))
    assert report.points["a hub moved house"] >= 2
    assert report.points["somebody found a hub that had moved"] > 10


def test_a_hub_that_moves_and_tells_nobody_is_lost_and_that_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(*_: object) -> None:
        return

    monkeypatch.setattr(Houses, "tell", silent)
    scenario = Scenario("mine", "For tests.", options=Options(hub_moves_per_day=2.0))
    outcome = attempt(1, TWO_DAYS, scenario=scenario)
    assert isinstance(outcome, Failure)
    assert outcome.checker in {"liveness", "found"}


def test_depots_that_are_split_for_days_plan_on_and_agree_in_the_end() -> None:
    options = Options(hubs_apart_per_day=6.0, hubs_apart_s_max=2 * DAY_S)
    size = Size(phones=1, days=3, entries_per_phone=4, dispatchers_per_hub=1)
    assert lived(options, size, seed=2).points["hubs were apart for a day or longer"]


def test_two_dispatchers_take_one_job_at_once() -> None:
    report = lived(Options(same_job_per_day=24.0), Size(phones=1, days=1, entries_per_phone=4))
    assert report.points["two dispatchers took one job at once"] > 5


def test_networks_of_a_day_cover_portals_depots_and_mornings_too() -> None:
    options = Options(
        coverage_share=0.6,
        captive_portals_per_day=12.0,
        depot_wifi_h_per_day=6.0,
        morning_rush_s=30.0,
    )
    points = lived(options).points
    assert points["a phone came back into coverage"]
    assert points["a phone came into the depot's network"]
    assert points["a phone came on in the morning rush"] == 2
    assert points["a captive portal stood in the way"]


def test_phones_behind_a_portal_that_talk_by_websockets_come_through_too() -> None:
    options = Options(captive_portals_per_day=24.0, websockets=True, fragmented_per_write=0.2)
    size = Size(phones=1, days=1, entries_per_phone=4, dispatchers_per_hub=1)
    assert lived(options, size).points["a captive portal stood in the way"]


def test_a_hub_alone_comes_back_from_a_copy_and_is_healed_by_its_phones() -> None:
    size = Size(phones=2, days=1, entries_per_phone=8, hubs=1, jobs_per_phone=2)
    report = lived(Options(hub_restores_per_day=3.0), size)
    assert report.points["a hub was restored"]
    assert not report.points.get("a phone was cloned")


def test_a_hub_alone_makes_jobs_at_the_end_that_come_to_its_phones_too() -> None:
    size = Size(phones=1, days=1, entries_per_phone=4, hubs=1, dispatchers_per_hub=1)
    report = lived(Options(recurrences_per_day=12.0, absence_days=5), size)
    assert report.points["a recurring job was made"]


def test_workers_have_the_jobs_of_their_first_day_from_the_first_moment_on() -> None:
    without = lived(CALM, Size(phones=1, days=1, entries_per_phone=4, hubs=1))
    with_jobs = lived(CALM, Size(phones=1, days=1, entries_per_phone=4, hubs=1, jobs_per_phone=10))
    assert with_jobs.entries >= without.entries + 10


def covered_share(outages: tuple[Outage, ...] | list[Outage], until_s: float) -> float:
    assert all(one.end_s <= other.start_s for one, other in zip(outages, outages[1:], strict=False))
    gone_s = sum(min(each.end_s, until_s) - each.start_s for each in outages)
    return 1.0 - gone_s / until_s


@pytest.mark.parametrize("share", [0.0, 0.2, 0.7, 0.95])
def test_a_phone_has_coverage_for_the_share_of_time_that_is_given(share: float) -> None:
    until_s = 60 * DAY_S
    ((_, outages),) = draw_coverage(Random(1), Options(coverage_share=share), until_s)
    assert covered_share(list(outages), until_s) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("hours", [0.5, 2.0, 12.0])
def test_a_phone_has_the_depots_network_for_the_hours_that_are_given(hours: float) -> None:
    until_s = 20 * DAY_S
    ((_, outages),) = draw_coverage(Random(1), Options(depot_wifi_h_per_day=hours), until_s)
    assert covered_share(list(outages), until_s) == pytest.approx(hours / 24, abs=0.02)


def test_nights_end_within_the_rush_and_cover_the_first_morning() -> None:
    ((_, nights),) = draw_coverage(Random(1), Options(morning_rush_s=60.0), 3 * DAY_S)
    assert [night.start_s / 3_600 for night in nights] == [0.0, 18.0, 42.0, 66.0]
    assert all(0.0 <= night.end_s % DAY_S - 7 * 3_600 <= 60.0 for night in nights)


def test_every_given_fault_is_known_by_its_words() -> None:
    assert FAULTS.keys() >= GIVEN_FAULTS
