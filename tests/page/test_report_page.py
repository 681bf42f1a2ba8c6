import csv
import json
import random
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser

import pytest

from jaxmle._cli import main

pytest.importorskip("matplotlib")

HOSTILE = [
    "<script>alert(1)</script>",
    "$x$",
    "\"quotes\" & 'single'",
    "\u202eoverride",
    "\u05e9\u05dc\u05d5\u05dd",
]
VOID = {"meta", "link", "br", "img", "input", "hr"}
COMMON = [
    *("--judge", "judge", "--human", "human", "--tpr", "0.8:0.87", "--fpr", ":0.1"),
    *("--interval", "chi-square", "--method", "profile"),
]


def write(path, names, n_rows, by="topic <i>"):
    rng = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow([by, "human", "judge"])
        for i in range(n_rows * len(names)):
            truth = rng.random() < 0.1
            flagged = rng.random() < (0.9 if truth else 0.05)
            out.writerow([names[i % len(names)], int(truth) if rng.random() < 0.3 else "", int(flagged)])
        out.writerow([names[0], 1, ""])
    return path


class Parsed(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    path = write(folder / "verdicts.csv", HOSTILE, 200)
    pages = ["--html", str(folder / "page.html"), "--markdown", str(folder / "page.md")]
    status = main(["report", str(path), *COMMON, "--by", "topic <i>", "--limit", "0.3", *pages])
    assert status in (0, 1)
    return folder, status


def test_page_is_whole_closed_and_for_everyone(made):
    text = (made[0] / "page.html").read_text(encoding="utf-8")
    page = Parsed(text)
    tags = [tag for tag, _ in page.tags]
    assert not {"script", "link", "img", "iframe"} & set(tags)
    assert "://" not in re.sub(r"<code>.*?</code>", "", text, flags=re.S)
    assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on")]
    assert page.all("html")[0]["lang"] == "en"
    assert tags.count("h1") == tags.count("main") == tags.count("title") - tags.count("svg") == 1
    assert len(page.ids) == len(set(page.ids))
    assert all(attrs["scope"] in ("col", "row") for attrs in page.all("th"))
    assert tags.count("caption") == tags.count("table") >= 5
    drawings = page.all("svg")
    assert len(drawings) == 4
    for attrs in drawings:
        assert attrs["role"] == "img"
        assert set(attrs["aria-labelledby"].split()) <= set(page.ids)
    for attrs in page.all("a"):
        assert attrs["href"][1:] in page.ids


def test_names_from_the_data_are_text(made):
    text = (made[0] / "page.html").read_text(encoding="utf-8")
    assert "\u202e" not in text
    shown = Parsed(text).texts
    for name in ("<script>alert(1)</script>", "$x$", HOSTILE[2], "\\u202eoverride", HOSTILE[4], "topic <i>"):
        assert name in shown
    assert sum(one == "$x$" for one in shown) == 2  # in the plot and in the table
    markdown = (made[0] / "page.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", markdown, flags=re.S)
    assert "<script" not in prose
    assert "$" not in prose


@pytest.mark.slow
def test_page_says_what_estimate_and_certify_say(made, capsys):
    folder, status = made
    given = [str(folder / "verdicts.csv"), *COMMON[:8], "--by", "topic <i>", "--json"]
    assert main(["estimate", *given, "--interval", "chi-square"]) == 0
    estimate = json.loads(capsys.readouterr().out)
    assert main(["certify", *given, "--method", "profile", "--limit", "0.3"]) == status
    certify = json.loads(capsys.readouterr().out)
    assert main(["report", *given, *COMMON[8:], "--limit", "0.3"]) == status
    report = json.loads(capsys.readouterr().out)
    assert {"schema": 1} | report["estimate"] == estimate
    assert {"schema": 1} | report["certificate"] == certify
    shown = Parsed((folder / "page.html").read_text(encoding="utf-8")).texts
    for record in (*estimate["slices"], estimate["total"]):
        assert f"{100 * record['failure_rate']['estimate']:.2f}%" in shown
    assert ("Not certified: below" in "".join(shown)) == bool(status)
    assert "1 row left out: no judge verdict." in shown


@pytest.mark.slow
def test_many_slices_stay_small_and_all_are_in_the_table(tmp_path):
    names = [f"slice {i:04d}" for i in range(1000)]
    path = write(tmp_path / "many.csv", names, 20)
    page = tmp_path / "page.html"
    assert main(["report", str(path), *COMMON, "--by", "topic <i>", "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < 2_000_000
    assert all(f"<bdi>{name}</bdi>" in text for name in names)
    assert "The 60 slices with the highest estimates, of 1,000" in text


def test_trouble_is_one_line(tmp_path, capsys):
    path = write(tmp_path / "verdicts.csv", ["a"], 50)
    for more, said in (
        ([], "--html report.html"),
        (["--html", str(tmp_path / "none" / "x.html")], "no folder"),
        (["--json", "--limit", "2"], "--limit"),
    ):
        assert main(["report", str(path), *COMMON, *more]) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1


@pytest.mark.slow
def test_the_estimate_is_said_before_the_simulation(tmp_path, capsys):
    path = write(tmp_path / "verdicts.csv", ["a"], 300)
    page = tmp_path / "page.html"
    assert main(["report", str(path), *COMMON, "--html", str(page)]) == 0
    said = re.search(r"Failure rate (\S+%)\. Intervals and page follow", capsys.readouterr().err)[1]
    assert said in Parsed(page.read_text(encoding="utf-8")).texts
    wrong = [*COMMON[:4], "--tpr", ":0.1", *COMMON[6:]]
    assert main(["report", str(path), *wrong, "--html", str(page)]) == 0
    assert "but the data contradict the bounds" in capsys.readouterr().err


def shown(page, tmp_path):
    """What a browser makes of a page, after its scripts if it has any."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no Chromium here")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    run = subprocess.run([browser, *options, page.as_uri()], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0
    return run.stdout


def test_a_browser_shows_it_without_running_anything(made, tmp_path):
    dom = shown(made[0] / "page.html", tmp_path)
    assert "<script" not in re.sub(r"&lt;script", "", dom)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in dom


MEASURE = """
const measured = {};
for (const frame of document.querySelectorAll("iframe")) {
  const page = frame.contentDocument, right = (element) => element.getBoundingClientRect().right;
  const tables = [...page.querySelectorAll("table")];
  const table = tables.find((one) => one.caption.textContent.startsWith("Slices"));
  measured[frame.width] = {
    width: page.documentElement.scrollWidth,
    columns: Object.fromEntries([...table.tHead.rows[0].cells].map((one) => [one.textContent, right(one)])),
    figures: page.querySelector("dl").getBoundingClientRect().bottom,
    cut: tables.filter((one) => one.parentNode.scrollWidth > one.parentNode.clientWidth + 1)
      .map((one) => [one.caption.textContent, getComputedStyle(one.parentNode).backgroundImage]),
    hint: getComputedStyle(table.caption, "::after").content,
    left: Math.max(...[...page.querySelectorAll("section > *")].map((one) => right(one))),
  };
}
document.body.textContent = JSON.stringify(measured);
"""


@pytest.mark.slow
def test_rate_and_verdict_are_in_view_on_a_phone_and_all_columns_on_a_desktop(made, tmp_path):
    page = (made[0] / "page.html").read_text(encoding="utf-8")
    inner = escape(page, quote=True)
    frames = "".join(
        f'<iframe width="{width}" height="800" srcdoc="{inner}"></iframe>' for width in (390, 1200)
    )
    around = tmp_path / "around.html"
    script = f"<script>window.onload = () => {{{MEASURE}}}</script>"
    around.write_text(f'<meta charset="utf-8">{script}<body>{frames}', encoding="utf-8")
    found = json.loads(re.search(r"<body>(.*)</body>", shown(around, tmp_path), re.S)[1])
    phone, desktop = found["390"], found["1200"]
    assert phone["width"] <= 390  # tables scroll, the page does not
    assert max(phone["columns"]["failure rate"], phone["columns"]["verdict"]) < 390
    assert phone["figures"] < 400
    assert "sideways" in phone["hint"]
    assert phone["cut"]
    assert all("gradient" in shade for _, shade in phone["cut"])  # a shade where more follows
    assert desktop["hint"] == "none"
    assert desktop["cut"] == []
    assert desktop["left"] > 1150  # the page uses the width
    assert len(desktop["columns"]) == 13
    assert max(desktop["columns"].values()) <= 1200
