"""A browser without a window: cookies, redirects that are followed one by one, the forms and links of pages.

What a person does in Chromium, `Visitor` does over HTTP; it never follows a redirect by itself, so that a test can look at each.
"""

import html.parser
import urllib.parse

import requests

# What a browser says when somebody goes to a page.
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
JSON = "application/json"


def query_of(url):
    """The parameters of a URL; one that stands twice fails."""
    pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), f"a parameter stands twice: {url}"
    return dict(pairs)


class Form:
    """A form: where it goes, what stands in it, its buttons as (name, value, text)."""

    def __init__(self, url, attributes):
        self.action = urllib.parse.urljoin(url, attributes.get("action") or url)
        self.method = (attributes.get("method") or "get").lower()
        self.id = attributes.get("id")
        self.fields, self.types, self.buttons = {}, {}, []

    def button(self, word):
        """The button whose name, value or text has this word in it."""
        for name, value, text in self.buttons:
            if word.lower() in f"{name} {value} {text}".lower():
                return {name: value} if name else {}
        raise AssertionError(f"no button '{word}' among {self.buttons}")


class _Reader(html.parser.HTMLParser):
    VOID = {"input", "meta", "link", "img", "br", "hr", "path"}

    def __init__(self, url):
        super().__init__(convert_charrefs=True)
        self.url = url
        self.forms, self.links, self.words, self.elements = [], [], [], []
        self.form = self.open = self.silent = None

    def handle_starttag(self, tag, pairs):
        attributes = {name: value or "" for name, value in pairs}
        self.elements.append((tag, attributes))
        if tag == "form":
            self.form = Form(self.url, attributes)
            self.forms.append(self.form)
        elif tag == "a" and "href" in attributes:
            self.open = ["a", attributes, ""]
        elif tag in ("script", "style", "title"):
            self.silent = tag
        target = next((f for f in self.forms if f.id and f.id == attributes.get("form")), self.form)
        if tag in ("input", "textarea") and target and attributes.get("name"):
            kind = attributes.get("type", "text").lower()
            if kind == "submit":
                target.buttons.append((attributes["name"], attributes.get("value", ""), attributes.get("value", "")))
            elif kind not in ("checkbox", "radio") or "checked" in attributes:
                target.fields[attributes["name"]] = attributes.get("value", "")
            target.types[attributes["name"]] = kind
        if tag == "button":
            self.open = ["button", attributes, "", target]

    def handle_endtag(self, tag):
        if tag == self.silent:
            self.silent = None
        if self.open and tag == self.open[0]:
            kind, attributes, text = self.open[:3]
            if kind == "a":
                self.links.append((urllib.parse.urljoin(self.url, attributes["href"]), text.strip()))
            elif self.open[3]:
                self.open[3].buttons.append((attributes.get("name", ""), attributes.get("value", ""), text.strip()))
            self.open = None
        if tag == "form":
            self.form = None

    def handle_data(self, data):
        if self.open:
            self.open[2] += data
        if not self.silent:
            self.words.append(data)


class Page:
    """An answer, and what stands on it if it is a page."""

    def __init__(self, answer):
        self.answer, self.url, self.status, self.source = answer, answer.url, answer.status_code, answer.text
        reader = _Reader(answer.url)
        if "text/html" in answer.headers.get("Content-Type", ""):
            reader.feed(answer.text)
        self.forms, self.links, self.elements = reader.forms, reader.links, reader.elements
        self.text = " ".join(" ".join(reader.words).split())

    def __repr__(self):
        return f"<{self.status} {self.url}: {self.text[:300] or self.source[:300]}>"

    def form(self, field):
        """The form that has this field."""
        found = [f for f in self.forms if field in f.types]
        assert found, f"no form with a field '{field}' on {self!r}"
        return found[0]

    def form_with_button(self, word):
        """The form that has a button with this word."""
        for form in self.forms:
            if any(word.lower() in " ".join(b).lower() for b in form.buttons):
                return form
        raise AssertionError(f"no form with a button '{word}' on {self!r}")

    def link(self, part):
        """The address of the first link (or form without fields) whose address or text has this in it."""
        for url, text in self.links:
            if part in url or part in text:
                return url
        for form in self.forms:
            if part in form.action:
                return form.action
        raise AssertionError(f"no link with '{part}' on {self!r}: {self.links}")

    def has_link(self, part):
        """Whether there is one."""
        return any(part in url or part in text for url, text in self.links) or any(part in f.action for f in self.forms)


class Visitor:
    """One browser. `node` is where answers are held against the description; with `through`, a second node's URL, every request to
    the public URL goes there instead, as a load balancer would send it."""

    def __init__(self, node, accept=PAGE, headers=None):
        self.node, self.through = node, None
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers.update({"Accept": accept, "User-Agent": "Visitor/1.0 (tests)"} | (headers or {}))
        self.http.hooks["response"].append(node.check_description)

    def routed(self, url):
        """Where the request goes."""
        return url.replace(self.node.url, self.through, 1) if self.through and url.startswith(self.node.url) else url

    def request(self, method, url, timeout=20, **options):
        """One request; the answer with the address that was asked for."""
        answer = self.http.request(method, self.routed(url), allow_redirects=False, timeout=timeout, **options)
        answer.url = url if "params" not in options else answer.url
        return answer

    def get(self, url, **options):
        """One GET."""
        return self.request("GET", url, **options)

    def post(self, url, form=None, **options):
        """One POST of a form."""
        return self.request("POST", url, data=form, **options)

    def follow(self, answer, *stops):
        """Follows redirects until a page comes (the `Page`) or an address begins with one of `stops` (that address)."""
        for _ in range(12):
            if not answer.is_redirect:
                return Page(answer)
            url = urllib.parse.urljoin(answer.url, answer.headers["Location"])
            if url.startswith(stops):
                return url
            answer = self.get(url)
        raise AssertionError(f"no end of redirects: {answer.url}")

    def go(self, url, *stops):
        """Goes to an address; see `follow`."""
        return self.follow(self.get(url), *stops)

    def submit(self, form, *stops, button=None, **fields):
        """Sends a form with these fields filled in and that button pressed; see `follow`."""
        return self.follow(self.send(form, button=button, **fields), *stops)

    def send(self, form, button=None, without=(), **fields):
        """The same without following anything."""
        values = {k: v for k, v in (form.fields | fields).items() if k not in without} | (form.button(button) if button else {})
        if form.method == "get":
            return self.get(form.action, params=values)
        return self.post(form.action, values)

    @property
    def cookies(self):
        """Its cookies by name."""
        return {c.name: c.value for c in self.http.cookies}

    def close(self):
        """Closes its connections."""
        self.http.close()
