"""The sign-in page: plain HTML with one form, sent before anything of the page itself."""

from __future__ import annotations

from clinical.wording import RESEARCH_USE
from ui.words.markup import EMPTY, Markup, joined, tag

STYLE_ADDRESS = "/sign-in.css"
ADDRESS = "/sign-in"
ORGANISATION = "/sign-in/organisation"


def page(*, message: str = "", remedy: str = "", name: str = "", oidc: bool = False) -> str:
    """The whole document.

    Args:
        message: why the last attempt did not succeed, or "".
        remedy: what to do about it.
        name: what stands in the field of the name.
        oidc: offer to sign in with the organisation's account too.
    """
    trouble = tag("p", message, f" {remedy}" if remedy else "", class_="trouble", role="alert")
    body = tag(
        "main",
        tag("p", "Triptych", class_="product"),
        tag("h1", "Sign in"),
        trouble if message else EMPTY,
        _form(name),
        tag("a", "Sign in with your organisation", href=ORGANISATION) if oidc else EMPTY,
        tag("p", RESEARCH_USE, class_="research", role="note"),
    )
    return document("Sign in · Triptych", body)


def passing(address: str) -> str:
    """A document that goes on to `address` by itself.

    After a redirect from a provider the browser does not send a SameSite=Strict cookie until a page
    of our own asks for the next one.
    """
    onward = tag("a", "Continue", href=address)
    refresh = Markup('<meta http-equiv="refresh" content="0;url={0}">').format(address)
    return document("Triptych", tag("main", onward), refresh)


def _form(name: str) -> Markup:
    account = Markup(
        '<input id="name" name="name" value="{0}" autocomplete="username" autocapitalize="none"'
        ' spellcheck="false" maxlength="100" required{1}>'
    ).format(name, Markup("" if name else " autofocus"))
    password = Markup(
        '<input id="password" name="password" type="password" autocomplete="current-password"'
        ' maxlength="1000" required{0}>'
    ).format(Markup(" autofocus" if name else ""))
    return tag(
        "form",
        tag("label", "Account", for_="name"),
        account,
        tag("label", "Password", for_="password"),
        password,
        tag("button", "Sign in", type="submit"),
        method="post",
        action=ADDRESS,
    )


def document(title: str, body: Markup, head: Markup = EMPTY) -> str:
    """A page in the style of this one."""
    start = joined(
        [
            Markup('<meta charset="utf-8">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            head,
            tag("title", title),
            Markup('<link rel="icon" href="data:,">'),
            Markup('<link rel="stylesheet" href="{0}">').format(STYLE_ADDRESS),
        ]
    )
    return Markup("<!doctype html>") + tag("html", tag("head", start), tag("body", body), lang="en")
