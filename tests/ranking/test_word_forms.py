"""Forms of a word that mean the same are folded to one, different words are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.word_forms import fold_sentences, fold_word, split_words

SAME = """
optimisation optimization optimise optimized optimizing optimizers
tokenizer tokenization tokenised tokenize | behaviour behavior behaviours
modelling modeling modelled models | labelling labeling labelled
analyse analyzed analyses analysis analysing | recommender recommendation recommend recommended
segmentation segmenting segmented | adaptation adapts adapted adapting | exploration explore exploring
generation generates generated generating generator | estimation estimate estimating estimators
evaluation evaluate | translation translating | simulation simulate simulators | federated federation
imitation imitating | operation operate | isolation isolated | creation create creating | rotation rotate
integration integrated integrating | annotation annotate annotated | navigation navigates
deviation deviate | detecting detection detector | prediction predictors predicting | diffusion diffuse
compression compressed | supervision supervised supervise | revision revised revising | promise promising
denoise denoising denoised | compilers compiler compile | encoder encode encoding encoded
controller controlling controlled control | classify classifier classified classification
query queries querying | engineer engineering engineered | tuning tuned tune | coding code coded
pruning prune pruned | scaling scale scaled | naming named names | mapping maps mapped
planning planned planner plan | mixing mixed mix | tagging tagged tags | acting acted acts
parsing parse parsed | sampling sample | reusing reuse | imaging image | guiding guide guided
adding added adds | training trained train | learning learner learned | editing edits
conditions conditioning conditioned | clustering clusters clustered | transferring transfers transferred
monitoring monitors | filtering filters | distillation distilling distill distil | embedding embedded embed
bias biased biases | agree agrees | categories category
hydrolysis hydrolyses hydrolyze | catalysis catalyse catalyzed
axes axis | matrices matrix | vertices vertex | indices index
hypotheses hypothesis | lenses lens | criteria criterion | phenomena phenomenon | spectra spectrum
stimuli stimulus | corpora corpus | centre center centres centred | metres meter | fibre fiber
manoeuvres maneuver | theatre theater | paediatric pediatric | leukaemia leukemia | haematology hematology
anaemia anemia | anaesthesia anesthesia | ischaemic ischemic | oestrogen estrogen | foetal fetal
oesophageal esophageal | diarrhoea diarrhea | sulphur sulfur | aluminium aluminum | ageing aging
artefacts artifacts | grey gray | defence defense
"""
DIFFERENT = """
quantum quantization | generative general gene generation | four for | rise raise | noise nose | speed sped
transformers transforms | adapters adaptation | operators operations | accelerators acceleration
planes plans | rates rats | notes not | tapes taps | capes caps | modes mods | sites sits | pines pins
codes cod | engineers engines | habitats habits | carbonates carbon | templates temples
fabrics fabrication | designated designs | formation format | missions misses | news new | string str
wings wins | seeds sees | universe university | organs organization | relative relation | evening events
liter literature | cars caring | fin fine
"""


def split_groups(table: str) -> list[str]:
    return [group.strip() for group in table.replace("\n", "|").split("|") if group.strip()]


@pytest.mark.parametrize("forms", split_groups(SAME))
def test_forms_of_a_word_are_folded_to_one(forms: str) -> None:
    assert len({fold_word(form) for form in forms.split()}) == 1


@pytest.mark.parametrize("words", split_groups(DIFFERENT))
def test_different_words_stay_different(words: str) -> None:
    assert len({fold_word(word) for word in words.split()}) == len(words.split())


def test_hyphens_accents_and_case_make_no_difference() -> None:
    assert fold_sentences("Continual-Learning of Schr\u00f6dinger") == fold_sentences(
        "continual learning of Schrodinger"
    )


@given(st.text(max_size=60))
def test_any_text_is_folded_to_words_without_spaces(text: str) -> None:
    assert all(word and not word.isspace() for sentence in fold_sentences(text) for word in sentence)
    assert all(fold_word(word) for word in split_words(text))
