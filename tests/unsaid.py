"""Words of a template that stand in it as they are, and would be English in every language.

Used by the tests of the office's templates and of the phone's. Holds no test. Invariant: what a
template says by `_` or `several` is never found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import nodes

_LETTERS = re.compile(r"[A-Za-z]{2}")
# Of a constant: classes and values of attributes have neither capitals nor spaces.
_A_SENTENCE = re.compile(r"[A-Z]|\w \w")
_TEMPLATE = re.compile(
    r"\{#.*?#\}|\{% block width %\}.*?\{% endblock %\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL
)
_READ_ALOUD = re.compile(
    r'(?<![-\w])(?:aria-label|title|placeholder|alt|data-confirm|data-label)="([^"]*)"'
)
# A macro may put an attribute into a tag.
_ATTRIBUTE = re.compile(r'\s*[a-z-]+="')
# Names of keys, and what is typed as it stands.
_NO_WORDS = re.compile(r"<kbd[^>]*>.*?</kbd>|<code[^>]*>.*?</code>|<!doctype[^>]*>", re.DOTALL)


def bare(source: str) -> Iterator[str]:
    """Texts and spoken attributes of a template that stand in it as they are."""
    text = _NO_WORDS.sub("", _TEMPLATE.sub("\0", source))
    shown = [re.sub(r"<[^>]*>", "\0", text), *_READ_ALOUD.findall(text)]
    for piece in "\0".join(shown).split("\0"):
        if _LETTERS.search(piece) and not _ATTRIBUTE.match(piece):
            yield piece.strip()


def spoken_constants(tree: nodes.Template) -> Iterator[str]:
    """Constants that a template puts out without saying them in the reader's language."""
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if not isinstance(node, nodes.TemplateData):
                yield from _constants(node)


def _constants(node: nodes.Node) -> Iterator[str]:
    match node:
        case nodes.Const():
            if isinstance(node.value, str) and _A_SENTENCE.search(node.value):
                yield node.value
        case nodes.CondExpr():
            for branch in (node.expr1, node.expr2):
                if branch is not None:
                    yield from _constants(branch)
        case nodes.Filter() if node.node is not None:
            yield from _constants(node.node)
        case nodes.Concat():
            for each in node.nodes:
                yield from _constants(each)
        case nodes.Or() | nodes.And() | nodes.Add():
            yield from _constants(node.left)
            yield from _constants(node.right)
