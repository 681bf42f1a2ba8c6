import json
import re
import shlex
from xml.etree import ElementTree

import pytest
from cases import PROJECT

from jaxmle._cli import main

matplotlib = pytest.importorskip("matplotlib")
COMMON = ["--counts", "4,6,2,88,900,9100", "--interval", "chi-square", "--method", "profile"]


def drawn(tmp_path, capsys, *options):
    path = tmp_path / "card.svg"
    status = main(["report", *COMMON, *options, "--card", str(path), "--json"])
    document = json.loads(capsys.readouterr().out)
    root = ElementTree.parse(path).getroot()
    # Letters are outlines; what they spell stands in comments and in the title.
    texts = re.findall("<!-- (.*?) -->", path.read_text(encoding="utf-8"))
    return status, document, texts, root.find("{http://www.w3.org/2000/svg}title").text


@pytest.mark.parametrize(
    ("limit", "status", "verdict"),
    [
        ("0.4", 0, "Certified: the failure rate is below 40.00%"),
        ("0.11", 1, "Not certified: below 11.00% is not shown"),
    ],
)
def test_a_card_says_verdict_rate_interval_limit_and_labels(tmp_path, capsys, limit, status, verdict):
    found, document, texts, title = drawn(tmp_path, capsys, "--limit", limit, "--tpr", "0.2:0.9")
    assert found == status
    rate, certificate = document["estimate"]["total"]["failure_rate"], document["certificate"]["total"]
    ends = " to ".join(f"{100 * rate[end]:.2f}%" for end in ("low", "high"))
    assert texts.count(verdict) == 1
    assert f"{100 * rate['estimate']:.2f}%" in texts
    assert f"95% interval {ends}." in texts
    limits = f"Upper limit {100 * certificate['upper_limit']:.2f}% (profile), limit {float(limit):.2%}."
    assert limits in texts
    assert "100 human labels, 10,000 verdicts without one." in texts
    assert "Bounds: TPR 20% to 90%." in texts
    assert title.startswith(f"{verdict}. 95% interval {ends}. ")


@pytest.mark.slow
def test_the_same_result_gives_the_same_bits(tmp_path):
    for name, start in (("card.svg", b"<?xml"), ("card.png", b"\x89PNG")):
        path = tmp_path / name
        bits: list[bytes] = []
        for _ in range(2):
            with matplotlib.rc_context({"font.size": 5 + 9 * len(bits), "savefig.bbox": "tight"}):
                assert main(["report", *COMMON, "--card", str(path)]) == 0
            bits.append(path.read_bytes())
        assert bits[0] == bits[1]
        assert bits[0].startswith(start)
        assert not re.search(rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}", bits[0])


def test_the_title_is_text(tmp_path, capsys):
    hostile = "<b>$x$ & -->\x1b[0m"
    _, _, texts, _ = drawn(tmp_path, capsys, "--card-title", hostile)
    assert r"&lt;b&gt;$x$ &amp; - -&gt;\x1b[0m" in texts
    assert "\x1b" not in (tmp_path / "card.svg").read_text(encoding="utf-8")


@pytest.mark.slow
def test_no_line_leaves_the_card(tmp_path, capsys):
    from jaxmle._page import _card

    path = tmp_path / "verdicts.csv"
    rows = [
        f"{'slice with a long name ' * 2}{i},{int(j < 5)},{int(j < 6)}" for i in range(12) for j in range(30)
    ]
    path.write_text("topic,human,judge\n" + "\n".join(rows) + "\n")
    options = ["--judge", "judge", "--human", "human", "--by", "topic", *COMMON[2:], "--limit", "0.1"]
    bounds = ["--tpr", "0.125:0.9875", "--fpr", "0.0125:0.9125", "--failure-rate", "0.0025:0.6125"]
    assert main(["report", str(path), *options, *bounds, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    for number in (0.1, None):
        document["estimate"]["total"]["failure_rate"]["estimate"] = number
        figure = _card._drawn(document, "A title " * 20).figure
        figure.canvas.draw()
        for text in figure.texts:
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1, text.get_text()
        # One line does not run into the next.
        boxes = [text.get_window_extent() for text in figure.texts]
        assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


@pytest.mark.slow
def test_the_card_of_the_guide_is_what_its_command_draws(tmp_path, monkeypatch, capsys):
    """To refresh it, run the command in the folder of the guide, with the file of the demo."""
    guide = PROJECT / "docs" / "guides" / "release-gate.md"
    text = guide.read_text(encoding="utf-8").replace("\\\n", " ")
    (command,) = re.findall("^jaxmle (.*--card card.svg.*)$", text, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--write", "verdicts.csv"]) == 0
    assert main(shlex.split(command)) == 0
    spelt = [
        re.findall("<!-- (.*?) -->", path.read_text(encoding="utf-8"))
        for path in (tmp_path / "card.svg", guide.with_name("card.svg"))
    ]
    assert spelt[0] == spelt[1]
    title = re.search("<title>(.*?)</title>", (tmp_path / "card.svg").read_text(encoding="utf-8"))[1]
    (said,) = re.findall(r"!\[(.*)\]\(card.svg\)", text)
    assert set(re.findall(r"[0-9.]+%", said)) <= {*re.findall(r"[0-9.]+%", title), *spelt[0]}


def test_what_is_no_card_is_refused(tmp_path, capsys):
    for options, said in (
        (["--card", str(tmp_path / "card.pdf")], ".svg and .png"),
        (["--card", str(tmp_path / "none" / "card.svg")], "no folder"),
        (["--card-title", "x", "--json"], "--card"),
    ):
        assert main(["report", *COMMON, *options]) == 2
        assert said in capsys.readouterr().err
