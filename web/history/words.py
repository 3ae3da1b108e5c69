"""A rule that was found, in words, and as the inputs of the form for a recurring job.

Pure functions. Holds no clock: what depends on the present takes the day. Invariant: the inputs say
the rule that the words say, or a rule is offered in no form.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from core.dispatch.patterns import LAST, Recurring, Rule, next_day
from core.sentence import Sentence, say
from web.formats import WEEKDAYS, and_words, minute_of_day_text
from web.recurring.words import every_words

_NTHS: Final = {
    1: say("first"), 2: say("second"), 3: say("third"), 4: say("fourth"), 5: say("fifth"),
    LAST: say("last"),
}  # fmt: skip
HOURS_MIN: Final = 120
"""A window of two hours round the usual arrival, which the person may change."""
HALF_HOUR: Final = 30
USUAL_SHARE: Final = 0.6
"""Who was there this often is the usual worker, and is offered for the job."""


def rule_words(rule: Rule) -> Sentence:
    """`Every Tuesday`, `Every 2 weeks on Friday`, `The second Tuesday of each month`."""
    match rule.often:
        case "daily":
            return every_words("daily", rule.every)
        case "weekly":
            days = and_words([WEEKDAYS[day] for day in rule.days])
            if rule.every == 1:
                return say("Every {days}", days=days)
            return say("{every} on {days}", every=every_words("weekly", rule.every), days=days)
        case "monthly":
            if rule.days == (LAST,):
                return say("The last day of each month")
            return say("Day {day} of each month", day=rule.days[0])
    which, weekday = rule.days
    return say("The {nth} {weekday} of each month", nth=_NTHS[which], weekday=WEEKDAYS[weekday])


def form_inputs(found: Recurring, today: date) -> list[tuple[str, str]]:
    """The rule, hours, minutes and worker as the form's inputs are named; a name may come again.

    A weekday counts from 0 (Monday); `starts` is the next day that the rule expects.
    """
    rule = found.rule
    inputs = [("title", found.title), ("often", rule.often), ("every", str(rule.every))]
    match rule.often:
        case "weekly":
            inputs += [("weekday", str(day)) for day in rule.days]
        case "monthly":
            inputs.append(("month_days", "last" if rule.days == (LAST,) else str(rule.days[0])))
        case "weekday":
            # The form counts which one from 0, and the last one as -1.
            which = LAST if rule.days[0] == LAST else rule.days[0] - 1
            inputs += [("nth_0", str(which)), ("weekday_0", str(rule.days[1]))]
    start = found.minute // HALF_HOUR * HALF_HOUR
    inputs += [
        ("starts", next_day(found, today).isoformat()),
        ("hours_start", minute_of_day_text(start)),
        ("hours_end", minute_of_day_text(min(start + HOURS_MIN, 24 * 60 - 1))),
    ]
    if found.minutes:
        inputs.append(("planned", str(max(5, round(found.minutes / 5) * 5))))
    if found.worker and found.worker_hits >= USUAL_SHARE * len(found.hits):
        inputs.append(("worker", found.worker))
    return inputs
