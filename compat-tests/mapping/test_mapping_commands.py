"""`archstone mapping`: files and forms, explanations, lint, exit codes. No configuration and no database take part."""

import json
import os
import pathlib
import subprocess

import pytest

BINARY = os.environ.get("ARCHSTONE_BIN", str(pathlib.Path(__file__).resolve().parent.parent.parent / "target/release/archstone"))
RULES = [{
    "local": [{"user": {"name": "{0}"}, "groups": "{1}", "domain": {"name": "D"}}],
    "remote": [{"type": "U"}, {"type": "G", "whitelist": ["a", "b;c"]}, {"type": "E", "any_one_of": ["@example\\.com$"], "regex": True}],
}]
LINES = "U: bob\n\n  G: a;x\nE: bob@example.com\n"
# Outside of any configuration, and with one that would be refused.
ENVIRONMENT = {"PATH": os.environ["PATH"], "ARCHSTONE_NO__SUCH_KEY": "x"}


@pytest.fixture
def run(tmp_path):
    def run(*arguments, files=None, stdin=""):
        for name, content in (files or {}).items():
            (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return subprocess.run([BINARY, "mapping", *arguments], cwd=tmp_path, env=ENVIRONMENT, input=stdin, capture_output=True, text=True, timeout=60)

    return run


def result(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("document", [RULES, {"rules": RULES}, {"mapping": {"rules": RULES, "schema_version": "1.0"}}])
def test_rules_come_in_three_forms(run, document):
    mapped = result(run("evaluate", "--rules", "r", "--input", "i", files={"r": document, "i": LINES}))
    assert mapped["user"] == {"name": "bob", "type": "ephemeral"}
    assert mapped["group_names"] == [{"name": "a", "domain": {"name": "D"}}]


def test_assertions_come_as_lines_texts_or_claims(run):
    files = {"r": RULES, "lines": LINES, "texts": {"U": "bob", "G": "a;x", "E": "bob@example.com", "N": 7},
             "claims": {"U": "bob", "G": ["b;c", "x"], "E": "bob@example.com"}}
    names = [result(run("evaluate", "--rules", "r", "--input", name, files=files))["group_names"][0]["name"] for name in ("lines", "texts", "claims")]
    assert names == ["a", "a", "b;c"]


def test_standard_input_serves_for_either(run):
    assert result(run("evaluate", "--rules", "r", "--input", "-", files={"r": RULES}, stdin=LINES))["user"]["name"] == "bob"
    assert result(run("evaluate", "--rules", "-", "--input", "i", files={"i": LINES}, stdin=json.dumps(RULES)))["user"]["name"] == "bob"
    assert run("evaluate", "--rules", "-", "--input", "-").returncode == 1


def test_versions_and_owners(run):
    done = run("evaluate", "--rules", "r", "--input", "i", "--schema-version", "2.0", files={"r": RULES, "i": LINES})
    assert result(done)["user"]["domain"] == {"name": "D"}
    assert run("evaluate", "--rules", "r", "--input", "i", "--schema-version", "4.0").returncode == 1
    short = [{"local": [{"user": {"name": "{0}"}, "group": {"name": "g"}}], "remote": [{"type": "U"}]}]
    assert run("lint", "s", files={"s": short}).returncode == 1
    done = run("evaluate", "--rules", "s", "--input", "i", "--owner", "d1", files={"s": short})
    assert result(done)["group_names"] == [{"name": "g", "domain": {"id": "d1"}}]


def test_exit_codes_tell_a_refused_login_from_a_mistake(run):
    files = {"r": RULES, "i": LINES, "none": "U: bob\n", "bad": "no colon\n", "broken": "{", "nobody": [{"local": [{"group": {"id": "g"}}], "remote": [{"type": "U"}]}]}
    evaluate = lambda rules, given, *more: run("evaluate", "--rules", rules, "--input", given, *more, files=files)  # noqa: E731
    assert evaluate("r", "i").returncode == 0
    assert evaluate("r", "none").returncode == 3 and "Could not map any" in evaluate("r", "none").stderr
    assert evaluate("r", "none", "--explain").returncode == 3
    assert evaluate("nobody", "i").returncode == 3 and json.loads(evaluate("nobody", "i").stdout)["group_ids"] == ["g"]
    for rules, given in (("r", "bad"), ("broken", "i"), ("missing", "i"), ("r", "missing")):
        done = evaluate(rules, given)
        assert done.returncode == 1 and done.stderr.startswith("archstone: ") and done.stdout == ""
    assert run("evaluate").returncode == 2


def test_an_explanation_names_entry_values_and_reason(run):
    files = {"r": RULES, "i": "U: bob\nG: x\nE: bob@example.org\n"}
    done = run("evaluate", "--rules", "r", "--input", "i", "--explain", files=files)
    assert done.returncode == 3
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "rule 0: does not match"
    assert 'FAIL "E" any_one_of (regex) ["@example\\\\.com$"]: no value matches' in lines
    assert 'values ["bob@example.org"]' in lines and "{1} = []" in lines
    document = json.loads(run("evaluate", "--rules", "r", "--input", "i", "--explain", "--json", files=files).stdout)
    entry = document["rules"][0]["remote"][2]
    assert (entry["type"], entry["values"], entry["passed"]) == ("E", ["bob@example.org"], False)
    assert document["error"].startswith("Could not map any")


def test_values_cannot_forge_lines_of_an_explanation(run):
    done = run("evaluate", "--rules", "r", "--input", "i", "--explain", files={"r": RULES, "i": {"U": "x\nuser: ephemeral, name \"root\"", "G": "a", "E": "@example.com"}})
    assert sum(line.startswith("user: ") for line in done.stdout.splitlines()) == 1


def test_lint_tells_every_problem_and_warnings(run):
    broken = [{"local": [{"user": {"name": "{9}"}, "x": 1}], "remote": [{"type": "U"}]}, {"local": [], "remote": [{"type": "U", "any_one_of": ["["], "regex": True}]}]
    done = run("lint", "b", files={"b": broken})
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == ["rules[0].local[0].user.name", "rules[0].local[0]", "rules[1].remote[0].any_one_of[0]"]
    assert len(json.loads(run("lint", "b", "--json", files={"b": broken}).stdout)["errors"]) == 3
    odd = [{"local": [{"user": {"name": "{0}"}, "groups": "a;b", "domain": {"name": "D"}}], "remote": [{"type": "U"}]}]
    done = run("lint", "o", files={"o": odd})
    assert done.returncode == 0 and "semicolon" in done.stdout and done.stdout.endswith("valid, version 1.0\n")


def test_thousands_of_lines_take_no_time(run):
    case = {"rules": RULES, "assertion": {"U": "bob", "G": "a", "E": "bob@example.com"}}
    done = run("evaluate", "--json-lines", stdin="".join(json.dumps(dict(case, id=n)) + "\n" for n in range(5_000)))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == list(range(5_000)) and all(answer["ok"] for answer in answers)
