"""All pages of the web package, added to a hub's application: the entry point `fieldlog.pages`."""

from __future__ import annotations

from aiohttp import web

from web.assets import attach_assets, installed_assets
from web.board.routes import attach_board
from web.errors import draw_errors
from web.frame import leave_notices
from web.imports import pages as imports
from web.pages import (
    accounts,
    acts,
    carry,
    customer_form,
    customers,
    day_sheet,
    enrol,
    erased,
    extensions,
    groups,
    help,
    install,
    languages,
    new_phone,
    other_minimum,
    past,
    patterns,
    phones,
    reports,
    roster,
    search,
    set_up,
    settings,
    sign_in,
    worker_form,
    workers,
)
from web.recurring import doings, form_save, listed, one


def attach(app: web.Application) -> None:
    """Add static files, templates, the office's pages and the board to `app`."""
    attach_assets(app, installed_assets())
    # Outermost, round the hub's guard: what the guard refuses is drawn as well.
    app.middlewares[:0] = [draw_errors, leave_notices]
    # Forms before lists: `/customers/new` must not be taken for a customer's page.
    for page in (
        set_up,
        sign_in,
        accounts,
        settings,
        extensions,
        customer_form,
        customers,
        worker_form,
        enrol,
        new_phone,
        day_sheet,
        workers,
        roster,
        groups,
        form_save,
        listed,
        one,
        doings,
        search,
        phones,
        erased,
        carry,
        acts,
        imports,
        reports,
        past,
        patterns,
        install,
        languages,
        other_minimum,
        help,
    ):
        page.add_routes(app)
    attach_board(app)
