r"""Equations of docstrings, which people read as plain text, as TeX.

    u_i = U + u_{i-1} (1 - U) exp(-h / tau_facil)      eq. (4)

becomes ``u_{i} = U + u_{i-1} (1 - U) \exp(-h / \tau_{\mathrm{facil}})``, with *eq. (4)* set as
text at its side. What is not known to be a symbol stays a word, so nothing is lost.
"""

from __future__ import annotations

import re


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


GREEK = _set(
    "alpha beta gamma delta epsilon eta theta kappa lambda mu nu xi pi rho sigma tau phi chi "
    "psi omega Delta Sigma Omega"
)
FUNCTIONS = _set("exp ln log sqrt max min sin cos")
NAMED = _set("Binomial Normal Poisson Cov Var CV PPR SE PSP")
# Words of two letters that would pass for products of symbols.
WORDS = _set("of if is at or so to in as by an be it no on we do up")
SIGNS = {
    "...": r"\ldots",
    "->": r"\to",
    "<-": r"\leftarrow",
    "<=": r"\le",
    ">=": r"\ge",
    "+-": r"\pm",
    "~": r"\sim",
    "%": r"\%",
    "×": r"\times",
    "−": "-",
    "–": "-",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)"
    r"|(?P<word>[^\W\d_]{2,}(?:-[^\W\d_]{2,})+)"
    r"|(?P<name>[^\W\d_]+(?:_[^\W_]+)*\d*(?:_\{[^}]*\})?(?:_[^\W_]+)*)"
    r"|(?P<sign>\.\.\.|->|<-|<=|>=|\+-|[-+*/^()\[\]{}|=<>~,;:!%.'\"&×−–±])"
    r"|(?P<other>\S))"
)
SPACED = _set(r"= ~ < > -> <- + \sim \to \leftarrow")
CLOSING = {"(": ")", "[": "]"}
Token = tuple[str, str, bool]
_RELATION = re.compile(r"[=~<>≈]|->|<-")


def tokens(text: str) -> list[Token]:
    """(kind, text, whether a space comes before) of each token."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is not None:
            found.append((kind, match[kind], match[0][:1].isspace()))
    return found


class Writer:
    """TeX of formulae in which `symbols` are known, beside single letters and Greek ones."""

    def __init__(self, symbols: frozenset[str] = frozenset()) -> None:
        self.symbols = symbols

    def is_symbol(self, name: str) -> bool:
        """Whether a name stands for a quantity, and not for a word."""
        plain = name.rstrip("0123456789")
        return (
            name in self.symbols
            or "_" in name
            or len(plain) == 1
            or plain in GREEK
            or name in FUNCTIONS
            or name in NAMED
            or (name != plain and len(plain) <= 2)
            or (len(name) == 2 and name[0] == "d" and name not in WORDS)
        )

    def wordiness(self, text: str) -> float:
        """The share of words among the names and numbers of a text; 1 where there are none."""
        kinds = [
            kind in ("word", "other") or (kind == "name" and not self.is_symbol(t))
            for kind, t, _ in tokens(text)
            if kind != "sign"
        ]
        return sum(kinds) / len(kinds) if kinds else 1.0

    def symbol(self, name: str) -> str:
        """One name: ``tau_facil``, ``u_{i-1}``, ``k_tau_m``, ``s0``."""
        base, _, below = name.partition("_")
        digits = base[len(base.rstrip("0123456789")) :]
        base = base[: len(base) - len(digits)] or base
        if base in FUNCTIONS:
            return f"\\{base}"
        if base in GREEK:
            shown = f"\\{base}"
        elif len(base) == 1:
            shown = base
        elif len(base) == 2 and base[0] == "d":
            shown = rf"\mathrm{{d}}{base[1]}"
        else:
            shown = rf"\mathrm{{{base}}}"
        if digits:
            shown += f"_{{{digits}}}"
        return f"{shown}_{{{self._index(below)}}}" if below else shown

    def _index(self, below: str) -> str:
        if below.startswith("{"):
            closing = below.index("}")
            rest = below[closing + 1 :].lstrip("_")
            inside = self.formula(below[1:closing])
            return f"{inside},{self._index(rest)}" if rest else inside
        if below in ("plus", "minus"):
            return {"plus": "+", "minus": "-"}[below]
        if len(below) == 1 or below.isdigit() or below.split("_")[0] in GREEK:
            return self.symbol(below) if not below.isdigit() else below
        return ",".join(rf"\mathrm{{{part}}}" for part in below.split("_"))

    def formula(self, text: str) -> str:
        """TeX of a formula with words in it."""
        return " ".join(self._parse(tokens(text))).strip()

    def _parse(self, found: list[Token], *, built_up: bool = True) -> list[str]:
        """TeX of each part; `built_up` is whether a/b becomes a fraction with a bar."""
        out: list[str] = []
        words: list[str] = []
        i = 0
        while i < len(found):
            kind, text, spaced = found[i]
            if self._is_word(found, i):
                if words and not spaced:
                    words[-1] += text
                else:
                    words.append(text)
                i += 1
                continue
            if words and kind == "sign" and text in ",;:.'\"!" and not spaced:
                words[-1] += text
                i += 1
                continue
            self._say(words, out, before=text)
            fraction = self._fraction(found, i) if built_up else None
            if kind == "sign" and text == "^" and out:
                power, i = self._power(found, i + 1)
                out[-1] += f"^{{{power}}}"
            elif fraction is not None:
                shown, i = fraction
                out.append(shown)
            elif text in CLOSING and (end := _closing(found, i)) < len(found):
                inside = " ".join(self._parse(found[i + 1 : end], built_up=built_up))
                tall = ("\\left", "\\right") if "\\frac" in inside else ("", "")
                out.append(f"{tall[0]}{text}{inside}{tall[1]}{CLOSING[text]}")
                i = end + 1
            else:
                out.append(self._plain(kind, text))
                i += 1
        self._say(words, out)
        return out

    def _is_word(self, found: list[Token], i: int) -> bool:
        kind, text, _ = found[i]
        if text == "a" and 0 < i < len(found) - 1:  # the article, between words
            return all(
                found[j][0] == "name" and not self.is_symbol(found[j][1]) for j in (i - 1, i + 1)
            )
        return kind in ("word", "other") or (kind == "name" and not self.is_symbol(text))

    def _say(self, words: list[str], out: list[str], before: str = "") -> None:
        """Words as text, with the spaces that TeX would leave out around them."""
        if words:
            near = "" if not out or out[-1] in SPACED else "\\ "
            after = "" if before in ("", "^", ")", *SPACED) else "\\ "
            out.append(f"{near}\\text{{{' '.join(words)}}}{after}")
            words.clear()

    def _plain(self, kind: str, text: str) -> str:
        if kind == "name":
            return self.symbol(text)
        if kind == "number":
            return _number(text)
        if text in ",;":
            return text + r"\;"
        if text in "{}&":
            return "\\" + text
        if text in "'\"":
            return r"\text{" + text + "}"
        return SIGNS.get(text, text)

    def _power(self, found: list[Token], i: int) -> tuple[str, int]:
        """What stands after a ^: in brackets, signed, or one token."""
        if i < len(found) and found[i][1] == "(":
            end = _closing(found, i)
            return " ".join(self._parse(found[i + 1 : end], built_up=False)), end + 1
        sign = ""
        if i < len(found) and found[i][1] in ("-", "+"):
            sign, i = found[i][1], i + 1
        return sign + (self._plain(*found[i][:2]) if i < len(found) else ""), i + 1

    def _fraction(self, found: list[Token], i: int) -> tuple[str, int] | None:
        """``a/b`` without spaces, each a symbol, a number or a bracket: a built-up fraction."""
        top = self._primary(found, i)
        if top is None or top >= len(found) or found[top][1:] != ("/", False):
            return None
        bottom = self._primary(found, top + 1)
        if bottom is None or found[top + 1][2]:
            return None
        if bottom < len(found) and found[bottom][1:] in (("^", False), ("/", False), ("(", False)):
            return None
        above, below = (self._bare(found[a:b]) for a, b in ((i, top), (top + 1, bottom)))
        return rf"\frac{{{above}}}{{{below}}}", bottom

    def _primary(self, found: list[Token], i: int) -> int | None:
        """Where the symbol, number or bracket ends that begins at `i`; None where there is none."""
        if i >= len(found):
            return None
        kind, text, _ = found[i]
        if kind == "number" or (kind == "name" and self.is_symbol(text) and text not in FUNCTIONS):
            return i + 1
        if text == "(" and (end := _closing(found, i)) < len(found):
            return end + 1
        return None

    def _bare(self, part: list[Token]) -> str:
        if part[0][1] == "(" and _closing(part, 0) == len(part) - 1:
            part = part[1:-1]
        return " ".join(self._parse(part))

    def block(self, lines: list[str]) -> str | None:
        """An indented block as one display; None for one that is more words than formulae."""
        rows = [_cells(line) for line in lines if line.strip()]
        text = " ".join(cell for row in rows for cell in row)
        if not rows or (not _RELATION.search(text) and self.wordiness(text) > 0.25):
            return None
        if self.wordiness(text) > 0.45:
            return None
        labelled = any(len(r) > 1 and self.wordiness(r[0].replace("_", "")) == 1 for r in rows)
        shown = [self._row(row, labelled) for row in rows]
        return r"\begin{aligned}" + r"\\".join(shown) + r"\end{aligned}"

    def _row(self, cells: list[str], labelled: bool) -> str:
        label = ""
        if labelled and len(cells) > 1 and self._is_label(cells[0]):
            label, cells = rf"\text{{{cells[0]}}}\quad", cells[1:]
        body: list[str] = []
        side: list[str] = []
        for cell in cells:
            beside = bool(side) or (bool(body) and self._is_remark(cell))
            words = cell in GREEK and bool(body)
            (side if beside else body).append(rf"\text{{{cell}}}" if words else self.formula(cell))
        shown = r"\quad ".join(body)
        return f"{label} & {shown}" + (r" && " + r"\quad ".join(side) if side else "")

    def _is_label(self, cell: str) -> bool:
        """Whether a cell is a name for what follows it."""
        return not re.search(r"[=~<>()+^/]|->", cell)

    def _is_remark(self, cell: str) -> bool:
        """Whether a cell says something about what stands before it."""
        return (
            cell in GREEK
            or re.match(r"(for|eqs?\.|with)\b", cell) is not None
            or (not _RELATION.search(cell) and self.wordiness(cell.strip("()")) > 0.5)
        )


def _cells(line: str) -> list[str]:
    return [cell for cell in re.split(r"\s{2,}", line.strip()) if cell]


def _closing(found: list[Token], i: int) -> int:
    """The place of the bracket that closes the one at `i`; the end where none does."""
    depth = 0
    for j in range(i, len(found)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(found[j][1], 0)
        if depth == 0:
            return j
    return len(found)


def _number(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    return (f"{mantissa} \\times " if mantissa != "1" else "") + f"10^{{{exponent}}}"
