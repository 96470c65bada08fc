"""What the package carries beside its code."""

from __future__ import annotations

from hybrid.files import carried, joined


def test_a_module_reads_the_file_of_its_name() -> None:
    assert carried("hybrid.text.words")["months"][0].startswith("january ")


def test_a_pattern_of_several_lines_is_one() -> None:
    pattern = r"""
      \b{{thing}}{1,2} (?:says|
      tells)\b
    """
    assert joined(pattern, thing="lease") == r"\blease{1,2} (?:says|tells)\b"
