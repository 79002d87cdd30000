"""The links of mails and messages: pages that change nothing until their button is pressed."""

import re
from typing import Any

import httpx
from sqlalchemy import text

from tests.clients.client import Souk
from tests.identity.code_documents import (
    NEW_PASSWORD,
    PHONE,
    START_MOBILE,
    START_RESET,
    execute,
    pause,
    registered,
    stored,
    with_phone,
)
from tests.identity.documents import LOGIN, PASSWORD, START, logged_in, post_with, result, verified
from tests.identity.mailbox import link_in, newest_mail, newest_text

ADA = "ada@example.com"
NO_TOKEN = "A" * 43


async def path_of(souk: Souk, email: str = ADA) -> str:
    """The path of the link in the newest mail to an address."""
    return link_in(await newest_mail(souk, email)).removeprefix(souk.url)


async def everything(souk: Souk) -> list[Any]:
    """What is stored of accounts and codes."""
    accounts = await souk.database.rows(text("SELECT * FROM user_account ORDER BY id"))
    codes = await souk.database.rows(text("SELECT * FROM one_time_code ORDER BY id"))
    return [*accounts, *codes]


def title_of(page: httpx.Response) -> str:
    """What the page says it is."""
    found = re.search(r"<h1>(.*?)</h1>", page.text)
    assert found, page.text
    return found[1]


async def reset_path(souk: Souk) -> str:
    """The path of a link to choose a new password."""
    await verified(souk, ADA)
    await result(souk.anonymous, START_RESET, channel="EMAIL", email=ADA)
    return await path_of(souk)


async def test_a_scanner_that_opens_the_link_changes_nothing_and_the_button_does(
    souk: Souk,
) -> None:
    await registered(souk)
    path = await path_of(souk)
    assert path.startswith("/verify-email/")
    before = await everything(souk)
    for method in ("GET", "HEAD", "GET"):
        assert (await souk.http.request(method, path)).status_code == 200
    assert await everything(souk) == before
    pressed = await souk.http.post(path, headers={"Origin": souk.url})
    assert (pressed.status_code, title_of(pressed)) == (200, "The address is verified")
    assert (await stored(souk)).email_verified is True
    for method in ("GET", "POST"):
        again = await souk.http.request(method, path)
        assert (again.status_code, title_of(again)) == (410, "This link is used up")
    await logged_in(souk, ADA)


async def test_a_phone_is_proven_by_its_link(souk: Souk) -> None:
    await with_phone(souk)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    path = link_in(await newest_text(souk, PHONE)).removeprefix(souk.url)
    assert (await souk.http.get(path)).status_code == 200
    assert (await stored(souk)).phone_verified is False
    assert (await souk.http.post(path)).status_code == 200
    assert (await stored(souk)).phone_verified is True


async def test_a_link_that_nobody_was_sent_is_not_found(souk: Souk) -> None:
    for place in ("verify-email", "verify-mobile", "reset-password"):
        for token in (NO_TOKEN, "x", "a%2Fb", "%00", "é"):
            for method in ("GET", "POST"):
                answer = await souk.http.request(method, f"/{place}/{token}")
                assert answer.status_code == 404, (place, token, method)


async def test_a_link_leads_to_its_own_page_only(souk: Souk) -> None:
    await registered(souk)
    token = (await path_of(souk)).rpartition("/")[2]
    for place in ("verify-mobile", "reset-password"):
        form = {"password": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
        answer = await souk.http.post(f"/{place}/{token}", data=form)
        assert answer.status_code == 404
    assert (await stored(souk)).email_verified is False


async def test_an_expired_link_a_replaced_one_and_one_of_another_address_are_refused(
    souk: Souk,
) -> None:
    await registered(souk)
    old = await path_of(souk)
    await pause(souk)
    await result(souk.anonymous, START, email=ADA)
    assert (await souk.http.post(old)).status_code == 404
    path = await path_of(souk)
    await execute(souk, "UPDATE user_account SET email = 'new@example.com'")
    assert (await souk.http.post(path)).status_code == 410
    await execute(souk, "UPDATE user_account SET email = 'ada@example.com'")
    await execute(souk, "UPDATE one_time_code SET expires_at = expires_at - interval '86400 s'")
    expired = await souk.http.post(path)
    assert (expired.status_code, title_of(expired)) == (410, "This link is used up")
    assert (await stored(souk)).email_verified is False


async def test_the_pages_run_no_script_are_kept_by_nobody_and_tell_their_address_to_nobody(
    souk: Souk,
) -> None:
    path = await reset_path(souk)
    form, none = await souk.http.get(path), await souk.http.get(f"/verify-email/{NO_TOKEN}")
    for page in (form, none):
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["content-type"].startswith("text/html")
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert '<html lang="en" dir="ltr">' in page.text
        assert not re.search(r"(src|href|action)=", page.text), "it loads and tells nothing"
    # With no-referrer the browser would post the form with `Origin: null`.
    assert form.headers["referrer-policy"] == "same-origin"
    assert none.headers["referrer-policy"] == "no-referrer"
    labelled = set(re.findall(r'<label for="(\w+)"', form.text))
    assert labelled == set(re.findall(r'<input id="(\w+)"', form.text)) != set()


async def test_pages_speak_the_persons_language_or_else_the_browsers(souk: Souk) -> None:
    await registered(souk, preferredLanguage="tr-TR")
    browser = {"Accept-Language": "xx, de-AT;q=0.9, en;q=0.1, fr;q=nonsense"}
    known = await souk.http.get(await path_of(souk), headers=browser)
    assert title_of(known) == "E-posta adresinizi doğrulayın"
    assert known.headers["content-language"] == "tr"
    unknown = await souk.http.get(f"/verify-email/{NO_TOKEN}", headers=browser)
    assert title_of(unknown) == "Dieser Link ist nicht gültig"


async def test_a_new_password_is_chosen_on_the_page_of_the_link(souk: Souk) -> None:
    path = await reset_path(souk)
    session = await logged_in(souk, ADA)
    before = (await stored(souk)).password_hash
    assert title_of(await souk.http.get(path)) == "Choose a new password"
    for password, confirmation, words in (
        (NEW_PASSWORD, "something else", "The two passwords are not the same"),
        ("short", "short", "too easy to guess"),
        (ADA, ADA, "too easy to guess"),
        ("", "", "too easy to guess"),
    ):
        form = {"password": password, "confirmation": confirmation}
        refused = await souk.http.post(path, data=form)
        assert refused.status_code == 422
        assert words in refused.text
        assert 'role="alert"' in refused.text
        assert '<input id="password"' in refused.text, "it can be tried again"
        assert not password or password not in refused.text
    assert (await stored(souk)).password_hash == before
    form = {"password": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    done = await souk.http.post(path, data=form, headers={"Origin": souk.url})
    assert (done.status_code, title_of(done)) == (200, "The password is set")
    assert (await post_with(souk, session["accessToken"]))[0] == 401
    again = await souk.http.post(path, data=form)
    assert again.status_code == 410
    old = await result(souk.anonymous, LOGIN, email=ADA, password=PASSWORD)
    assert old["__typename"] == "InvalidCredentials"
    new = await result(souk.anonymous, LOGIN, email=ADA, password=NEW_PASSWORD)
    assert new["__typename"] == "LoginPayload"


async def test_a_page_of_another_site_cannot_press_the_button(souk: Souk) -> None:
    await registered(souk)
    for origin in ("https://evil.example", "null"):
        refused = await souk.http.post(await path_of(souk), headers={"Origin": origin})
        assert refused.status_code == 403
    assert (await stored(souk)).email_verified is False


async def test_a_form_that_is_none_is_refused_without_a_bug(souk: Souk) -> None:
    path = await reset_path(souk)
    for content, kind in (
        (b"password=%ff%fe&confirmation=%ff%fe", "application/x-www-form-urlencoded"),
        (b"--x\r\ngarbage", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (b"&".join(b"a=b" for _ in range(50)), "application/x-www-form-urlencoded"),
    ):
        answer = await souk.http.post(path, content=content, headers={"Content-Type": kind})
        assert answer.status_code in (400, 422), (kind, answer.status_code)
    assert (await souk.http.put(path)).status_code == 405
