"""Tools: whose they are, and how they are called."""

import pytest

from keeptrusts.providers.openai.tools import describe_tools, tool_family


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("web_search", "web_search"),
        ("web_search_preview", "web_search"),
        ("web_search_preview_2025_03_11", "web_search"),
        ("web_search_2025_08_26", "web_search"),
        ("code_interpreter", "code_interpreter"),
        ("mcp", "mcp"),
    ],
)
def test_tools_are_known_without_their_version(kind, family):
    assert tool_family(kind) == family
    assert describe_tools({"tools": [{"type": kind}, {"type": kind}]}) == ((family, family), (family,))


@pytest.mark.parametrize("kind", ["function", "custom", "local_shell", "apply_patch", "computer_use_preview"])
def test_tools_that_the_client_runs_are_not_the_providers(kind):
    assert describe_tools({"tools": [{"type": kind, "name": "n"}]})[1] == ()


def test_switches_are_tools_too():
    assert describe_tools({"web_search_options": {}, "data_sources": [{}], "tools": None})[1] == (
        "web_search",
        "data_sources",
    )


@pytest.mark.parametrize("tools", ["x", [5, None], [{"type": ["x"]}]])
def test_what_is_no_tool_never_counts_as_the_clients(tools):
    assert describe_tools({"tools": tools})[1] == (("unknown",) if tools == [{"type": ["x"]}] else ())


def test_names_of_functions_old_and_new():
    tree = {
        "functions": [{"name": "a"}],
        "tools": [{"type": "function", "function": {"name": "b"}}, {"type": "function"}],
    }
    assert describe_tools(tree) == (("b", "function", "a"), ())


def test_a_tool_that_gives_itself_two_names_is_known_by_both():
    tool = {"type": "function", "name": "second", "function": {"name": "first"}}
    assert describe_tools({"tools": [tool]}) == (("first", "second"), ())
