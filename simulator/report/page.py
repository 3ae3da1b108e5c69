"""A record drawn as one file of HTML: no script, and nothing fetched from anywhere.

Holds which section stands where; what a section says is made in `contents`. Invariant: whatever
text a record holds, it is shown and never becomes markup.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from simulator.report import contents
from simulator.report.amounts import number
from simulator.report.charts import Table, bar
from simulator.report.record import Record

TEMPLATE_FOLDER: Final = Path(__file__).parent / "templates"

_TITLES: Final = {
    "seeds": "Seeds",
    "latencies": "Latencies",
    "rates": "Rates",
    "numbers": "Over the run",
    "bytes": "Memory, files and bytes sent",
    "conflicts": "Conflicts by kind",
    "truth": "Automatic logs beside the truth",
    "places": "Where phones were cut off",
    "counts": "What happened",
    "figures": "All figures",
    "scenario": "The scenario",
    "machine": "Machine and versions",
}
"""The sections that a report may have, in their order."""


def draw(record: Record) -> str:
    """The report of a record as a whole HTML document."""
    word, because = contents.verdict(record)
    over_time = contents.plots_over_time(record)
    truth = contents.listed(record.truth)
    judged = any(figure.goal or figure.reached is not None for figure in record.figures)
    said: dict[str, Any] = {
        "seeds": contents.seeds(record),
        "latencies": contents.latency_plots(record),
        "time_plots": over_time.get("time", ()),
        "rate_plots": over_time.get("rate", ()),
        "number_plots": over_time.get("number", ()),
        "bytes_plots": over_time.get("bytes", ()),
        "bytes_figures": contents.bytes_figures(record),
        "conflicts": contents.bars(record.conflicts),
        "truth": Table(("what", "value"), truth) if truth else None,
        "places": contents.cut_off_map(record),
        "counts": contents.listed(record.counts),
        "figures": contents.figure_rows(record),
        "parameters": contents.parameters(record),
        "machine": contents.flat(record.machine),
        "versions": tuple(record.versions.items()),
    }
    # Each section, with what it is made of: one without any of that is left out.
    made_of = {
        "latencies": ("latencies", "time_plots"),
        "rates": ("rate_plots",),
        "numbers": ("number_plots",),
        "bytes": ("bytes_plots", "bytes_figures"),
        "scenario": ("parameters",),
        "machine": ("machine", "versions"),
    }
    titles = {
        name: title
        for name, title in _TITLES.items()
        if any(said[part] for part in made_of.get(name, (name,)))
    }
    template = environment().get_template("report.html")
    return template.render(
        head=contents.head(record),
        verdict=word,
        because=because,
        findings=contents.findings(record),
        goals=contents.goals(record),
        goals_title="Figures against their goals" if judged else "Figures",
        seed_count=len(record.seeds),
        titles=titles,
        sections=tuple(titles.items()),
        style=style(),
        **said,
    )


@cache
def environment() -> jinja2.Environment:
    """The environment of the templates of reports: escaping, and strict about names."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(bar=bar, number=number)
    return made


@cache
def style() -> Markup:
    """The sheet of all reports, to stand within a page: a report is one file."""
    sheet = (TEMPLATE_FOLDER / "report.css").read_text("utf-8")
    return Markup(f"<style>\n{sheet}</style>")  # safe: a file of ours, and no part of a record
