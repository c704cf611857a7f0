"""Debian's Chromium, driven through its own chromedriver by the WebDriver protocol (W3C WebDriver, plain HTTP and JSON)."""

import base64
import json
import shutil
import subprocess
import time

import requests

from harness import eventually
from postgres import free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--no-proxy-server",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=900,640"]


class ChromeDriver:
    """The driver's process; `browser()` makes browsers that share nothing with each other."""

    def __init__(self):
        program = shutil.which("chromedriver")
        assert program, "chromedriver is missing (Debian package: chromium-driver)"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen([program, f"--port={self.url.rsplit(':', 1)[1]}"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.http = requests.Session()
        self.http.trust_env = False
        self.browsers = []
        assert eventually(self.ready, 10), "chromedriver does not answer"

    def ready(self):
        """Whether it takes sessions."""
        try:
            return self.http.get(f"{self.url}/status", timeout=2).json()["value"]["ready"]
        except requests.RequestException:
            return False

    def call(self, method, path, body=None):
        """One command; its value."""
        answer = self.http.request(method, self.url + path, json=body if method == "POST" else None, timeout=60)
        value = answer.json()["value"]
        assert answer.status_code == 200, f"{method} {path}: {value['error']}: {value['message'][:1000]}"
        return value

    def browser(self, scripts=True):
        """A new browser with an empty profile; without `scripts` pages run none. What it logs can be read by `log`."""
        preferences = {} if scripts else {"profile.managed_default_content_settings.javascript": 2}
        wanted = {"browserName": "chrome", "timeouts": {"pageLoad": 20_000, "implicit": 5_000},
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                  "goog:chromeOptions": {"args": ARGUMENTS, "prefs": preferences}}
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        self.browsers.append(Browser(self, f"/session/{session}"))
        return self.browsers[-1]

    def remove(self):
        """Closes every browser and ends the process."""
        for browser in list(self.browsers):
            browser.close()
        self.process.terminate()
        self.process.wait(10)
        self.http.close()


class Browser:
    """One browser with one window."""

    def __init__(self, driver, path):
        self.driver, self.path = driver, path

    def _do(self, method, path, body=None):
        return self.driver.call(method, self.path + path, body or {})

    def open(self, url):
        """Goes there; returns when the page, and whatever it redirects to, has loaded."""
        self._do("POST", "/url", {"url": url})

    @property
    def url(self):
        """Where the window is."""
        return self._do("GET", "/url")

    @property
    def title(self):
        """The page's title."""
        return self._do("GET", "/title")

    def _element(self, css):
        return self._do("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def text(self):
        """What a person reads now."""
        return self.run("return document.body ? document.body.innerText : ''")

    def wait_for_text(self, text, within=10.0):
        """Waits until a person reads this."""
        assert eventually(lambda: text in self.text(), within, every=0.05), f"at {self.url}: {self.text()[:1000]}"

    def count(self, css):
        """How many elements there are now."""
        return self.run(f"return document.querySelectorAll({json.dumps(css)}).length")

    def fill(self, css, value):
        """Types into a field."""
        self._do("POST", f"/element/{self._element(css)}/value", {"text": value})

    def click(self, css):
        """Clicks; the page that it leads to may still be loading."""
        self._do("POST", f"/element/{self._element(css)}/click")

    def run(self, script):
        """What this JavaScript function body returns."""
        return self._do("POST", "/execute/sync", {"script": script, "args": []})

    def cookies(self):
        """The cookies that the page would be sent with, by name."""
        return {c["name"]: c for c in self._do("GET", "/cookie")}

    def wait_for(self, reached, within=10.0):
        """Waits until the window's URL begins with `reached` (or `reached(url)` is true); the URL."""
        def there():
            url = self.url
            return url if (reached(url) if callable(reached) else url.startswith(reached)) else None

        url = eventually(there, within, every=0.05)
        assert url, f"still at {self.url}: {self.text()[:1000]}"
        return url

    def log(self, kind):
        """What has been logged since last asked: `browser` is the console, `performance` events of the network and the page."""
        return self._do("POST", "/se/log", {"type": kind})

    def requests(self):
        """The URLs that have been asked for since the log was last read."""
        events = (json.loads(entry["message"])["message"] for entry in self.log("performance"))
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def screenshot(self, path):
        """A picture of the window."""
        time.sleep(0.05)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._do("GET", "/screenshot")))

    def close(self):
        """Ends the browser; again is harmless."""
        if self in self.driver.browsers:
            self.driver.browsers.remove(self)
            self._do("DELETE", "")
