"""Test of `digest demo --serve`: from the front page to a confirmed subscription, by its own links."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest
from bs4 import BeautifulSoup

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
ADDRESS = "newcomer@reader.example"


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the served demo, whose database is in its folder."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "digest", "demo", "--serve", "--port", "0", "--out", str(folder)]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        line = next(line for line in process.stdout if line.startswith("Open "))
        with httpx.Client(base_url=line.split()[1].removesuffix("/demo/"), timeout=20) as client:
            yield client
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=40) == 0


def read_page(client: httpx.Client, path: str) -> BeautifulSoup:
    response = client.get(path, follow_redirects=True)
    assert response.status_code == 200, path
    return BeautifulSoup(response.text, "lxml")


def submit_form(client: httpx.Client, page: BeautifulSoup, action: str, **fields: str) -> httpx.Response:
    form = page.select_one(f"main form[action*='{action}']")
    assert form, page.main
    hidden = {str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden]")}
    origin = {"origin": str(client.base_url).rstrip("/")}
    return client.post(str(form["action"]), data=hidden | fields, headers=origin)


def find_mail(client: httpx.Client, subject: str) -> str:
    """Return the path of the newest mail to the newcomer with this subject; wait until it has arrived."""
    for _ in range(300):
        for row in read_page(client, "/inbox").select("tbody tr"):
            if ADDRESS in row.get_text() and subject in row.get_text():
                return str(row.select("a")[0]["href"])
        time.sleep(0.1)  # the other process sends it; there is no event to wait for
    raise AssertionError(f"no mail: {subject}")


def test_newcomer_signs_up_and_confirms_by_the_mail_in_the_inbox(visitor: httpx.Client) -> None:
    answer = submit_form(visitor, read_page(visitor, "/"), "subscribe", email=ADDRESS)
    assert answer.status_code in (200, 202, 303), BeautifulSoup(answer.text, "lxml").main

    mail = read_page(visitor, f"{find_mail(visitor, 'Confirm your subscription')}/html")
    (button,) = mail.select("a.button")
    confirmed = read_page(visitor, str(button["href"]))  # at once, in the browser that signed up

    assert "You are subscribed" in confirmed.get_text()
    welcome = read_page(visitor, f"{find_mail(visitor, 'Welcome')}/html")
    preferences = welcome.find("a", string=re.compile("Say"))
    assert preferences
    assert read_page(visitor, str(preferences["href"])).select("form")
    digest = read_page(visitor, f"{find_mail(visitor, 'more papers')}/html")
    chip = digest.select("a.chip")[0]
    assert chip.get_text() == "More like this"
    assert read_page(visitor, str(chip["href"])).select("main form[method=post]")


def test_every_page_link_of_the_demo_works(visitor: httpx.Client) -> None:
    checked: set[str] = set()
    for start in ("/demo/", "/inbox", "/inbox/12", "/inbox/12/html", "/inbox/12/text", "/inbox/12/source"):
        base = urljoin(str(visitor.base_url), start)
        for anchor in read_page(visitor, start).select("a[href], iframe[src]"):
            url = urljoin(base, str(anchor.get("href") or anchor.get("src"))).partition("#")[0]
            if url.startswith(str(visitor.base_url)) and url not in checked:
                checked.add(url)
                assert visitor.get(url, follow_redirects=True).status_code == 200, url
    assert len(checked) > 40


def test_database_is_not_served_and_unknown_mails_are_not_found(visitor: httpx.Client) -> None:
    for path in ("/demo/demo.sqlite3", "/demo/mails/../demo.sqlite3", "/inbox/0", "/inbox/999", "/inbox/1/x"):
        assert visitor.get(path).status_code == 404, path


def test_mails_cannot_run_scripts(visitor: httpx.Client) -> None:
    policy = visitor.get("/inbox/1/html").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


def test_index_page_shows_one_mail_whole_above_the_tables(visitor: httpx.Client) -> None:
    html = visitor.get("/demo/").text
    assert html.index("About this email") < html.index('<table class="whys"')


def test_demo_token_opens_the_administration(visitor: httpx.Client) -> None:
    page = read_page(visitor, "/admin")
    form = page.select_one("form[action*='/admin']:has(input[name=token])")
    assert form
    answer = submit_form(visitor, page, str(form["action"]), token="demo-admin")
    assert answer.status_code == 303
