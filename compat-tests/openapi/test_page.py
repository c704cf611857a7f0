"""`/docs` in Chromium: the description shows, nothing goes wrong in the console, and no other host is asked.

Pictures are kept in `compat-tests/.run/screens/`.
"""

import urllib.parse

import pytest

from harness import ROOT

SCREENS = ROOT / "compat-tests/.run/screens"


@pytest.fixture
def browser(chromium):
    """A browser with an empty profile."""
    browser = chromium.browser()
    yield browser
    browser.close()


def assert_quiet(browser, archstone):
    """Nothing was refused or failed on the page, and nobody else was asked."""
    assert [entry for entry in browser.log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    asked = {urllib.parse.urlsplit(url) for url in browser.requests()}
    assert {url.netloc for url in asked if url.scheme not in ("data", "blob")} == {urllib.parse.urlsplit(archstone.url).netloc}


def open_docs(browser, archstone):
    """Waits until the operations are there."""
    browser.open(f"{archstone.url}/docs")
    browser.wait_for(f"{archstone.url}/docs/index.html")
    browser.wait_for_text("Identity providers", within=20)


def test_the_page_shows_every_part_and_asks_nobody_else(sqlite_archstone, browser):
    open_docs(browser, sqlite_archstone)
    browser.screenshot(SCREENS / "docs-1-parts.png")
    for tag in sqlite_archstone.expect(200, "GET", "/openapi.json")["tags"]:
        assert tag["name"] in browser.text(), tag
    browser.click("#operations-tag-Domains button.expand-operation")
    browser.click("#operations-Domains-CreateDomain .opblock-summary-control")
    browser.wait_for_text("explicit_domain_id")
    browser.run("document.querySelector('#operations-tag-Domains').scrollIntoView()")
    browser.screenshot(SCREENS / "docs-2-operation.png")
    assert_quiet(browser, sqlite_archstone)


def test_an_operation_can_be_tried_with_a_token(sqlite_archstone, browser):
    open_docs(browser, sqlite_archstone)
    browser.click("button.authorize")
    browser.fill("#api_key_value", sqlite_archstone.admin_token)
    browser.click(".auth-container:last-child button[type=submit]")
    browser.run("document.querySelector('.modal-ux-header button.close-modal').click()")
    browser.click("#operations-tag-Domains button.expand-operation")
    browser.click("#operations-Domains-ListDomains .opblock-summary-control")
    browser.click("#operations-Domains-ListDomains button.try-out__btn")
    browser.click("#operations-Domains-ListDomains button.execute")
    browser.wait_for_text('"name": "Default"')
    browser.run("document.querySelector('.live-responses-table').scrollIntoView()")
    browser.screenshot(SCREENS / "docs-3-tried.png")
    assert_quiet(browser, sqlite_archstone)
    # The token is forgotten with the page.
    assert browser.run("return localStorage.length + sessionStorage.length") == 0 and browser.cookies() == {}
