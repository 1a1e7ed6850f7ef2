"""`scalefit report`: a saved result as one page that needs nothing else."""

import base64
import html
import importlib.util
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import scalefit as sf

HOSTILE = "<script>alert(1)</script>\x1b[31m&\"'"
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Elements of a page, which are closed in turn, and its headings."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.tags, self.headings, self.cells = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        self.open += [tag] * (tag not in VOID)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["h2"]:
            self.headings.append(data)
        if self.open[-1:] == ["td"] or self.open[-1:] == ["th"]:
            self.cells.append(data)


@pytest.fixture(scope="module")
def folder(cli, table, tmp_path_factory):
    """Draws about a fit to a table of a hostile name, of which one row has no loss, saved without pictures."""
    place = tmp_path_factory.mktemp("report")
    lines = table().splitlines()
    lines[20] = lines[20].rsplit(",", 1)[0] + ","
    source = place / f"{HOSTILE.replace('/', '')}.csv"
    source.write_text("\n".join(lines), encoding="utf-8")
    fit = sf.fit(sf.laws.Chinchilla, sf.read_runs(source, where="tokens > 1.1e9"), noise=sf.noise.Gaussian())
    return sf.save(sf.bootstrap(fit, num=50), place / "fit")


@pytest.fixture(scope="module")
def written(cli, folder, tmp_path_factory):
    """Its report, with a plan and next runs."""
    place = tmp_path_factory.mktemp("written")
    odd = [HOSTILE, [1, {"a": None}], 10**400]
    budget = {"budget": 1e21, "N": {"value": 3e9, "low": 2e9, "high": 4e9}, "x": odd}
    plan = {
        "schema": "scalefit/plan/1",  # which names the section, whatever the file is called
        "law": "chinchilla",
        "budgets": [budget],
        "notes": [HOSTILE],
        "cost": "6ND",
        "checks": "none",
        "verdict": HOSTILE,
    }
    (place / "out.json").write_text(json.dumps(plan), encoding="utf-8")
    (place / "next.csv").write_text("N,D\n1e9,2e10\n", encoding="utf-8")
    further = ("--with", place / "out.json", "--with", place / "next.csv")
    answer = cli("report", folder, "--out", place / "new" / "page.html", *further, "--json")
    assert (answer.status, answer.err) == (0, "")
    assert [path.name for path in (place / "new").iterdir()] == ["page.html"]
    return json.loads(answer.out), (place / "new" / "page.html").read_text(encoding="utf-8")


def test_every_section_is_there(written, folder):
    found, text = written
    page = Page(text)
    titles = ["Data", "How it was fitted", "Parameters", "Derived quantities", "Checks", "Figures", "Plan", "Next runs",
              "The law", "How to repeat it"]  # fmt: skip
    assert found["sections"] == page.headings == titles
    saved = sf.load(folder)
    summary: Any = sf.summary(saved)
    for entry in summary.values():
        assert f"{entry.value:.6g}" in page.cells
        assert f"{entry.low:.5g} … {entry.high:.5g}" in page.cells
    assert text.count("<img") == 3
    for said in (saved.fit.source.fingerprint, "loss is missing", "arXiv 2203.15556", "3e+09 [2e+09 … 4e+09]",
                 "50 bootstrap draws", "2e10", "scalefit report"):  # fmt: skip
        assert said in text
    assert {one["check"] for one in found["checks"]} == {one.check for one in sf.diagnose(saved).findings}


def test_names_of_others_are_words(written):
    _, text = written
    page = Page(text)
    assert "script" not in page.tags
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


def test_nothing_is_asked_for(written):
    _, text = written
    links = Page(text).links
    assert {link[:1] if link.startswith("#") else link[:22] for link in links} == {"#", "data:image/png;base64,"}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_what_is_typed_gives_the_same_numbers(written, folder):
    _, text = written
    said = re.findall(r"<pre[^>]*><code>(import.*?)</code>", text, re.DOTALL)[0].replace("&gt;", ">")
    names = {}
    exec(compile(said, "the report", "exec"), names)
    saved = sf.load(folder)
    assert float(names["fit"].law.alpha) == pytest.approx(float(saved.fit.law.alpha), rel=1e-9)
    assert isinstance(saved, sf.Ensemble)
    assert names["draws"].law.alpha == pytest.approx(saved.law.alpha, rel=1e-6)


def test_a_report_has_what_the_folder_has_and_may_be_replaced_with_it(cli, folder, tmp_path):
    one = {"check": "units", "severity": "error", "says": "N is too small", "remedy": "see `scalefit check`",
           "numbers": {}, "names": [], "rows": []}  # fmt: skip
    summary = json.dumps({"level": 0.8, "checks": [one]}).encode()
    kept = {"loss.png": b"\x89PNG\r\n\x1a\nkept", "summary.json": summary}
    fit = sf.load(folder).fit
    sf.save(fit, tmp_path / "fit", files=kept)
    answer = cli("report", tmp_path / "fit")
    assert (answer.status, answer.out) == (0, f"written to {tmp_path / 'fit' / 'report.html'}\n")
    text = (tmp_path / "fit" / "report.html").read_text(encoding="utf-8")
    assert "80 % interval" in text
    assert "N is too small. <em>See <code>scalefit check</code>.</em>" in text
    assert base64.b64encode(kept["loss.png"]).decode() in text
    (tmp_path / "fit" / "odd.json").write_text("[1]")
    assert json.loads(cli("report", tmp_path / "fit", "--json").out)["sections"][-3:-2] == ["odd.json"]
    (tmp_path / "fit" / "odd.json").unlink()
    sf.save(fit, tmp_path / "fit")
    assert not (tmp_path / "fit" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "there is no folder of that name"),
        (("{folder}", "--out", "page.txt"), "whose name ends in .html"),
        (("{folder}", "--with", "{folder}/arrays.npz"), "cannot be shown"),
        (("{broken}",), "holds no result that can be read"),
    ],
)
def test_what_cannot_be_done_is_said(cli, folder, tmp_path, arguments, said):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "arrays.npz").write_bytes(b"PK")
    answer = cli("report", *(one.format(folder=folder, broken=broken) for one in arguments))
    assert answer.status == 2
    assert said in " ".join(answer.err.split())
    assert [path.name for path in broken.glob("*.html")] == []


AXE = importlib.util.find_spec("axe_playwright_python")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium")
@pytest.mark.skipif(AXE is None, reason="axe-playwright-python, which brings axe, is not installed")
def test_a_browser_shows_it_asks_for_nothing_and_anyone_can_read_it(written, tmp_path):
    """With the rules of axe run inside the page, which its own policy would not let in."""
    assert AXE is not None
    assert AXE.origin is not None
    rules = (Path(AXE.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    tell = (
        "axe.run().then(found => { const said = document.createElement('pre'); said.id = 'axe';"
        "said.textContent = JSON.stringify(found); document.body.append(said) })"
    )
    page, policies = re.subn(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", written[1])
    assert policies == 1
    page = page.replace("</body>", f"<script>{rules}</script><script>{tell}</script></body>")
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    profile, net = tmp_path / "profile", tmp_path / "net.json"
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
             "--disable-component-update", "--enable-logging=stderr", f"--user-data-dir={profile}")  # fmt: skip
    address = (tmp_path / "page.html").as_uri()
    command = ["chromium", *flags, f"--log-net-log={net}", "--virtual-time-budget=20000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    shown, _, said = done.stdout.partition('<pre id="axe">')
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", shown) == written[0]["sections"]
    assert "CONSOLE" not in done.stderr
    found = json.loads(html.unescape(said.partition("</pre>")[0]))
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert {"color-contrast", "document-title", "html-has-lang", "image-alt"} <= {one["id"] for one in found["passes"]}
    asked = set(re.findall(r'"url":"((?:http|ws|ftp)s?://[^/"]*)', net.read_text()))
    # The browser asks its maker for updates, whatever it shows.
    assert [one for one in asked if not one.endswith((".google.com", ".googleapis.com", ".gvt1.com"))] == []
