"""Tests of reading HighWire's marks in the texts of bioRxiv and medRxiv."""

import pytest

from digest.sources.text.highwire import decode_abstract, decode_characters

PICTURE = (
    'O_FIG O_LINKSMALLFIG WIDTH=200 SRC="small/1v1_ufig1.gif" ALT="Figure 1">\nView larger version (13K):\n'
    "org.highwire.dtl.DTLVardef@1a_HPS_FORMAT_FIGEXP  M_FIG O_FLOATNOFigure 1.C_FLOATNO Sheep.\n\nC_FIG"
)
TABLE = (
    "O_TBL View this table:\norg.highwire.dtl.DTLVardef@11e0d M_TBL O_TABLECAPTIONWoolC_TABLECAPTION C_TBL"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BackgroundSheep sleep.\n\nMethodsFrom barns.", "Background: Sheep sleep. Methods: From barns."),
        ("ResultssDII fell.\nConclusionsmRNA rose.", "Results: sDII fell. Conclusions: mRNA rose."),
        ("Sheep.\nResults50% slept.\nMethods\nNone.", "Sheep. Results: 50% slept. Methods: None."),
        ("Sheep.\nRESULTSWe count.\nAimSGLT2 is new.", "Sheep. Results: We count. Aim: SGLT2 is new."),
        ("BackgroundSheep sleep.", "Background: Sheep sleep."),
        ("AO_SCPLOWBSTRACTC_SCPLOWSheep sleep.", "Sheep sleep."),
        ("SummaryWe count sheep.", "We count sheep."),
        ("Abstract\nSheep sleep.", "Sheep sleep."),
        ("AbstractO_ST_ABSBackgroundC_ST_ABSSheep sleep.", "Background: Sheep sleep."),
        ("Abstract/SummaryO_ST_ABSAim:C_ST_ABSSheep sleep.", "Aim: Sheep sleep."),
        ("Nap.\nKey pointsO_LIOne nap.\nC_LIO_LITwo.\nC_LI", "Nap. Key points: • One nap. • Two."),
        (f"Sheep sleep.\n\nGraphical abstract\n\n{PICTURE} Goats do.", "Sheep sleep. Goats do."),
        (f"Sheep sleep. {TABLE}", "Sheep sleep."),
        ("Sleep.\nGraphical Abstract O_FIG_DISPLAY_L [Figure 1] M_FIG_DISPLAY C_FIG_DISPLAY", "Sleep."),
        ("By O_FD O_INLINEFIG[Formula 1]C_INLINEFIGM_FD(1)C_FD where", "By [Formula 1] (1) where"),
        ("Sleep O_ST_ABSC_ST_ABS long", "Sleep long"),
    ],
)  # fmt: skip
def test_decode_abstract(text: str, expected: str) -> None:
    assert " ".join(decode_abstract(text).split()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Summary statistics of sheep.\nBackground noise is low.", "Abstract interpretation of sheep.",
        "DesignMaster counts sheep.", "RESULTS: Sleep.\nRESULTS are few.", "AIM2 is a gene.\nAim2-free mice.",
        "Sheep.\nChatGPT counts.\nAimed at sleep, ResultsDB grew.", "Sheep sleep. BackgroundNoise is a tool.",
        "We set NO_LIMIT, C_FIGURE and O_TBLS.",
    ],
)  # fmt: skip
def test_what_is_no_heading_and_no_mark_stays(text: str) -> None:
    assert decode_abstract(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TGF-{beta}1 at 0.9 {+/-} 0.1 {micro}V", "TGF-β1 at 0.9 ± 0.1 µV"),
        ("85{middle dot}8% ha{square}{superscript 1}", "85·8% ha□¹"),
        ("[&ge;]98% of TGF[beta], N [-&gt;] {infty}, p[~=]1", "≥98% of TGFβ, N → ∞, p≃1"),
        ("MO_SCPLOWETAC_SCPLOWMO_SCPLOWUSEC_SCPLOW and KO_SCPCAP.C_SCPCAP", "METAMUSE and K."),
        ("d_{beta}, x^{pi}, {a, b}, {e}, {strain}", "d_{beta}, x^{pi}, {a, b}, {e}, {strain}"),
        (r"\mathrm{beta}", r"\mathrm{beta}"),
        ("[A], [O], [Ca2+], [18F]FDG and [CI 1-2]", "[A], [O], [Ca2+], [18F]FDG and [CI 1-2]"),
    ],
)  # fmt: skip
def test_decode_characters(text: str, expected: str) -> None:
    assert decode_characters(text) == expected
