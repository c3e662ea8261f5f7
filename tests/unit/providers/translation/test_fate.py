from keeptrusts.providers.translation.fate import shown


def test_only_names_of_the_protocol_are_shown():
    assert shown("top_k") == "top_k"
    for name in ("Anna's secret", "", "a" * 41, "x\n", "1"):
        assert shown(name) == "a member that is not known"
