r"""Tests of the normalization of titles, abstracts and names: properties of every text, and examples."""

import gzip
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.sources.text.normalize import normalize_name, normalize_text, normalize_title, strip_tags

SHARED = Path(__file__).parents[4] / "shared"
REPLAY = Path(os.environ.get("DIGEST_REPLAY", SHARED / "replay"))
RANKING = Path(os.environ.get("DIGEST_RANKING", SHARED / "ranking"))
SNIPPETS = r"""\ $ { } ^ _ ~ \emph \frac \sqrt \hat \mathcal \left \v \' \" \\ \% \{ \} \[ \cite \unknown
    \not \in \overset \underset \stackrel \xrightarrow \ifmmode \else \fi \texorpdfstring \ket \ce \SI
    \href \textcolor -- `` '' ` & &lt; &#0; x 12 é 羊 $5 \url https://x.org/a_1 % ."""
TEX = st.lists(st.sampled_from(SNIPPETS.split()) | st.just(" "), max_size=40).map("".join)


@given(st.text() | TEX)
def test_any_text_becomes_one_clean_line(text: str) -> None:
    for result in (normalize_text(text), normalize_title(text), normalize_name(text)):
        assert "\n" not in result
        assert result == result.strip()
        assert "  " not in result
        assert not re.search(
            "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ue000]", result
        )
        result.encode()


@given(st.text() | TEX)
def test_no_tex_is_left_in_a_title(text: str) -> None:
    assert not re.search(r"[\\{}]", normalize_title(text))


@given(
    st.text("abcdefg XYZ0123456789%.,:;()!?'\"/+=<>-", max_size=200).filter(
        lambda t: "--" not in t and "''" not in t
    )
)
def test_plain_prose_is_only_trimmed(text: str) -> None:
    assert normalize_text(text) == " ".join(text.split())
    assert normalize_title(text) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"UCB Robust to $\varepsilon$-Contamination", "UCB Robust to ε-Contamination"),
        ("τ^2-Bench and T$^2$SQNet", "τ²-Bench and T²SQNet"),
        (r"An $\widetilde\mathcal{O}(m/\varepsilon^{2})$-Cost Algorithm", "An Õ(m/ε²)-Cost Algorithm"),
        (r"Only $\sqrt{T}$ and $\sqrt{n+1}$ Regret", "Only √T and √(n+1) Regret"),
        (r"PM$_{2.5}$ and $^{14}$C, but $D_{train}$", "PM₂.₅ and ¹⁴C, but D_train"),
        (r"$2^{k \log n}$ of $10^{-5}$", "2^(k log n) of 10⁻⁵"),
        (r"In $\mathbb{Z}^{n\times d}$ and $\frac{a+b}{c}$", "In ℤ^(n×d) and (a+b)/c"),  # noqa: RUF001
        (r"Precision 2^16 to 2^{24}, H_2O", "Precision 2¹⁶ to 2²⁴, H₂O"),
        ("For 1$ or $5 million, between $5 and $6", "For 1$ or $5 million, between $5 and $6"),
        (r"\$OneMillion-Bench at 50\% \& more_or_less", "$OneMillion-Bench at 50% & more_or_less"),
        (r"Rank-$1$ and $5$ of US$ 7 for $k$ arms", "Rank-1 and 5 of US$ 7 for k arms"),
        ("the $lambda$-calculus at 360^circ", "the λ-calculus at 360°"),
        (r"\emph{Very} \textbf{bold} {\em claims} texttt{here}", "Very bold claims here"),
        (r"A \methodname of \unknown{kind}", "A methodname of unknown kind"),
        (r"$x\not\in M$, $a \not= b$, $A\not\subset B$, $p\not\mid q$", "x∉M, a ≠ b, A⊄B, p∤q"),
        (r"$A\nsubseteq B$, $u \nleq v$, $\not\exists x$", "A⊈B, u ≰ v, ∄ x"),
        (r"$U\overset{s}{\to}V$, $X\stackrel{d}{=}Y$", "U→V, X=Y"),
        (r"$\underset{x}{\min} f$ and $U\xrightarrow[g]{h}V$", "minₓ f and U→V"),
        (r"\texorpdfstring{$\beta$}{beta}-Sheep, \texorpdfstring{$n^2$}{}", "beta-Sheep, n²"),
        (r"\ifmmode \alpha \else sheep\fi{}s", "sheeps"),
        (r"$\ifmmode \alpha \else sheep\fi$-wool", "α -wool"),  # noqa: RUF001
        (r"A \ifmmode left open", "A left open"),
        (r"\unknown{two}{words}", "unknown two words"),
        (r"\ce{CO2} from \ce{CH4}, \SI{5}{\percent}", "CO₂ from CH₄, 5 %"),
        (r"$\ket{\psi}$ \enquote{quoted}, $a\equiv b \pmod{n}$", "|ψ⟩ “quoted”, a≡b (mod n)"),
        (r"By \citep[e.g.][]{sheep} of $\prescript{14}{}{C}$", "By [sheep] of ¹⁴C"),
        (r"Line\\ break and Schr\\ödinger", "Line break and Schrödinger"),
        ("``Quoted'' 1986--1988---and `single'", "“Quoted” 1986–1988—and ‘single’"),
        ("Haskell~98 takes ~50 ms, 5~10 at most", "Haskell 98 takes ~50 ms, 5~10 at most"),
        ("AT&T says &lt;b&gt; &amp;amp; caf&eacute;", "AT&T says <b> &amp; café"),
        ("zero\u200bwidth \u202eoverride\u202c and\x00 control\x07", "zerowidth override and control"),
        ("$\xcf\x89$Test was mangled", "ωTest was mangled"),
        ("Kendall's $\tau$ and $3 \times 4$, swallowed", "Kendall's τ and 3 × 4, swallowed"),
    ],
)  # fmt: skip
def test_normalize_title(text: str, expected: str) -> None:
    assert normalize_title(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"Sets $\{0,1\}^n$ and {plain} braces", "Sets {0,1}ⁿ and plain braces"),
        ('JSON {"a": 1} stays where nothing is TeX', 'JSON {"a": 1} stays where nothing is TeX'),
        (r"See \cite{sheep} and \href{https://x.org/~a_1}{here}", "See [sheep] and here (https://x.org/~a_1)"),
        (r"Code: https://x.org/a_1/~b^2 and \url{https://y.org/c_2}", "Code: https://x.org/a_1/~b^2 and https://y.org/c_2"),
        ("Two\nlines and  blanks", "Two lines and blanks"),
        ("file_name_of_something --verbose ^_^", "file_name_of_something --verbose ^_^"),
        ("Half open { and closed }", "Half open { and closed }"),
        (r"A user\'s \"own words\" don\'t count", "A user's “own words” don't count"),
        (r"$\binom{n}{k}$, $\sqrt[3]{x}$, $\hat{x}\in X$", "(n choose k), ³√x, x̂∈X"),
        (r"\begin{itemize}\item one\footnote{really} \textcolor{red}{two}\end{itemize}", "one (really) two"),
    ],
)  # fmt: skip
def test_normalize_text(text: str, expected: str) -> None:
    assert normalize_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"Nikola Pi\v{z}amar", "Nikola Pižamar"),
        (r"J\"org Schl{\"a}fer", "Jörg Schläfer"),
        (r"Hendrik Kra{\ss}, Stra\ss e", "Hendrik Kraß, Straße"),
        (r"P\\'erez and \'{E}mile", "Pérez and Émile"),
        (r"{\L}ukasz \O ystein Erd\H{o}s", "Łukasz Øystein Erdős"),
        (r"Fran\c{c}ois \~n \^{\i} \'\i", "François ñ î í"),
        (r"\textcommabelow{S}erban, Mi\textcommabelow t\u{a}", "Șerban, Miță"),
        (r"\ifmmode \acute{c}\else \'{c}\fi{}iro \ifmmode \mbox{\c{S}}\else \c{S}\fi{}en", "ćiro Şen"),
        (r"Nguy\~{\^e}n Th\h{o}, Tr\`{\^a}n", "Nguyễn Thỏ, Trần"),
        (r"{\DJ}or\dj e, \v{m}", "Đorđe, m\u030c"),
        ("Jo~Anne  O'Brien ,", "Jo Anne O'Brien"),
        ("Ngô Bảo Châu, محمد, 陈波", "Ngô Bảo Châu, محمد, 陈波"),
    ],
)
def test_normalize_name(text: str, expected: str) -> None:
    assert normalize_name(text) == expected


def test_strip_tags_keeps_superscripts_and_subscripts() -> None:
    html = "<p>At 10<sup>2</sup> Hz, <i>deeply</i>: p < 0.05 &amp; <jats:p>H<sub>2</sub>O</jats:p></p>"
    assert normalize_text(strip_tags(html)) == "At 10² Hz, deeply: p < 0.05 & H₂O"


TEX_DOCUMENT = (
    r"\documentclass[12pt]{minimal}"
    "\n\t\t\t\t"
    r"\usepackage{amsmath} \setlength{\oddsidemargin}{-69pt}"
    "\n"
    r"\begin{document}$$k_{\bot }$$\end{document}"
)
MATHML = '<mml:math xmlns:mml="x"><mml:msub><mml:mi>k</mml:mi><mml:mi>⊥</mml:mi></mml:msub></mml:math>'


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (f"<alternatives><tex-math>{TEX_DOCUMENT}</tex-math>{MATHML}</alternatives>", "k_⊥"),
        (f"<alternatives>{MATHML}<tex-math><![CDATA[k_{{\\bot}}]]></tex-math></alternatives>", "k_⊥"),
        (r"<tex-math><?CDATA $(8\pm 2)$?></tex-math><?MML <mml:math/>?><graphic href='x.gif'/>", "(8±2)"),
        (r"<tex-math>$$\varvec{x}&amp;&lt;\upalpha$$</tex-math>", "x<α"),  # noqa: RUF001
        (f"<alternatives>{MATHML}<graphic href='x.gif'/></alternatives>", "k⊥"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "jats:"])
def test_strip_tags_keeps_one_form_of_a_formula(formula: str, expected: str, prefix: str) -> None:
    html = f"<p>the anti-<inline-formula>{formula}</inline-formula> sheep</p>"
    for name in ("p", "inline-formula", "alternatives", "tex-math", "graphic", "inline-graphic"):
        html = html.replace(f"<{name}", f"<{prefix}{name}").replace(f"</{name}", f"</{prefix}{name}")
    for text in (html, html.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")):
        assert normalize_text(strip_tags(text)) == f"the anti-{expected} sheep"


def test_preamble_of_tex_is_dropped_from_plain_text() -> None:
    assert normalize_text(f"The {TEX_DOCUMENT} sheep") == "The k_⊥ sheep"
    assert normalize_title(rf"The {TEX_DOCUMENT[:-25]}") == "The"
    assert normalize_text(r"A \documentclass is declared first.") == "A documentclass is declared first."


def test_hostile_texts_take_linear_time() -> None:
    started = time.process_time()
    commands = (r"\hat", r"\'", r"\frac", r"\not", r"\overset", r"\ifmmode", r"\ifmmode\fi", r"\else", r"\x{")
    for piece in (*commands, "{", "$", "``", "^", "<!--", "&", "--", '\\"x', "_{", "1$ a "):
        hostile = piece * 50_000
        normalize_text(hostile)
        strip_tags(hostile)
    assert time.process_time() - started < 20


def real_texts() -> Iterator[tuple[str, str]]:
    """Yield titles and abstracts of real papers, where they are beside the project."""
    for file in sorted(REPLAY.glob("*.jsonl.gz")):
        with gzip.open(file, "rt") as lines:
            yield from ((paper["title"], paper["abstract"]) for paper in map(json.loads, lines))
    for file in sorted(RANKING.glob("*.json.gz")):
        with gzip.open(file, "rt") as document:
            for text in json.load(document)["papers"]:
                first, _, rest = text.partition("\n")
                yield first, rest


def test_real_titles_and_abstracts_become_readable() -> None:
    texts = list(real_texts())
    if not texts:
        pytest.skip("no real papers beside the project; set DIGEST_REPLAY and DIGEST_RANKING")
    started = time.process_time()
    for title, abstract in texts:
        normalized = normalize_title(title)
        assert not re.search(r"[\\{}]", normalized), title
        assert not re.search(r"\$(?!\d)", re.sub(r"\d\$", "", normalized)) or "\\$" in title, title
        assert normalize_text(abstract).count("%") >= abstract.replace("\\%", "%").count("%"), abstract
    assert len(texts) / (time.process_time() - started) > 1000
