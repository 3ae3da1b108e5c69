"""The shape of each field's ids and value: what can be projected at all.

An entry that holds anything else parses, is stored and passed on, and stands for nothing: so no
peer's program, broken or hostile, can make another replica stumble. Ranges that people choose are
checked where an act is made (`acts`); here only what every reader relies on. Invariant: what
`well_formed` lets through, every projection can write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from core.dispatch import fields
from core.dispatch.geometry import LAT_E7_MAX, LON_E7_MAX
from core.dispatch.outline import is_outline
from core.log.chain import SHORT_BYTES, STREAM_BYTES
from core.log.entry import Path
from core.log.limits import WALL_MS_MAX

NUMBER_MAX: Final = 1 << 53
"""The largest whole number that SQLite, JSON and a browser's script all keep exactly."""
SMALL_MAX: Final = 255
"""Phases, kinds and sources: a later version may add to them."""
CODE_LETTERS_MAX: Final = 64

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _mark(value: Any) -> bool:
    return isinstance(value, bool)


def _reasoned(value: Any) -> bool:
    """A mark, or the reason for it."""
    return isinstance(value, (bool, str))


def _number(value: Any) -> bool:
    return type(value) is int and abs(value) < NUMBER_MAX


def _small(value: Any) -> bool:
    return type(value) is int and 0 <= value <= SMALL_MAX


def _moment(value: Any) -> bool:
    return type(value) is int and 0 <= value <= WALL_MS_MAX


def _bytes(value: Any) -> bool:
    return isinstance(value, bytes)


def _of_bytes(length: int) -> Check:
    return lambda value: isinstance(value, bytes) and len(value) == length


_short, _stream, _key = _of_bytes(SHORT_BYTES), _of_bytes(STREAM_BYTES), _of_bytes(32)


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _several(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _tuple(*checks: Check) -> Check:
    return lambda value: (
        isinstance(value, list)
        and len(value) == len(checks)
        and all(check(item) for check, item in zip(checks, value, strict=True))
    )


def _date(value: Any) -> bool:
    if not isinstance(value, str) or len(value) != len("2026-11-23"):
        return False
    try:
        # Written again: 2026-W48-1 is a day too, and a day has one path and one order.
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _point(value: Any) -> bool:
    if not (isinstance(value, list) and len(value) == 2 and all(map(_number, value))):
        return False
    lat_e7, lon_e7 = value
    return bool(abs(lat_e7) <= LAT_E7_MAX and abs(lon_e7) <= LON_E7_MAX)


def _setting(value: Any) -> bool:
    return isinstance(value, (bool, str)) or _number(value)


def _code(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= CODE_LETTERS_MAX


def _job(value: Any) -> bool:
    return value == b"" or _stream(value)


def _owner(value: Any) -> bool:
    """An account, or that it is everybody's."""
    return value == b"" or _short(value)


def _vehicle(value: Any) -> bool:
    """A vehicle, or that there is none."""
    return value == b"" or _short(value)


_start = _tuple(_small, _small, _or_none(_moment), _several(_moment), _several(_number))
_stop = _tuple(_or_none(_moment), _mark, _several(_moment))


def _log_start(value: Any) -> bool:
    return _small(value) or _start(value)


def _log_stop(value: Any) -> bool:
    return value is True or _stop(value)


def _duty(value: Any) -> bool:
    return value is True or _moment(value)


# What the ids of a path are, by the names that `fields.Field.ids` gives them.
_IDS: Final[Mapping[str, Check]] = {
    "absence": _short,
    "account": _short,
    "alert": _code,
    "author": _key,
    "certificate": _short,
    "colleague": _stream,
    "conflict": _bytes,
    "contact": _short,
    "date": _date,
    "duty": _short,
    "entry": _key,
    "file": _bytes,
    "group": _short,
    "item": _small,
    "kind": _small,
    "job": _job,
    "log": _short,
    "note": _short,
    "place": _short,
    "setting": _code,
    "stream": _stream,
    "track": _short,
    "turn": _short,
    "view": _short,
    "worker": _stream,
}

_TEXTS: Final = frozenset(
    {
        fields.SITE_NAME, fields.TEAM_NAME, fields.VEHICLE_NAME, fields.VEHICLE_PLATE,
        fields.SKILL_NAME, fields.ACCOUNT_NAME, fields.ACCOUNT_PASSWORD, fields.ACCOUNT_ROLE,
        fields.CUSTOMER_NAME, fields.CUSTOMER_NUMBER, fields.CUSTOMER_NOTE, fields.PLACE_NAME,
        fields.PLACE_ADDRESS, fields.CONTACT_NAME, fields.CONTACT_PHONE, fields.CONTACT_EMAIL,
        fields.WORKER_NAME, fields.WORKER_PHONE, fields.WORKER_NOTE, fields.APP_AUTO_MODE,
        fields.TITLE, fields.DESCRIPTION, fields.ADDRESS, fields.CONTACT, fields.CONTACT_CALL,
        fields.NUMBER, fields.CHECK_ITEM, fields.REASON, fields.NOTE, fields.DECISION,
        fields.LOG_REMOVED, fields.ZONE, fields.RECURRENCE_NUMBER, fields.EACH_TITLE,
        fields.EACH_DESCRIPTION, fields.EACH_ADDRESS, fields.EACH_CONTACT, fields.EACH_CONTACT_CALL,
        fields.FILE_NAME, fields.ACTING_NAME, fields.SAVED_VIEW, fields.VIEW_NAME,
    }
)  # fmt: skip
_MARKS: Final = frozenset(
    {
        fields.REVOKED, fields.ERASED, fields.GROUP_ARCHIVED, fields.ACCOUNT_DISABLED,
        fields.CUSTOMER_ARCHIVED, fields.PLACE_ARCHIVED, fields.CONTACT_ARCHIVED,
        fields.WORKER_ARCHIVED, fields.APP_JOBS_ON, fields.APP_AUTO_ON, fields.CREATED,
        fields.ASSIGNED, fields.HANDED_TO, fields.TICK, fields.ADMITTED, fields.KEY_ASKED,
        fields.SKIPPED, fields.FILE_REMOVED,
    }
)  # fmt: skip
_CHECKS: Final[Mapping[int, Check]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_MARKS, _mark),
    fields.CUT: _tuple(_moment, _bytes),
    fields.SNOOZED: _tuple(_moment, _or_none(_text)),
    fields.CERTIFICATE: _bytes,
    fields.CLOSED: _tuple(_bytes, _bytes),
    fields.SETTING: _setting,
    fields.HUB_ADDRESSES: _several(_text),
    fields.VIEW_OWNER: _owner,
    fields.VIEW_POSITION: _number,
    fields.ERASED_BEFORE: _moment,
    fields.PLACE_POINT: _point,
    fields.PLACE_RADIUS: _number,
    fields.PLACE_OUTLINE: is_outline,
    fields.WORKER_TEAM: _short,
    fields.WORKER_VEHICLE: _short,
    fields.WORKER_SKILLS: _several(_short),
    fields.NEXT_KEY: _tuple(_key, _bytes, _bytes),
    fields.WORKER_SHIFT: _tuple(_moment, _moment),
    fields.WORKER_ABSENT: _tuple(_date, _date, _small, _text),
    fields.WORKER_VEHICLE_ON: _vehicle,
    fields.APP_THRESHOLD_MIN: _small,
    fields.CUSTOMER: _stream,
    fields.PLACE: _short,
    fields.POINT: _point,
    fields.RADIUS: _number,
    fields.OUTLINE: is_outline,
    fields.PRIORITY: _small,
    fields.WINDOW: _tuple(_moment, _moment),
    fields.PLANNED_MINUTES: _number,
    fields.CANCELLED: _reasoned,
    fields.OVERRIDE: _tuple(_text, _or_none(_text)),
    fields.NEEDED_SKILLS: _several(_short),
    fields.WITHDRAWN: _reasoned,
    fields.ORDER: _number,
    fields.PHASE: _small,
    fields.LOG_START: _log_start,
    fields.LOG_STOP: _log_stop,
    fields.LOG_SUPERSEDES: _tuple(_bytes, _bytes, _text),
    fields.DUTY_START: _duty,
    fields.DUTY_STOP: _duty,
    fields.FIXES: _several(_number),
    fields.TRACK_FIXES: _several(_number),
    fields.DAY_SUMMARY: _several(_tuple(_small, _job, _number)),
    fields.JOB_SUMMARY: _tuple(_text, _text, _number),
    fields.REPEATS: _tuple(_small, _number, _several(_number)),
    fields.STARTS: _date,
    fields.ENDS: _date,
    fields.HOURS: _tuple(_moment, _moment),
    fields.HORIZON: _number,
    fields.EACH_CUSTOMER: _stream,
    fields.EACH_PLACE: _short,
    fields.EACH_POINT: _point,
    fields.EACH_RADIUS: _number,
    fields.EACH_OUTLINE: is_outline,
    fields.EACH_PRIORITY: _small,
    fields.EACH_PLANNED_MINUTES: _number,
    fields.EACH_SKILLS: _several(_short),
    fields.EACH_WORKER: _stream,
}


# For each known field the checks of its ids, in order, and of its value.
_SHAPES: Final[Mapping[int, tuple[tuple[Check, ...], Check | None]]] = {
    code: (tuple(_IDS[name] for name in field.ids), _CHECKS.get(code))
    for code, field in fields.FIELDS.items()
}


def well_formed(path: Path, value: Any) -> bool:
    """Whether the ids of a known field's path and its value have their shapes; None clears.

    A field that this version does not know has any shape.
    """
    shape = _SHAPES.get(path[0])
    if shape is None:
        return True
    ids, check = shape
    if len(path) != 1 + len(ids):
        return False
    # A loop, not a generator: this runs for every change of every entry that is folded.
    for place, of_id in enumerate(ids, 1):
        if not of_id(path[place]):
            return False
    return value is None or check is None or check(value)
