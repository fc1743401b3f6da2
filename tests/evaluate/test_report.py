import json
import re
from html.parser import HTMLParser

import pytest

from factories import make_truth, write_boss_spec
from huggins.errors import OutputError
from huggins.evaluate import Estimate, evaluate, write_report
from huggins.evaluate.drawings import draw_scores
from huggins.evaluate.metrics import confusion_matrix
from huggins.evaluate.mistakes import show
from huggins.evaluate.page import Markup, confusion, drawing, html, table
from huggins.evaluate.report import to_html
from huggins.evaluate.summary import Headline, as_text, headlines, number, signed
from made_up_table import Case, write_results, write_truth


class Page(HTMLParser):
    """Collects what a page holds, and complains about tags that do not close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.ids, self.sources, self.words = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.links += [given["href"]] if "href" in given else []
        self.ids += [given["id"]] if "id" in given else []
        self.sources += [given["src"]] if "src" in given else []
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def compared(made):
    return to_html(evaluate(made / "new.fits", made / "truth.csv", old=made / "old.fits"))


@pytest.mark.slow
def test_the_page_needs_nothing_from_outside_and_is_whole(compared):
    page = Page(compared)
    assert page.sources
    assert all(source.startswith("data:image/") for source in page.sources)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(set(page.ids)) == len(page.ids)
    outside = re.sub(r'src="data:[^"]*"', "", compared)
    assert not re.search(r"https?://|<script|@import|url\(", outside)


def test_the_page_shows_what_was_measured(compared):
    text = Page(compared).text
    for words in (
        "Evaluation of made-up", "hash 00ff00ff00ff00ff", "matched to their truth by path",
        "New against old", "SUBCLASS: the new is better", "1 spectra could not be classified",
        "Sky fibres that passed were taken: 1 for STAR", "By survey", "Fewer than 10 spectra",
        "the file is not where the table says",
    ):  # fmt: skip
        assert words in text


@pytest.mark.slow
def test_mistakes_come_with_their_spectrum_and_names_cannot_break_the_page(tmp_path):
    cases = [
        Case(predicted="F", path="<i>&.fits"),
        Case(predicted="K", path="none.fits", survey='<b>"&'),
        Case(survey='<b>"&'),
    ]
    write_boss_spec(tmp_path / "<i>&.fits", make_truth(300))
    results = write_results(tmp_path / "r.fits", cases, prefix=f"{tmp_path}/")
    (tmp_path / "none.fits").write_bytes(b"SIMPLE  =")
    truth = write_truth(tmp_path / "t.csv", cases)
    evaluation = evaluate(results, truth, where="survey != '<u>'")
    text = to_html(evaluation, show(evaluation))
    page = Page(text)
    assert text.count("<canvas data-spectrum") == 1
    assert page.text.count("No picture:") == 1
    assert "QSO taken for F, true z = 1.0000" in page.text
    assert not re.search("<[biu]>", text)
    assert "&lt;i&gt;&amp;.fits" in text


def test_the_same_figures_give_the_same_picture(made):
    scores = evaluate(made / "new.fits", made / "truth.csv").figures.classes.scores
    first, second = (drawing(draw_scores(scores), "", alt="scores") for _ in range(2))
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize(
    "cases",
    [
        [Case(z=None, z_true=None, sn=float("nan"))],
        [Case(true="SKY", predicted="M", z_true=None)],
        [Case(predicted="", error="gone", z=None)],
    ],
    ids=["no redshift, no S/N", "only sky", "only failures"],
)
def test_a_page_of_almost_nothing(tmp_path, cases):
    results = write_results(tmp_path / "r.jsonl", cases)
    evaluation = evaluate(results, write_truth(tmp_path / "t.csv", cases), old=results)
    assert "Evaluation of r.jsonl" in Page(to_html(evaluation)).text


@pytest.mark.slow
def test_files_are_whole_and_replace_older_ones(made, tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text("older")
    evaluation = evaluate(made / "new.fits", made / "truth.csv", mistakes=0)
    page, report = write_report(evaluation, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    assert json.loads(report.read_text())["schema"] == "huggins-evaluation/2"
    assert page.read_text().endswith("</html>\n")


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    cases = [Case(true="SKY", predicted="M", z_true=None)]
    results = write_results(tmp_path / "r.csv", cases)
    evaluation = evaluate(results, write_truth(tmp_path / "t.csv", cases))
    with pytest.raises(OutputError, match="name another folder with -o"):
        write_report(evaluation, tmp_path / "file")


def test_confusion_as_a_table():
    matrix = confusion_matrix(["A", "A", "F"], ["A", "F", "F"], columns=("A", "F", "G"))
    text = Page(confusion(matrix)).text
    assert text.startswith("true ↓ predicted → A F G n A 1 1 2 F 1 1")
    assert "50.0 50.0" in text


def test_cells_are_escaped_unless_they_are_markup():
    assert html("<&") == "&lt;&amp;"
    assert html(Markup("<b>")) == "<b>"
    assert "<td>&lt;</td>" in table(("x",), [("<",)])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.96923, "%", "96.9 %"),
        (205.8, "km/s", "206 km/s"),
        (3.21, "km/s", "3.2 km/s"),
        (-89.2, "km/s", "−89 km/s"),
        (0.01234, "", "0.012"),
        (float("nan"), "%", "–"),
    ],
)
def test_numbers_as_people_read_them(value, unit, text):
    assert number(value, unit) == text


def test_differences_have_a_sign_unless_they_are_none():
    assert [signed(v, "%") for v in (0.012, -0.012, 0.0001)] == ["+1.2 %", "−1.2 %", "0.0 %"]


def test_headlines_leave_out_what_rests_on_nothing(tmp_path):
    cases = [Case(true="F", predicted="F", z=None)]
    results = write_results(tmp_path / "r.csv", cases)
    figures = evaluate(results, write_truth(tmp_path / "t.csv", cases)).figures
    keys = [h.key for h in headlines(figures)]
    assert "class" in keys
    assert not {"completeness", "sky", "z_STAR"} & set(keys)
    lines = as_text(figures).splitlines()
    assert lines[0].startswith("CLASS right")
    assert len(lines) == len(keys)


def test_a_headline_in_words():
    found = Headline("dv", "Median |dv|", Estimate(205.8, 158.2, 249.0, 222), "km/s", better=-1)
    assert (found.text(), found.interval(), found.basis()) == (
        "206 km/s", "158 to 249", "n = 222",
    )  # fmt: skip
