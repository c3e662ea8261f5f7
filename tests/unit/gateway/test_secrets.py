"""Where credentials come from, and what is no credential."""

import pytest
from msgspec import UNSET

from keeptrusts.config.targets import SecretRef
from keeptrusts.gateway.secrets import MAX_SECRET_BYTES, Secrets, describe_reference

KEY = "sk-canary-1"


def reveal(secret):
    return secret.reveal() if secret else None


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    return folder


def test_a_variable_is_read_from_the_environment_that_was_given():
    secrets = Secrets({"OPENAI_KEY": KEY}, None)
    assert reveal(secrets.find(SecretRef(env="OPENAI_KEY"))) == KEY
    assert secrets.find(SecretRef(env="OTHER_KEY")) is None


def test_a_variables_twin_names_a_file(tmp_path):
    (tmp_path / "key").write_text(f"\n {KEY}\r\n")
    secrets = Secrets({"OPENAI_KEY_FILE": str(tmp_path / "key")}, None)
    assert reveal(secrets.find_variable("OPENAI_KEY")) == KEY


def test_the_variable_itself_counts_before_its_twin(tmp_path):
    (tmp_path / "key").write_text("from-the-file")
    assert reveal(Secrets({"A": KEY, "A_FILE": str(tmp_path / "key")}, None).find_variable("A")) == KEY


def test_a_twin_without_its_file_is_no_secret(tmp_path):
    assert Secrets({"A_FILE": str(tmp_path / "gone")}, None).find_variable("A") is None
    assert Secrets({"A_FILE": str(tmp_path)}, None).find_variable("A") is None


def test_a_file_is_found_below_the_directory_only(folder):
    (folder / "team").mkdir()
    (folder / "team" / "key").write_text(KEY)
    assert reveal(Secrets({}, folder).find(SecretRef(file="team/key"))) == KEY
    assert Secrets({}, None).find(SecretRef(file="team/key")) is None


@pytest.mark.parametrize("name", ["../outside", "team/../../outside", "{root}/outside", "out", "dir/outside"])
def test_no_way_leads_out_of_the_directory(folder, name):
    outside = folder.parent / "outside"
    outside.write_text(KEY)
    (folder / "team").mkdir()
    (folder / "out").symlink_to(outside)
    (folder / "dir").symlink_to(folder.parent)
    assert Secrets({}, folder).find(SecretRef(file=name.format(root=folder.parent))) is None


def test_a_directory_whose_name_begins_alike_is_outside(folder):
    (folder.parent / "secrets-of-others").write_text(KEY)
    assert Secrets({}, folder).find(SecretRef(file="../secrets-of-others")) is None


@pytest.mark.parametrize(
    "value",
    ["", " \n", "two words", "a\nHost: evil", "a\r\nb", "tab\tbed", "nul\0", "käse", "\x7f", "\x1b[31m", "a\u2028b"],
)
def test_what_cannot_stand_in_a_header_is_no_secret(value, folder):
    (folder / "key").write_bytes(value.encode())
    secrets = Secrets({"A": value, "B_FILE": str(folder / "key")}, folder)
    assert secrets.find_variable("A") is None
    assert secrets.find_variable("B") is None
    assert secrets.find(SecretRef(file="key")) is None


def test_bytes_that_are_no_text_are_no_secret(folder):
    (folder / "key").write_bytes(b"sk-\xff\xfe")
    assert Secrets({}, folder).find(SecretRef(file="key")) is None


def test_a_huge_file_is_not_read_whole(folder):
    (folder / "key").write_bytes(b"x" * (MAX_SECRET_BYTES + 10))
    assert len(reveal(Secrets({}, folder).find(SecretRef(file="key")))) == MAX_SECRET_BYTES


def test_the_store_needs_a_control_plane():
    assert Secrets({"KEY": KEY}, None).find(SecretRef(store="KEY")) is None


def test_a_value_is_read_anew_each_time(folder):
    secrets = Secrets({}, folder)
    for value in ("first-value", "second-value"):
        (folder / "key").write_text(value)
        assert reveal(secrets.find(SecretRef(file="key"))) == value


def test_the_stamp_changes_with_any_file_that_was_asked_for(folder):
    (folder / "key").write_text("first")
    (folder / "other").write_text("x")
    secrets = Secrets({"TOKEN_FILE": str(folder.parent / "token")}, folder)
    secrets.find(SecretRef(file="key"))
    secrets.find_variable("TOKEN")
    stamps = [secrets.stamp()]
    (folder / "other").write_text("y")
    assert secrets.stamp() == stamps[0]
    for change in (
        lambda: (folder / "key").write_text("second"),
        lambda: (folder.parent / "token").write_text("appeared"),
        (folder / "key").unlink,
    ):
        change()
        stamps.append(secrets.stamp())
    assert len(set(stamps)) == 4


def test_the_stamp_follows_links_that_are_swapped(folder):
    """As Kubernetes does: the old directory may still be there."""
    for version in ("v1", "v2"):
        (folder / version).mkdir()
        (folder / version / "key").write_text(f"value-{version}")
    (folder / "..data").symlink_to("v1")
    (folder / "key").symlink_to("..data/key")
    secrets = Secrets({}, folder)
    assert reveal(secrets.find(SecretRef(file="key"))) == "value-v1"
    before = secrets.stamp()
    (folder / "..new").symlink_to("v2")
    (folder / "..new").rename(folder / "..data")
    assert secrets.stamp() != before
    assert reveal(secrets.find(SecretRef(file="key"))) == "value-v2"


def test_the_stamp_tells_nothing_about_the_values(folder):
    (folder / "key").write_text(KEY)
    secrets = Secrets({}, folder)
    secrets.find(SecretRef(file="key"))
    assert KEY.encode() not in secrets.stamp()
    assert KEY not in repr(secrets.find(SecretRef(file="key")))


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (SecretRef(env="TEAM_KEY"), "the variable TEAM_KEY"),
        (SecretRef(file="key"), "the file key below KEEPTRUSTS_SECRETS_DIR"),
        (SecretRef(store="TEAM_KEY"), "TEAM_KEY in a store"),
        (UNSET, "nothing"),
    ],
)
def test_what_is_looked_for_is_named(reference, words):
    assert describe_reference(reference) == words
