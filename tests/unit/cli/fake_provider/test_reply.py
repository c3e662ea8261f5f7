from keeptrusts.cli.fake_provider.reply import data_event, named_event


def test_an_event_ends_with_a_blank_line():
    assert data_event({"a": 1}) == b'data: {"a":1}\n\n'


def test_a_named_event_bears_its_type_twice():
    assert named_event({"type": "ping"}) == b'event: ping\ndata: {"type":"ping"}\n\n'
