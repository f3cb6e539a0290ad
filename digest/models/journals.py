"""Names of journals and their ISSNs: one name for a journal, however a source writes it.

The table has well-known journals only; the name of any other is what its source calls it, tidied.
"""

import re
from collections.abc import Iterable

_TABLE = """
Nature: 0028-0836 1476-4687
Science: 0036-8075 1095-9203
Cell: 0092-8674 1097-4172
PNAS: 0027-8424 1091-6490
eLife: 2050-084X
Science Advances: 2375-2548
Scientific Reports: 2045-2322
Nature Communications: 2041-1723
PLOS ONE: 1932-6203
Nature Astronomy: 2397-3366
Nature Biomedical Engineering: 2157-846X
Nature Biotechnology: 1087-0156 1546-1696
Nature Cell Biology: 1465-7392 1476-4679
Nature Chemistry: 1755-4330 1755-4349
Nature Climate Change: 1758-678X 1758-6798
Nature Ecology & Evolution: 2397-334X
Nature Energy: 2058-7546
Nature Genetics: 1061-4036 1546-1718
Nature Geoscience: 1752-0894 1752-0908
Nature Human Behaviour: 2397-3374
Nature Immunology: 1529-2908 1529-2916
Nature Machine Intelligence: 2522-5839
Nature Materials: 1476-1122 1476-4660
Nature Medicine: 1078-8956 1546-170X
Nature Metabolism: 2522-5812
Nature Methods: 1548-7091 1548-7105
Nature Microbiology: 2058-5276
Nature Nanotechnology: 1748-3387 1748-3395
Nature Neuroscience: 1097-6256 1546-1726
Nature Photonics: 1749-4885 1749-4893
Nature Physics: 1745-2473 1745-2481
Nature Plants: 2055-0278
Nature Structural & Molecular Biology: 1545-9993 1545-9985
Communications Biology: 2399-3642
npj Digital Medicine: 2398-6352
Science Immunology: 2470-9468
Science Robotics: 2470-9476
Science Signaling: 1945-0877 1937-9145
Science Translational Medicine: 1946-6234 1946-6242
Cancer Cell: 1535-6108 1878-3686
Cell Host & Microbe: 1931-3128 1934-6069
Cell Metabolism: 1550-4131 1932-7420
Cell Reports: 2211-1247
Cell Stem Cell: 1934-5909 1875-9777
Current Biology: 0960-9822 1879-0445
Immunity: 1074-7613 1097-4180
Molecular Cell: 1097-2765 1097-4164
Neuron: 0896-6273 1097-4199
PLOS Biology: 1544-9173 1545-7885
PLOS Computational Biology: 1553-734X 1553-7358
PLOS Genetics: 1553-7390 1553-7404
PLOS Medicine: 1549-1277 1549-1676
PLOS Pathogens: 1553-7366 1553-7374
New England Journal of Medicine: 0028-4793 1533-4406
The Lancet: 0140-6736 1474-547X
The Lancet Digital Health: 2589-7500
The Lancet Infectious Diseases: 1473-3099 1474-4457
The Lancet Neurology: 1474-4422 1474-4465
The Lancet Oncology: 1470-2045 1474-5488
JAMA: 0098-7484 1538-3598
BMJ: 0959-8138 1756-1833
Annals of Internal Medicine: 0003-4819 1539-3704
American Journal of Human Genetics: 0002-9297 1537-6605
Blood: 0006-4971 1528-0020
Brain: 0006-8950 1460-2156
Cancer Discovery: 2159-8274 2159-8290
Cancer Research: 0008-5472 1538-7445
Circulation: 0009-7322 1524-4539
Diabetes Care: 0149-5992 1935-5548
EMBO Journal: 0261-4189 1460-2075
European Heart Journal: 0195-668X 1522-9645
Gastroenterology: 0016-5085 1528-0012
Gut: 0017-5749 1468-3288
Journal of Cell Biology: 0021-9525 1540-8140
Journal of Clinical Investigation: 0021-9738 1558-8238
Journal of Clinical Oncology: 0732-183X 1527-7755
Journal of Experimental Medicine: 0022-1007 1540-9538
Journal of Neuroscience: 0270-6474 1529-2401
Journal of the American College of Cardiology: 0735-1097 1558-3597
Medical Image Analysis: 1361-8415 1361-8423
NeuroImage: 1053-8119 1095-9572
Radiology: 0033-8419 1527-1315
Bioinformatics: 1367-4803 1367-4811
BMC Bioinformatics: 1471-2105
Briefings in Bioinformatics: 1467-5463 1477-4054
Genome Biology: 1474-760X
Genome Research: 1088-9051 1549-5469
Molecular Biology and Evolution: 0737-4038 1537-1719
Nucleic Acids Research: 0305-1048 1362-4962
Ecology Letters: 1461-023X 1461-0248
Physical Review A: 2469-9926 2469-9934
Physical Review B: 2469-9950 2469-9969
Physical Review D: 2470-0010 2470-0029
Physical Review E: 2470-0045 2470-0053
Physical Review Letters: 0031-9007 1079-7114
Physical Review X: 2160-3308
Reviews of Modern Physics: 0034-6861 1539-0756
Journal of Fluid Mechanics: 0022-1120 1469-7645
Astronomy & Astrophysics: 0004-6361 1432-0746
Astrophysical Journal: 0004-637X 1538-4357
Astrophysical Journal Letters: 2041-8205 2041-8213
Monthly Notices of the Royal Astronomical Society: 0035-8711 1365-2966
Geophysical Research Letters: 0094-8276 1944-8007
ACS Nano: 1936-0851 1936-086X
Advanced Materials: 0935-9648 1521-4095
Angewandte Chemie International Edition: 1433-7851 1521-3773
Chemical Reviews: 0009-2665 1520-6890
Chemical Science: 2041-6520 2041-6539
Energy & Environmental Science: 1754-5692 1754-5706
Journal of the American Chemical Society: 0002-7863 1520-5126
Joule: 2542-4351
Nano Letters: 1530-6984 1530-6992
Annals of Mathematics: 0003-486X 1939-8980
Annals of Statistics: 0090-5364 2168-8966
Biometrika: 0006-3444 1464-3510
Inventiones Mathematicae: 0020-9910 1432-1297
Journal of the American Statistical Association: 0162-1459 1537-274X
Artificial Intelligence: 0004-3702 1872-7921
Communications of the ACM: 0001-0782 1557-7317
IEEE Transactions on Image Processing: 1057-7149 1941-0042
IEEE Transactions on Information Theory: 0018-9448 1557-9654
IEEE Transactions on Pattern Analysis and Machine Intelligence: 0162-8828 1939-3539
International Journal of Computer Vision: 0920-5691 1573-1405
Journal of Machine Learning Research: 1532-4435 1533-7928
Journal of the ACM: 0004-5411 1557-735X
American Economic Review: 0002-8282 1944-7981
Econometrica: 0012-9682 1468-0262
Journal of Political Economy: 0022-3808 1537-534X
Quarterly Journal of Economics: 0033-5533 1531-4650
Review of Economic Studies: 0034-6527 1467-937X
American Political Science Review: 0003-0554 1537-5943
American Sociological Review: 0003-1224 1939-8271
Psychological Review: 0033-295X 1939-1471
Psychological Science: 0956-7976 1467-9280
"""
JOURNALS = {
    name: tuple(issns.split()) for name, issns in (line.split(": ") for line in _TABLE.strip().splitlines())
}
_BY_ISSN = {issn: name for name, issns in JOURNALS.items() for issn in issns}
_ISSN = re.compile(r"(?:issn[:\s]*)?(\d{4})-?(\d{3}[\dX])", re.IGNORECASE | re.ASCII)
_AFTER_NAME = re.compile(r"\s*(?:\([^()]*\)|\s:\s.*|\s=\s.*)\s*$")
_SMALL_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "by", "de", "der", "des", "die", "du", "et", "for", "für", "in", "la",
     "le", "of", "on", "or", "the", "to", "und", "von")
)  # fmt: skip


def parse_issn(text: str) -> str | None:
    """Return an ISSN as NNNN-NNNN; None if *text* is none or its check digit is wrong."""
    match = _ISSN.fullmatch(text.strip())
    if match is None:
        return None
    digits = (match[1] + match[2]).upper()
    total = sum(
        weight * (10 if char == "X" else int(char))
        for weight, char in zip(range(8, 0, -1), digits, strict=True)
    )
    return f"{digits[:4]}-{digits[4:]}" if total % 11 == 0 else None


def find_issns(text: str) -> tuple[str, ...]:
    """Return the ISSNs of a journal by its name, or the ISSN itself; none if the name is not in the table."""
    if issn := parse_issn(text):
        return (issn,)
    return JOURNALS.get(_BY_KEY.get(_to_key(text), ""), ())


def name_journal(title: str, issns: Iterable[str] = ()) -> str:
    """Return the one name of a journal, without commas, which separate names in lists."""
    for issn in issns:
        if name := _BY_ISSN.get(issn.strip().upper()):
            return name
    return _BY_KEY.get(_to_key(title)) or _tidy(title)


def _tidy(title: str) -> str:
    name = title
    while (shorter := _AFTER_NAME.sub("", name)) != name and shorter:
        name = shorter
    words = " ".join(name.replace(",", " ").split()).removeprefix("The ").split(" ")
    if any(word[:1].islower() for word in words[1:] if word.lower() not in _SMALL_WORDS):  # sentence case
        words = [word if word.lower() in _SMALL_WORDS else word[:1].upper() + word[1:] for word in words]
    return " ".join(words)


def _to_key(title: str) -> str:
    return re.sub(r"\W+", " ", _tidy(title).casefold().replace("&", "and")).strip()


_BY_KEY = {_to_key(name): name for name in JOURNALS} | {
    "proceedings of the national academy of sciences": "PNAS",
    "proceedings of the national academy of sciences of the united states of america": "PNAS",
    "lancet": "The Lancet",
}
