"""Sentences for people, which an edge can say in another language.

A sentence is its English text and remembers what it was made of: a template, and the values that
stand in it. Whoever hands it to a person looks the template up in that person's language and puts
the same values in; whoever does not shows English. Knows no languages. Invariant: as a `str` it is
the English text, so it compares, sorts and is written like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol


class Catalog(Protocol):
    """What one language says for templates; `gettext.NullTranslations` is one."""

    def gettext(self, message: str, /) -> str:
        """The template in this language."""

    def ngettext(self, msgid1: str, msgid2: str, n: int, /) -> str:
        """The template for `n` things in this language."""


class Sentence(str):
    """A text that remembers its template, or two of which `n` chooses one, and its values."""

    __slots__ = ("many", "template", "values")
    template: str
    many: str
    values: dict[str, Any]

    def __str__(self) -> str:
        """Itself, so that `str` of an error gives the sentence that the error was made with."""
        return self

    def said(self, catalog: Catalog) -> str:
        """The text in a catalog's language; sentences among its values are said so as well."""
        if not self.template:
            # Catalogs keep their header under this.
            return ""
        if self.many:
            found = catalog.ngettext(self.template, self.many, self.values["n"])
        else:
            found = catalog.gettext(self.template)
        if not self.values:
            return found
        return found.format(**{name: said(each, catalog) for name, each in self.values.items()})


def say(template: str, /, **values: Any) -> Sentence:
    """A sentence; its template says where each value stands, as in `str.format`.

    Only texts that stand in the call as they are can be found for translation.
    """
    made = Sentence(template.format(**values) if values else template)
    made.template, made.many, made.values = template, "", values
    return made


def say_n(one: str, many: str, n: int, /, **values: Any) -> Sentence:
    """A sentence about `n` things, of which English has two forms; both may name `{n}`."""
    values["n"] = n
    made = Sentence((one if n == 1 else many).format(**values))
    made.template, made.many, made.values = one, many, values
    return made


class Listed(Sentence):
    """Texts in a row; what stands between them is the same in all languages."""

    __slots__ = ("between", "parts")
    between: str
    parts: tuple[str, ...]

    def said(self, catalog: Catalog) -> str:
        """The texts in a catalog's language, with the same between each two."""
        return self.between.join(said(part, catalog) for part in self.parts)


def listed(parts: Iterable[str], between: str = ", ") -> Listed:
    """Several texts in a row with the same between each two; sentences among them stay sentences.

    >>> listed([say("late"), "Ana"])
    'late, Ana'
    """
    kept = tuple(parts)
    made = Listed(between.join(kept))
    made.between, made.parts = between, kept
    return made


class Shaped(Sentence):
    """A sentence of which the letters are changed in whichever language it is said."""

    __slots__ = ("inner", "shape")
    inner: Sentence
    shape: Callable[[str], str]

    def said(self, catalog: Catalog) -> str:
        """The inner sentence in a catalog's language, in its shape."""
        return self.shape(self.inner.said(catalog))


def _shaped(words: str, shape: Callable[[str], str]) -> str:
    if not isinstance(words, Sentence):
        return shape(words)
    made = Shaped(shape(words))
    made.inner, made.shape = words, shape
    return made


def capital(words: str) -> str:
    """The same with a capital in front, in any language."""
    return _shaped(words, _capital)


def small(words: str) -> str:
    """The same in small letters, in any language."""
    return _shaped(words, str.lower)


def whole(words: str) -> str:
    """What an error says, as a page says it: with a capital and a full stop."""
    return _shaped(words, _whole)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _whole(words: str) -> str:
    return _capital(words) + ("" if words.endswith((".", "!", "?")) else ".")


def marked(template: str) -> str:
    """The same text: names a word for translation that is said later, as `say(word)`."""
    return template


def said(value: Any, catalog: Catalog) -> Any:
    """A sentence in a catalog's language; anything else as it is."""
    return value.said(catalog) if isinstance(value, Sentence) else value
