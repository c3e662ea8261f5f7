"""Settings and codes, told to people."""

import msgspec

from keeptrusts.cli.explain import Setting, explain_code, explain_kind, list_settings
from keeptrusts.config.codes import Code
from keeptrusts.policies.catalog import CATALOG


def test_every_kind_and_every_code_can_be_explained():
    assert all(explain_kind(name).startswith(name) for name in CATALOG)
    assert all(explain_code(code).startswith(code) for code in Code)


def test_every_setting_of_every_kind_is_listed_once():
    for name, kind in CATALOG.items():
        paths = [setting.path for setting in list_settings(name)]
        assert len(paths) == len(set(paths))
        assert {path.partition(".")[0] for path in paths} == {
            field.encode_name for field in msgspec.structs.fields(kind.spec)
        }


def test_bounds_choices_and_defaults_are_told():
    assert list_settings("audit-logger")[0] == Setting("retention_days", "number from 1 to 36500", "default 365")
    assert Setting("encoding.decode_base64", "true | false", "default true") in list_settings("prompt-injection")
    assert Setting("max_daily_usd", "number more than 0 to 1000000000", "required") in list_settings("spend-limit")
    (roles,) = (setting for setting in list_settings("rbac") if setting.path == "roles")
    assert roles.values.startswith("{name: {allowed_models: [text, ...]")


def test_a_kind_that_waits_says_so():
    for name, kind in CATALOG.items():
        assert ("Not supported yet" in explain_kind(name)) is (kind.compile is None)


def test_what_the_spec_says_of_its_settings_is_told():
    assert "The day begins at midnight in `timezone`." in explain_kind("spend-limit")
    assert "Settings of" not in explain_kind("audit-logger")
