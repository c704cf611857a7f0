"""Debian's Chromium, driven by playwright-core: what the tests of the tenants' pages look with.

`openid_app/browser.mjs` is the program; it says what each command does.
"""

import json
import shutil
import subprocess
import threading

from peers.openid import NODE
from peers.applications import PROGRAM


class Playwright:
    """The driver's process, with one Chromium; `visitor()` makes profiles that share nothing with each other."""

    def __init__(self):
        chromium = shutil.which("chromium")
        assert chromium, "chromium is missing (Debian package: chromium)"
        self.lock = threading.Lock()
        self.process = subprocess.Popen([NODE, PROGRAM / "browser.mjs", chromium], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        assert "done" in self._answer(), "Chromium does not start"

    def _answer(self):
        line = self.process.stdout.readline()
        assert line, "the browser has ended"
        return json.loads(line)

    def call(self, command, /, **arguments):
        """One command; its value."""
        with self.lock:
            self.process.stdin.write(json.dumps({"do": command} | arguments) + "\n")
            self.process.stdin.flush()
            answer = self._answer()
        assert "done" in answer, f"{command} {arguments}: {answer['error'][:2000]}"
        return answer["done"]

    def visitor(self, **options):
        """A window with an empty profile: `width`, `height`, `dark`, `scripts`, and what `browser.newContext` takes."""
        return Window(self, self.call("context", **options))

    def remove(self):
        """Ends the browser."""
        self.process.stdin.close()
        self.process.wait(15)
        self.process.stdout.close()


class Window:
    """One window of a profile; what `browser.mjs` can do with a page is a method here."""

    def __init__(self, driver, context):
        self.driver, self.context = driver, context
        self.page = driver.call("page", context=context)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda **arguments: self.driver.call(name, page=self.page, **arguments)

    def open(self, url):
        """Goes there; the status of the page where that ends."""
        return self.driver.call("goto", page=self.page, url=url)

    @property
    def at(self):
        """Where the window is."""
        return self.driver.call("url", page=self.page)

    def another(self):
        """A second window of the same profile."""
        return Window(self.driver, self.context)

    def cookies(self):
        """The profile's cookies by name."""
        return {c["name"]: c for c in self.driver.call("cookies", context=self.context)}

    def button(self, name):
        """Presses the button of that name (a part of it, whatever its case)."""
        self.driver.call("press_on", page=self.page, role="button", name=name)

    def link(self, name):
        """Follows the link of that name."""
        self.driver.call("press_on", page=self.page, role="link", name=name)

    def wait_for(self, *begins):
        """Waits until the window's address begins with one of these; the address."""
        return self.driver.call("wait", page=self.page, begins=list(begins))

    def close(self):
        """Closes every window of the profile."""
        self.driver.call("leave", context=self.context)
