"""Pages out of templates: the Jinja2 environment and the one function that answers with a page.

Templates get `frame` (what stands round every page) and `page` (the page's own frozen dataclass)
and nothing else; a name that neither has is an error, not an empty place. Everything is escaped.
There is an environment for each language: templates say their own words by `_` and `several`, and
sentences that they are given are said in it too.
Invariant: no template holds a script or style of its own, so the strict CSP holds for each page.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import jinja2
from aiohttp import web
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from hub.guard import TOKEN_FIELD
from replica.language import ENGLISH, NAME_BY_LANGUAGE, Language
from web import formats
from web.assets import ASSETS, Assets
from web.frame import NOTICE_COOKIE, Frame, frame_of
from web.language import language_named, language_of

TEMPLATE_FOLDER: Final = Path(__file__).parent / "templates"
ICON_SPRITE: Final = "vendor/icons.svg"

ROWS_KEPT: Final = 4_096
"""Rows of the board that are kept, made and drawn, some 12 MB: forty pages of them."""
ROWS_IN_BODY: Final = 25
LISTS_KEPT: Final = 32
PIECES_KEPT: Final = 256
"""Drawn pieces of the board that stand round its rows: some fifty questions of them."""

SHAPE_BY_STATUS: Final = {
    "open": "circle",
    "in progress": "circle-play",
    "done": "circle-check",
    "rejected": "circle-x",
    "cancelled": "ban",
    "at risk": "clock-alert",
    "delayed": "triangle-alert",
    "conflict": "git-compare",
}


@cache
def make_environment(assets: Assets, tag: str = ENGLISH) -> jinja2.Environment:
    """The environment of all templates in a language: escaping, strict about names, with filters.

    One for the same files: a hub answers at several ports, and to compile a page takes longer than
    to draw it.
    """
    language = language_named(tag)
    words = f"words/{tag}.json"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=language.said,
    )
    drawn_row = _drawn_row_of(environment)
    environment.globals.update(
        _=language.say,
        several=language.say_n,
        said=language.said,
        language=language,
        names_of_languages=NAME_BY_LANGUAGE,
        words_url=assets.url(words) if assets.has(words) else "",
        asset=assets.url,
        has_asset=assets.has,
        icon=_icon_of(assets),
        form_token=_form_token,
        status_chip=_status_chip_of(assets, language),
        drawn_row=drawn_row,
        drawn_rows=_drawn_rows_of(environment, drawn_row),
        piece=_piece_of(environment),
        check_list=_check_list_of(language),
        option_list=_option_list_of(language),
    )
    environment.filters.update(
        moment=_moment,
        ago=_ago,
        day=_day,
        clock=_clock,
        window=_window,
        said=language.said,
        minutes=formats.minutes_words,
        distance=formats.distance_words,
        initials=formats.initials,
        minute_of_day=formats.minute_of_day_text,
    )
    return environment


def _icon_of(assets: Assets) -> Any:
    # The sprite is built from an npm package; where it was not built, words do without it.
    sprite = assets.url(ICON_SPRITE) if assets.has(ICON_SPRITE) else ""

    # A page has hundreds of the same few.
    @lru_cache(maxsize=512)
    def icon(name: str, size: str = "") -> Markup:
        """An icon of the sprite; decoration only, so the words beside it carry the meaning."""
        classes = f"icon icon-{size}" if size else "icon"
        if not sprite:
            return Markup('<svg class="{}" aria-hidden="true"></svg>').format(classes)
        return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
            classes, sprite, name
        )

    return icon


def _status_chip_of(assets: Assets, language: Language) -> Any:
    icon = _icon_of(assets)

    @lru_cache(maxsize=64)
    def status_chip(status: str) -> Markup:
        """A job's status as a chip: its shape, its word and its hue."""
        shape = icon(SHAPE_BY_STATUS.get(status, "circle"))
        return Markup('<span class="status" data-status="{}">{}{}</span>').format(
            status, shape, language.say(status).capitalize()
        )

    return status_chip


def _drawn_row_of(environment: jinja2.Environment) -> Any:
    @lru_cache(maxsize=ROWS_KEPT)
    def drawn(row: Any, is_selected: bool) -> Markup:
        macro: Any = environment.get_template("board/row.html").module
        text: Markup = macro.board_row(row, row.job if is_selected else "")
        return text

    def drawn_row(row: Any, selected: str) -> Markup:
        """A row of the board; one that says what it said before is not drawn again."""
        return drawn(row, row.job == selected)

    return drawn_row


def _drawn_rows_of(environment: jinja2.Environment, drawn_row: Any) -> Any:
    def drawn_rows(rows: Sequence[Any], last_heads: Sequence[Any], selected: str) -> Markup:
        """Rows of the board, and the heads behind them, in bodies of a table.

        Short ones: what changes in one has the others neither laid out nor painted anew, and those
        out of sight are folded.
        """
        drawn = [drawn_row(row, selected) for row in rows]
        bodies = [drawn[at : at + ROWS_IN_BODY] for at in range(0, len(drawn), ROWS_IN_BODY)]
        if last_heads:
            macro: Any = environment.get_template("board/row.html").module
            bodies = bodies or [[]]
            bodies[-1] += [macro.group_row(head) for head in last_heads]
        texts = [f'<tbody role="rowgroup">\n{"".join(body)}</tbody>\n' for body in bodies or [[]]]
        return Markup("".join(texts))  # safe: templates drew them

    return drawn_rows


def _piece_of(environment: jinja2.Environment) -> Any:
    @lru_cache(maxsize=PIECES_KEPT)
    def piece(template: str, **values: Any) -> Markup:
        """A piece that says all by these values, which are frozen; drawn once for the same."""
        # A drawn template says itself that it is safe.
        return escape(environment.get_template(template).make_module(values))

    return piece


def _check_list_of(language: Language) -> Any:
    box = Markup(
        '<label class="check"><input type="checkbox" name="{}" value="{}"{}><span>{}</span></label>'
    )
    ticked = {True: Markup(" checked"), False: ""}

    @lru_cache(maxsize=LISTS_KEPT)
    def check_list(name: str, choices: tuple[Any, ...]) -> Markup:
        """Boxes to tick, of choices with `value`, `words` and `chosen`; drawn once for the same."""
        return Markup("\n").join(
            box.format(name, each.value, ticked[each.chosen], language.said(each.words))
            for each in choices
        )

    return check_list


def _option_list_of(language: Language) -> Any:
    option = Markup('<option value="{}">{}</option>')

    @lru_cache(maxsize=LISTS_KEPT)
    def option_list(choices: tuple[Any, ...], without: str = "") -> Markup:
        """Options of a select, but for the value `without`; drawn once for the same choices."""
        return Markup("").join(
            option.format(each.value, language.said(each.words))
            for each in choices
            if each.value != without
        )

    return option_list


@pass_context
def _form_token(context: Context) -> Markup:
    """The hidden input that every form of a signed-in person carries."""
    frame: Frame = context["frame"]
    return Markup('<input type="hidden" name="{}" value="{}">').format(
        TOKEN_FIELD, frame.form_token
    )


@pass_context
def _moment(context: Context, at_ms: int) -> Markup:
    frame: Frame = context["frame"]
    return _time(context, at_ms, formats.moment_words(at_ms, frame.zone, frame.now_ms))


@pass_context
def _ago(context: Context, at_ms: int) -> Markup:
    frame: Frame = context["frame"]
    return _time(context, at_ms, formats.ago_words(at_ms, frame.now_ms), ages=True)


@pass_context
def _day(context: Context, at_ms: int) -> Markup:
    frame: Frame = context["frame"]
    return _time(context, at_ms, formats.day_words(at_ms, frame.zone, frame.now_ms))


@pass_context
def _clock(context: Context, at_ms: int) -> Markup:
    frame: Frame = context["frame"]
    return _time(context, at_ms, formats.clock_words(at_ms, frame.zone))


def _time(context: Context, at_ms: int, words: str, *, ages: bool = False) -> Markup:
    """A `<time>` of these words in the language of the page."""
    language: Language = context["language"]
    frame: Frame = context["frame"]
    return formats.time_element(at_ms, language.said(words), frame.zone, ages=ages)


@pass_context
def _window(context: Context, window: tuple[int | None, int | None]) -> str:
    frame: Frame = context["frame"]
    return formats.window_words(window[0], window[1], frame.zone, frame.now_ms)


def templates_of(request: web.Request) -> jinja2.Environment:
    """The templates in the language of whoever asks."""
    return make_environment(request.app[ASSETS], language_of(request).tag)


async def show(
    request: web.Request, template: str, page: object, *, status: int = 200
) -> web.Response:
    """Answer with `template` filled from `page` inside the frame of this request.

    A notice that an earlier answer left for this browser is shown once and taken from it.
    """
    frame = await frame_of(request)
    text = templates_of(request).get_template(template).render(frame=frame, page=page)
    response = web.Response(text=text, status=status, content_type="text/html")
    if NOTICE_COOKIE in request.cookies:
        response.del_cookie(NOTICE_COOKIE, path="/")
    return response


def wants_part(request: web.Request) -> bool:
    """Whether a script of ours asks, which puts a piece of a page in its place."""
    return request.headers.get("X-Board-Part") == "1"


async def part(request: web.Request, template: str, page: object) -> web.Response:
    """Answer with a piece of a page, for a script that puts it in its place."""
    frame = await frame_of(request, whole=False)
    text = templates_of(request).get_template(template).render(frame=frame, page=page)
    return web.Response(text=text, content_type="text/html")
