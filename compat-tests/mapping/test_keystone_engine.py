"""The mapping engine agrees with Keystone's.

Thousands of rules and assertions, written and generated, valid and not, in all versions, go to both, each in its own process.
Archstone must answer every case as Keystone's code does with the deviations of `deviations.json` put into it, and
every one of these must matter to some case.

`ARCHSTONE_BIN` names the binary, `MAPPING_SEEDS` (numbers, separated by commas) and `MAPPING_CASES` change what is generated.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mapping_cases as cases  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
BINARY = os.environ.get("ARCHSTONE_BIN", str(HERE.parent.parent / "target/release/archstone"))
KEYSTONE_VENV = pathlib.Path(os.environ.get("KEYSTONE_VENV", HERE.parent / ".venv-keystone"))
SEEDS = [int(seed) for seed in os.environ.get("MAPPING_SEEDS", "1,2,3").split(",")]
CASES = int(os.environ.get("MAPPING_CASES", "3000"))
TABLE = json.loads((HERE / "deviations.json").read_text())
# Rows that are not met by generated cases.
NOT_CODE = {"bounds"}
TIME_LIMIT = 300


def ask(command, questions):
    text = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=TIME_LIMIT, cwd=HERE)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [question["id"] for question in questions]
    return answers


def archstone(questions):
    """Answers in the peer's form, and as they came."""
    raw = ask([BINARY, "mapping", "evaluate", "--json-lines"], questions)
    answers = []
    for answer in raw:
        if answer["ok"]:
            result = dict(answer["result"])
            assert result["group_ids"] == sorted(result["group_ids"])
            result["group_names"] = sorted(json.dumps(group, sort_keys=True) for group in result["group_names"])
            answers.append(["ok", result])
        else:
            assert answer["error"] and answer["http"] == {"validate": 400, "process": 401}[answer["stage"]]
            answers.append([answer["stage"]])
    return answers, raw


def keystone(questions, *arguments):
    return ask([str(KEYSTONE_VENV / "bin/python"), str(HERE / "peer.py"), *arguments], questions)


def show(question, ours, theirs):
    return "\n  ".join(map(json.dumps, (question, ours, theirs["listed"], theirs["plain"])))


def agree(questions):
    """Both sides' answers, which agree."""
    (ours, raw), theirs = archstone(questions), keystone(questions)
    wrong = [show(q, r, t) for q, o, r, t in zip(questions, ours, raw, theirs) if o != t["listed"]]
    assert not wrong, f"{len(wrong)} of {len(questions)} differ, the first:\n" + "\n".join(wrong[:5])
    return ours, theirs


def test_written_cases_agree():
    ours, theirs = agree(cases.written())
    assert len(ours) > 130 and {answer[0] for answer in ours} == {"ok", "validate", "process"}


@pytest.fixture(scope="module")
def met():
    """How many generated cases each deviation has mattered to."""
    return collections.Counter()


@pytest.mark.parametrize("seed", SEEDS)
def test_generated_cases_agree(seed, met):
    ours, theirs = agree(cases.generate(seed, CASES))
    met.update(name for answer in theirs for name in answer["without"])
    kinds = collections.Counter(answer[0] for answer in ours)
    same = sum(o == t["plain"] for o, t in zip(ours, theirs))
    print(f"seed {seed}: {CASES} cases, {dict(kinds)}, {same} as plain Keystone, deviations {dict(met)}")
    # The cases are worth something: all kinds of answers are common, and most cases meet no deviation.
    assert kinds["ok"] > CASES * 0.15 and kinds["validate"] > CASES * 0.1 and kinds["process"] > CASES * 0.1
    assert same > CASES * 0.4


@pytest.mark.parametrize("seed", SEEDS)
def test_generated_patterns_agree(seed):
    ours, theirs = agree(cases.generate_patterns(seed, CASES))
    kinds = collections.Counter(answer[0] for answer in ours)
    print(f"seed {seed}: {CASES} patterns, {dict(kinds)}")
    assert kinds["ok"] > CASES * 0.3 and kinds["validate"] > CASES * 0.1


def test_every_deviation_matters_to_some_generated_case(met):
    names = json.loads(subprocess.check_output([str(KEYSTONE_VENV / "bin/python"), str(HERE / "peer.py"), "--names"], text=True, timeout=TIME_LIMIT))
    assert {row["id"] for row in TABLE} == set(names) | NOT_CODE
    if met:
        assert set(names) == set(met), "listed, and never met"


@pytest.mark.parametrize("row", [row for row in TABLE if "example" in row], ids=lambda row: row["id"])
def test_a_deviation_shows_in_its_example(row):
    assert all(row[part] for part in ("keystone", "archstone", "reason"))
    (ours,), (theirs,) = agree([{"id": 0, **row["example"]}])
    assert ours != theirs["plain"] and row["id"] in theirs["without"]


def test_a_bad_line_is_answered_and_the_next_one_too():
    good = json.dumps({"id": 1, "rules": [cases.rule(cases.USER, cases.U)], "assertion": {"U": "bob"}})
    lines = [good, "{", "[]", "null", '"x"', "[" * 100_000, '{"id": {"a": 1}}', '{"id": 7, "rules": {}, "assertion": 3}', "\ud800", good]
    done = subprocess.run([BINARY, "mapping", "evaluate", "--json-lines"], input="\n".join(lines).encode("utf-8", "surrogatepass"),
                          capture_output=True, timeout=TIME_LIMIT)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(answers) == len(lines)
    assert [answer["ok"] for answer in answers] == [True] + [False] * 8 + [True]
    assert all(answer["stage"] == "validate" and answer["http"] == 400 for answer in answers[1:-1])
    assert answers[6]["id"] == {"a": 1}
