"""The page in the system's Chromium: its first screen, how its places are reached, and that it is harmless."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest

from harness.cli import main
from harness.grammar.host.file_reader import parse_bytes
from harness.grammar.host.messages import GenerateSpansInput, ParseBinaryInput
from harness.grammar.language.lint import lint_text
from harness.grammar.tool_host import ToolHost
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report.html import route
from tests.report.browser.made import GRAMMAR, HOSTILE, SAMPLE

CASES = ["tool.suite.yaml::bad", "patch.suite.yaml::ancillary", "program.suite.yaml::hello", "kernel.suite.yaml::fused"]
PLACES = ["", *(f"#/{name}" for name in ("failing", "gates/1", "controls", "compare", "trends", "environment", "words",
                                      "suite/tool/tool")),
          *(f"#/case/{quote(name)}" for name in CASES)]  # fmt: skip

PLAIN = ("#/controls", "#/compare", "#/trends", "#/environment", "#/words")


def case(name, suite="tool"):
    return f"#/case/{quote(f'{suite}.suite.yaml::{name}', safe='!~*()')}"


@pytest.fixture(scope="module")
def rows(written):
    with Ledger.read(written / "l.db") as ledger:
        return queries.evaluations(ledger, queries.run(ledger)["run_id"])


class TestOverview:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_first_screen_says_what_failed_and_what_to_type(self, look, scheme):
        page = look(color_scheme=scheme)
        said = page.inner_text("h1")
        assert "Not good: 1 of 2 gates fails; 3 of 17 candidates fail (1 regressed since run " in said
        assert "2 new cases)" in said
        steps = page.locator(".next li")
        assert steps.count() == 6
        assert "gate fails" in steps.nth(0).inner_text()
        assert "regression" in steps.nth(1).inner_text()
        assert "new case fails" in steps.nth(2).inner_text()
        assert "1 more case" in steps.nth(3).inner_text()
        assert "leads unconfirmed" in steps.nth(4).inner_text()
        assert "not judged" in steps.nth(5).inner_text()
        assert all("pytest" in steps.nth(number).locator(".command code").inner_text() for number in range(5))
        assert page.locator(".tiles li").count() == 4
        for selector in ("h1", ".next li:last-child", ".tiles li:last-child"):
            box = page.locator(selector).first.bounding_box()
            assert box["y"] + box["height"] <= 800, selector

    def test_each_line_leads_to_what_it_is_about(self, look):
        page = look()
        page.click(".next li:nth-child(2) a")
        page.wait_for_selector("article.case.bad")
        page.go_back()
        page.wait_for_selector("#overview:not([hidden])")

    def test_few_nodes(self, look):
        assert look().evaluate("document.querySelectorAll('*').length") < 600

    def test_themes(self, look):
        page = look(color_scheme="light")
        colours = [page.evaluate("getComputedStyle(document.documentElement).backgroundColor")]
        for _ in range(2):
            page.click("#theme")
            colours.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        assert colours[0] == colours[1] != colours[2]


class TestNavigation:
    def test_every_case_is_found_by_typing_its_name(self, look, rows):
        page = look()
        opened = []
        for row in [row for row in rows if row["subject"] in ("t00", "ancillary", "hello", "fused")]:
            page.keyboard.press("/")
            page.keyboard.type(row["nodeid"])
            page.wait_for_selector("#found a")
            page.keyboard.press("Enter")
            title = page.locator(f"#view article[id='{route('case', row['nodeid'])}'] h2")
            opened.append(title.inner_text().split()[0])
            page.evaluate("document.activeElement.blur()")
        assert sorted(opened) == ["ancillary", "fused", "hello", "t00"]

    def test_every_case_of_the_page_opens(self, look, rows):
        page = look()
        opened = 0
        for row in rows:
            page.evaluate("id => { location.hash = `/case/${encodeURIComponent(id)}`; }", row["nodeid"])
            shown = page.locator(f'#view article[id="{route("case", row["nodeid"])}"]')
            wanted = "fails a gate" if row["status"] == "ok" and not row["as_expected"] else row["status"]
            opened += shown.locator(".chip").first.text_content() == wanted
        assert opened == len(rows) == 19

    def test_a_case_without_details_says_what_to_type(self, look):
        page = look(case("t00"), name="small.html")
        assert "t00" in page.inner_text("#view h2")
        assert page.inner_text("#view .command code") == "crucible show tool.suite.yaml::t00"

    def test_state_is_in_the_address(self, look):
        page = look("#/suite/tool/tool?sort=median&status=ok&q=t1")
        assert page.locator("#view .board tbody tr").count() == 2
        assert page.locator("#view [aria-sort]").inner_text().startswith("Median")
        assert page.input_value("input[aria-label='Filter by text']") == "t1"
        page.fill("input[aria-label='Filter by text']", "t0")
        assert "q=t0" in page.evaluate("location.hash")  # the address that Playwright knows is updated later
        page.reload()
        page.wait_for_selector("#view .board tbody tr")
        assert page.input_value("input[aria-label='Filter by text']") == "t0"

    def test_a_place_that_does_not_exist(self, look):
        page = look("#/suite/tool/nope")
        assert "no such place" in page.inner_text("#view")
        assert "no such place" in look("#/case/nope").inner_text("#view")
        assert "no such place" in look("#/case/100%").inner_text("#view")

    def test_a_word_leads_to_its_entry(self, look):
        page = look()
        page.click("h1 .term:text-is('candidates')")
        page.wait_for_selector("#view dl")
        assert page.evaluate("location.hash") == "#/words/candidate"
        low = look("#/words/none", height=300)
        assert low.locator("#view dl > div").last.evaluate("one => one.getBoundingClientRect().top") < 300

    def test_an_address_typed_by_hand(self, look):
        page = look("#/case/tool.suite.yaml::bad")
        page.wait_for_selector("#view article.case.bad .versus")
        page.click("nav a[href='#/words']")
        assert "secret seed" in page.inner_text("#view dl")


class TestSuite:
    def test_order_filter_and_count_agree_with_the_ledger(self, look, rows):
        page = look("#/suite/tool/tool")
        mine = [row for row in rows if row["lane"] == "tool" and row["expected"] is None]
        shown = lambda: page.locator("#view .board tbody tr th a").all_inner_texts()  # noqa: E731
        assert len(shown()) == len(mine)
        page.click("th button:has-text('Median')")
        timed = sorted((row for row in mine), key=lambda row: row["median_ms"])
        assert shown()[0] == timed[0]["subject"]
        page.click("th button:has-text('Median')")
        assert page.locator("#view [aria-sort=descending]").count() == 1
        assert page.locator("#view .board tbody tr").first.locator("th").inner_text().startswith(timed[-1]["subject"])
        page.select_option("select[aria-label=status]", "wrong")
        wrong = [row for row in mine if row["status"] == "wrong"]
        assert page.inner_text("output") == f"{len(wrong)} of {len(mine)} candidates"
        page.select_option("select[aria-label=status]", "")
        page.check("input[type=checkbox]")
        assert sorted(shown())[-1] == "t03"

    @pytest.mark.parametrize("script", [True, False])
    def test_a_command_in_a_reason_is_code(self, look, script):
        page = look("#/suite/tool/tool", java_script_enabled=script)
        reasons = page.locator(".board .why", has_text="f(1) gave '`x`', see crucible doctor")
        assert reasons.locator("code").all_text_contents() == ["crucible doctor"]

    def test_the_front_is_that_of_the_verb(self, look, written, rows, capsys):
        assert main(["pareto", "--json", "--suite", "tool", "--ledger", str(written / "l.db")]) == 0
        here = {row["digest"] for row in rows}  # the ledger also has an earlier t03, which this run did not judge
        front = {
            row["subject"] for row in json.loads(capsys.readouterr().out) if row["front"] and row["digest"] in here
        }
        page = look("#/suite/tool/tool")
        titles = page.locator(".pareto a:has(.front)").evaluate_all(
            "all => all.map((one) => one.getAttribute('aria-label'))"
        )
        assert {title.partition(":")[0] for title in titles} == front

    def test_views_have_a_picture_a_sentence_and_a_table(self, look):
        suite, trends = look("#/suite/tool/tool"), look("#/trends")
        for page, name, kind in ((suite, "styles", "heat"), (suite, "epochs", "series"), (trends, "hand-off", "bars")):
            figure = page.locator(f"figure.{kind}[data-name='{name}']")
            assert figure.locator("svg.chart").count() == 1
            assert figure.locator("figcaption").inner_text().count(" ") > 5
            assert figure.locator("details tr").count() >= 3
        assert "judged at epoch 0 only" in look("#/suite/kernel/kernel").inner_text("figure[data-name='epochs']")

    def test_tables_and_pictures_can_be_saved(self, look):
        page = look("#/suite/tool/tool")
        for label, ends in (("CSV", ".csv"), ("SVG", ".svg"), ("PNG", ".png")):
            with page.expect_download() as download:
                page.locator(f"#view button.save:text-is('{label}')").first.click()
            data = download.value.path().read_bytes()
            assert download.value.suggested_filename.endswith(ends)
            assert len(data) > 200
            assert {"CSV": b'"nodeid"', "SVG": b"<svg", "PNG": b"\x89PNG"}[label] in data


class TestCase:
    def test_the_verdict_comes_first_and_the_score_adds_up(self, look):
        page = look(case("bad"))
        assert "f(1) gave" in page.inner_text(".reason")
        assert page.locator(".versus pre").nth(1).inner_text() == "2"
        for name, total in (("t11", 0.775), ("bad", 0.1)):
            page = look(case(name))
            widths = page.locator(".stacked .part").evaluate_all(
                "all => all.map((one) => Number(one.getAttribute('width')))"
            )
            assert sum(widths) == pytest.approx(100 * total, abs=0.2)

    def test_the_source_is_there_with_its_difference(self, look):
        page = look(case("t03"))
        assert page.locator(".diff ins").inner_text() == "+    return 'edited'  # <script>alert(3)</script>"
        page.click("details.source summary")
        page.wait_for_selector("details.source pre")
        assert "alert(3)" in page.inner_text("details.source pre")
        assert page.locator("details.source .k").first.inner_text() == "def"

    def test_bytes_name_their_field(self, look):
        page = look(case("ancillary", "patch"))
        data, grammar = SAMPLE.read_bytes(), lint_text(GRAMMAR).grammar
        result = parse_bytes(ParseBinaryInput(grammar=grammar, file_path="checker.png"), data)
        spans = ToolHost.generate_spans(GenerateSpansInput(result, 0, len(data))).spans
        fields = page.locator(".hex td:nth-of-type(2) .b")
        lengths = [len(text.split()) for text in fields.all_inner_texts()]
        starts = [sum(lengths[:number]) for number in range(len(lengths))]
        assert len(starts) >= len(spans)
        for span in (spans[0], spans[len(spans) // 2]):
            field = fields.nth(starts.index(span.offset))
            field.hover()
            assert span.path in page.inner_text("output.named")
            field.focus()
            assert span.path in page.inner_text("output.named")

    def test_what_a_patch_changes_is_not_called_before(self, look):
        text = look(case("ancillary", "patch")).locator(".exhibits").inner_text()
        assert "without the patch\twith the patch" in text
        assert "explained, 50.0% without the patch" in text
        assert "before" not in text

    def test_a_span_leads_to_its_line(self, look):
        page = look(case("hello", "program"))
        assert page.locator("rect.span").count() == 2
        page.locator("svg a[data-line='3']").first.dispatch_event("click")
        page.wait_for_selector(".line.marked")
        assert "llm.query" in page.inner_text(".line.marked")
        assert page.locator(".line.marked").get_attribute("data-line") == "3"

    def test_pictures_say_what_they_show(self, look):
        page = look(case("fused", "kernel"))
        assert "bound by memory, 75% of the roof" in page.locator(".roofline").inner_html()
        assert page.locator(".heat .best").count() == 1
        assert page.locator(".heat .nothing").count() == 1

    def test_a_command_can_be_copied(self, look):
        page = look(case("bad"), permissions=["clipboard-read", "clipboard-write"])
        page.click("article .copy")
        page.wait_for_selector("button:text-is('copied')")
        assert page.evaluate("navigator.clipboard.readText()").startswith("pytest 'tool.suite.yaml::bad'")

    def test_relatives(self, look):
        page = look(case("t02"))
        names = page.locator(".tree li").all_inner_texts()
        assert [re.search(r"t\d\d", name)[0] for name in names] == ["t00", "t01", "t02", "t03"]


def test_two_runs_are_compared(look, written):
    page = look("#/compare")
    names = page.locator("#view tbody th a").all_inner_texts()
    assert {"tool.suite.yaml::t03", "tool.suite.yaml::bad", "tool.suite.yaml::gone"} <= set(names)
    assert not {"tool.suite.yaml::t04", "patch.suite.yaml::ancillary"} & set(names)
    changes = dict(zip(names, page.locator("#view tbody td[data-head=change]").all_inner_texts(), strict=True))
    assert changes["tool.suite.yaml::t03"].endswith(" edited")
    assert names[-1] == "tool.suite.yaml::gone"  # after a run of one suite that is most of the others
    assert changes["kernel.suite.yaml::fused-gpu"] == "—"  # without a score there is no change
    page.select_option("select[aria-label='run before']", index=0)
    page.locator("#view p", has_text="0 cases differ").wait_for()


def test_a_comparison_says_first_how_many_changed_how(look):
    page = look("#/compare")
    total, *kinds = page.locator("#view p.note", has_text="cases differ").inner_text().split("; ")
    counts = {kind: int(n) for n, kind in (one.split(" ", 1) for one in kinds)}
    assert total == f"{page.locator('#view tbody tr').count()} cases differ"
    assert sum(counts.values()) == page.locator("#view tbody tr").count()
    for kind, side in (("new", "before"), ("gone", "after")):
        assert counts.get(kind, 0) == page.locator(f"#view td[data-head={side}]", has_text="absent").count()


def test_a_comparison_counts_noise_as_the_overview_does(look):
    page = look("#/compare", name="moved.html")
    names = [name.rpartition("::")[2] for name in page.locator("#view tbody th a").all_inner_texts()]
    changes = dict(zip(names, page.locator("#view tbody td[data-head=change]").all_inner_texts(), strict=True))
    assert changes == {
        "gated": "=",
        "worse": "-0.400",
        "better": "+0.200",
        "planted": "+0.200 within noise",  # the score of a control says nothing
        "near": "+0.050 within noise",
        "edited": "+0.050 within noise edited",
    }
    assert names[0] == "gated"  # what fails now and did not comes first
    assert page.locator("#view tbody tr").first.locator(".chip").all_inner_texts() == ["ok", "fails a gate"]
    said = page.locator("#view p.note", has_text="cases differ").inner_text()
    assert sorted(said.split("; ")[1:]) == ["1 better", "1 edited", "1 pass → fail", "1 worse", "2 within noise"]
    counts = look(name="moved.html").locator(".changes b").all_inner_texts()
    assert sorted(counts) == ["1 better", "1 edited", "1 regressed", "1 worse"]


def test_a_comparison_lists_the_gates_that_differ(look):
    gates = look("#/compare").locator("#view .changes li").all_inner_texts()
    assert gates == ["gate tool.mean(score) >= 0.9 absent → fail", "gate failed <= 9 absent → pass"]


class TestHarmless:
    def test_hostile_text_is_text(self, look):
        for place in (
            "#/failing",
            "#/environment",
            "#/suite/tool/tool",
            case("hostile-" + HOSTILE),
        ):
            page = look(place)
            assert page.locator("img, #view script, #overview script").count() == 0
            assert "onerror=alert(1)" in page.content()

    def test_without_javascript_verdict_and_failures_are_there(self, look):
        page = look(java_script_enabled=False)
        assert page.locator("h1").is_visible()
        for name in ("bad", "t03"):
            assert page.locator(f"article:has-text('tool.suite.yaml::{name}')").first.is_visible()
        assert page.locator("nav a[href='#/compare']").is_hidden()
        page.goto(page.url.partition("#")[0] + "#/controls")
        assert page.locator("section[id='/controls']").is_visible()

    def test_in_print_verdict_and_failures_are_there(self, look):
        page = look()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        text = page.inner_text("body")
        assert "Not good" in text
        assert "f(1) gave" in text
        assert page.locator("#print article").count() == 3
        assert page.pdf()[:4] == b"%PDF"

    @pytest.mark.parametrize("width", [1280, 390])
    def test_nothing_scrolls_sideways_and_no_text_is_cut(self, look, width):
        page = look(width=width, height=844)
        for place in visit(page):
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, place
            assert page.evaluate(OUTSIDE) == [], place

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_is_accessible(self, look, scheme):
        axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        page = look(color_scheme=scheme)
        # Only colours differ between the themes, and the places left out have none of their own.
        for place in visit(page, PLACES if scheme == "light" else [place for place in PLACES if place not in PLAIN]):
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
            found = axe.run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
            assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found] == [], place


def visit(page, places=PLACES):
    """Go to some places of the page."""
    for place in places:
        page.evaluate("place => { location.hash = place; }", place or "#/")
        shown = "#view > *" if place else "#overview:not([hidden])"
        page.locator(shown).first.wait_for()
        page.locator(f"#view [id='{place[1:]}'], #view:has-text('Compare'), #overview:not([hidden])").first.wait_for()
        yield place


OUTSIDE = """() => {
  const bad = [], overlap = (a, b, c, d) => Math.min(b, d) - Math.max(a, c);
  for (const svg of document.querySelectorAll("#view svg.chart")) {
    const frame = svg.getBoundingClientRect(), boxes = [];
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect(), name = text.textContent;
      const wide = overlap(frame.left - 1, frame.right + 1, box.left, box.right) < box.width - 0.1;
      const high = overlap(frame.top - 1, frame.bottom + 1, box.top, box.bottom) < box.height - 0.1;
      if (wide || high) bad.push(`outside: ${name}`);
      for (const [one, other] of boxes) {
        const meets = overlap(box.left, box.right, one.left, one.right) > 2;
        if (meets && overlap(box.top, box.bottom, one.top, one.bottom) > 3) bad.push(`${other} over ${name}`);
      }
      boxes.push([box, name]);
    }
  }
  return bad;
}"""
