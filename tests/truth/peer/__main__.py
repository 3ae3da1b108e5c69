"""Stay points by trackintel, in a process and an environment of its own.

`python -m tests.truth.peer` reads one JSON object from its input: `tracks`, a list of lists of
`[time_ms, lat_e7, lon_e7]`, and `settings`, a list of `[dist_threshold, time_threshold,
gap_threshold]` in metres and minutes. It prints one JSON object: `version`, and `stays`, for each
of the settings a list of `[track, start_ms, end_ms, lat_e7, lon_e7]`. Needs trackintel and nothing
of Fieldlog.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import geopandas
import pandas
import trackintel


def _positionfixes(tracks: list[list[list[int]]]) -> Any:
    rows = [(user, *fix) for user, track in enumerate(tracks) for fix in track]
    frame = pandas.DataFrame(rows, columns=["user_id", "time_ms", "lat_e7", "lon_e7"])
    frame["tracked_at"] = pandas.to_datetime(frame["time_ms"], unit="ms", utc=True)
    points = geopandas.points_from_xy(frame["lon_e7"] / 1e7, frame["lat_e7"] / 1e7)
    table = frame[["user_id", "tracked_at"]]
    table = geopandas.GeoDataFrame(table, geometry=points, crs="EPSG:4326")
    return trackintel.Positionfixes(table)


def main() -> int:
    """Answer one request."""
    request = json.load(sys.stdin)
    fixes = _positionfixes(request["tracks"])
    answers = []
    for distance_m, stay_min, gap_min in request["settings"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, found = fixes.generate_staypoints(
                "sliding", dist_threshold=distance_m, time_threshold=stay_min,
                gap_threshold=gap_min, include_last=True,
            )  # fmt: skip
        answers.append(
            [
                [
                    int(row.user_id),
                    round(row.started_at.timestamp() * 1_000),
                    round(row.finished_at.timestamp() * 1_000),
                    round(row.geometry.y * 1e7),
                    round(row.geometry.x * 1e7),
                ]
                for row in found.itertuples()
            ]
        )
    json.dump({"version": trackintel.__version__, "stays": answers}, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
