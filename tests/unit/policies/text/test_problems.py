from keeptrusts.policies.text.problems import InvalidSettingsError, SettingProblem


def test_the_error_tells_all_and_carries_the_first():
    error = InvalidSettingsError([SettingProblem("a[0]", "is wrong", "do b"), SettingProblem("c", "is worse")])
    assert str(error) == "a[0]: is wrong\nc: is worse"
    assert (error.path, error.message, error.suggestion) == ("a[0]", "is wrong", "do b")
    assert len(error.problems) == 2
