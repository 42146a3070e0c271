"""The main job on texts: folders, tables, JSON lines, strings of symbols; then prediction of texts as they come."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from quick_models import quick_model
from report_again import check_report_again

import netpick
from netpick.cli.commands import main

GOOD = ["good", "fine", "lovely", "great", "pleasant", "warm"]
BAD = ["bad", "awful", "dreary", "poor", "nasty", "cold"]
OTHER = ["the", "a", "film", "book", "day", "was", "seemed", "very", "and", "it", "that", "place", "we", "saw"]


def sentences(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts in which one word of feeling among many others tells the class."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for row in range(count):
        words = list(generator.choice(OTHER, generator.integers(5, 12)))
        words.insert(int(generator.integers(len(words))), str(generator.choice([BAD, GOOD][row % 2])))
        texts.append(" ".join(words))
        labels.append(["bad", "good"][row % 2])
    return texts, labels


def run(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["netpick", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    caught = capsys.readouterr()
    return int(ended.value.code or 0), caught.out + caught.err


def test_json_lines_from_the_first_look_to_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, labels = sentences(300)
    texts[5], texts[7] = "", texts[9].upper()
    rows = [json.dumps({"review": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    data = tmp_path / "reviews.jsonl"
    data.write_text("\n".join(rows))
    code, seen = run(["look", str(data)], capsys, monkeypatch)
    assert code == 0
    assert "Networks that fit: mlp, cnn, rnn, transformer." in seen
    assert "1 of 300 texts in 'review' (0.33%) are empty: row 6." in seen
    out = tmp_path / "run"
    code, seen = run(["fit", str(data), "--steps", "60", "--models", "cnn,mlp", "--out", str(out)], capsys, monkeypatch)
    assert code == 0
    assert "'review' is read by words, in lower case: the" in seen
    report = json.loads((out / "report.json").read_text())
    assert {"tf-idf + linear", "tf-idf + naive bayes"} <= {b["name"] for b in report["baselines"]}
    assert max(c["test"]["accuracy"]["value"] for c in report["candidates"]) > 0.9
    page = (out / "report.html").read_text()
    assert "'review' is read by words" in page or "&#x27;review&#x27; is read by words" in page
    code, seen = run(["predict", str(out), "we saw a lovely film", "it was a nasty place"], capsys, monkeypatch)
    assert code == 0
    assert [line.split(",")[1] for line in seen.strip().splitlines()] == ["prediction", "good", "bad"]


def test_every_network_on_class_folders_and_files_as_rows(tmp_path: Path) -> None:
    texts, labels = sentences(160)
    for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
        path = tmp_path / "mail" / label / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    result = netpick.fit(tmp_path / "mail", steps=8, out=tmp_path / "run")
    assert {c.name: c.status for c in result.results.candidates} == dict.fromkeys(
        ("mlp", "cnn", "rnn", "transformer"), "ok"
    )
    (tmp_path / "new.txt").write_text("that day was awful and cold\n")
    answers = result.model.predict(tmp_path / "new.txt")
    assert answers.height == 1
    assert result.model.predict(tmp_path / "mail").height == 160
    assert result.model.predict(["very warm", "so poor", ""]).height == 3
    assert result.model.predict({"text": "a great book"}).height == 1
    assert set(result.model.score(tmp_path / "mail")) >= {"accuracy", "f1"}
    check_report_again(result.folder)


def test_strings_of_symbols_by_the_line(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for name, letters, motif in (("odd", "acgt", "tata"), ("even", "acgt", "gcgc")):
        rows = ["".join(generator.choice(list(letters), 9)) for _ in range(120)]
        lines = "\n".join(
            row[:cut] + motif + row[cut:] for row, cut in zip(rows, generator.integers(0, 9, 120), strict=True)
        )
        (tmp_path / f"{name}.txt").write_text(lines)
    result = netpick.fit(tmp_path, models="rnn,cnn", steps=80, out=tmp_path / "run")
    assert max(c.test["accuracy"].value for c in result.results.candidates) > 0.85
    assert any("by characters" in note.text for note in result.results.schema.notes)
    (tmp_path / "new.txt").write_text("aatataa\nccgcgcc\n")
    assert result.model.predict(tmp_path / "new.txt").height == 2


@pytest.mark.parametrize("task", ["regress", "multilabel"])
def test_numbers_and_several_labels_from_texts(task: str, tmp_path: Path) -> None:
    texts, labels = sentences(200, seed=1)
    good = np.array([label == "good" for label in labels])
    frame = pl.DataFrame({"note": texts})
    if task == "regress":
        frame = frame.with_columns(stars=pl.Series(3.0 + good + np.random.default_rng(0).normal(0, 0.1, 200)))
        target: list[str] = ["stars"]
    else:
        frame = frame.with_columns(kind=pl.Series(good), short=pl.Series([len(t.split()) < 8 for t in texts]))
        target = ["kind", "short"]
    result = netpick.fit(frame, target=target, models="cnn", steps=60, out=tmp_path / "run")
    assert result.results.target.task == task
    (candidate,) = result.results.candidates
    assert candidate.status == "ok"
    assert any(b.name == "tf-idf + linear" for b in result.results.baselines)
    assert result.model.predict(frame.head(3)).height == 3


def test_copies_of_a_text_stay_on_one_side(tmp_path: Path) -> None:
    texts, labels = sentences(200)
    frame = pl.DataFrame({"note": [*texts, *(t.upper() + " " for t in texts[:80])], "label": [*labels, *labels[:80]]})
    seen = netpick.look(frame)
    assert not [f for f in seen.findings if f.code == "D001"]
    (copies,) = [f for f in seen.findings if f.code == "D015"]
    assert "All copies are on one side of the split." in copies.advice
    groups = [
        {t.lower().strip() for t in frame["note"].gather(rows).to_list()}
        for rows in (seen.split.train, seen.split.test)
    ]
    assert not groups[0] & groups[1]


def test_sms_spam_is_understood_without_a_word(shared_data: Path) -> None:
    seen = netpick.look(shared_data / "sms_spam")
    assert [(f.name, f.kind, f.role) for f in seen.schema.fields] == [
        ("column_1", "category", "target"),
        ("column_2", "text", "feature"),
    ]
    assert any(f.code == "D015" for f in seen.findings)


def test_sst2_keeps_its_own_parts(shared_data: Path) -> None:
    seen = netpick.look(shared_data / "sst2")
    assert (len(seen.split.train), len(seen.split.validation), len(seen.split.test)) == (6920, 872, 1821)
    assert [f.kind for f in seen.schema.features] == ["text"]


def test_titanic_learns_from_its_names_too(shared_data: Path) -> None:
    seen = netpick.look(shared_data / "tables" / "titanic.csv", target="Survived")
    kinds = {f.name: f.kind for f in seen.schema.features}
    assert kinds["Name"] == "text"
    assert "Ticket" not in kinds


def test_a_fasttext_file_is_answered_line_by_line(tmp_path: Path) -> None:
    texts, labels = sentences(120)
    lines = [f"__label__{label} {text}" for text, label in zip(texts, labels, strict=True)]
    (tmp_path / "train.txt").write_text("\n".join(lines))
    model = quick_model(str(tmp_path / "train.txt"), models="mlp")
    (tmp_path / "new.txt").write_text("\n".join(lines[:5]))
    (tmp_path / "plain.txt").write_text("\n".join(texts[:5]))
    labelled, plain = model.predict(str(tmp_path / "new.txt")), model.predict(str(tmp_path / "plain.txt"))
    assert len(labelled) == len(plain) == 5
    assert labelled["probability_good"].to_list() == plain["probability_good"].to_list()
    assert model.score(str(tmp_path / "new.txt"))["accuracy"].n == 5
