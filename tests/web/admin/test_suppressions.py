"""Tests of the pages of suppressed addresses, of reports of imports, and of the audit log."""

import re
from datetime import timedelta

from httpx import AsyncClient

from digest.app.services import Services
from digest.models import Status, Subscriber, SuppressionReason
from digest.models.addresses import hash_address
from tests.factories import NOW
from tests.web.admin.conftest import Poster
from tests.web.visit import ReaderLookup

HOME = "/admin/suppressions"


def _suppress(services: Services, address: str, reason: SuppressionReason, *, days_ago: int = 0) -> str:
    key = hash_address(services.suppression_key, address)
    with services.store.begin() as tx:
        tx.suppressions.add(key, reason, now=NOW - timedelta(days=days_ago), evidence="550 <b>no</b>")
    return key


async def test_suppressions_are_listed_by_reason_and_day_and_looked_up_by_address(
    post: Poster, visitor: AsyncClient, services: Services, bob: Subscriber
) -> None:
    hard = _suppress(services, "gone@example.com", SuppressionReason.HARD, days_ago=9)
    _suppress(services, bob.address, SuppressionReason.COMPLAINT)
    page = (await visitor.get(HOME)).text
    assert hard[:10] in page
    assert bob.address in page
    assert "550 &lt;b&gt;no&lt;/b&gt;" in page
    assert bob.address not in (await visitor.get(f"{HOME}?reason=hard")).text
    assert hard[:10] not in (await visitor.get(f"{HOME}?since=2026-11-20")).text
    assert bob.address not in (await visitor.get(f"{HOME}?until=2026-11-20&reason=&page=1")).text
    found = (await visitor.get(HOME, params={"address": "GONE@example.com"})).text
    assert f'<a href="/admin/suppressions/lift?key={hard}">' in found
    assert "is not suppressed" in (await visitor.get(f"{HOME}?address=new@example.com")).text
    for wrong in ("address=nonsense", "since=yesterday", "until=9999-12-31"):
        assert (await visitor.get(f"{HOME}?{wrong}")).status_code == 200


async def test_a_suppression_is_added_and_lifted_after_a_question(
    post: Poster, visitor: AsyncClient, services: Services, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    await post(HOME, address="Ada@Example.com")
    reader = find_reader(ada.address)
    assert reader
    assert reader.status is Status.UNSUBSCRIBED
    assert (await post(HOME, address="nonsense")).status_code == 422
    key = hash_address(services.suppression_key, ada.address)
    assert ada.address in (await visitor.get(f"{HOME}/lift?key={key}")).text
    for _ in range(2):
        assert (await post(f"{HOME}/lift", key=key)).status_code == 303
    reader = find_reader(ada.address)
    assert reader
    assert reader.status is Status.CONFIRMED
    assert (await visitor.get(f"{HOME}/lift?key={key}")).status_code == 404


async def test_a_list_is_checked_then_imported_and_its_report_is_kept(
    post: Poster, visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    file = {"file": ("theirs.csv", b"ada@example.com\nnobody\n", "text/csv")}
    checked = await post(f"{HOME}/import", file, dry_run="on")
    assert "nothing was changed. It would be: 1 added, 1 invalid" in checked.text
    done = await post(f"{HOME}/import", file)
    report = re.search(r'href="(/admin/import/\w+)"', done.text)
    assert report
    kept = (await visitor.get(report[1])).text
    assert "theirs.csv" in kept
    assert "1 added, 1 invalid" in kept
    assert (await post(f"{HOME}/import", {"file": ("x", b"")})).status_code == 422


async def test_an_import_of_subscribers_is_one_line_with_its_report(
    post: Poster, visitor: AsyncClient, services: Services
) -> None:
    rows = b"email,tags\n" + b"".join(b'r%d@example.com,"beta, new"\n' % n for n in range(20)) + b"nobody,\n"
    await post("/admin/import", {"file": ("people.csv", rows)}, confirmed="on")
    with services.store.begin(write=False) as tx:
        lines = [line for line in tx.audit.search() if line.action == "import"]
        counts = {"added": 20, "invalid": 1}
        assert [line.detail for line in lines] == [{"file": "people.csv", "consent": "asserted", **counts}]
        assert tx.tags.count() == {"beta": 20, "new": 20}
    log = (await visitor.get("/admin/audit?what=import")).text
    report = re.search(r'href="(/admin/import/\w+)"', log)
    assert report
    assert "20 added, 1 invalid" in (await visitor.get(report[1])).text
    assert (await visitor.get("/admin/import/unknown")).status_code == 404


async def test_the_log_is_filtered_paged_and_exported(
    post: Poster, visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        for n in range(120):
            tx.audit.write("cli", "=evil()", f"s{n}", {"n": n}, at=NOW - timedelta(days=3))
    await post(f"/admin/subscribers/{ada.public_id}/pause")
    assert "s119" in (await visitor.get("/admin/audit?who=cli&what=%3Devil()")).text
    assert "s119" not in (await visitor.get("/admin/audit?since=2026-11-22")).text
    assert "s119" not in (await visitor.get("/admin/audit?until=2026-11-19")).text
    assert "s119" in (await visitor.get("/admin/audit?until=2026-11-20")).text
    mine = (await visitor.get("/admin/audit?whom=ADA@example.com")).text
    assert "pause" in mine.partition("<table")[2]
    assert "s119" not in mine
    page = (await visitor.get("/admin/audit?who=cli")).text
    assert "120 entries" in page
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older
    assert "s0<" in (await visitor.get(older[1].replace("&amp;", "&"))).text
    sheet = (await visitor.get("/admin/audit.csv?who=cli")).text.splitlines()
    assert len(sheet) == 121
    assert sheet[1].split(",")[1:4] == ["cli", "'=evil()", "s119"]
    for wrong in ("since=x", "until=9999-12-31", "whom=%00", "whom=a@"):
        assert (await visitor.get(f"/admin/audit?{wrong}")).status_code == 200
    assert (await visitor.get("/admin/audit?before=-1")).status_code == 422
