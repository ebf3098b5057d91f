"""The report of a study: one page, which reads on a phone and on paper."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from synsim._version import __version__
from synsim.settings import to_texts

if TYPE_CHECKING:
    from synsim.protocol import Result
    from synsim.studies.study import Part, Row, Study

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #111; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; }}
h2 {{ font-size: 1.15rem; margin-top: 2.5rem; }}
img {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ padding: 0.2rem 0.9rem 0.2rem 0; border-bottom: 1px solid #ddd; text-align: left; }}
code {{ background: #f2f2f2; padding: 0 0.2rem; overflow-wrap: anywhere; }}
.note {{ color: #555; font-size: 0.9rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{citation}</p>
<p class="note">Run again by synsim {version}, seed {seed}. Numbers: summary.json; tables:
one CSV file a section.</p>
{sections}
</body>
</html>
"""


def html(study: Study, outcomes: Sequence[Result], compared: Sequence[Sequence[Row]]) -> str:
    """The page; figures are the PNG files beside it."""
    sections = [
        _section(part, outcome, rows)
        for part, outcome, rows in zip(study.parts, outcomes, compared, strict=True)
    ]
    return _PAGE.format(
        title=escape(study.title),
        citation=escape(study.citation),
        version=escape(__version__),
        seed=outcomes[0].seed,
        sections="\n".join(sections),
    )


def _section(part: Part, outcome: Result, rows: Sequence[Row]) -> str:
    texts = to_texts(outcome.settings) | {"seed": str(outcome.seed)}
    given = " ".join(f"--{k.replace('_', '-')} {shlex.quote(v)}" for k, v in texts.items())
    lines = [
        f"<h2>{escape(part.title)}</h2>",
        f'<p><img src="{part.protocol}.png" alt="Figure of {escape(part.protocol)}"></p>',
    ]
    if rows:
        cells = "\n".join(
            f"<tr><td>{escape(r.what)}</td><td>{escape(r.published)}</td>"
            f"<td>{escape(r.ours)}</td></tr>"
            for r in rows
        )
        lines.append(
            f"<table>\n<tr><th></th><th>published</th><th>ours</th></tr>\n{cells}\n</table>"
        )
    lines += [f'<p class="note">{escape(text)}</p>' for text in outcome.warnings]
    lines.append(
        f'<details class="note"><summary>command</summary><code>synsim run '
        f"{escape(part.protocol)} {escape(given)}</code></details>"
    )
    return "\n".join(lines)
