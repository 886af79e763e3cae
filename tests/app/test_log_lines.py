"""Log output: chunks become lines, memory is bounded."""

from ktui.model.log_lines import LogBuffer, severity


def test_chunks_are_joined_into_lines_with_stamps() -> None:
    buffer = LogBuffer()
    buffer.feed(0, [b"2026-01-01T00:00:00.123456789Z hel", b"lo\n2026-01-01T00:00:01Z wor"])
    buffer.feed(1, ["결제 완료\n".encode()])
    buffer.feed(0, [b"ld\n"])
    assert [(line.source, line.text) for line in buffer.lines] == [(0, "hello"), (1, "결제 완료"), (0, "world")]
    assert buffer.lines[0].stamp == "2026-01-01T00:00:00.123456789Z"
    assert buffer.last_stamp(0) == "2026-01-01T00:00:01Z"


def test_an_unfinished_last_line_counts_at_the_end() -> None:
    buffer = LogBuffer()
    assert buffer.feed(0, [b"bye"]) == 0
    assert buffer.end(0) == 1
    assert buffer.lines[0].text == "bye"


def test_memory_is_bounded_and_what_fell_out_is_counted() -> None:
    buffer = LogBuffer(lines_max=100)
    for number in range(1000):
        buffer.feed(0, [f"line {number}\n".encode()])
    assert len(buffer.lines) <= 100
    assert buffer.lines[-1].text == "line 999"
    assert buffer.dropped + len(buffer.lines) == 1000


def test_colour_codes_and_control_characters_do_not_reach_the_screen() -> None:
    buffer = LogBuffer()
    buffer.feed(0, [b"\x1b[31mred\x1b[0m\ttab\x07\n", b"\xff\xfe\n"])
    assert buffer.lines[0].text == "red tab"
    assert buffer.lines[1].text == "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_words_of_trouble_are_seen() -> None:
    assert [severity(t) for t in ("GET / 200", "WARN slow", "panic: nil", "failed to connect")] == ["text", "warn", "bad", "bad"]
