"""Tests of the API's exports."""

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from digest.app.services import Services
from digest.models import Subscriber
from digest.models.citations import CitationFormat
from digest.subscribers import Actor
from digest.subscribers.saved_papers import annotate_saved_paper, save_paper
from tests.factories import NOW, make_paper
from tests.web.visit import BASE, VIEWER

PAPER = make_paper("Sheep and Wool", id="arxiv:2611.90042")


@pytest.mark.parametrize("form", list(CitationFormat))
async def test_papers_and_saved_ones_are_exported_in_every_format(
    app: FastAPI, services: Services, ada: Subscriber, form: CitationFormat
) -> None:
    with services.store.begin() as tx:
        tx.papers.add([PAPER], seen_at=NOW)
        save_paper(tx, ada, PAPER, actor=Actor("reader", NOW, b"key"))
        annotate_saved_paper(tx, ada, PAPER, note="Knit it", tags="wool")
    bearer = {"authorization": f"Bearer {VIEWER}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=bearer) as program:
        one = await program.get("/api/v1/export", params={"paper": ["2611.90042", PAPER.url], "format": form})
        saved = await program.get(
            f"/api/v1/subscribers/{ada.public_id}/saved/export", params={"format": form, "tag": "Wool"}
        )
        missing = await program.get(f"/api/v1/subscribers/{ada.address}/digest/export")
        unknown = await program.get("/api/v1/export", params={"paper": "2611.99999"})
        wrong = await program.get("/api/v1/export", params={"paper": "2611.90042", "format": "word"})

    for response in (one, saved):
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] == form.media_type
        assert response.text.count("Sheep and Wool") == 1
    assert "Knit it" in saved.text
    assert (missing.status_code, unknown.status_code, wrong.status_code) == (404, 404, 422)
    assert missing.json()["detail"] == "There is no digest yet."


async def test_exports_need_a_token(visitor: AsyncClient) -> None:
    assert (await visitor.get("/api/v1/export", params={"paper": "2611.90042"})).status_code == 401
