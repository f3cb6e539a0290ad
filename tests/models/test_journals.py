"""Tests of journal names and ISSNs."""

import pytest

from digest.models.journals import JOURNALS, find_issns, name_journal, parse_issn


def test_every_issn_of_the_table_has_a_right_check_digit_and_one_journal() -> None:
    issns = [issn for numbers in JOURNALS.values() for issn in numbers]
    assert [parse_issn(issn) for issn in issns] == issns
    assert len({*issns}) == len(issns)
    assert not any("," in name for name in JOURNALS)  # which separates names in lists


@pytest.mark.parametrize(
    ("title", "issns", "name"),
    [
        ("Nature medicine", (), "Nature Medicine"),
        ("whatever it is called", ("1546-170x",), "Nature Medicine"),
        ("The Journal of neuroscience : the official journal of the Society", (), "Journal of Neuroscience"),
        ("BMJ (Clinical research ed.)", (), "BMJ"),
        ("Lancet (London, England)", (), "The Lancet"),
        ("Journal of sheep and wool (Bremen, Germany)", (), "Journal of Sheep and Wool"),
        ("Wool, Fleece and Felt", (), "Wool Fleece and Felt"),
        ("", (), ""),
    ],
)
def test_a_journal_has_one_name(title: str, issns: tuple[str, ...], name: str) -> None:
    assert name_journal(title, issns) == name


def test_issns_are_found_by_name_and_number() -> None:
    assert find_issns("nature") == ("0028-0836", "1476-4687")
    assert find_issns("00280836") == find_issns("ISSN 0028-0836") == ("0028-0836",)
    assert find_issns("0028-0837") == find_issns("Journal of Sheep") == ()
