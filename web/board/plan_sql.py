"""What all plans ask of a job in the same way: whether a day's plan has it, and where it is.

Texts for the questions of the planner, of the assign list and of proposals; each binds its own
values. Holds no rows. Invariant: a job is in the plan of every local day that its window meets, so
one of several days is in each of them; in today's is what is overdue or has no window as well.
"""

from __future__ import annotations

from typing import Final

from web.board.term_sql import IN_DAY

IN_PLAN: Final = f"""
    ({IN_DAY}
     OR {{present}} AND coalesce(job.window_end, job.window_start, {{start}} - 1) < {{start}})
"""
"""Takes marks for the `start` and `end` of the day (ms UTC), and for whether it is `present`."""
POINT: Final = """
    coalesce(job.lat_e7, site.lat_e7) AS lat_e7, coalesce(job.lon_e7, site.lon_e7) AS lon_e7
"""
"""A job's own position, else that of its customer's place; with `SITE` behind `job`."""
SITE: Final = """
    LEFT JOIN customer_place AS site ON site.customer = job.customer AND site.place = job.place
"""
