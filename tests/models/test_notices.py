"""Tests of telling withdrawn papers and notices from papers."""

import pytest

from digest.models.notices import is_notice, is_withdrawn


@pytest.mark.parametrize(
    "abstract",
    [
        "This paper has been withdrawn by the author due to an error.",
        "This paper and abstract have been withdrawn.",
        "Withdrawn.",
        "The paper was withdrawn.",
        "THIS PAPER HAS BEEN WITHDRAWN BY THE AUTHORS.",
        "Retracted by the authors: the sheep were goats.",
        "Withdrawn due to an error in Lemma 3.",
        "The authors have withdrawn their manuscript owing to errors, and do not wish it to be cited.",
        "Withdrawal Statement: The authors have withdrawn this manuscript.",
        "This article has been retracted: please see the policy.",
    ],
)
def test_an_abstract_that_says_so_is_withdrawn(abstract: str) -> None:
    assert is_withdrawn("Sheep", abstract)


@pytest.mark.parametrize(
    "abstract",
    [
        "We ask why drugs are withdrawn from the market.",
        "Ad networks have withdrawn from unpopular sites. This paper asks why.",
        "We study papers that were later retracted.",
        "Retracted articles continue to be cited for years.",
        "We study papers retracted by the authors or by journals.",
        "Withdrawn from the market in 2004, the drug is still studied.",
        "Withdrawn by the regulator, the drug is still studied.",
        "Withdrawal in sheep is rare.",
        "The authors have withdrawn blood from sheep.",
    ],
)
def test_a_paper_about_withdrawing_is_not_withdrawn(abstract: str) -> None:
    assert not is_withdrawn("Sheep", abstract)


@pytest.mark.parametrize(
    "comment",
    [
        "Withdrawn",
        "5 pages. This paper is temporarily withdrawn, currently under revision",
        "10 pages, withdrawn due to an error",
        "Withdrawal due to errors in the second section",
        "Withdrawn for revision: more sheep are needed",
        "The paper is withdrawn as some errors were noticed",
        "Therefore, the current version is being withdrawn",
        "I respectfully request that this work be withdrawn",
        "Hence I seek withdrawal of this paper",
        "We withdraw this submission since a sheep was missing",
        "After some thought, we have decided to withdraw the manuscript",
        "arXiv admin note: submission has been withdrawn by arXiv administrators",
        "This submission has been removed by arXiv administrators",
    ],
)
def test_a_comment_that_says_so_means_withdrawn(comment: str) -> None:
    assert is_withdrawn("Sheep", "We count sheep.", comment)


@pytest.mark.parametrize(
    "comment",
    [
        "This version replaces the withdrawn 2401.00001",
        "Withdrawn from ICLR 2026; revised version submitted to ICML",
        "35 pages, submitted to NeurIPS and withdrawn, now at ICML",
        "10 pages; an earlier version was withdrawn by mistake",
        "A previous version of this manuscript was withdrawn due to an error.",
        "It could be withdrawn if accepted elsewhere",
        "A corrected version of arXiv:2105.00001, which was recently withdrawn",
        "v2: the claim of v1 is withdrawn; figures fixed",
        "Section 6 (on goats) is withdrawn. Lemma 6.1 was wrong.",
        "Accepted at a workshop; withdrawn from the proceedings because of travel",
    ],
)
def test_a_comment_about_another_version_or_venue_means_nothing(comment: str) -> None:
    assert not is_withdrawn("Sheep", "We count sheep.", comment)


def test_a_title_means_withdrawn_only_by_its_mark() -> None:
    for title in (
        "Withdrawn: Counting Sheep", "[WITHDRAWN] Sheep", "RETRACTED: Sheep", "Retracted Article: Sheep",
        "Counting Sheep (Retracted)", "Sheep [Retracted Article]", "This paper has been withdrawn",
    ):  # fmt: skip
        assert is_withdrawn(title, "We count sheep.")
    for title in (
        "On Withdrawn Sheep", "", "Withdrawn drugs: a database", "Retracted science and its citations",
        "Withdrawn for Safety: Drugs of a Decade",
    ):  # fmt: skip
        assert not is_withdrawn(title, "We count sheep.")


@pytest.mark.parametrize(
    "title",
    [
        "Correction to: Counting sheep", "Correction to “Counting sheep”", "Correction",
        "Author Correction: Sheep",
        "Correction to Poe et al. (2020)", "Correction for Poe et al., Counting sheep", "Erratum",
        "Erratum to: Counting sheep", "Corrigendum to “Counting sheep” [J. Sheep 12 (2020)]",
        "Addendum: Sheep",
        "Retraction Note: Counting sheep", "Retraction: Sheep", "Notice of Retraction: Sheep",
        "Editorial Expression of Concern: Sheep", "Editorial Board", "Issue Information", "Front Matter",
        "Table of Contents, Vol. 3", "Inside Back Cover: Sheep (J. Sheep 12/2026)", "Cover Picture",
        "Counting Sheep: A New Way (Adv. Sheep 12/2026)", "Publisher’s Note: Counting sheep",
        "Department of Error", "Acknowledgements to the Reviewers", "Correction to Sheep Lett 2026; 27: 1",
    ],
)  # fmt: skip
def test_a_notice_is_told_by_its_title(title: str) -> None:
    assert is_notice(title)


@pytest.mark.parametrize(
    "title",
    [
        "Counting sheep (part 1/2026)", "Counting sheep (ICML 2026)",
        "Correction of motion artefacts in sheep", "Correction to the theory of sheep",
        "Error correction: a survey",
        "Corrections to scaling", "Correction for attenuation revisited", "Retraction of the lung in sheep",
        "Withdrawal of antidepressants: a trial", "Retractions in science", "Erratic behaviour of sheep",
        "Cover crops and sheep", "Cover image quality", "Contents of stomachs", "Front matters in plasma",
        "Editorial boards of journals: who sits there?", "Issue information retrieval", "Addendum effects",
    ],
)  # fmt: skip
def test_a_paper_about_corrections_or_contents_is_no_notice(title: str) -> None:
    assert not is_notice(title)
