"""A paragraph is read clause by clause for its phrases and for what it rules out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.paragraphs import read_keywords, read_paragraph, remove_unwanted

WANTED = [
    ("I am a chemist looking for papers on protein folding.", "chemist, protein folding"),
    ("Glacier melt, sea level rise and permafrost", "Glacier melt, sea level rise, permafrost"),
    ("I'd like to know about it.", ""),
    ("I write compilers for C++ and C#.", "compilers, C++, C#"),
    ("", ""),
    # Words of a subject that also refuse, except or negate.
    ("I work on collision avoidance and motion planning.", "collision avoidance, motion planning"),
    ("Obstacle avoidance, avoided crossings", "Obstacle avoidance, avoided crossings"),
    ("I look for papers on how to avoid overfitting and on dropout.", "overfitting, dropout"),
    ("Safe control: avoid unsafe states, barriers", "Safe control, unsafe states, barriers"),
    ("Robots that avoid, ignore or push balls; swarms", "Robots, push balls, swarms"),
    ("I study exception handling and try/except blocks.", "exception handling, blocks"),
    ("I study exceptional Lie algebras.", "exceptional Lie algebras"),
    ("I study skip connections, skip-grams and skip lists.", "skip connections, skip-grams, skip lists"),
    ("Reefs, skip-thought vectors; mute-button use", "Reefs, skip-thought vectors, mute-button"),
    ("Skip connections, residual networks", "Skip connections, residual networks"),
    ("No-regret learning and zero-sum games", "No-regret learning, zero-sum games"),
    ("No free lunch theorems, learning theory", "free lunch theorems, learning theory"),
    ("Never-ending learning; do-not-track headers", "Never-ending learning, do-not-track headers"),
    ("Excluded volume, exclusion processes", "Excluded volume, exclusion processes"),
    ("We need to exclude confounders: instruments", "exclude confounders, instruments"),
    ("Tidal bores and boring machines", "Tidal bores, boring machines"),
    ("Muted channels; deaf and mute people", "Muted channels, deaf, mute"),
    ("Hate speech detection and dislike buttons", "Hate speech detection, buttons"),
    ("Off-policy evaluation, off-topic detection", "Off-policy evaluation, off-topic detection"),
    ("Out-of-distribution detection and denial of service", "Out-of-distribution detection, denial"),
    ("Learning without forgetting; soil", "Learning, Learning without forgetting, soil"),
    ("SLAM without GPS and visual odometry for drones", "SLAM, SLAM without GPS, visual odometry, drones"),
    ("Methods that do not need labels, such as contrastive learning", "contrastive learning"),
    ("Language models that don't hallucinate", "Language models, hallucinate"),
    ("Speech for people who do not hear: sign language", "sign language"),
    ("Learning with few or no labels", "Learning, labels"),
    ("What neural networks do not know: uncertainty", "neural networks, uncertainty"),
    ("Whether bees sleep or not", "bees sleep"),
    ("Attention is not all you need", "Attention"),
    ("No U-turn sampler; no go theorem; NOT gate", "U-turn sampler, gate"),
    ("I study people who cannot see: haptics", "haptics"),
    ("Scale is not enough for robots", "Scale, robots"),
    ("When less is more: pruning", "pruning"),
    ("Fewer labels, less supervision", "Fewer labels, supervision"),
    ("People who are tired of counting sheep: insomnia", "insomnia"),
    # Negations that refuse nothing.
    ("Not only transformers but also state space models", "transformers, state space models"),
    ("Not just oceans, also lakes", "oceans, lakes"),
    ("I don't want to miss anything on coral reefs.", "coral reefs"),
    ("Never miss a paper on coral reefs.", "coral reefs"),
    ("I can't get enough of coral reefs.", "coral reefs"),
    ("I never get tired of coral reefs.", "coral reefs"),
    ("I don't mind lakes. I can't keep up with oceans.", "lakes, oceans"),
    ("I am not an expert in topology.", "topology"),
    ("There are no good papers on photonic chips.", "photonic chips"),
    ("No preference, but photonic chips are great.", "photonic chips"),
    ("We have no labels and use self-supervision.", "labels, self-supervision"),
    ("nothing but topology", "topology"),
    ("Nothing is better than topology.", "topology"),
    ("Enzymes and nothing else", "Enzymes"),
]  # fmt: skip

RULED_OUT = [
    # A refusal opens the clause.
    ("Crop yield. No drones please.", "Crop yield", "drones"),
    ("Crop yield; no more chatbots.", "Crop yield", "chatbots"),
    ("Crop yield. Please no drones.", "Crop yield", "drones"),
    ("Crop yield. I'm not interested in drones or satellites.", "Crop yield", "drones, satellites"),
    ("I like robotics, no chatbots.", "robotics", "chatbots"),
    ("I like reefs, not lakes.", "reefs", "lakes"),
    ("Proteins (no lipids), enzymes", "Proteins, enzymes", "lipids"),
    ("Protein design - not lipids", "Protein design", "lipids"),
    ("My work is not about vision. It's about audio.", "audio", "vision"),
    ("I hate chatbot papers. I enjoy audio.", "audio", "chatbot"),
    ("Fewer chatbot papers, more on audio", "audio", "chatbot"),
    ("I'm done with chatbots; now audio", "audio", "chatbots"),
    ("Stop sending me chatbot papers. I want audio.", "audio", "chatbot"),
    ("I am no fan of chatbots.", "", "chatbots"),
    ("I couldn't care less about chatbots.", "", "chatbots"),
    ("I'd rather not see chatbot papers.", "", "chatbot"),
    ("I'd like to avoid chatbots.", "", "chatbots"),
    ("I've had enough of chatbots.", "", "chatbots"),
    ("Please skip anything clinical. I follow RNA.", "RNA", "clinical"),
    ("RNA, and please no DNA.", "RNA", "DNA"),
    ("RNA, definitely not DNA or lipids, and enzymes", "RNA, enzymes", "DNA, lipids"),
    ("RNA, no DNA, enzymes", "RNA, enzymes", "DNA"),
    ("Not interested in DNA, lipids and enzymes.", "", "DNA, lipids, enzymes"),
    ("Not interested in:\n- lipids\n- DNA\nI study RNA", "RNA", "lipids, DNA"),
    ("Not models, e.g. GANs. RNA.", "RNA", "models, GANs"),
    ("I'm into machine unlearning, not interested in general forgetting; also privacy.",
     "machine unlearning, privacy", "general forgetting"),
    ("Braids (not hair), knots", "Braids, knots", "hair"),
    ("Source code search, eye tracking. No coding agents.",
     "Source code search, eye tracking", "coding agents"),
    ("Nothing too applied: type theory", "type theory", "applied"),
    ("I no longer care for knots, braids are what I need.", "braids", "knots"),
    ("I have zero interest in knots. I don't have time for braids.", "", "knots, braids"),
    ("Seismology: I skip tsunami papers.", "Seismology", "tsunami"),
    ("I love braids and hate knots.", "braids", "knots"),
    ("Neither knots nor braids, please. Tilings.", "Tilings", "knots, braids"),
    ("Likes: braids. Dislikes: knots, hair.", "braids", "knots, hair"),
    # A dismissal ends it.
    ("Crop yield. Drones are off topic.", "Crop yield", "Drones"),
    ("Crop yield. Drones don't interest me.", "Crop yield", "Drones"),
    ("I like reefs. Lakes bore me.", "reefs", "Lakes"),
    ("Lakes are not my cup of tea. Reefs are.", "Reefs", "Lakes"),
    ("Reefs are my field, lakes less so.", "Reefs", "lakes"),
    ("Lakes: no. Reefs: yes.", "Reefs", "Lakes"),
    ("Reefs? Yes. Lakes? No thanks.", "Reefs", "Lakes"),
    ("Vision no, audio yes", "audio", "Vision"),
    ("Uninteresting: lakes. Interesting: reefs.", "reefs", "lakes"),
    ("Lakes, rivers and ponds are out of scope. Reefs.", "Reefs", "Lakes, rivers, ponds"),
    ("I like reefs, lakes are out of scope.", "reefs", "lakes"),
    # An exception.
    ("Tell me about crop yield except greenhouse tomatoes.", "crop yield", "greenhouse tomatoes"),
    ("Crop yield but not wheat prices", "Crop yield", "wheat prices"),
    ("Galaxies except dwarf galaxies, and also quasars", "Galaxies, quasars", "dwarf galaxies"),
    ("Everything on reefs, except for tourism, fishing or trade", "reefs", "tourism, fishing, trade"),
    ("Rather than benchmarks I prefer theory.", "theory", "benchmarks"),
    ("Anything but lakes", "", "lakes"),
    # Both in one sentence.
    ("Not interested in vision but I love robotics.", "robotics", "vision"),
    ("I don't care about vision, only about robotics.", "robotics", "vision"),
    ("Instead of web agents, I want robot manipulation.", "robot manipulation", "web agents"),
    ("Protein design, but nothing with lipids", "Protein design", "lipids"),
    ("I avoid chatbot hype but enjoy graph theory.", "graph theory", "chatbot hype"),
    ("I don't want lakes or ponds but do want reefs.", "reefs", "lakes, ponds"),
    ("I care less about lakes than about reefs.", "reefs", "lakes"),
    ("Not interested in language, except for speech.", "speech", "language"),
    ("Graph theory (but not graph networks) and matroids", "Graph theory, matroids", "graph networks"),
    ("Tell me about RNA, I have no interest in DNA, and I like enzymes.", "RNA, enzymes", "DNA"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), WANTED)
def test_subject_is_never_ruled_out(text: str, wanted: str) -> None:
    asked, ruled_out = read_paragraph(text)
    assert not ruled_out
    assert set(filter(None, wanted.split(", "))) <= set(asked)


@pytest.mark.parametrize(("text", "wanted", "unwanted"), RULED_OUT)
def test_only_what_a_clause_refuses_is_ruled_out(text: str, wanted: str, unwanted: str) -> None:
    asked, ruled_out = read_paragraph(text)
    assert asked == tuple(filter(None, wanted.split(", ")))
    assert ruled_out == tuple(unwanted.split(", "))


def test_what_is_only_left_out_is_neither_wanted_nor_ruled_out() -> None:
    assert read_paragraph("Soil sensors not wheat") == (("Soil sensors",), ())
    assert read_paragraph("Papers that aren't about wheat") == ((), ())
    assert read_paragraph("Apart from wheat, I like maize") == (("maize",), ())


def test_what_is_wanted_in_the_same_words_is_not_ruled_out() -> None:
    assert read_paragraph("I like drones, but no drone for hunting.") == (("drones",), ("hunting",))


def test_what_is_ruled_out_is_removed_from_the_text_that_attracts() -> None:
    assert remove_unwanted("Crop yield. No drones please. Soil too.") == "Crop yield. Soil too."
    assert remove_unwanted("Crop yield, no drones. Soil too.") == "Crop yield Soil too."


@pytest.mark.parametrize(
    ("keyword", "wanted", "unwanted"),
    [
        ("not wheat", (), ("wheat",)),
        ("no drones", (), ("drones",)),
        ("graph theory, but not drones", ("graph theory",), ("drones",)),
        ("maize NOT wheat", ("maize",), ("wheat",)),
        ("skip lakes", (), ("lakes",)),
        ("no free lunch", ("no free lunch",), ()),
        ("no-regret learning", ("no-regret learning",), ()),
        ("skip connections", ("skip connections",), ()),
        ("no code platforms", ("no code platforms",), ()),
        ("NOT gate", ("NOT gate",), ()),
        ("NO synthase", ("NO synthase",), ()),
        ("learning without forgetting", ("learning without forgetting",), ()),
        ("attention is not needed", ("attention is not needed",), ()),
        ("exception handling", ("exception handling",), ()),
        (" crop  yield ", ("crop yield",), ()),
        ("  ", (), ()),
    ],
)
def test_keyword_is_a_topic_unless_it_refuses(
    keyword: str, wanted: tuple[str, ...], unwanted: tuple[str, ...]
) -> None:
    assert read_keywords((keyword,)) == (wanted, unwanted)


@given(st.text(max_size=300))
def test_any_paragraph_is_read(text: str) -> None:
    wanted, unwanted = read_paragraph(text)
    assert all(phrase.strip() for phrase in (*wanted, *unwanted))


@given(st.text("bn,(): '").map(lambda text: text.replace("n", " not ").replace("b", "bees ")))
def test_no_phrase_is_both_wanted_and_ruled_out(text: str) -> None:
    wanted, unwanted = read_paragraph(text)
    assert not {*wanted} & {*unwanted}
