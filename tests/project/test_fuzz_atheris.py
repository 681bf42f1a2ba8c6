"""What the fuzzer led by coverage runs, without the fuzzer."""

import pytest

from benchmarks import _fuzz_files, fuzz_atheris


@pytest.mark.slow
def test_every_input_of_the_corpus_is_read_without_a_fault():
    seen = []
    with _fuzz_files.watched() as watch:
        for data in fuzz_atheris.corpus():
            before = watch.runs
            assert fuzz_atheris.tried(watch, fuzz_atheris.KINDS, data) == []
            seen.append(fuzz_atheris.KINDS[data[0]])
            assert watch.runs == before + 1
            assert fuzz_atheris.tried(watch, (), data) == []
    assert set(seen) == set(fuzz_atheris.KINDS)


def test_a_fault_is_seen(monkeypatch):
    data = next(fuzz_atheris.corpus())
    with _fuzz_files.watched() as watch:
        monkeypatch.setattr(_fuzz_files, "main", lambda arguments: print("\x1b[31m") or 0)
        assert "control characters" in fuzz_atheris.tried(watch, fuzz_atheris.KINDS, data)[0]
